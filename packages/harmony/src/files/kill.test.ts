// The real thing: processes killed by SIGKILL at a file operation. (crash.test.ts dies at every operation of every call,
// in one process; this shows that dying for real is no different.)

import { expect, test } from "vitest";
import { openFsStore } from "../fs-store.ts";
import { WRITING_ACTS } from "../testing/acts.ts";
import { quickOperations } from "../testing/faulty-operations.ts";
import { runVictim } from "../testing/racing.ts";
import { newRoot } from "../testing/root.ts";

const FOREVER = 1_000_000;

test.each([
  { act: "record", name: "recordEscalation", every: 3 },
  { act: "resolve", name: "resolveEscalation", every: 8 },
])(
  "$name killed at a file operation leaves the old or the new record",
  { timeout: 120_000 },
  async ({ act, name, every }) => {
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
  },
);
