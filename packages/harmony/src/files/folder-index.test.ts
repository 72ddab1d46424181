// The index answers what the files say, whatever happened to them since it last looked.

import { readdirSync, readFileSync, rmSync, statSync, unlinkSync, utimesSync, writeFileSync } from "node:fs";
import fc from "fast-check";
import { expect, test } from "vitest";
import { openFsStore } from "../fs-store.ts";
import { fakeId } from "../ids.ts";
import { escalationPath, escalationsDir } from "../paths.ts";
import { quickOperations } from "../testing/faulty-operations.ts";
import { newRoot } from "../testing/root.ts";
import { ann, escalation, moment } from "../testing/samples.ts";
import { EscalationStatus } from "../vocabulary.ts";

/** Two processes: each has an index of its own over the same files. */
function twoStores(root: string): readonly ReturnType<typeof openFsStore>[] {
  return [openFsStore(root, { ...quickOperations }), openFsStore(root, { ...quickOperations })];
}

test("model: after any changes by any process, in any way, every index lists exactly what the files say", async () => {
  const change = fc.record({
    kind: fc.constantFrom("record", "resolve", "see", "unlink", "garble", "restore", "wipe", "list"),
    name: fc.constantFrom("a", "b", "c", "d"),
    by: fc.nat({ max: 1 }),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(change, { maxLength: 15 }), async (changes) => {
      const root = newRoot();
      const stores = twoStores(root);
      const garbled = new Map<string, string>();
      let seconds = 0;
      for (const { kind, name, by } of changes) {
        seconds += 1;
        const { escalationId } = escalation(name);
        const path = escalationPath(root, escalationId);
        const store = stores[by];
        const content =
          (await store?.loadEscalation(escalationId)) === null ? null : readFileSync(path, "utf8");
        if (kind === "record" || kind === "see") {
          await store
            ?.recordEscalation(escalation(name, { escalatedAt: moment(kind === "see" ? seconds : 0) }))
            .catch(() => null);
        } else if (kind === "resolve") {
          await store?.resolveEscalation(escalationId, fakeId("r"), ann, moment(seconds)).catch(() => null);
        } else if (kind === "unlink" && content !== null) unlinkSync(path);
        else if (kind === "garble" && content !== null) {
          garbled.set(path, content);
          // Of the same length, in place: only the times of the file tell.
          writeFileSync(path, "x".repeat(Buffer.byteLength(content)));
        } else if (kind === "restore") {
          const old = garbled.get(path);
          if (old !== undefined) writeFileSync(path, old);
        } else if (kind === "wipe") rmSync(escalationsDir(root), { recursive: true, force: true });
        for (const each of kind === "list" ? stores : []) await each.listEscalations();
      }
      const fresh = await openFsStore(root, { ...quickOperations }).listEscalations();
      for (const store of stores) {
        expect(await store.listEscalations()).toEqual(fresh);
        for (const record of fresh) expect(await store.loadEscalation(record.escalationId)).toEqual(record);
      }
    }),
    { seed: 42, numRuns: 60 },
  );
});

test("a second change within the clock's tick, of the same size and with its times put back, is not missed", async () => {
  const root = newRoot();
  const [store] = twoStores(root);
  const { escalationId } = escalation("a");
  await store?.recordEscalation(escalation("a"));
  const path = escalationPath(root, escalationId);
  const content = readFileSync(path, "utf8");
  expect(await store?.listEscalations()).toHaveLength(1);
  writeFileSync(path, content.replace("No match", "Mo natch"));
  utimesSync(path, new Date(0), new Date(0));
  const [changed] = (await store?.listEscalations()) ?? [];
  expect(changed?.reason).toBe("Mo natch found");
});

// A clock of one endless tick: every stat is ten milliseconds old and the same.
const ticking = (path: string): ReturnType<typeof quickOperations.statAt> => {
  const stat = quickOperations.statAt(path);
  return stat === null ? null : { ...stat, changedMs: 1_000, modifiedMs: 1_000 };
};

test("a change that the file's times do not show, because they are too young, is not missed", async () => {
  const root = newRoot();
  const statOf: typeof quickOperations.statOf = (handle) => {
    return { ...quickOperations.statOf(handle), changedMs: 1_000, modifiedMs: 1_000 };
  };
  const store = openFsStore(root, { ...quickOperations, statAt: ticking, statOf, nowMs: () => 1_010 });
  await store.recordEscalation(escalation("a"));
  expect(await store.listEscalations()).toHaveLength(1);
  const path = escalationPath(root, escalation("a").escalationId);
  writeFileSync(path, readFileSync(path, "utf8").replace("No match", "Mo natch"));
  expect((await store.listEscalations())[0]?.reason).toBe("Mo natch found");
});

test("a file changed in place is noticed although its folder looks the same", async () => {
  const root = newRoot();
  const store = openFsStore(root, { ...quickOperations, nowMs: () => Date.now() + 1_000 });
  for (const name of ["a", "b", "c"]) await store.recordEscalation(escalation(name));
  expect(await store.listEscalations()).toHaveLength(3);
  const path = escalationPath(root, escalation("b").escalationId);
  const folder = statSync(escalationsDir(root)).ctimeMs;
  writeFileSync(path, `${readFileSync(path, "utf8")}!`);
  expect(statSync(escalationsDir(root)).ctimeMs).toBe(folder);
  expect(await store.listEscalations()).toHaveLength(2);
});

test("a listing that nothing has changed since reads no file again and is the same", async () => {
  const root = newRoot();
  let opened = 0;
  // Later by a second, so that no stat is too young to be believed.
  const store = openFsStore(root, {
    ...quickOperations,
    nowMs: () => Date.now() + 1_000,
    openForRead: (path) => {
      opened += 1;
      return quickOperations.openForRead(path);
    },
  });
  for (const name of ["a", "b", "c"]) await store.recordEscalation(escalation(name));
  const first = await store.listEscalations();
  const before = opened;
  expect(await store.listEscalations()).toEqual(first);
  expect(await store.listEscalations({ status: EscalationStatus.OPEN })).toEqual(first);
  expect(opened).toBe(before);
  expect(readdirSync(escalationsDir(root))).toHaveLength(3);
});

test("an exact answer touches as many files among many patterns as among few", async () => {
  const root = newRoot();
  let touched = 0;
  const store = openFsStore(root, {
    ...quickOperations,
    statAt: (path) => {
      touched += 1;
      return quickOperations.statAt(path);
    },
    names: (path, max) => {
      const names = quickOperations.names(path, max);
      touched += names?.length ?? 0;
      return names;
    },
  });
  const costs: number[] = [];
  for (let i = 0; i <= 300; i += 1) {
    await store.recordEscalation(escalation(`e${i}`));
    if (i % 100 !== 0) continue;
    touched = 0;
    await store.loadEscalation(escalation("e0").escalationId);
    costs.push(touched);
  }
  expect(new Set(costs).size).toBe(1);
});
