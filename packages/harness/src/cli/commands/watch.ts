import type { RunId } from "@assent/contract";
import { ok } from "../../base/result.ts";
import type { Context, Outcome } from "../context.ts";
import { eventLine, runLines } from "../output/run.ts";
import { exitOf } from "../output/words.ts";
import { openApprovals, superviseRun } from "../supervise.ts";

/** Prints a run's events as they happen, until it has ended. */
export async function watchRun(context: Context, id: RunId): Outcome {
  const client = await context.openClient();
  if (!client.ok) return client;
  const stop = new AbortController();
  const unlisten = context.io.onStopSignal(() => stop.abort());
  const run = await superviseRun(client.value, id, context.deps.clock, {
    onEvent: (event) => context.show({ event: "audit_event", audit_event: event }, () => [eventLine(event)]),
    onReconnect: (detail) =>
      context.show({ event: "reconnecting", detail }, () => [`Connecting again: ${detail}.`]),
    onGate: async (parked) => {
      context.say(
        openApprovals(parked).map(
          (approval) => `Waits for approval: look at it with ${context.command} approve ${approval.id}`,
        ),
      );
      return await Promise.resolve(ok("stay" as const));
    },
    signal: stop.signal,
  }).finally(unlisten);
  if (!run.ok) return run;
  context.show({ event: "end", run: run.value }, () => [
    "",
    ...runLines(run.value, context.deps.clock.now(), context.paint),
  ]);
  return ok(exitOf(run.value));
}
