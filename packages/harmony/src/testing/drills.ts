// For tests: what must hold of many processes and of killed ones, at a small size in the gate and at full size by night.

import { readdirSync } from "node:fs";
import { expect } from "vitest";
import { listEscalations, openFsStore } from "../fs-store.ts";
import { escalationsDir, temporaryDir } from "../paths.ts";
import { WRITING_ACTS } from "./acts.ts";
import { quickOperations } from "./faulty-operations.ts";
import { raceRecorders, runVictim, type Race } from "./racing.ts";
import { newRoot } from "./root.ts";
import { escalation } from "./samples.ts";

/** So many processes record the same few escalations so many times each: one true each, no torn file, no leftover. */
export async function drillRace(names: readonly string[], race: Race): Promise<void> {
  const root = newRoot();
  const records = names.map((name) => escalation(name));
  const answers = await raceRecorders(root, records, race);
  expect(answers.map((calls) => calls.length)).toEqual(
    Array.from({ length: race.processes }, () => race.calls),
  );
  for (const [i, record] of records.entries()) {
    const opened = answers.flatMap((calls) => calls.filter((_, call) => call % records.length === i));
    expect({ record: record.patternId, opened: opened.filter(Boolean).length }).toEqual({
      record: record.patternId,
      opened: 1,
    });
  }
  expect(listEscalations(root).map((record) => record.toJSON())).toEqual(
    records.toSorted((x, y) => (x.escalationId < y.escalationId ? -1 : 1)).map((record) => record.toJSON()),
  );
  expect(readdirSync(escalationsDir(root))).toHaveLength(records.length);
  expect(readdirSync(temporaryDir(root))).toEqual([]);
}

const FOREVER = 1_000_000;

/** A process dies by SIGKILL at its first, then at each `every`-th further file operation: the old or the new record. */
export async function drillKills(act: "record" | "resolve", name: string, every: number): Promise<void> {
  const writing = WRITING_ACTS.find((each) => each.name === name);
  if (writing === undefined) throw new Error(`no such act: ${name}`);
  const prepared = async (): Promise<string> => {
    const root = newRoot();
    await writing.prepare(openFsStore(root, quickOperations));
    return root;
  };
  const whole = await runVictim(await prepared(), act, FOREVER);
  expect(whole.signal).toBeNull();
  const operations = Number(whole.output);
  expect(operations).toBeGreaterThan(20);
  for (let k = 1; k <= operations; k += every) {
    const root = await prepared();
    expect(await runVictim(root, act, k)).toEqual({ signal: "SIGKILL", output: "" });
    await writing.check(openFsStore(root, quickOperations));
  }
}
