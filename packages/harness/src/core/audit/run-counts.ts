// How many steps, questions and yeses of a run are open, by the kinds of its events alone: which of them an event is about stands in
// its payload, which a mirror has not. So it is counted, and where an event could be about one or another, within bounds: what is
// named here is wrong whichever it was about.

import type { EventKind } from "@assent/contract";
import { unreachable } from "../../base/assert.ts";

export type RunCounts = {
  /** Steps that began and have not ended; and how many of them are in doubt, at least and at most. */
  readonly open: number;
  readonly doubtMin: number;
  readonly doubtMax: number;
  /** Questions that nobody answered and yeses that were not spent; and how many of them are yeses, at least and at most. */
  readonly asked: number;
  readonly yesMin: number;
  readonly yesMax: number;
  /** The event before spent a yes. */
  readonly isSpent: boolean;
};

export const NOTHING_OPEN: RunCounts = {
  open: 0,
  doubtMin: 0,
  doubtMax: 0,
  asked: 0,
  yesMin: 0,
  yesMax: 0,
  isSpent: false,
};

const NO_STEP = "has no step that is open";
const NONE_UNDER_WAY = "has no step that is under way";
const NO_QUESTION = "has no question that is open";
const OPEN_QUESTION = "has a question that is open";

/** @returns what is open after an event of this kind; a text: why there can be none */
export function countEvent(counts: RunCounts, kind: EventKind): RunCounts | string {
  const { open, doubtMin, doubtMax, asked, yesMin, yesMax, isSpent } = counts;
  const then = isSpent ? { ...counts, isSpent: false } : counts;
  switch (kind) {
    case "step_intended":
      return { ...then, open: open + 1 };
    case "step_in_doubt":
      if (open === doubtMin) return NONE_UNDER_WAY;
      return { ...then, doubtMin: doubtMin + 1, doubtMax: Math.min(doubtMax + 1, open) };
    case "step_retried":
      if (doubtMax === 0) return "has no step in doubt";
      // They are one statement: nothing comes between.
      if (!isSpent) return "has no word that was spent just before";
      return { ...then, doubtMin: Math.max(0, doubtMin - 1), doubtMax: doubtMax - 1 };
    case "step_succeeded":
      // One in doubt is taken as done by a person's word, which is spent just before.
      if (!isSpent && open > 0 && open === doubtMin) return NONE_UNDER_WAY;
      return endStep(then, isSpent);
    case "step_failed":
      return endStep(then, true);
    case "approval_opened":
      // It is asked for by a gate, which is a step of its own.
      if (asked - yesMax + 1 > open - doubtMin) return "has no step under way that asks for it";
      return { ...then, asked: asked + 1 };
    case "approval_voted":
      return asked === yesMin ? NO_QUESTION : then;
    case "approval_approved":
    case "approval_confirmed":
      if (asked === yesMin) return NO_QUESTION;
      return { ...then, yesMin: yesMin + 1, yesMax: Math.min(yesMax + 1, asked) };
    case "approval_denied":
    case "approval_expired":
      if (asked === yesMin) return NO_QUESTION;
      return { ...then, asked: asked - 1, yesMax: Math.min(yesMax, asked - 1) };
    case "approval_cancelled":
      if (asked === 0) return "has no question and no yes that is open";
      return {
        ...then,
        asked: asked - 1,
        yesMin: Math.max(0, yesMin - 1),
        yesMax: Math.min(yesMax, asked - 1),
      };
    case "approval_spent":
      if (yesMax === 0) return "has no yes that was not spent";
      return {
        ...counts,
        asked: asked - 1,
        yesMin: Math.max(0, yesMin - 1),
        yesMax: yesMax - 1,
        isSpent: true,
      };
    case "run_parked":
      return asked === yesMin ? NO_QUESTION : then;
    case "run_resumed":
      return asked > yesMax ? OPEN_QUESTION : then;
    case "run_succeeded":
      if (asked > yesMax) return OPEN_QUESTION;
      return open > doubtMax ? "has a step that is under way" : then;
    case "run_queued":
    case "run_leased":
    case "run_released":
    case "run_failed":
    case "run_cancelled":
    case "run_dead_lettered":
    case "step_refused":
    case "artifact_committed":
    case "effects_left":
      return then;
    default:
      return unreachable(kind);
  }
}

/** @param maybeInDoubt it may have been in doubt as well as under way */
function endStep(counts: RunCounts, maybeInDoubt: boolean): RunCounts | string {
  const { open, doubtMin, doubtMax } = counts;
  if (open === 0) return NO_STEP;
  return {
    ...counts,
    open: open - 1,
    doubtMin: maybeInDoubt ? Math.max(0, doubtMin - 1) : doubtMin,
    doubtMax: Math.min(doubtMax, open - 1),
  };
}
