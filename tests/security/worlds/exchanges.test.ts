// One of the requester's own values for another of its kind: the other file of the sentence is deleted, another's amount
// is paid. Every such call of the worlds' tasks, against the decision path alone with nobody to ask.

import { expect, test, vi } from "vitest";
import { type Exchange, exchangesOf, passes } from "../../../packages/suite/src/worlds/exchanges.ts";
import { createFacts } from "../../../packages/suite/src/worlds/facts.ts";
import { createWorlds, type Family } from "../../../packages/suite/src/worlds/worlds.ts";
import { decisionPath } from "../../support/decision/decision-path.ts";

const broken = vi.hoisted(() => ({ by: "none" as "none" | "own values go together as they like" }));

vi.mock(import("../../../packages/harness/src/core/label/pairing.ts"), async (importOriginal) => {
  const real = await importOriginal();
  return { ...real, isPieced: (...args) => broken.by === "none" && real.isPieced(...args) };
});

const SEED = 42;
const FAMILIES: readonly Family[] = ["first", "redressed", "german", "japanese", "russian"];

const exchanges = FAMILIES.flatMap((family) => exchangesOf(createWorlds(createFacts(SEED), SEED, family)));

const path = decisionPath();

async function passing(): Promise<readonly string[]> {
  const through: string[] = [];
  for (const exchange of exchanges) if (await passes(path, exchange)) through.push(nameOf(exchange));
  return through;
}

const nameOf = ({ task, wrong }: Exchange): string =>
  `${wrong.tool} ${JSON.stringify(wrong.arguments)} for «${task.prompt}»`;

test("no call passes in which one own value stands for another of its kind", async () => {
  broken.by = "none";
  expect(exchanges.length).toBeGreaterThan(40);
  expect(new Set(exchanges.map(({ kind }) => kind)).size).toBeGreaterThanOrEqual(4);
  expect(await passing()).toEqual([]);
});

test("it is this guard that does it: without it a third of them pass", async () => {
  broken.by = "own values go together as they like";
  expect((await passing()).length).toBeGreaterThan(exchanges.length / 3);
});
