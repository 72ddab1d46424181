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
import type { z } from "zod";
import type { ClientFailure } from "./failure.ts";
import { GATE_ATTEMPTS_MAX, GATE_RETRY_DELAY_MS, GATE_WAIT_SLACK_MS } from "./limits.ts";
import { type Connection, type Exchange, exchangeJson } from "./request.ts";

export { type RequestSigningKey, type RequestToSign, signRequest } from "./sign.ts";

export type GateConnection = {
  /** Where the harness is, without a path. */
  readonly url: string;
  /** With the scope `runs:write`. */
  readonly key: string;
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
  readonly fail: (error: string, told?: Told) => Promise<Run>;
};

/** The harness could not be asked, or refused the request. Nothing may be executed on the strength of it. */
export class GateFailure extends Error {
  override readonly name = "GateFailure";
  readonly failure: ClientFailure;
  constructor(failure: ClientFailure) {
    super(describe(failure));
    this.failure = failure;
  }
}

function describe(failure: ClientFailure): string {
  if (failure.kind === "refused") return `${failure.problem.code}: ${failure.problem.detail}`;
  return failure.kind === "aborted" ? "aborted" : failure.detail;
}

/** Submits a run that the caller drives. @throws GateFailure */
export async function openGate(options: GateConnection, run: GateRun): Promise<Gate> {
  const connection: Connection = { ...options, fetch: options.fetch ?? globalThis.fetch };
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
  };
}

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
  return { decision: "permit", output, ...(await report({ output: cleanJson(output) })) };
}

/**
 * What the model is told of its call: why it was denied, the handle of a result that is kept from it, or the result.
 * A loop that gives its model nothing else keeps its word about `handles`.
 */
export function textForModel(gated: Gated<unknown>): string {
  if (gated.decision === "deny") return `Denied: ${gated.reasons.map((reason) => reason.detail).join(" ")}`;
  if (gated.kept !== undefined) return gated.kept.text;
  return typeof gated.output === "string" ? gated.output : JSON.stringify(cleanJson(gated.output));
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

// Every request has a key of its own, so that asking again after a lost answer does nothing twice.
async function post<T>(
  connection: Connection,
  path: string,
  body: unknown,
  schema: z.ZodType<T>,
): Promise<T> {
  const headers = { "idempotency-key": crypto.randomUUID() };
  return await ask(connection, { method: "POST", path, body, headers }, schema);
}

async function ask<T>(connection: Connection, request: Exchange, schema: z.ZodType<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    const answer = await exchangeJson(connection, request, schema);
    if (answer.ok) return answer.value;
    if (attempt >= GATE_ATTEMPTS_MAX || !passesByItself(answer.error)) throw new GateFailure(answer.error);
    await pause(GATE_RETRY_DELAY_MS * 2 ** (attempt - 1));
  }
}

const passesByItself = (failure: ClientFailure): boolean =>
  failure.kind === "unreachable" ||
  (failure.kind === "refused" && (failure.problem.status === 503 || failure.problem.status === 429));

async function pause(ms: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  setTimeout(() => resolve(undefined), ms);
  await promise;
}

// The harness takes no NUL and no half of a surrogate pair: neither has a canonical form.
const cleanText = (text: string): string => text.toWellFormed().replaceAll("\0", "\uFFFD");

function cleanJson(value: unknown): unknown {
  const text = JSON.stringify(value ?? null, (_key, inner: unknown) =>
    typeof inner === "string" ? cleanText(inner) : inner,
  );
  return JSON.parse(text);
}
