// What stands between the model and the world: a harness over HTTP (docs/external-runs.md), or nothing at all.

import { randomUUID } from "node:crypto";
import { Agent } from "node:http";
import { canonicalJson } from "../canonical-json.ts";
import { send } from "../http.ts";
import { fieldsOf, textOf } from "../run-reading.ts";
import { type Call, type Json, type Tools, wireOf } from "./world.ts";

/** What is shown to whoever approves: read off the approval, never taken from the driver. */
export type Shown = { readonly tool: string; readonly arguments: unknown };

/** Null: nobody can be asked. */
export type Approver = ((shown: Shown) => boolean) | null;

export type Answer = {
  readonly permitted: boolean;
  /** The approval that was asked for; null where no question was put. */
  readonly shown: Shown | null;
  /** For a report: what the harness says of the call. */
  readonly reasons: readonly string[];
  readonly labels: { readonly [pointer: string]: string };
  report(output: Json): Promise<void>;
};

/** What became of a plan: taken, or refused for these of its calls. */
export type PlanOutcome = { readonly taken: boolean; readonly unfit: readonly number[] };

export type Session = {
  /** Declares calls before anything was read, where nobody can be asked. */
  plan(calls: readonly Call[]): Promise<PlanOutcome>;
  propose(call: Call): Promise<Answer>;
  finish(): Promise<void>;
};

export type Harness = {
  readonly name: string;
  open(task: string, tools: Tools, approver: Approver): Promise<Session>;
};

/** The baseline: whatever the model wants is done. */
export const NO_HARNESS: Harness = {
  name: "no harness",
  open: async () => ({
    plan: async () => ({ taken: true, unfit: [] }),
    propose: async () => ({
      permitted: true,
      shown: null,
      reasons: [],
      labels: {},
      report: async () => undefined,
    }),
    finish: async () => undefined,
  }),
};

export type Connection = {
  readonly url: string;
  readonly requesterKey: string;
  readonly approverKey: string;
};

/** The harness answered what the wire contract does not allow here. */
export class UnexpectedAnswer extends Error {
  override readonly name = "UnexpectedAnswer";
  /** Of the answer; 0 where its body, not its status, is what was unexpected. */
  readonly status: number;
  constructor(message: string, status = 0) {
    super(message);
    this.status = status;
  }
}

/** Finds what hangs; a harness under load may take its time. */
const TIMEOUT_MS = 60_000;
/** Of one request that waits for a decision which has been made already. */
const WAIT_SECONDS = 20;
/** More connections than players. */
const SOCKETS_MAX = 32;

type Ask = (
  key: string,
  method: "GET" | "POST",
  path: string,
  body?: unknown,
) => Promise<Readonly<Record<string, unknown>>>;

function createAsk(url: string, agent: Agent): Ask {
  return async (key, method, path, body) => {
    const request = {
      method,
      path,
      headers: {
        authorization: `Bearer ${key}`,
        accept: "application/json",
        ...(body === undefined
          ? {}
          : { "content-type": "application/json", "idempotency-key": randomUUID() }),
      },
      body: body === undefined ? null : JSON.stringify(body),
    };
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    const answer = await send(url, request, { timeoutMs: TIMEOUT_MS, signal, agent });
    const text = Buffer.from(answer.bytes).toString("utf8");
    if (answer.status >= 300)
      throw new UnexpectedAnswer(`${method} ${path}: ${answer.status} ${text}`, answer.status);
    return fieldsOf(JSON.parse(text));
  };
}

export type ConnectedHarness = Harness & {
  /** How often the harness failed (5xx) at an approval, which was then given again. */
  failures(): number;
  close(): void;
};

/** @returns a harness whose runs the suite drives, and what ends its connections */
export function connectHarness({ url, requesterKey, approverKey }: Connection): ConnectedHarness {
  let failures = 0;
  const onFailure = (): void => {
    failures += 1;
  };
  const agent = new Agent({ keepAlive: true, maxSockets: SOCKETS_MAX });
  const ask = createAsk(url, agent);
  return {
    name: url,
    failures: () => failures,
    close: () => {
      agent.destroy();
    },
    open: async (task, tools, approver) => {
      const run = await ask(requesterKey, "POST", "/api/harness/run", {
        driver: "external",
        task,
        tools: [...tools.values()].map(wireOf),
        approver: approver === null ? "none" : "ask",
      });
      const path = `/api/harness/runs/${textOf(run["id"])}`;
      return {
        plan: async (calls) => await declare(ask, requesterKey, path, calls),
        propose: async (call) =>
          await propose({ ask, path, requesterKey, approverKey, onFailure }, call, approver),
        finish: async () => {
          await ask(requesterKey, "POST", `${path}/finish`, { output: "Done." });
        },
      };
    },
  };
}

/** @throws what is neither taken nor refused as the wire contract has it */
async function declare(ask: Ask, key: string, path: string, calls: readonly Call[]): Promise<PlanOutcome> {
  try {
    const answer = await ask(key, "POST", `${path}/plan`, { calls });
    if (answer["decision"] !== "permit")
      throw new UnexpectedAnswer(`${path}/plan: ${textOf(answer["decision"])}, and there is nobody to ask`);
    return { taken: true, unfit: [] };
  } catch (error) {
    if (!(error instanceof UnexpectedAnswer) || ![409, 422].includes(error.status)) throw error;
    return { taken: false, unfit: placesIn(error.message) };
  }
}

/** Of the calls that a refusal is about: it names them by JSON pointers. */
const placesIn = (refusal: string): readonly number[] =>
  [...refusal.matchAll(/#\/calls\/(\d+)/g)].map(([, place]) => Number(place));

type Driven = {
  readonly ask: Ask;
  readonly path: string;
  readonly requesterKey: string;
  readonly approverKey: string;
  readonly onFailure: () => void;
};

async function propose(driven: Driven, call: Call, approver: Approver): Promise<Answer> {
  const { ask, path, requesterKey } = driven;
  const proposed = await ask(requesterKey, "POST", `${path}/actions`, call);
  const action = `${path}/actions/${textOf(proposed["action_id"])}`;
  let decision = textOf(proposed["decision"]);
  let shown: Shown | null = null;
  if (decision === "needs_approval") {
    if (approver === null) throw new UnexpectedAnswer(`${action}: asks, and there is nobody to ask`);
    shown = await decide(driven, textOf(proposed["approval_id"]), approver);
    const later = await ask(requesterKey, "GET", `${action}?wait=${WAIT_SECONDS}`);
    decision = textOf(later["decision"]);
  }
  if (decision !== "permit" && decision !== "deny")
    throw new UnexpectedAnswer(`${action}: ${decision} after a decision`);
  return {
    permitted: decision === "permit",
    shown,
    reasons: reasonsOf(proposed["reasons"]),
    labels: Object.fromEntries(
      Object.entries(fieldsOf(proposed["labels"])).map(([pointer, label]) => [
        pointer,
        textOf(fieldsOf(label)["origin"]),
      ]),
    ),
    report: async (output) => {
      await ask(requesterKey, "POST", `${action}/result`, { output });
    },
  };
}

const reasonsOf = (reasons: unknown): readonly string[] =>
  Array.isArray(reasons)
    ? reasons.map((reason: unknown) => textOf(fieldsOf(reason)["policy"]) || textOf(fieldsOf(reason)["code"]))
    : [];

/** As a person does: reads what is asked, and answers for exactly that. */
async function decide(
  { ask, path, approverKey, onFailure }: Driven,
  id: string,
  approver: (shown: Shown) => boolean,
): Promise<Shown> {
  const run = await ask(approverKey, "GET", path);
  const approvals: readonly unknown[] = Array.isArray(run["approvals"]) ? run["approvals"] : [];
  const approval = approvals.map(fieldsOf).find((each) => each["id"] === id);
  if (approval === undefined) throw new UnexpectedAnswer(`${path}: the approval ${id} is not shown`);
  const action = fieldsOf(approval["action"]);
  const shown = { tool: textOf(action["tool"]), arguments: action["arguments"] };
  const answer = approver(shown)
    ? { approval_id: id, decision: "approve", action_digest: approval["action_digest"] }
    : { approval_id: id, decision: "deny", comment: "Not what was asked for." };
  await insist(async () => await ask(approverKey, "POST", "/api/harness/approve", answer), onFailure);
  return shown;
}

/** A person whose click meets a failed server clicks again. Counted, so that it does not go unseen. */
const CLICKS_MAX = 5;

async function insist(click: () => Promise<unknown>, onFailure: () => void): Promise<void> {
  for (let clicks = 1; ; clicks += 1) {
    try {
      await click();
      return;
    } catch (error) {
      if (!(error instanceof UnexpectedAnswer) || error.status < 500 || clicks >= CLICKS_MAX) throw error;
      onFailure();
    }
  }
}

export const isShown = ({ tool, arguments: args }: Shown, call: Call): boolean =>
  canonicalJson({ tool, arguments: args }) === canonicalJson(call);
