// What is counted of a run by the kinds of its events, against all that could be: every step and question followed by itself, whichever
// an event may have been about.

import { EVENT_KINDS, type EventKind } from "@assent/contract";
import fc from "fast-check";
import { expect, test } from "vitest";
import { countEvent, NOTHING_OPEN, type RunCounts } from "./run-counts.ts";
import { createRunTable } from "./run-table.ts";

/** Steps under way and in doubt, questions and yeses; and whether the event before spent a yes. */
type Could = readonly [underWay: number, inDoubt: number, questions: number, yeses: number, isSpent: boolean];

const change =
  (...by: readonly [number, number, number, number]) =>
  ([w, d, q, y]: Could): Could => [w + by[0], d + by[1], q + by[2], y + by[3], false];
const [ENDED, DONE] = [change(-1, 0, 0, 0), change(0, -1, 0, 0)];
const isPossible = ([w, d, q, y]: Could): boolean => w >= 0 && d >= 0 && q >= 0 && y >= 0;

const CHANGES: { readonly [K in EventKind]?: (could: Could) => readonly Could[] } = {
  step_intended: (could) => [change(1, 0, 0, 0)(could)],
  step_in_doubt: (could) => [change(-1, 1, 0, 0)(could)],
  step_retried: (could) => (could[4] ? [change(1, -1, 0, 0)(could)] : []),
  step_succeeded: (could) => (could[4] ? [ENDED(could), DONE(could)] : [ENDED(could)]),
  step_failed: (could) => [ENDED(could), DONE(could)],
  approval_opened: (could) => [change(0, 0, 1, 0)(could)],
  approval_approved: (could) => [change(0, 0, -1, 1)(could)],
  approval_confirmed: (could) => [change(0, 0, -1, 1)(could)],
  approval_denied: (could) => [change(0, 0, -1, 0)(could)],
  approval_expired: (could) => [change(0, 0, -1, 0)(could)],
  approval_cancelled: (could) => [change(0, 0, -1, 0)(could), change(0, 0, 0, -1)(could)],
  approval_spent: ([w, d, q, y]) => [[w, d, q, y - 1, true]],
};

/** What must be so before, and is not told apart from what may be so. */
const NEEDS: { readonly [K in EventKind]?: (could: Could) => boolean } = {
  approval_opened: ([w, , q]) => q < w,
  approval_voted: ([, , q]) => q > 0,
  run_parked: ([, , q]) => q > 0,
  run_resumed: ([, , q]) => q === 0,
  run_succeeded: ([w, , q]) => q === 0 && w === 0,
};

function allAfter(all: readonly Could[], kind: EventKind): readonly Could[] {
  const needed = NEEDS[kind];
  if (needed !== undefined && !all.some((could) => needed(could))) return [];
  const each = CHANGES[kind] ?? ((could: Could) => [change(0, 0, 0, 0)(could)]);
  const after = all.flatMap((could) => each(could)).filter(isPossible);
  return [...new Map(after.map((could) => [could.join(), could])).values()];
}

/** What rarely comes by chance. */
const OFTEN: readonly EventKind[][] = [
  ["step_intended", "approval_opened", "approval_approved"],
  ["step_intended", "step_in_doubt"],
  ["approval_spent", "step_retried"],
];

test("an event is named exactly where it can have been about nothing, whatever the ones before it were about", () => {
  const [named, passed] = [new Set<string>(), new Set<string>()];
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom(...EVENT_KINDS.map((kind) => [kind]), ...OFTEN), {
        minLength: 40,
        maxLength: 120,
        size: "max",
      }),
      (words) => {
        const kinds = words.flat();
        let all: readonly Could[] = [[0, 0, 0, 0, false]];
        let counts: RunCounts = NOTHING_OPEN;
        for (const kind of kinds) {
          const after = allAfter(all, kind);
          const counted = countEvent(counts, kind);
          // What cannot happen changes nothing.
          const [isNamed, cannot] = [typeof counted === "string", after.length === 0];
          expect({ kinds, kind, counts, isNamed }).toEqual({ kinds, kind, counts, isNamed: cannot });
          (isNamed ? named : passed).add(kind);
          if (typeof counted !== "string") [all, counts] = [after, counted];
        }
      },
    ),
    { seed: 42, numRuns: 200 },
  );
  const nameable = [...Object.keys(CHANGES), ...Object.keys(NEEDS)].filter(
    (kind) => kind !== "step_intended",
  );
  expect([...named].toSorted()).toEqual([...new Set(nameable)].toSorted());
  expect(passed.size).toBe(EVENT_KINDS.length);
});

test("past the numbers that a table has, what is open is followed no further, and what a run is still is", () => {
  const table = createRunTable(false);
  const eventOf = (kind: EventKind): number => EVENT_KINDS.indexOf(kind) + 1;
  const after = (state: number, kind: EventKind): number =>
    ((table.next[state * 32 + eventOf(kind)] || table.derive(state, eventOf(kind))) & 0x7fff) - 1;
  let state = after(after(0, "run_queued"), "run_leased");
  for (let i = 0; i < 40_000; i += 1) state = after(state, "step_intended");
  expect(table.whyNot(state, eventOf("step_retried"))).toBeNull();
  expect(table.whyNot(state, eventOf("run_leased"))).toBe("is running");
  const other = after(after(0, "run_queued"), "run_leased");
  expect(table.whyNot(other, eventOf("step_succeeded"))).toBe("has no step that is open");
});
