// A driver takes back what its run did: it asks what is next, undoes it, says what came of it, until the run has ended.

import {
  type CompensationAnswer,
  compensationAnswerSchema,
  type CompensationResult,
  type DueCompensation,
  type Run,
  runSchema,
} from "@assent/contract";
import { ask, cleanText, pause, post, resultJson } from "./gate-request.ts";
import { UNDO_ATTEMPTS_MAX, UNDO_RETRY_DELAY_MS } from "./limits.ts";
import type { Connection } from "./request.ts";

/** The call as it was made. */
export type DoneCall = {
  readonly tool: string;
  readonly arguments: Readonly<Record<string, unknown>>;
  /** Under which it was made. */
  readonly effectId: string;
  /** What was reported of it, JSON as text; null where nobody did, so that it may never have happened. */
  readonly output: string | null;
};

export type Undoing = {
  /** The idempotency key of the taking back, to hand to whatever carries it out. */
  readonly effectId: string;
};

/**
 * By name of the tool. Where the call never happened, or is taken back already, it changes nothing and returns. What it
 * throws leaves open whether anything was done, but {@link NotTakenBack}.
 */
export type Undo = Readonly<Record<string, (call: DoneCall, undoing: Undoing) => Promise<unknown>>>;

/** Thrown by an undo that surely did nothing: it is tried again later. */
export class NotTakenBack extends Error {
  override readonly name = "NotTakenBack";
}

/** @returns the run, ended @throws GateFailure where the harness cannot be asked or refuses */
export async function takeBack(connection: Connection, path: string, undo: Undo): Promise<Run> {
  for (;;) {
    const answer = await nextOf(connection, path);
    if (answer.ended) return await ask(connection, { method: "GET", path }, runSchema);
    const { compensation } = answer;
    if (compensation === undefined) {
      await pause((answer.retry_after_seconds ?? 1) * 1_000);
      continue;
    }
    const result = await undoOne(undo, compensation);
    const to = `${path}/compensations/${encodeURIComponent(compensation.action_id)}/result`;
    await post(connection, to, result, compensationAnswerSchema);
  }
}

// Without a key: asked again, it says the same until the outcome is reported.
const nextOf = async (connection: Connection, path: string): Promise<CompensationAnswer> =>
  await ask(
    connection,
    { method: "POST", path: `${path}/compensations`, body: {} },
    compensationAnswerSchema,
  );

async function undoOne(undo: Undo, due: DueCompensation): Promise<CompensationResult> {
  const carryOut = Object.hasOwn(undo, due.tool) ? undo[due.tool] : undefined;
  if (carryOut === undefined) return { error: `The driver has no way to take ${due.tool} back.` };
  if (due.again && due.effect === "once")
    return { unknown: "It was handed out before, and nobody said what came of it." };
  const { tool, arguments: args, compensates, output } = due;
  const call: DoneCall = { tool, arguments: args, effectId: compensates, output };
  for (let attempt = 1; ; attempt += 1) {
    try {
      return { output: resultJson(await carryOut(call, { effectId: due.effect_id })) };
    } catch (error) {
      const words = cleanText(error instanceof Error ? error.message : String(error)) || "It failed.";
      if (error instanceof NotTakenBack) return { error: words };
      // Under the same key it may be repeated where it does no harm twice.
      if (due.effect === "once" || attempt >= UNDO_ATTEMPTS_MAX) return { unknown: words };
      await pause(UNDO_RETRY_DELAY_MS * 2 ** (attempt - 1));
    }
  }
}
