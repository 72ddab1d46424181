// The threat model both ways: no threat without an attack that exists, no scenario and no security test without a
// threat that it attacks.

import { INVARIANTS, SCENARIOS, THREATS } from "@assent/suite";
import { expect, test } from "vitest";
import { listFiles } from "./tree.ts";

const TESTS = listFiles("tests/**/*.test.ts", "packages/*/src/**/*.test.ts");

test("there are the eighteen of the specification, numbered in order", () => {
  expect(THREATS.map(({ number }) => number)).toEqual(Array.from({ length: 18 }, (_, index) => index + 1));
});

test("every threat names what it would break and what attacks it, and all of that exists", () => {
  const scenarios = new Set(SCENARIOS.map(({ id }) => id));
  const faults = THREATS.flatMap(({ number, invariants, scenarios: named, tests }) => [
    ...(invariants.length === 0 ? [`${number} breaks no requirement`] : []),
    ...(named.length + tests.length === 0 ? [`${number} is attacked by nothing`] : []),
    ...named.filter((id) => !scenarios.has(id)).map((id) => `${number}: no scenario ${id}`),
    ...tests.filter((file) => !TESTS.includes(file)).map((file) => `${number}: no test ${file}`),
  ]);
  expect(faults).toEqual([]);
});

/** Requirements whose breach is a fault of ours and no attacker's doing. */
const NOBODYS: readonly string[] = ["complete-or-nothing"];

test("every scenario and every security test attacks a threat", () => {
  const attacking = new Set(THREATS.flatMap(({ scenarios, tests }) => [...scenarios, ...tests]));
  const security = listFiles("tests/security/**/*.test.ts");
  expect(security.length).toBeGreaterThan(8);
  const attackers = SCENARIOS.filter(({ invariants }) => !invariants.every((id) => NOBODYS.includes(id)));
  expect([...attackers.map(({ id }) => id), ...security].filter((name) => !attacking.has(name))).toEqual([]);
});

test("every requirement is what some threat would break", () => {
  const named = new Set<string>(THREATS.flatMap(({ invariants }) => invariants));
  expect(INVARIANTS.map(({ id }) => id as string).filter((id) => !named.has(id))).toEqual(NOBODYS);
});
