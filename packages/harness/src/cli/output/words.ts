import type { Run, RunState, RunSummary } from "@assent/contract";
import type { ExitName } from "../exit-codes.ts";
import type { Paint, Style } from "./paint.ts";

const STATE_STYLES: { readonly [S in RunState]: Style } = {
  queued: "dim",
  running: "cyan",
  awaiting_approval: "yellow",
  succeeded: "green",
  failed: "red",
  cancelled: "dim",
  dead_lettered: "red",
};

/** A state or kind of the wire, as people write it. */
export function inWords(wire: string): string {
  return wire.replaceAll("_", " ");
}

export function stateInColour(state: RunState, paint: Paint): string {
  return paint(STATE_STYLES[state], inWords(state));
}

/** For somebody who waited for the run to end. */
export function exitOf(run: Run | RunSummary): ExitName {
  if (run.status === "succeeded") return "ok";
  return run.status === "awaiting_approval" ? "waiting" : "failed";
}
