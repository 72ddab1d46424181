import { generateKeyPairSync } from "node:crypto";
import type { Answer } from "../../client.ts";
import type { HttpRequest } from "../../http.ts";
import { contentDigest, signedRequest, type SuiteSigningKey } from "../../request-signature.ts";
import { fieldsOf, isProblem, readRun, textOf } from "../../run-reading.ts";
import type { ScenarioContext, Scenario } from "../../scenario.ts";
import type { SigningBench } from "../../target.ts";
import { approveUntilEnd } from "../moves.ts";

/** Twice the window: no clock that is right takes it. */
const STALE_SECONDS = 600;
/** A clock that is so far off, either way, is an honest caller's: it lies well within the window. */
const SKEWED_SECONDS = 120;
/** Copies of one request that are at their servers in the same moment. */
const RACING_COPIES = 16;
/** Signed requests between a capture and its replay: more than a list of some length remembers. */
const REQUESTS_BETWEEN = 120;
/** Pages of access events that are read at most. */
const PAGES_MAX = 100;

const RUN_PATH = "/api/harness/run";

export const replayAttackIdempotencyEnforced: Scenario = {
  id: "harness_e2e/replay_attack_idempotency_enforced",
  title: "Captured bytes are worth nothing: a signed request is carried out once",
  tier: 1,
  phase: "e2e",
  why: "Whoever reads one request on its way could have it carried out again, or another one in its name.",
  remedy:
    "RFC 9421 signatures with one fixed coverage over method, authority, path, query, body digest and idempotency key; created within 300 seconds; nonces in the database, taken only by signatures that verify; a retry is signed anew and keeps its idempotency key.",
  needs: ["submit", "list", "signing"],
  invariants: ["accepted-once", "one-key-one-run"],
  implies: {
    spans: ["POST /api/harness/run"],
    metrics: [["http_server_request_duration_count", { http_response_status_code: "401" }]],
    events: ["run_queued"],
  },
  seed: "backend/tests/harness_e2e/test_replay_attack_idempotency_enforced.py",
  timeLimitMs: 600_000,
  run: async (context) => {
    const attack = prepare(context);
    await context.part("refusals can be counted", ["access_events"], async () => {
      attack.refusalsBefore = await countRefusals(context, attack.bench);
    });
    const first = await replayAccepted(context, attack);
    await raceCopies(context, attack);
    await openNothingUnsigned(context, attack, first.id);
    await alterUnused(context, attack, first.id);
    await refuseTimesAndSigners(context, attack, first.captured);
    await retry(context, attack, first);
    await outlast(context, attack, first);
    await context.part("replays are refused after a restart", ["restart"], async () => {
      await context.target.restart?.();
      for (const captured of attack.accepted)
        await refuse(context, attack, "accepted bytes, after a restart", captured);
      await retry(context, attack, first);
    });
    await context.part("the effect happens once", ["approve", "tool_sink"], async () => {
      await finishOnce(context, attack, first);
    });
    await countRuns(context, attack);
    await context.part("every refusal is recorded", ["access_events"], async () => {
      const now = await countRefusals(context, attack.bench);
      const recorded = now - attack.refusalsBefore;
      context.read("refusals", { sent: attack.refusals, recorded });
      context.check("each refusal leaves an access event", recorded === attack.refusals, {
        sent: attack.refusals,
        recorded,
      });
    });
  },
};

type Attack = {
  readonly bench: SigningBench;
  readonly trial: string;
  readonly authority: string;
  /** What was carried out: none of it may be so again. */
  readonly accepted: HttpRequest[];
  readonly runs: Set<string>;
  refusals: number;
  refusalsBefore: number;
};

type First = { readonly captured: HttpRequest; readonly id: string };

function prepare(context: ScenarioContext): Attack {
  const [bench, url] = [context.target.signing, context.target.endpoints()[0]];
  if (bench === undefined || url === undefined) throw new Error("unreachable: the scenario needs both");
  return {
    bench,
    trial: context.unique("trial"),
    authority: new URL(url).host,
    accepted: [],
    runs: new Set(),
    refusals: 0,
    refusalsBefore: 0,
  };
}

// What an eavesdropper has of one request: its bytes, with the bearer key.
function capture(
  context: ScenarioContext,
  { bench, trial, authority }: Attack,
  change: {
    readonly idempotencyKey?: string;
    readonly ageSeconds?: number;
    readonly key?: SuiteSigningKey;
  } = {},
): HttpRequest {
  const body = fieldsOf(context.target.gatedTask.body);
  const labels = { ...fieldsOf(body["labels"]), trial };
  const request: HttpRequest = {
    method: "POST",
    path: RUN_PATH,
    headers: {
      authorization: `Bearer ${bench.bearer}`,
      accept: "application/json",
      "content-type": "application/json",
      "idempotency-key": change.idempotencyKey ?? context.unique("idem"),
    },
    body: JSON.stringify({ ...body, labels }),
  };
  const created = Math.floor(Date.now() / 1_000) - (change.ageSeconds ?? 0);
  return signedRequest(request, change.key ?? bench.key, {
    authority,
    nonce: context.unique("nonce-of-the-suite"),
    created,
  });
}

const withHeaders = (request: HttpRequest, headers: HttpRequest["headers"]): HttpRequest => ({
  ...request,
  headers: { ...request.headers, ...headers },
});

function without(request: HttpRequest, names: readonly string[]): HttpRequest {
  const headers = Object.entries(request.headers).filter(([name]) => !names.includes(name));
  return { ...request, headers: Object.fromEntries(headers) };
}

function otherTask(request: HttpRequest, digestToo: boolean): HttpRequest {
  const body = fieldsOf(JSON.parse(String(request.body)));
  const text = JSON.stringify({ ...body, task: `${textOf(body["task"])} (and something else)` });
  const altered = { ...request, body: text };
  return digestToo ? withHeaders(altered, { "content-digest": contentDigest(text) }) : altered;
}

// A harness may answer to its own name only (421), so the name stays.
function otherPort(authority: string): string {
  const { hostname, port } = new URL(`http://${authority}`);
  return `${hostname}:${port === "1" ? 2 : 1}`;
}

async function send(context: ScenarioContext, request: HttpRequest, endpoint = 0): Promise<Answer> {
  return await context.client("requester", endpoint).request(request);
}

async function refuse(
  context: ScenarioContext,
  attack: Attack,
  what: string,
  request: HttpRequest,
  endpoint = 0,
): Promise<void> {
  const answer = await send(context, request, endpoint);
  attack.refusals += 1;
  context.check(`401: ${what}`, answer.status === 401 && isProblem(answer), answer.status);
}

async function accept(
  context: ScenarioContext,
  attack: Attack,
  what: string,
  captured: HttpRequest,
): Promise<string> {
  const answer = await send(context, captured);
  const id = readRun(answer.json)?.id ?? "";
  context.check(`202: ${what}`, answer.status === 202 && id !== "", answer.status);
  attack.accepted.push(captured);
  attack.runs.add(id);
  return id;
}

async function replayAccepted(context: ScenarioContext, attack: Attack): Promise<First> {
  const captured = capture(context, attack);
  const id = await accept(context, attack, "a signed request", captured);
  await refuse(context, attack, "the same bytes at once", captured);
  const otherKey = withHeaders(captured, { "idempotency-key": context.unique("idem") });
  await refuse(context, attack, "accepted bytes under another idempotency key", otherKey);
  await context.part("no other server takes them", ["two_processes"], async () => {
    for (let endpoint = 1; endpoint < context.target.endpoints().length; endpoint += 1)
      await refuse(context, attack, "the same bytes at another server", captured, endpoint);
  });
  return { captured, id };
}

async function raceCopies(context: ScenarioContext, attack: Attack): Promise<void> {
  const captured = capture(context, attack);
  const answers = await context.race(
    Array.from({ length: RACING_COPIES }, (_, endpoint) => ({
      role: "requester" as const,
      endpoint,
      request: captured,
    })),
  );
  const taken = answers.filter(({ status }) => status === 202);
  const refused = answers.filter(({ status }) => status === 401);
  attack.refusals += refused.length;
  context.check(
    "of copies that race one is taken, and all others are a 401",
    taken.length === 1 && refused.length === RACING_COPIES - 1,
    answers.map(({ status }) => status),
  );
  attack.accepted.push(captured);
  attack.runs.add(readRun(taken[0]?.json)?.id ?? "none");
}

// One capture that never arrived, altered in every way but one: that it is taken in the end as it stood shows that
// each refusal was for what had been altered.
async function alterUnused(context: ScenarioContext, attack: Attack, id: string): Promise<void> {
  const captured = capture(context, attack);
  const input = captured.headers["signature-input"] ?? "";
  const altered: Readonly<Record<string, HttpRequest>> = {
    "another path": { ...captured, path: `/api/harness/runs/${id}/cancel` },
    "another query": { ...captured, path: `${RUN_PATH}?again=1` },
    "another body": otherTask(captured, false),
    "another body with its own digest": otherTask(captured, true),
    "another idempotency key": withHeaders(captured, { "idempotency-key": context.unique("idem") }),
    "another host": withHeaders(captured, { host: otherPort(attack.authority) }),
    "a new nonce under the old signature": withHeaders(captured, {
      "signature-input": input.replace(/nonce="[^"]*"/, `nonce="${context.unique("nonce-of-the-thief")}"`),
    }),
    "a later date under the old signature": withHeaders(captured, {
      "signature-input": input.replace(/created=\d+/, (made) => `created=${Number(made.slice(8)) + 1}`),
    }),
    "less coverage under the old signature": withHeaders(captured, {
      "signature-input": input.replace(' "idempotency-key"', ""),
    }),
    "no signature": without(captured, ["signature", "signature-input"]),
  };
  for (const [what, request] of Object.entries(altered)) await refuse(context, attack, what, request);
  const run = readRun((await context.client("requester").getRun(id)).json);
  context.check("the run that was to be called off is not", run !== null && run.status !== "cancelled", run);
  await accept(context, attack, "the bytes as they stood, after every refusal", captured);
}

async function refuseTimesAndSigners(
  context: ScenarioContext,
  attack: Attack,
  captured: HttpRequest,
): Promise<void> {
  const stale = capture(context, attack, { ageSeconds: STALE_SECONDS });
  await refuse(context, attack, "signed before the window", stale);
  const early = capture(context, attack, { ageSeconds: -STALE_SECONDS });
  await refuse(context, attack, "signed after the window", early);
  for (const ageSeconds of [SKEWED_SECONDS, -SKEWED_SECONDS]) {
    const skewed = capture(context, attack, { ageSeconds });
    await accept(context, attack, "signed within the window, by a clock that is off", skewed);
    await refuse(context, attack, "the same bytes, by a clock that is off", skewed);
  }
  const privateKey = generateKeyPairSync("ed25519").privateKey.export({ type: "pkcs8", format: "pem" });
  const forged = capture(context, attack, {
    key: { id: attack.bench.key.id, privateKey: String(privateKey) },
  });
  await refuse(context, attack, "signed with another private key", forged);
  await context.part("a signature is its principal's", ["second_principal"], async () => {
    const authorization = `Bearer ${context.target.key("other_principal")}`;
    const fresh = withHeaders(capture(context, attack), { authorization });
    await refuse(context, attack, "a signature beside somebody else's bearer key", fresh);
  });
  await context.part("a signature is its tenant's", ["second_tenant"], async () => {
    const authorization = `Bearer ${context.target.key("other_tenant")}`;
    await refuse(
      context,
      attack,
      "accepted bytes, in another tenant",
      withHeaders(captured, { authorization }),
    );
    // That tenant's trail has it.
    attack.refusals -= 1;
  });
}

async function retry(context: ScenarioContext, attack: Attack, { captured, id }: First): Promise<void> {
  const idempotencyKey = captured.headers["idempotency-key"] ?? "";
  const again = capture(context, attack, { idempotencyKey });
  const answer = await send(context, again);
  context.check(
    "an honest retry, signed anew under the same key, gets the same run",
    answer.status === 202 &&
      readRun(answer.json)?.id === id &&
      answer.headers["idempotent-replayed"] === "true",
    { status: answer.status, id: readRun(answer.json)?.id },
  );
  attack.accepted.push(again);
  await refuse(context, attack, "the bytes of the retry", again);
}

const effectsOf = ({ target }: ScenarioContext): number =>
  [...(target.sink?.effects().values() ?? [])].reduce((sum, times) => sum + times, 0);

async function finishOnce(context: ScenarioContext, attack: Attack, { captured, id }: First): Promise<void> {
  const before = effectsOf(context);
  const run = await approveUntilEnd(context, context.client("requester"), context.client("approver"), id);
  context.check("the run succeeds", run.status === "succeeded", run.status);
  await refuse(context, attack, "accepted bytes, after the run has ended", captured);
  const effects = effectsOf(context) - before;
  context.check("its effect has happened once", effects === context.target.gatedTask.sinkEffects, effects);
}

/** The signer's own request that reads, unsigned; with its key it is what an honest caller sends. */
const reading = (bench: SigningBench, path: string): HttpRequest => ({
  method: "GET",
  path,
  headers: { authorization: `Bearer ${bench.bearer}`, accept: "application/json" },
  body: null,
});

const signedReading = (context: ScenarioContext, { bench, authority }: Attack, path: string): HttpRequest =>
  signedRequest(reading(bench, path), bench.key, {
    authority,
    nonce: context.unique("nonce-of-the-suite"),
    created: Math.floor(Date.now() / 1_000),
  });

/** Whoever guards only the way in lets a thief of the bearer key read what is there, and end it. */
async function openNothingUnsigned(context: ScenarioContext, attack: Attack, id: string): Promise<void> {
  const { bench } = attack;
  for (const path of [`${RUN_PATH}s`, `${RUN_PATH}s/${id}`, `${RUN_PATH}s/${id}/events`])
    await refuse(context, attack, "the bearer key alone, to read", reading(bench, path));
  const ending = { ...reading(bench, `${RUN_PATH}s/${id}/cancel`), method: "POST", body: "{}" };
  const headers = { "content-type": "application/json", "idempotency-key": context.unique("idem") };
  await refuse(context, attack, "the bearer key alone, to call a run off", withHeaders(ending, headers));
}

/** What is remembered of nonces has a bound in time, and none in number. */
async function outlast(context: ScenarioContext, attack: Attack, { captured, id }: First): Promise<void> {
  const statuses = new Map<number, number>();
  let last = captured;
  for (let sent = 0; sent < REQUESTS_BETWEEN; sent += 1) {
    last = signedReading(context, attack, `${RUN_PATH}s/${id}`);
    const { status } = await send(context, last);
    statuses.set(status, (statuses.get(status) ?? 0) + 1);
  }
  // What is over a quota was verified first, and has used its nonce up as well.
  context.check(
    "signed requests that read are taken, or told to come again",
    [...statuses.keys()].every((status) => status === 200 || status === 429) && statuses.has(200),
    [...statuses],
  );
  await refuse(context, attack, "the bytes of one that read", last);
  await refuse(context, attack, `accepted bytes, after ${REQUESTS_BETWEEN} others`, captured);
}

async function countRuns(context: ScenarioContext, attack: Attack): Promise<void> {
  const { trial, runs } = attack;
  const answer = await send(
    context,
    signedReading(context, attack, `${RUN_PATH}s?limit=100&label=trial:${trial}`),
  );
  const rows: unknown = fieldsOf(answer.json)["data"];
  context.check("runs can be listed", answer.status === 200 && Array.isArray(rows), answer.status);
  const ids = (Array.isArray(rows) ? rows : []).map((row: unknown) => readRun(row)?.id ?? "none");
  context.check(
    "there are no runs but those of the honest requests",
    ids.length === runs.size && ids.every((id) => runs.has(id)),
    { ids, honest: [...runs] },
  );
}

async function countRefusals(context: ScenarioContext, { auditor }: SigningBench): Promise<number> {
  let before = "";
  let refusals = 0;
  for (let page = 0; page < PAGES_MAX; page += 1) {
    const answer = await send(context, {
      method: "GET",
      path: `/api/harness/access-events${before}`,
      headers: { authorization: `Bearer ${auditor}`, accept: "application/json" },
      body: null,
    });
    const { data, next } = fieldsOf(answer.json);
    context.check("access events can be read", answer.status === 200 && Array.isArray(data), answer.status);
    if (!Array.isArray(data)) return refusals;
    refusals += data.filter((row: unknown) => fieldsOf(row)["kind"] === "signature_refused").length;
    if (typeof next !== "string") return refusals;
    before = `?before=${next}`;
  }
  context.precondition(`the access events fit ${PAGES_MAX} pages`, false);
  return refusals;
}
