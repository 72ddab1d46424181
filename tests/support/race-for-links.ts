// Spec security 6, rows paths: while a folder and a file are swapped for links as fast as the machine can, nothing
// outside is ever read or changed. The tries are counted, not timed.

import { once } from "node:events";
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import { expect } from "vitest";
import { confine } from "../../packages/harness/src/adapters/files/confined.ts";
import { random, temporaryFolder } from "../integration/files/repository.ts";

const INSIDE = "inside";
const CANARY = "canary: outside";

/** @param tries of reading, writing, listing and removing, at least some thousands */
export async function raceForLinks(tries: number): Promise<void> {
  const base = temporaryFolder();
  const [tree, outside, staging] = [join(base, "tree"), join(base, "outside"), join(base, "staging")];
  for (const folder of [tree, outside, staging, join(tree, "folder")]) mkdirSync(folder);
  writeFileSync(join(outside, "file.txt"), CANARY);
  writeFileSync(join(tree, "folder", "file.txt"), INSIDE);
  writeFileSync(join(tree, "file.txt"), INSIDE);
  const before = statSync(join(outside, "file.txt"), { bigint: true });

  const counters = new Int32Array(new SharedArrayBuffer(8));
  const worker = new Worker(new URL("./swapper.ts", import.meta.url), {
    workerData: { tree, outside, shared: counters.buffer },
  });
  const ended = once(worker, "exit");
  const files = confine({ root: tree, staging, random });
  const outcomes = new Map<string, number>();
  const note = (outcome: string): number => outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1).size;
  const escapes: string[] = [];
  const tryOnce = async (at: number): Promise<void> => {
    const path = at % 2 === 0 ? "folder/file.txt" : "file.txt";
    // Few, for each waits for the disk.
    if (at % 20 < 2) {
      const written = await files.write(at % 2 === 0 ? "folder/new.txt" : "file.txt", Buffer.from(INSIDE));
      note(written.ok ? "written" : `write ${written.error.code}`);
      return;
    }
    if (at % 100 === 12) {
      // The canary has the same names; were it ever removed, or its folder, the end of this test would miss it.
      const removed = await files.remove(at % 200 === 12 ? "folder/new.txt" : "folder/only-outside");
      note(removed.ok ? "removed" : `remove ${removed.error.code}`);
      return;
    }
    if (at % 5 === 4) {
      const listed = await files.list("folder");
      note(listed.ok ? "listed" : `list ${listed.error.code}`);
      if (listed.ok && listed.value.some(({ name }) => name === "only-outside")) escapes.push("listed");
      return;
    }
    const read = await files.read(path);
    note(read.ok ? "read" : `read ${read.error.code}`);
    if (read.ok && Buffer.from(read.value).toString() !== INSIDE) escapes.push(`read ${path}`);
  };
  writeFileSync(join(outside, "only-outside"), "");
  // Tries count from when the attacker is at work; several at a time, so that both cores are.
  while (Atomics.load(counters, 0) === 0) await setImmediate();
  const swapsBefore = Atomics.load(counters, 0);
  for (let at = 0; at < tries; at += 4)
    await Promise.all([tryOnce(at), tryOnce(at + 1), tryOnce(at + 2), tryOnce(at + 3)]);
  const swaps = Atomics.load(counters, 0) - swapsBefore;
  Atomics.store(counters, 1, 1);
  expect(await ended).toEqual([0]);

  expect(escapes).toEqual([]);
  expect(readdirSync(outside).toSorted()).toEqual(["file.txt", "only-outside"]);
  expect(readFileSync(join(outside, "file.txt"), "utf8")).toBe(CANARY);
  expect(statSync(join(outside, "file.txt"), { bigint: true }).mtimeNs).toBe(before.mtimeNs);
  expect(readdirSync(staging)).toEqual([]);
  // The attack took place: thousands of swaps during the tries, and links were met and refused.
  const met = [...outcomes].filter(([outcome]) => /is_link|not_a_folder/u.test(outcome));
  expect(swaps).toBeGreaterThan(1_000);
  expect(met.reduce((sum, [, count]) => sum + count, 0)).toBeGreaterThan(100);
  expect(outcomes.get("removed") ?? 0).toBeGreaterThan(tries / 2_000);
  for (const done of ["read", "written", "listed"])
    expect([done, (outcomes.get(done) ?? 0) > 100]).toEqual([done, true]);
}
