// How a run ends that does not succeed: what it did to the outside is taken back first, and what nobody can take back is
// said, recorded, and put before people.

import type { Reason } from "@assent/contract";
import {
  type Ending,
  isToolStep,
  type Journal,
  type LeftEffect,
  type RollbackStep,
  type StepError,
  type ToolStep,
} from "../core/run/journal.ts";
import { leftInWords, openRollback, rollbackOutcome, standingEffects } from "../core/run/rollback.ts";
import type { RunEvent } from "../core/run/run.ts";
import { goingOf, manifestDigest } from "../core/tool.ts";
import type { ApprovalRecord, Tool, Tools } from "../ports.ts";
import type { Write } from "./write.ts";

export type End = { readonly ending: Ending; readonly reason: StepError };

/** `ended`: the writes end the run. Else they begin to take it back, and the run must be set going (again). */
export type Ended = { readonly writes: readonly Write[]; readonly ended: boolean };

const EVENTS: { readonly [E in Ending]: RunEvent } = {
  failed: "gave_up",
  cancelled: "cancelled",
  dead_lettered: "attempts_exhausted",
};

/** Of a run's reason; a list of what was left can be long. */
const REASON_CHARS_MAX = 4_000;

/** Who takes an effect back; an error where nobody can, and null where there is nothing to take back. */
export type Hands = (step: ToolStep) => "harness" | "driver" | StepError | null;

/**
 * @param journal before whatever else the same commit closes: a call under way may still have its effect
 * @param tools those that can still be called
 */
export const endRun = (tools: Pick<Tools, "get">, journal: Journal, end: End): Ended =>
  endWith((step) => ownHands(tools.get(step.name), step), journal, end);

/** The same, with other hands than the harness's own. */
export function endWith(hands: Hands, journal: Journal, { ending, reason }: End): Ended {
  const open = openRollback(journal);
  if (open !== undefined) return { writes: endRollback(journal, open, ending), ended: true };
  const effects: number[] = [];
  const byDriver: number[] = [];
  const left: LeftEffect[] = [];
  for (const step of standingEffects(journal)) {
    const by = hands(step);
    if (by === null) continue;
    if (by === "driver") byDriver.push(step.seq);
    if (by === "driver" || by === "harness") effects.push(step.seq);
    else left.push({ seq: step.seq, tool: step.name, ...by });
  }
  if (effects.length === 0 && left.length === 0) return { writes: [moved(ending, reason, [])], ended: true };
  const seq = journal.length + 1;
  const opened = openStep({
    kind: "rollback",
    ending,
    reason,
    effects,
    left,
    ...(byDriver.length === 0 ? {} : { byDriver }),
  });
  if (effects.length > 0) return { writes: [opened], ended: false };
  return { writes: [opened, ...closeRollback(seq, ending, reason, { takenBack: [], left })], ended: true };
}

function openStep(request: RollbackStep["request"]): Write {
  return {
    write: "step_opened",
    step: {
      kind: "rollback",
      name: "rollback",
      state: "intended",
      effect: "none",
      request,
      decision: null,
      approvalId: null,
      outcome: null,
      error: null,
    },
  };
}

export const NOTHING_HERE: StepError = {
  code: "not_compensable",
  detail: "Nothing here can take it back; look, and take it back by hand.",
};
export const TOOL_CHANGED: StepError = {
  code: "tool_changed",
  detail: "The tool is not the one that made the call.",
};

const TOOL_MOVED: StepError = {
  code: "tool_moved",
  detail: "The tool's calls go elsewhere now than this one went.",
};

function ownHands(tool: Tool | undefined, step: ToolStep): ReturnType<Hands> {
  if (tool === undefined) return NOTHING_HERE;
  // The run's private copy goes with the run; nothing of it was promoted.
  if (tool.scope === "workspace") return null;
  const { action, precondition } = step.request;
  if (manifestDigest(tool.manifest) !== action.manifest_digest) return TOOL_CHANGED;
  // Another place knows nothing of the call, and would say that nothing is to be taken back.
  if (goingOf(tool, precondition) === "elsewhere") return TOOL_MOVED;
  if (tool.compensate === undefined || tool.manifest.compensation === undefined)
    return { code: "not_compensable", detail: "The tool names no compensation." };
  return "harness";
}

/**
 * Closes what has been tried, and ends the run.
 * @param ending as it ends now: a run that defeats its workers while it is taken back is dead-lettered, whatever it was
 * to become; one that was called off stays called off
 */
export function endRollback(journal: Journal, rollback: RollbackStep, ending: Ending): readonly Write[] {
  const { request, seq } = rollback;
  const left = stillOpen(journal, rollback);
  const actual = request.ending === "cancelled" ? "cancelled" : ending;
  return [...left, ...closeRollback(seq, actual, request.reason, rollbackOutcome(journal, rollback))];
}

// A compensation whose outcome will not be heard of any more.
function stillOpen(journal: Journal, rollback: RollbackStep): readonly Write[] {
  return journal
    .filter((step) => step.seq > rollback.seq && step.state === "intended")
    .map((step): Write => ({
      write: "step_closed",
      seq: step.seq,
      state: isToolStep(step) && step.effect === "once" ? "in_doubt" : "failed",
      outcome: null,
      error: { code: "outcome_unknown", detail: "Nobody knows whether it was taken back." },
    }));
}

function closeRollback(
  seq: number,
  ending: Ending,
  reason: StepError,
  came: { readonly takenBack: readonly number[]; readonly left: readonly LeftEffect[] },
): readonly Write[] {
  const { left } = came;
  return [
    { write: "step_closed", seq, state: "succeeded", outcome: { kind: "rollback", ...came }, error: null },
    ...(left.length === 0 ? [] : [{ write: "effects_left", seq, left } as const]),
    moved(ending, reason, left),
  ];
}

/**
 * Questions that nobody answered, and answers that nobody used: a run that ends, or is to be taken back, leaves none for
 * anybody to use.
 */
export const withdrawn = (approvals: readonly ApprovalRecord[]): readonly Write[] =>
  approvals
    .filter(({ state }) => state === "open" || state === "approved")
    .map((approval) => ({ write: "approval_decided", approval, event: "cancelled", change: {} }));

function moved(ending: Ending, { code, detail }: StepError, left: readonly LeftEffect[]): Write {
  const reason: Reason = {
    code,
    detail: [detail, leftInWords(left)]
      .filter((text) => text !== "")
      .join(" ")
      .slice(0, REASON_CHARS_MAX)
      .toWellFormed(),
  };
  return { write: "run_moved", event: EVENTS[ending], reason };
}
