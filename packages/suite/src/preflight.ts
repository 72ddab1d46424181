// Before the first trial: is anybody there, do they speak the three endpoints, and is what the caller gave (keys, the
// body of a run) good there? What is wrong with the command must not stand in a report as a fault of the harness.

import { randomUUID } from "node:crypto";
import { type NotOffered, notOffered } from "./offered.ts";
import { askPatiently, type Patience } from "./patience.ts";
import { PreconditionMissing } from "./precondition.ts";
import { fieldsOf, idOf, IdIsNumber } from "./run-reading.ts";
import { NoAnswer, type HttpAnswer, type HttpRequest, send } from "./http.ts";

/** What the process ends with; the highest row that applies is taken from the top. */
export const EXIT = {
  ok: 0,
  /** A scenario failed, or broke. */
  failed: 1,
  usage: 2,
  /** Nobody answers, or it is no harness that does, or one whose ids are no texts. */
  unreachable: 3,
  /** Nothing failed, but something could not be found out: inconclusive, or skipped under --require-complete. */
  incomplete: 4,
} as const;

export type Refusal = { readonly exit: number; readonly message: string };

export type Given = {
  readonly urls: readonly string[];
  /** Keys, by the option that gave them. */
  readonly keys: Readonly<Record<string, string | undefined>>;
  /** Who submits; null: the harness is asked nothing of runs. */
  readonly requester: string | null;
  readonly runBody: unknown;
  /** The harness takes back what was submitted to try it. */
  readonly cancels: boolean;
  /** Told of what the harness turned out not to have. */
  readonly lacks?: (missing: NotOffered) => void;
  readonly metrics?: readonly string[];
  readonly metricsKey?: string | null;
};

const TIMEOUT_MS = 10_000;
const WORDS_MAX = 300;
const never = new AbortController().signal;

// Of the form that a harness like Assent gives; another one refuses it as it refuses any id that it does not know.
const UNKNOWN_RUN = `/api/harness/runs/run_${"0".repeat(32)}`;

const bearer = (key: string | null): Record<string, string> =>
  key === null ? {} : { authorization: `Bearer ${key}` };

/** For what the harness's own limits refuse: a key is no worse for having been used a moment ago. */
const PATIENCE: Patience = { secondsMax: 60, waited: () => undefined };

const ask = async (url: string, request: HttpRequest): Promise<HttpAnswer> =>
  await askPatiently(
    request,
    async () => await send(url, request, { timeoutMs: TIMEOUT_MS, signal: never }),
    PATIENCE,
    never,
  );

function jsonOf(answer: HttpAnswer): unknown {
  try {
    return JSON.parse(Buffer.from(answer.bytes).toString("utf8")) as unknown;
  } catch {
    return undefined;
  }
}

/** What an answer says of itself, for people; one line. */
function wordsOf(answer: HttpAnswer): string {
  const fields = fieldsOf(jsonOf(answer));
  const said = [fields["detail"], fields["title"], fields["error"]].find(
    (text): text is string => typeof text === "string",
  );
  // What a stranger's server says must not steer a terminal.
  const shown = said === undefined ? "" : `: ${said.replaceAll(/\p{Cc}/gu, " ").slice(0, WORDS_MAX)}`;
  return `${answer.status}${shown}`;
}

const submission = (key: string | null, body: unknown): HttpRequest => ({
  method: "POST",
  path: "/api/harness/run",
  headers: {
    ...bearer(key),
    "content-type": "application/json",
    ...(key === null ? {} : { "idempotency-key": `assent-suite-${randomUUID()}` }),
  },
  body: JSON.stringify(body),
});

const usage = (message: string): Refusal => ({ exit: EXIT.usage, message });

/**
 * What a port of the suite's own that could not be had is to its caller.
 * @throws what is anything else
 */
export function refusalOfPort(error: unknown, what: string): Refusal {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  if (!["EADDRINUSE", "EACCES", "EADDRNOTAVAIL"].includes(code)) throw error;
  return usage(`${what}: that port cannot be listened on (${code}); give another, or end what has it`);
}
const unreachable = (message: string): Refusal => ({ exit: EXIT.unreachable, message });

/** @returns why no trial would tell anything, or null */
export async function refusalOf(given: Given): Promise<Refusal | null> {
  // Such a key would fail in every request, far from its cause. It is not said back: it may be most of a good one.
  const odd = Object.entries(given.keys).find(([, key]) => key !== undefined && !/^[\x21-\x7e]+$/.test(key));
  if (odd !== undefined) return usage(`${odd[0]} is no key: printable ASCII without spaces, and not empty`);
  try {
    for (const url of given.urls) {
      const refused = (await refusalOfPlace(url, given)) ?? (await refusalOfKeys(url, given));
      if (refused !== null) return refused;
    }
    return (await refusalOfMetrics(given)) ?? (await refusalOfBody(given));
  } catch (error) {
    if (error instanceof NoAnswer)
      return unreachable(`${given.urls.join(" ")} stopped answering: ${error.message}`);
    if (error instanceof IdIsNumber)
      return unreachable(`${given.urls.join(" ")} does not speak the contract: ${error.message}`);
    // Over a limit for longer than it is waited: no scenario could ask anything.
    if (error instanceof PreconditionMissing) return { exit: EXIT.incomplete, message: error.message };
    throw error;
  }
}

async function refusalOfPlace(url: string, { requester }: Given): Promise<Refusal | null> {
  let health: HttpAnswer;
  try {
    // Whatever it says: somebody is there.
    health = await ask(url, { method: "GET", path: "/healthz", headers: {}, body: null });
  } catch (error) {
    if (error instanceof NoAnswer) return unreachable(`nobody answers at ${url}`);
    throw error;
  }
  if (requester === null) return null;
  // Any harness refuses this, for want of a key or of a task. One that takes it shows that in a trial.
  const answer = await ask(url, submission(null, {}));
  const isHarness =
    ![404, 405, 501].includes(answer.status) &&
    (answer.status >= 400 || (answer.status < 300 && jsonOf(answer) !== undefined));
  return isHarness
    ? null
    : unreachable(
        `what answers at ${url} is no harness: POST /api/harness/run is answered ${answer.status} ` +
          `(GET /healthz: ${health.status}); give the base URL of one with the three endpoints`,
      );
}

async function refusalOfKeys(url: string, { keys }: Given): Promise<Refusal | null> {
  for (const [option, key] of Object.entries(keys)) {
    if (key === undefined) continue;
    const answer = await ask(url, { method: "GET", path: UNKNOWN_RUN, headers: bearer(key), body: null });
    if (answer.status === 401)
      return usage(`${url} refuses the key of ${option} (${wordsOf(answer)}); give one that is good there`);
  }
  return null;
}

async function refusalOfMetrics({ metrics = [], metricsKey = null }: Given): Promise<Refusal | null> {
  for (const url of metrics) {
    const { origin, pathname, search } = new URL(url);
    const answer = await ask(origin, {
      method: "GET",
      path: `${pathname}${search}`,
      headers: bearer(metricsKey),
      body: null,
    });
    if (answer.status !== 200) return usage(`there are no metrics at ${url} (${wordsOf(answer)})`);
  }
  return null;
}

/** The run that every scenario begins with: where it is refused, they would all fail for that alone. */
async function refusalOfBody({ urls, requester, runBody, cancels, lacks }: Given): Promise<Refusal | null> {
  const [url] = urls;
  if (requester === null || url === undefined) return null;
  const answer = await ask(url, submission(requester, runBody));
  if (answer.status >= 400 && answer.status < 500 && answer.status !== 429)
    return usage(
      `${url} refuses the run of --run-body (${wordsOf(answer)}); ` +
        "give the body of a run that it takes, that stops at a gate and leaves a patch",
    );
  const id = idOf(fieldsOf(jsonOf(answer)), "a run");
  if (answer.status !== 202 || id === "") return null;
  const asRequester = async (request: HttpRequest): Promise<HttpAnswer> =>
    await ask(url, { ...request, headers: { ...bearer(requester), ...request.headers } });
  if (lacks !== undefined) for (const missing of await notOffered(asRequester, id)) lacks(missing);
  if (!cancels) return null;
  await ask(url, {
    method: "POST",
    path: `/api/harness/runs/${encodeURIComponent(id)}/cancel`,
    headers: { ...bearer(requester), "idempotency-key": `assent-suite-${randomUUID()}` },
    body: null,
  });
  return null;
}
