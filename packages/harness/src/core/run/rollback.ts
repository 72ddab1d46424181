// A run that ends otherwise than in success takes back what it did to the outside, newest first. What is still to be
// done follows from the journal alone, like everything else, so a crash in the middle is nothing special.

import { COMPENSATION_ATTEMPTS_MAX } from "../../base/limits.ts";
import {
  isRollbackStep,
  isToolStep,
  type Journal,
  type JournalStep,
  type LeftEffect,
  OUTCOME_UNKNOWN,
  type RollbackOutcome,
  type RollbackStep,
  type ToolStep,
} from "./journal.ts";

/** The run is being taken back: the step stays intended until all has been tried. */
export const openRollback = (journal: Journal): RollbackStep | undefined =>
  journal.find((step): step is RollbackStep => isRollbackStep(step) && step.state === "intended");

/**
 * Calls whose effect happened or may have happened, newest first. A call still under way counts: whoever asks is
 * about to end the run, and then nobody will hear any more what came of it.
 */
export function standingEffects(journal: Journal): readonly ToolStep[] {
  return journal
    .filter((step) => isToolStep(step))
    .filter((step) => step.request.compensates === undefined && mayStand(step))
    .toReversed();
}

function mayStand({ effect, state, error }: JournalStep): boolean {
  if (effect === "none" || state === "refused") return false;
  // A failure that is sure of itself had no effect; that is what a tool's errors mean (ports.ts, Tool).
  return state !== "failed" || error?.code === OUTCOME_UNKNOWN;
}

/** Calls that were made to take back that step, oldest first. */
export const compensationsOf = (journal: Journal, seq: number): readonly ToolStep[] =>
  journal.filter((step) => isToolStep(step)).filter((step) => step.request.compensates === seq);

const isSureFailure = ({ state, error }: ToolStep): boolean =>
  state === "failed" && error !== null && error.code !== OUTCOME_UNKNOWN && !FOR_GOOD.has(error.code);

/** The same call would fail the same way however often. */
const FOR_GOOD: ReadonlySet<string> = new Set(["tool_changed", "not_compensable"]);

/** Whether the step is to be taken back (again): never tried, or tried without any effect and not too often yet. */
export function isDue(journal: Journal, seq: number): boolean {
  const tried = compensationsOf(journal, seq);
  const last = tried.at(-1);
  return last === undefined || (isSureFailure(last) && tried.length < COMPENSATION_ATTEMPTS_MAX);
}

/** Whether the run's driver takes that step back; else the harness does. */
export const isByDriver = ({ request }: RollbackStep, seq: number): boolean =>
  request.byDriver?.includes(seq) ?? false;

/** Steps that are not taken back and not given up yet, in the order in which that is done. */
export const stillDue = (journal: Journal, { request }: RollbackStep): readonly number[] =>
  request.effects.filter((seq) => {
    const last = compensationsOf(journal, seq).at(-1);
    return isDue(journal, seq) || last?.state === "intended" || last?.state === "in_doubt";
  });

/** When something was last done or heard of in the taking back. */
export const lastWordAt = (journal: Journal, { seq }: RollbackStep): Date =>
  journal
    .slice(seq - 1)
    .flatMap(({ startedAt, finishedAt }) => [startedAt, finishedAt ?? startedAt])
    .reduce((latest, at) => (at > latest ? at : latest));

/** Until when the next attempt has to wait, after one that surely did nothing; null where there was none. */
export function dueAgainAt(journal: Journal, seq: number): Date | null {
  const tried = compensationsOf(journal, seq);
  const ended = tried.at(-1)?.finishedAt ?? null;
  return ended === null ? null : new Date(ended.getTime() + pauseSeconds(tried.length - 1) * 1000);
}

/** @param tried attempts that came before the one that failed */
export const pauseSeconds = (tried: number): number => 2 ** Math.min(tried, COMPENSATION_ATTEMPTS_MAX);

/** The next step to take back; null when all has been tried. */
export function nextToTakeBack(journal: Journal, rollback: RollbackStep): ToolStep | null {
  const seq = rollback.request.effects.find((each) => isDue(journal, each));
  const step = seq === undefined ? undefined : journal[seq - 1];
  return step !== undefined && isToolStep(step) ? step : null;
}

/** What came of taking back, as far as it has come. */
export function rollbackOutcome(journal: Journal, rollback: RollbackStep): RollbackOutcome {
  const { effects, left } = rollback.request;
  const takenBack = effects.filter((seq) =>
    compensationsOf(journal, seq).some(({ state }) => state === "succeeded"),
  );
  const failed = effects
    .filter((seq) => !takenBack.includes(seq))
    .map((seq): LeftEffect => {
      const tool = journal[seq - 1]?.name ?? "";
      const last = compensationsOf(journal, seq).at(-1);
      const why = last?.error ?? { code: "not_tried", detail: "It was not tried." };
      return { seq, tool, code: why.code, detail: why.detail };
    });
  return { kind: "rollback", takenBack, left: [...failed, ...left].toSorted((a, b) => b.seq - a.seq) };
}

/** One sentence for people; empty where nothing is left. */
export function leftInWords(left: readonly LeftEffect[]): string {
  if (left.length === 0) return "";
  return `Not taken back: ${left.map(({ seq, tool, detail }) => `step ${seq} (${tool}): ${detail}`).join(" ")}`;
}
