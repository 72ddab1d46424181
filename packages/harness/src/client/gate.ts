// For agent loops that are not ours: each of their calls passes through a harness before it is made. One function,
// `gate`, stands between a model's wish and a tool (docs/external-runs.md).

import {
  type ActionAnswer,
  actionAnswerSchema,
  actionRequestSchema,
  EXTERNAL_WAIT_SECONDS_MAX,
  type ExternalRunRequest,
  type ModelCallReport,
  type PlanAnswer,
  planAnswerSchema,
  type PlanRequest,
  type ProposedAction,
  type Run,
  type ResultAnswer,
  type RunId,
  resultAnswerSchema,
  runSchema,
  runSummarySchema,
} from "@assent/contract";
import { ask, cleanJson, cleanText, post, resultJson } from "./gate-request.ts";
import { GATE_WAIT_SLACK_MS } from "./limits.ts";
import type { Connection } from "./request.ts";
import type { RequestSigningKey } from "./sign.ts";
import { takeBack, type Undo } from "./take-back.ts";

export { GateFailure } from "./gate-request.ts";
export { type DoneCall, NotTakenBack, type Undo, type Undoing } from "./take-back.ts";
export { type RequestSigningKey, type RequestToSign, signRequest } from "./sign.ts";

export type GateConnection = {
  /** Where the harness is, without a path. */
  readonly url: string;
  /** With the scope `runs:write`. */
  readonly key: string;
  /** Requests are signed with it, where there is one: of a principal that must sign nothing else is taken. */
  readonly signing?: RequestSigningKey | null;
  readonly fetch?: typeof globalThis.fetch;
};

export type GateRun = Omit<ExternalRunRequest, "driver">;

type Args = Readonly<Record<string, unknown>>;

export type Execution = {
  /** The idempotency key to hand to whatever carries the call out, where that can take one. */
  readonly effectId: string;
};

export type Gated<T> =
  | {
      readonly decision: "permit";
      readonly output: T;
      readonly label: "trusted" | "untrusted";
      /** Of a tool in the run's `handles`: give the model this text and nothing of `output`. */
      readonly kept?: ResultAnswer["kept"];
    }
  /** Not executed. Tell the model why; it may propose another call. */
  | { readonly decision: "deny"; readonly reasons: ActionAnswer["reasons"] };

/** What the loop did by itself since its last request, for the run's trace. */
export type Told = { readonly modelCalls?: readonly ModelCallReport[] };

export type Gate = {
  readonly run: RunId;
  /**
   * Proposes the call, waits while a person is asked, and runs `execute` only with a permit, on a copy of exactly what
   * was permitted: handles in `args` (`$v3.email`) are resolved by the harness by then. What it returns, or that it
   * failed, is reported before this returns.
   * @throws what `execute` throws, once that is reported; GateFailure where the harness cannot be reached or refuses
   */
  readonly gate: <T>(
    tool: string,
    args: Args,
    execute: (args: Args, execution: Execution) => Promise<T>,
    told?: Told,
  ) => Promise<Gated<T>>;
  /** Asks for one approval of all these calls; propose it before anything untrusted is read. Does not wait. */
  readonly plan: (calls: PlanRequest["calls"]) => Promise<PlanAnswer>;
  readonly finish: (output: unknown, told?: Told) => Promise<Run>;
  /** What the run did is taken back next: go on with {@link Gate.takeBack}. */
  readonly fail: (error: string, told?: Told) => Promise<Run>;
  /** Takes back what the run did, once it has failed or was called off; resolves with the run when it has ended. */
  readonly takeBack: (undo: Undo) => Promise<Run>;
};

/** Submits a run that the caller drives. @throws GateFailure */
export async function openGate(options: GateConnection, run: GateRun): Promise<Gate> {
  const connection = connectionOf(options);
  const body = { ...run, driver: "external" };
  const { id } = await post(connection, "/api/harness/run", body, runSummarySchema);
  const path = `/api/harness/runs/${id}`;
  return {
    run: id,
    gate: async (tool, args, execute, told = {}) =>
      await passGate(connection, path, { tool, args, execute, told }),
    plan: async (calls) => await post(connection, `${path}/plan`, { calls }, planAnswerSchema),
    finish: async (output, told = {}) =>
      await post(connection, `${path}/finish`, { output: cleanJson(output), ...wordsOf(told) }, runSchema),
    fail: async (error, told = {}) =>
      await post(connection, `${path}/finish`, { error: cleanText(error), ...wordsOf(told) }, runSchema),
    takeBack: async (undo) => await takeBack(connection, path, undo),
  };
}

/**
 * Takes back what a run did whose driver was ended before it could; by the principal that submitted the run.
 * @throws GateFailure
 */
export async function takeBackRun(options: GateConnection, run: RunId, undo: Undo): Promise<Run> {
  return await takeBack(connectionOf(options), `/api/harness/runs/${run}`, undo);
}

const connectionOf = (options: GateConnection): Connection => ({
  ...options,
  fetch: options.fetch ?? globalThis.fetch,
});

const wordsOf = ({ modelCalls }: Told): object =>
  modelCalls === undefined ? {} : { model_calls: modelCalls };

type Passing<T> = {
  readonly told: Told;
  readonly tool: string;
  readonly args: Args;
  readonly execute: (args: Args, execution: Execution) => Promise<T>;
};

async function passGate<T>(
  connection: Connection,
  path: string,
  { tool, args, execute, told }: Passing<T>,
): Promise<Gated<T>> {
  // What is sent is what is executed, whatever the caller does to its object meanwhile.
  const proposal = JSON.stringify({ tool, arguments: args, ...wordsOf(told) });
  const copy = (): ProposedAction => actionRequestSchema.parse(JSON.parse(proposal));
  const proposed = await post(connection, `${path}/actions`, copy(), actionAnswerSchema);
  const action = `${path}/actions/${proposed.action_id}`;
  let answer = proposed;
  while (answer.decision === "needs_approval") answer = await waitForDecision(connection, action);
  if (answer.decision === "deny") return { decision: "deny", reasons: answer.reasons };
  const report = async (result: unknown): Promise<ResultAnswer> =>
    await post(connection, `${action}/result`, result, resultAnswerSchema);
  const permitted = answer.arguments ?? copy().arguments;
  let output: T;
  try {
    output = await execute(permitted, { effectId: answer.effect_id ?? proposed.action_id });
  } catch (error) {
    await report({ error: cleanText(error instanceof Error ? error.message : String(error)) });
    throw error;
  }
  return { decision: "permit", output, ...(await report({ output: resultJson(output) })) };
}

/**
 * What the model is told of its call: why it was denied, the handle of a result that is kept from it, or the result.
 * A loop that gives its model nothing else keeps its word about `handles`.
 */
export function textForModel(gated: Gated<unknown>): string {
  if (gated.decision === "deny") return `Denied: ${gated.reasons.map((reason) => reason.detail).join(" ")}`;
  if (gated.kept !== undefined) return gated.kept.text;
  const told = typeof gated.output === "string" ? gated.output : resultJson(gated.output);
  return typeof told === "string" ? told : JSON.stringify(told);
}

async function waitForDecision(connection: Connection, action: string): Promise<ActionAnswer> {
  return await ask(
    connection,
    {
      method: "GET",
      path: `${action}?wait=${EXTERNAL_WAIT_SECONDS_MAX}`,
      timeoutMs: EXTERNAL_WAIT_SECONDS_MAX * 1_000 + GATE_WAIT_SLACK_MS,
    },
    actionAnswerSchema,
  );
}
