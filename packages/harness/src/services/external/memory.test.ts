import type { RunId, TenantId } from "@assent/contract";
import { expect, test } from "vitest";
import { createOriginIndex } from "../../core/label/origins.ts";
import type { ExternalDefinition } from "../../core/external.ts";
import type { RunRecord } from "../../ports.ts";
import { createMemory } from "./memory.ts";
import { type DrivenRun, openDrivenRun } from "./state.ts";

const TENANT: TenantId = `ten_${"0".repeat(32)}`;
const OTHER: TenantId = `ten_${"1".repeat(32)}`;
const idOf = (digit: number): RunId => `run_${String(digit).repeat(32)}`;
const DEFINITION: ExternalDefinition = { v: 1, system: null, approver: "ask", tools: [] };
const AT = new Date(0);

function stateOf(digit: number, task = "x"): DrivenRun {
  const run: RunRecord = {
    tenant: TENANT,
    id: idOf(digit),
    driver: "external",
    state: "running",
    version: 2,
    agent: "external",
    agentVersion: "sha256:",
    task,
    workspace: null,
    model: "external/driver",
    labels: {},
    requestedBy: { id: "prn_", kind: "service", name: "x" },
    reason: null,
    answer: null,
    attempt: 0,
    fencingToken: 0,
    createdAt: AT,
    updatedAt: AT,
    finishedAt: null,
    redriveOf: null,
    traceparent: null,
  };
  return openDrivenRun(createOriginIndex(), DEFINITION, run, []);
}

test("gives back only what is of this tenant, this run and this version", () => {
  const memory = createMemory();
  const state = stateOf(1);
  memory.put(TENANT, state);
  expect(memory.get(TENANT, idOf(1), 2)).toBe(state);
  expect(memory.get(OTHER, idOf(1), 2)).toBeNull();
  expect(memory.get(TENANT, idOf(2), 2)).toBeNull();
  expect(memory.get(TENANT, idOf(1), 3)).toBeNull();
  // What is of another version is of no use to anybody any more.
  expect(memory.get(TENANT, idOf(1), 2)).toBeNull();
});

test("keeps no more runs and no more text than it may, and drops what was not used for longest", () => {
  const few = createMemory({ runsMax: 2, bytesMax: 100_000_000 });
  for (const digit of [1, 2]) few.put(TENANT, stateOf(digit));
  few.get(TENANT, idOf(1), 2);
  few.put(TENANT, stateOf(3));
  expect([1, 2, 3].map((digit) => few.get(TENANT, idOf(digit), 2) !== null)).toEqual([true, false, true]);
  const one = stateOf(1, "y".repeat(3_000));
  const small = createMemory({ runsMax: 10, bytesMax: 3 * one.chars + one.index.sizeBytes() });
  for (const digit of [1, 2]) small.put(TENANT, stateOf(digit, "y".repeat(3_000)));
  expect([1, 2].map((digit) => small.get(TENANT, idOf(digit), 2) !== null)).toEqual([false, true]);
  // The same run put again is counted once.
  for (let time = 0; time < 5; time += 1) small.put(TENANT, stateOf(2, "y".repeat(3_000)));
  expect(small.get(TENANT, idOf(2), 2)).not.toBeNull();
});

test("one run's turns come one after the other, also after one that fails; other runs do not wait", async () => {
  const memory = createMemory();
  const seen: string[] = [];
  const gate = Promise.withResolvers<undefined>();
  const turn = async (digit: number, name: string, until?: Promise<undefined>): Promise<void> =>
    await memory.inTurn(TENANT, idOf(digit), async () => {
      seen.push(`${name} begins`);
      await until;
      seen.push(`${name} ends`);
      if (name === "first") throw new Error("failed");
    });
  const first = turn(1, "first", gate.promise);
  const second = turn(1, "second");
  await turn(2, "other");
  gate.resolve(undefined);
  await expect(first).rejects.toThrow("failed");
  await second;
  expect(seen).toEqual([
    "first begins",
    "other begins",
    "other ends",
    "first ends",
    "second begins",
    "second ends",
  ]);
});
