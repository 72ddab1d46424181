import type { Answer } from "../../client.ts";
import { drawFrom, drawSecret } from "../../corpora/secrets/generate.ts";
import { SECRET_KINDS } from "../../corpora/secrets/kinds.ts";
import { fieldsOf, readRun, type RunReading } from "../../run-reading.ts";
import type { Scenario, ScenarioContext } from "../../scenario.ts";
import type { Role } from "../../target.ts";
import type { McpBench } from "../../guard-benches.ts";
import { lookUntil } from "../../wait.ts";
import {
  awaitEnd,
  awaitGate,
  deputyOf,
  sayNo,
  sayYes,
  sinkCall,
  speakFor,
  submitCall,
  submitMarked,
} from "../deputy-moves.ts";
import { approveUntilEnd, downloadArtifacts } from "../moves.ts";

/** Of kinds that every scanner of the trade knows, so that nobody can say they were too odd; each fits a label. */
const KINDS: readonly string[] = [
  "github_pat",
  "gitlab_pat",
  "anthropic",
  "stripe_live",
  "slack_bot",
  "npm",
  "sendgrid",
  "google_api",
];

const ROLES: readonly Role[] = ["requester", "approver", "other_principal", "other_tenant"];

/** Of a long text a log may keep the beginning only. */
const SHOWN_OF_CHANGE = 3;

/** What stands in a sink may be there in any of these forms. */
const FORMS: readonly (readonly [name: string, encode: (secret: string) => string])[] = [
  ["raw", (secret) => secret],
  ["percent-encoded", encodeURIComponent],
  ["hex", (secret) => Buffer.from(secret).toString("hex")],
  ["JSON-escaped", (secret) => JSON.stringify(secret).slice(1, -1)],
  ["base64", (secret) => core(secret, 0)],
  ["base64, second alignment", (secret) => core(secret, 1)],
  ["base64, third alignment", (secret) => core(secret, 2)],
  // A log that drops a part at a border must not keep the rest.
  ["first half", (secret) => secret.slice(0, Math.ceil(secret.length / 2))],
  ["second half", (secret) => secret.slice(Math.floor(secret.length / 2))],
];

/** What people and programs write round a secret; a redactor that knows it at the beginning of a line knows little. */
const ROUND: readonly ((secret: string) => string)[] = [
  (secret) => `Take ${secret} for it.`,
  (secret) => `token=${secret};`,
  (secret) => `{"api_key":"${secret}"}`,
  (secret) => `https://reader:${secret}@host.example/path`,
  (secret) => `Authorization: Bearer ${secret}`,
  (secret) => `export KEY='${secret}'`,
  (secret) => `- ${secret}`,
  (secret) => secret,
];

/** A line for each. */
const inText = (canaries: readonly string[]): string =>
  canaries.map((canary, at) => ROUND[at % ROUND.length]?.(canary) ?? canary).join("\n");

/** The characters of a base64 text that are this secret's alone, whatever stands before and behind it. */
function core(secret: string, offset: number): string {
  const encoded = Buffer.from("\0".repeat(offset) + secret)
    .toString("base64")
    .replaceAll("=", "");
  return encoded.slice(Math.ceil((offset * 4) / 3) + 1, -2);
}

export const secretRedactionOnLogs: Scenario = {
  id: "harness_security/secret_redaction_on_logs",
  title: "No secret is kept or shown by any sink, in any encoding",
  tier: 0,
  phase: "unit",
  why: "Credential leakage and compliance exposure: a log, a trace or an error is read by more people than any vault.",
  remedy:
    "Put one redactor before every sink: log, trace, metric label, audit event, stored answer, event stream, view, artifact, error. Mask every secret the harness was ever given by value, in all its encodings and over chunk borders; then what looks like one, by rule.",
  needs: ["submit"],
  invariants: ["secrets-stay-out"],
  implies: { events: ["run_queued"] },
  warnings: ["model call failed", "an MCP tool is not what was pinned; its calls are refused"],
  seed: "backend/tests/harness_security/test_secret_redaction_on_logs.py",
  timeLimitMs: 600_000,
  run: async (context) => {
    const canaries = drawCanaries(context);
    const given = ROLES.flatMap((role) => context.target.key(role) ?? []);
    await provokeErrors(context, canaries);
    const run = await submitWithCanaries(context, canaries);
    await context.part("the finished run, its events and artifacts hold none", ["approve"], async () => {
      const [requester, approver] = [context.client("requester"), context.client("approver")];
      await approveUntilEnd(context, requester, approver, run, inText(canaries.slice(0, 4)));
    });
    await readViews(context, run, [...canaries, ...given]);
    await context.part(
      "what a model, its provider and a run's outputs say",
      ["approve", "deputy"],
      async () => {
        await speakSecrets(context, canaries);
      },
    );
    await context.part("an edit that is refused", ["approve", "deputy"], async () => {
      await refuseEdits(context, canaries);
    });
    const { mcp } = context.target;
    await context.part("what a server of tools says", ["approve", "deputy", "mcp"], async () => {
      if (mcp !== undefined) await hearServer(context, mcp, canaries);
    });
    await context.part("what is written behind the API holds none", ["inspect.sinks"], async () => {
      await readSinks(context, [...canaries, ...given]);
    });
  },
};

/** More than anybody looks at who looks at the beginning of a text. */
const FAR = "All is well. ".repeat(800);

/** Two in one line, one beside what is no ASCII, and one far from where the text begins. */
const hardToFind = ([one = "", two = "", three = "", four = ""]: readonly string[]): string =>
  `${one} ${two}\n密钥：${three}。\n${FAR}\n${four}`;

function drawCanaries(context: ScenarioContext): string[] {
  return SECRET_KINDS.filter(({ name }) => KINDS.includes(name)).map((kind) =>
    drawSecret(kind, drawFrom(`${context.seed}/${context.unique(kind.name)}`)),
  );
}

function checkAbsent(context: ScenarioContext, sink: string, text: string, secrets: readonly string[]): void {
  for (const [at, secret] of secrets.entries()) {
    const form = FORMS.find(([, encode]) => text.includes(encode(secret)));
    // The finding names the canary by its number: a report is a sink, too.
    context.check(`${sink} holds no secret`, form === undefined, form && `secret ${at}, ${form[0]}`);
  }
}

const send = async (
  context: ScenarioContext,
  method: string,
  path: string,
  body: string | null,
  headers: Readonly<Record<string, string>> = {},
): Promise<Answer> =>
  await context.client("requester").request({
    method,
    path,
    headers: { accept: "application/json", "content-type": "application/json", ...headers },
    body: body === null ? null : Buffer.from(body, "utf8"),
  });

/** Refusals quote what they refuse, unless somebody thought of it. */
async function provokeErrors(context: ScenarioContext, canaries: readonly string[]): Promise<void> {
  const [first = "", second = first] = canaries;
  const id = context.unique("refused");
  const keyed = { "idempotency-key": id };
  const answers: readonly (readonly [string, Answer])[] = [
    [
      "an unknown member",
      await send(context, "POST", "/api/harness/run", JSON.stringify({ [first]: second }), keyed),
    ],
    [
      "a wrong value",
      await send(context, "POST", "/api/harness/run", JSON.stringify({ task: { [second]: first } }), keyed),
    ],
    ["a body that is not JSON", await send(context, "POST", "/api/harness/run", `{"task": ${first}`, keyed)],
    ["an unknown run", await send(context, "GET", `/api/harness/runs/${encodeURIComponent(first)}`, null)],
    [
      "an unknown path",
      await send(context, "GET", `/api/harness/${encodeURIComponent(second)}?token=${first}`, null),
    ],
    [
      "an unknown approval",
      await send(
        context,
        "POST",
        "/api/harness/approve",
        JSON.stringify({ approval_id: first, decision: second }),
      ),
    ],
    [
      "a wrong key",
      await send(context, "GET", "/api/harness/runs", null, { authorization: `Bearer ${first}` }),
    ],
  ];
  for (const [what, answer] of answers) {
    context.precondition(`${what} is refused`, answer.status >= 400);
    const headers = JSON.stringify(answer.headers);
    checkAbsent(context, `the refusal of ${what}`, `${headers}\n${answer.text}`, canaries);
  }
  context.read(
    "refusals",
    answers.map(([what, { status }]) => `${what}: ${status}`),
  );
}

/** Into every place of a request where a person can write something. */
async function submitWithCanaries(context: ScenarioContext, canaries: readonly string[]): Promise<string> {
  const body = fieldsOf(context.target.gatedTask.body);
  const [plain, word] = [context.unique("plain"), context.unique("word")];
  const labels = {
    ...Object.fromEntries(canaries.map((canary, at) => [`note-${at}`, canary])),
    plain,
  };
  const client = context.client("requester");
  const marked = await client.submit(
    {
      ...body,
      task: `${String(body["task"])}\n${inText(canaries)}\n${hardToFind(canaries)}\nThe word ${word} is none of them.`,
      labels: { ...fieldsOf(body["labels"]), ...labels },
    },
    context.unique("run"),
  );
  checkAbsent(context, "the answer to a submission", marked.text, canaries);
  // A harness may refuse a label that is a secret; that is an answer, too.
  const accepted = marked.status === 202 ? marked : await client.submit(body, context.unique("run"));
  const id = readRun(accepted.json)?.id;
  context.precondition("a run can be submitted", accepted.status === 202 && id !== undefined);
  // A harness that shows nothing leaks nothing, and is of no use.
  if (marked.status === 202)
    for (const shown of [plain, word])
      context.check("what is no secret is shown beside what is", marked.text.includes(shown), marked.json);
  context.read("labels with secrets", marked.status === 202 ? "accepted" : `refused with ${marked.status}`);
  return id ?? "";
}

/** A provider's words go to the log, a model's to the answer, a tool's to the patch of what was changed. */
async function speakSecrets(context: ScenarioContext, canaries: readonly string[]): Promise<void> {
  const bench = deputyOf(context);
  const spoken = speakFor(context);
  const said = inText(canaries);
  const [requester, approver] = [context.client("requester"), context.client("approver")];
  const mark = context.unique("task");
  spoken.say(mark, [
    (times) => (times === 1 ? { fault: { kind: "status", status: 503, word: said } } : { text: said }),
  ]);
  const id = await submitMarked(context, "requester", mark);
  await approveUntilEnd(context, requester, approver, id);
  context.precondition("the provider's failure was met", spoken.asked(mark) > 1);
  await readViews(context, id, canaries);
  const written = await submitCall(context, spoken, "requester", bench.writing(said));
  const run = await approveUntilEnd(context, requester, approver, written.id);
  // A question shows what would be done; what is kept and handed on must not.
  await context.part("the artifacts of a run that writes them", ["artifacts"], async () => {
    // Refused, with nothing handed on, or carried out, with the secrets taken out.
    const isHandedOn = run.status === "succeeded";
    context.check("only a run that succeeds has artifacts", run.artifacts.length > 0 === isHandedOn, {
      status: run.status,
      artifacts: run.artifacts.length,
    });
    for (const { artifact, bytes } of await downloadArtifacts(context, requester, run))
      checkAbsent(context, `artifact ${artifact.name}`, Buffer.from(bytes).toString("utf8"), canaries);
  });
}

/** A refusal says why, and the reason is in the arguments that somebody wrote. */
async function refuseEdits(context: ScenarioContext, canaries: readonly string[]): Promise<void> {
  const call = deputyOf(context).writing(context.unique("edited"));
  const spoken = speakFor(context);
  const [requester, said] = [context.client("requester"), canaries.slice(0, 2).join(" ")];
  const { id } = await submitCall(context, spoken, "requester", call);
  const gate = await awaitGate(context, requester, id);
  const edits = [
    { ...call.arguments, [canaries[0] ?? ""]: "an argument that no tool has" },
    Object.fromEntries(Object.keys(call.arguments).map((name) => [name, `../../${said}`])),
  ];
  let refused = 0;
  for (const edited of edits) {
    const answer = await sayYes(context, "approver", gate, { arguments: edited });
    // Whoever takes it shows what it will do: that is what the question is for.
    if (answer.status < 400) continue;
    refused += 1;
    checkAbsent(context, "the refusal of an edit", answer.text, canaries);
  }
  context.precondition("a senseless edit is refused", refused > 0);
  await sayNo(context, "approver", gate);
  await awaitEnd(context, requester, id);
}

/** Its tool's results and its tool's failures are shown; that it says something else of its tool may be logged. */
async function hearServer(
  context: ScenarioContext,
  { tool, server }: McpBench,
  canaries: readonly string[],
): Promise<void> {
  const spoken = speakFor(context);
  const [requester, approver] = [context.client("requester"), context.client("approver")];
  const said = inText(canaries);
  const call = async (): Promise<string> => {
    const { id } = await submitCall(context, spoken, "requester", sinkCall(tool, context.unique("call")));
    await approveUntilEnd(context, requester, approver, id);
    return id;
  };
  try {
    for (const [what, isError] of [
      ["result", false],
      ["error", true],
    ] as const) {
      const before = server.calls().length;
      server.answerWith({ text: said, isError });
      const id = await call();
      context.precondition(`the server's ${what} was met`, server.calls().length > before);
      await readViews(context, id, canaries, `of a run whose tool says it as its ${what}`);
    }
    const mark = context.unique("changed");
    const changed = `${server.tool.description} ${mark} ${canaries.slice(0, SHOWN_OF_CHANGE).join(" ")}`;
    server.say([{ ...server.tool, description: changed }]);
    server.announce();
    await readViews(context, await call(), canaries, "of a run whose tool changed");
    await awaitLogged(context, mark);
  } finally {
    server.answerWith(null);
    server.say([server.tool]);
  }
}

/** Nobody has to log it; whoever does may need a moment. */
async function awaitLogged(context: ScenarioContext, word: string): Promise<void> {
  if (!context.capabilities.has("inspect.sinks")) return;
  const { satisfied } = await lookUntil(
    async () => (await context.target.inspect?.readSinks?.())?.["log"] ?? "",
    (log) => log.includes(word),
    { timeoutMs: context.pace.holdMs, signal: context.signal },
  );
  context.read("the server's change", satisfied ? "logged" : "not logged");
}

async function readViews(
  context: ScenarioContext,
  id: string,
  secrets: readonly string[],
  which = "of the run",
): Promise<void> {
  const client = context.client("requester");
  const view = await client.getRun(id);
  context.precondition("the run can be read", view.status === 200);
  checkAbsent(context, `the view ${which}`, view.text, secrets);
  await context.part("the list", ["list"], async () => {
    const answer = await client.listRuns("limit=100");
    context.check("the list shows the run", answer.status === 200 && answer.text.includes(id), answer.status);
    checkAbsent(context, "the list of runs", answer.text, secrets);
  });
  await context.part("the events", ["events"], async () => {
    const answer = await client.listEvents(id, 0);
    const isShown = answer.status === 200 && answer.text.includes(id);
    context.check("the events of the run are shown", isShown, answer.status);
    checkAbsent(context, `the events ${which}`, answer.text, secrets);
  });
  await context.part("the event stream", ["event_stream"], async () => {
    const stream = await client.streamEvents(id);
    const isTold = stream.status === 200 && stream.events.length > 0;
    context.check("the stream tells the run's events", isTold, stream.status);
    checkAbsent(
      context,
      "the event stream",
      stream.events.map((event) => JSON.stringify(event)).join(""),
      secrets,
    );
  });
  const run: RunReading | null = readRun(view.json);
  if (run === null) return;
  await context.part("the artifacts", ["artifacts"], async () => {
    for (const { artifact, bytes } of await downloadArtifacts(context, client, run))
      checkAbsent(context, `artifact ${artifact.name}`, Buffer.from(bytes).toString("utf8"), secrets);
  });
}

/** What no request shows: log, exported spans and metrics. */
async function readSinks(context: ScenarioContext, secrets: readonly string[]): Promise<void> {
  const sinks = Object.entries((await context.target.inspect?.readSinks?.()) ?? {});
  context.precondition(
    "there are sinks with something in them",
    sinks.some(([, text]) => text !== ""),
  );
  for (const [name, text] of sinks) checkAbsent(context, name, text, secrets);
  context.read(
    "sinks behind the API",
    sinks.map(([name, text]) => `${name}: ${text.length} characters`),
  );
}
