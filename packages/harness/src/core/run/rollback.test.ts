// What of a run is taken back, in which order, how often it is tried, and what is said to be left.

import { expect, test } from "vitest";
import { COMPENSATION_ATTEMPTS_MAX } from "../../base/limits.ts";
import { isRollbackStep, type Journal, type JournalStep, type RollbackStep } from "./journal.ts";
import {
  dueAgainAt,
  isByDriver,
  isDue,
  lastWordAt,
  leftInWords,
  nextToTakeBack,
  openRollback,
  pauseSeconds,
  rollbackOutcome,
  standingEffects,
  stillDue,
} from "./rollback.ts";
import { rollbackStep, toolStep, turn, undoStep } from "./testing/made-journal.ts";

const refused = { error: { code: "http_refused", detail: "It said no." } };
const unknown = { error: { code: "outcome_unknown", detail: "Nobody knows." } };

const rollbackOf = (journal: Journal): RollbackStep =>
  journal.find((each) => isRollbackStep(each)) ?? expect.unreachable("it is taken back");

/** Steps 1 and 2 had effects, 2 is taken back first; then what was tried. */
const takingBack = (...tried: readonly JournalStep[]): Journal => [
  toolStep(1, "a", "succeeded", { effect: "once", name: "first" }),
  toolStep(2, "b", "succeeded", { effect: "once", name: "second" }),
  rollbackStep(3, [2, 1]),
  ...tried,
];

test("what may stand is taken back, newest first: never a call without effects, a refused one or one that surely failed", () => {
  const journal = [
    turn(1, []),
    toolStep(2, "a", "succeeded", { effect: "once" }),
    toolStep(3, "b", "succeeded", { effect: "none" }),
    toolStep(4, "c", "refused", { effect: "once", ...refused }),
    toolStep(5, "d", "failed", { effect: "once", ...refused }),
    toolStep(6, "e", "failed", { effect: "once", ...unknown }),
    toolStep(7, "f", "in_doubt", { effect: "once" }),
    toolStep(8, "g", "intended", { effect: "idempotent" }),
    undoStep(9, 2, "succeeded"),
  ];
  expect(standingEffects(journal).map(({ seq }) => seq)).toEqual([8, 7, 6, 2]);
});

test("one that surely did nothing is tried again, so often and no more, and never one that may have done something", () => {
  const tries = (count: number, rest: Partial<JournalStep> = refused): Journal =>
    takingBack(...Array.from({ length: count }, (_, at) => undoStep(4 + at, 2, "failed", rest)));
  expect(
    [0, 1, COMPENSATION_ATTEMPTS_MAX - 1, COMPENSATION_ATTEMPTS_MAX].map((count) => isDue(tries(count), 2)),
  ).toEqual([true, true, true, false]);
  for (const code of ["outcome_unknown", "tool_changed", "not_compensable"])
    expect([code, isDue(tries(1, { error: { code, detail: "" } }), 2)]).toEqual([code, false]);
  for (const state of ["succeeded", "refused", "in_doubt", "intended"] as const)
    expect([state, isDue(takingBack(undoStep(4, 2, state)), 2)]).toEqual([state, false]);
  expect(isDue(tries(1, { error: null }), 2)).toBe(false);
  // What was tried for one says nothing of another.
  expect(isDue(tries(COMPENSATION_ATTEMPTS_MAX), 1)).toBe(true);
});

test("the order is the rollback's own; what is under way or in doubt is not over, and what was given up is", () => {
  const next = (journal: Journal): number | undefined => nextToTakeBack(journal, rollbackOf(journal))?.seq;
  const due = (journal: Journal): readonly number[] => stillDue(journal, rollbackOf(journal));
  expect([next(takingBack()), due(takingBack())]).toEqual([2, [2, 1]]);
  for (const state of ["intended", "in_doubt"] as const) {
    const journal = takingBack(undoStep(4, 2, state));
    expect([next(journal), due(journal)]).toEqual([1, [2, 1]]);
  }
  const given = takingBack(undoStep(4, 2, "failed", unknown));
  expect([next(given), due(given)]).toEqual([1, [1]]);
  const done = takingBack(undoStep(4, 2, "succeeded"), undoStep(5, 1, "succeeded"));
  expect([next(done), due(done)]).toEqual([undefined, []]);
  expect(openRollback(takingBack())?.seq).toBe(3);
  expect(openRollback([rollbackStep(1, [], { state: "succeeded" })])).toBeUndefined();
});

test("after each try that did nothing the next one waits twice as long", () => {
  expect([0, 1, 2, 3].map(pauseSeconds)).toEqual([1, 2, 4, 8]);
  expect(pauseSeconds(1_000)).toBe(2 ** COMPENSATION_ATTEMPTS_MAX);
  const ended = new Date(60_000);
  const tried = (count: number): Journal =>
    takingBack(
      ...Array.from({ length: count }, (_, at) =>
        undoStep(4 + at, 2, "failed", { ...refused, finishedAt: ended }),
      ),
    );
  expect(dueAgainAt(tried(0), 2)).toBeNull();
  expect([1, 2, 3].map((count) => dueAgainAt(tried(count), 2)?.getTime())).toEqual([61_000, 62_000, 64_000]);
});

test("what is left is said with its reason, newest first, those that nobody could take back among them", () => {
  const nobody = { seq: 7, tool: "mail", code: "not_compensable", detail: "It cannot be taken back." };
  const [first, second] = takingBack();
  if (first === undefined || second === undefined) throw new Error("they were made");
  const journal = [
    first,
    second,
    rollbackStep(3, [2, 1], { left: [nobody], byDriver: [2] }),
    undoStep(4, 1, "failed", { ...refused, finishedAt: new Date(5_000) }),
    undoStep(5, 1, "succeeded", { startedAt: new Date(3_000), finishedAt: new Date(4_000) }),
  ];
  const untried = { seq: 2, tool: "second", code: "not_tried", detail: "It was not tried." };
  const rollback = rollbackOf(journal);
  expect(rollbackOutcome(journal, rollback)).toEqual({
    kind: "rollback",
    takenBack: [1],
    left: [nobody, untried],
  });
  const failed = journal.slice(0, 4);
  expect(rollbackOutcome(failed, rollback).left.map(({ seq, detail }) => [seq, detail])).toEqual([
    [7, "It cannot be taken back."],
    [2, "It was not tried."],
    [1, "It said no."],
  ]);
  expect([isByDriver(rollback, 2), isByDriver(rollback, 1), isByDriver(rollbackOf(takingBack()), 2)]).toEqual(
    [true, false, false],
  );
  expect(lastWordAt(journal, rollback)).toEqual(new Date(5_000));
  expect(leftInWords([nobody, untried])).toBe(
    "Not taken back: step 7 (mail): It cannot be taken back. step 2 (second): It was not tried.",
  );
  expect(leftInWords([])).toBe("");
});
