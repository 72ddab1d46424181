import { STEP_STATES } from "@assent/contract";
import { expect, test } from "vitest";
import { isStepTransitionLegal } from "./step.ts";

test("the legal transitions are this table and nothing else: what has ended stays ended", () => {
  const table = STEP_STATES.flatMap((from) =>
    STEP_STATES.flatMap((to) => (isStepTransitionLegal(from, to) ? [`${from} -> ${to}`] : [])),
  );
  expect(table).toEqual([
    "intended -> succeeded",
    "intended -> failed",
    "intended -> in_doubt",
    "in_doubt -> intended",
    "in_doubt -> succeeded",
    "in_doubt -> failed",
  ]);
});
