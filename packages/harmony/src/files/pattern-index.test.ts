// The index of patterns hands out what the files say, whether it keeps them or reads them again.

import { readFileSync, rmSync, unlinkSync, writeFileSync } from "node:fs";
import fc from "fast-check";
import { expect, test } from "vitest";
import { fakeId } from "../ids.ts";
import { patternPath, patternsDir } from "../paths.ts";
import type { ConflictPattern } from "../patterns.ts";
import { quickOperations } from "../testing/faulty-operations.ts";
import { newRoot } from "../testing/root.ts";
import { moment, pattern } from "../testing/samples.ts";
import { DurableFiles } from "./durable-files.ts";
import type { FileOperations } from "./operations.ts";
import { PatternFiles } from "./pattern-files.ts";

const KEPT_BYTES = [0, 700, 1_000_000] as const;
const WORDS = ["if", "else", "return", "const", "let", "x", "y", "z"];

const open = (
  root: string,
  keptBytesMax: number,
  operations: FileOperations = quickOperations,
): PatternFiles => new PatternFiles(new DurableFiles(root, { ...operations }), keptBytesMax);

const named = (name: string, seconds: number): ConflictPattern =>
  pattern(name, {
    tokens: WORDS.slice(name.charCodeAt(0) % 3),
    semanticFingerprint: name < "c" ? fakeId("shape") : null,
    scope: name === "d" ? "other" : "",
    recordedAt: moment(seconds),
  });

/** Every question has an answer. */
const ALL = { mayHave: () => true, has: () => true };

const likes = (files: PatternFiles, of: ConflictPattern): string[] =>
  files
    .neighboursOf(of, 8, ALL)
    .map(({ pattern: { patternId }, similarity }) => `${patternId} ${similarity}`);

test("model: after any changes, an index that keeps all, some or no patterns lists and likens what the files say", () => {
  const change = fc.record({
    kind: fc.constantFrom("record", "see", "unlink", "garble", "edit", "restore", "wipe", "list"),
    name: fc.constantFrom("a", "b", "c", "d", "e"),
  });
  fc.assert(
    fc.property(fc.array(change, { maxLength: 15 }), (changes) => {
      const root = newRoot();
      const stores = KEPT_BYTES.map((bytes) => open(root, bytes));
      const before = new Map<string, string>();
      for (const [seconds, { kind, name }] of changes.entries()) {
        const one = named(name, kind === "see" ? seconds : 0);
        const path = patternPath(root, one.patternId);
        const content = stores[0]?.load(one.patternId) === null ? null : readFileSync(path, "utf8");
        if (content !== null) before.set(path, content);
        if (kind === "record" || kind === "see") stores[seconds % 3]?.record(one);
        else if (kind === "unlink" && content !== null) unlinkSync(path);
        // In place, of the same length: only the file's times tell.
        else if (kind === "garble" && content !== null) writeFileSync(path, "x".repeat(content.length));
        else if (kind === "edit" && content !== null) writeFileSync(path, content.replace('"x"', '"w"'));
        else if (kind === "restore" && before.has(path)) writeFileSync(path, before.get(path) ?? "");
        else if (kind === "wipe") {
          rmSync(patternsDir(root), { recursive: true, force: true });
          before.clear();
        }
        if (kind === "list") for (const store of stores) store.list({ limit: 1 });
      }
      const fresh = open(root, 0);
      for (const store of stores) {
        expect(store.list()).toEqual(fresh.list());
        expect(store.list({ limit: 2, scope: "" })).toEqual(
          fresh
            .list()
            .filter(({ scope }) => scope === "")
            .slice(0, 2),
        );
        for (const name of ["a", "c", "d"]) {
          expect(likes(store, named(name, 0)).toSorted()).toEqual(likes(fresh, named(name, 0)).toSorted());
        }
      }
    }),
    { seed: 42, numRuns: 60 },
  );
});

test("what is not kept is read when it is handed out, and no more of it; what is kept is not read again", () => {
  const root = newRoot();
  const writer = open(root, 0);
  for (const [at, name] of ["a", "b", "c", "e", "f", "g"].entries()) writer.record(named(name, at));
  let opened = 0;
  // Later by a second, so that no stat is too young to be believed.
  const operations: FileOperations = {
    ...quickOperations,
    nowMs: () => Date.now() + 1_000,
    openForRead: (path) => {
      opened += 1;
      return quickOperations.openForRead(path);
    },
  };
  for (const [keptBytesMax, reads] of [
    [0, 2],
    [1_000_000, 0],
  ] as const) {
    const files = open(root, keptBytesMax, operations);
    files.list({ limit: 1 });
    opened = 0;
    expect(files.list({ limit: 2 }).map(({ patternId }) => patternId)).toEqual([
      named("g", 0).patternId,
      named("f", 0).patternId,
    ]);
    expect(opened).toBe(reads);
  }
});

test("a neighbour is compared by what its file says now, not by what it said when it was indexed", () => {
  const root = newRoot();
  // The stats of files never change, so nothing tells the index that it is out of date.
  const operations: FileOperations = {
    ...quickOperations,
    nowMs: () => Date.now() + 1_000,
    statAt: (path) => {
      const stat = quickOperations.statAt(path);
      return stat === null ? null : { ...stat, changedMs: 1_000, modifiedMs: 1_000, sizeBytes: 1, inode: 1 };
    },
    statOf: (handle) => ({
      ...quickOperations.statOf(handle),
      changedMs: 1_000,
      modifiedMs: 1_000,
      inode: 1,
    }),
  };
  const files = open(root, 0, operations);
  const [asked, other] = [named("c", 0), named("f", 1)];
  files.record(other);
  expect(files.neighboursOf(asked, 3, ALL)).toMatchObject([{ similarity: 1 }]);
  const path = patternPath(root, other.patternId);
  writeFileSync(path, readFileSync(path, "utf8").replace('"if"', '"of"'));
  expect(files.neighboursOf(asked, 3, ALL)).toMatchObject([
    { similarity: (WORDS.length - 1) / (WORDS.length + 1) },
  ]);
  writeFileSync(path, readFileSync(path, "utf8").replace('"scope":""', '"scope":"s"'));
  expect(files.neighboursOf(asked, 3, ALL)).toEqual([]);
});

test("of very many of one shape the newest are proposed, also by a process that reads them in another order", () => {
  const root = newRoot();
  const writer = open(root, 0);
  const shape = { tokens: [], semanticFingerprint: fakeId("shape") };
  for (let at = 0; at < 40; at += 1) writer.record(pattern(`p${at}`, { ...shape, recordedAt: moment(at) }));
  const newest = [39, 38, 37].map((at) => pattern(`p${at}`).patternId);
  for (const bytes of KEPT_BYTES) {
    const found = open(root, bytes).neighboursOf(pattern("asked", shape), 3, ALL);
    expect(found.map(({ pattern: { patternId } }) => patternId)).toEqual(newest);
  }
});
