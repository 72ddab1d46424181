import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { diskOperations, type FileOperations } from "./file-operations.ts";
import { openLogFiles } from "./log-files.ts";

const random = { bytes: (count: number): Uint8Array => randomBytes(count) };
const ORIGIN = "test/audit/ten_0";
const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

type Step = { readonly name: "create" | "sync" | "rename"; readonly path: string; readonly to?: string };

/** The disk, with what was done to it, in the order in which each ended. */
function recorded(failing: (step: Step) => boolean = () => false): {
  readonly folder: string;
  readonly steps: Step[];
  readonly running: () => number;
  readonly operations: FileOperations;
} {
  const folder = mkdtempSync(join(tmpdir(), "assent-log-files-"));
  folders.push(folder);
  const steps: Step[] = [];
  let running = 0;
  const note = async (step: Step, work: Promise<void>): Promise<void> => {
    running += 1;
    try {
      await work;
      if (failing(step)) throw new Error("the disk failed");
      steps.push(step);
    } finally {
      running -= 1;
    }
  };
  return {
    folder,
    steps,
    running: () => running,
    operations: {
      ...diskOperations,
      create: async (path, content) => {
        await note({ name: "create", path }, diskOperations.create(path, content));
      },
      sync: async (path) => {
        await note({ name: "sync", path }, diskOperations.sync(path));
      },
      rename: async (path, to) => {
        await note({ name: "rename", path, to }, diskOperations.rename(path, to));
      },
    },
  };
}

const FILES: ReadonlyMap<string, Uint8Array> = new Map(
  ["tile/entries/000", "tile/0/000", "tile/entries/001.p/7", "tile/0/001.p/7", "tile/1/000.p/1"].map(
    (path) => [path, Buffer.from(`content of ${path}`)],
  ),
);

test("files are durable before they have their names, and names before the write returns", async () => {
  const { folder, steps, running, operations } = recorded();
  const files = openLogFiles({ folder, random, operations });
  await files.write(ORIGIN, FILES);
  expect(running()).toBe(0);
  for (const [path, content] of FILES) {
    expect(Buffer.from((await files.read(ORIGIN, path)) ?? []).toString()).toBe(content.toString());
    const target = join(folder, ORIGIN, path);
    const named = steps.findIndex(({ name, to }) => name === "rename" && to === target);
    const staged = steps[named]?.path;
    const synced = steps.findIndex((step) => step.name === "sync" && step.path === staged);
    expect(synced).toBeGreaterThan(steps.findIndex((step) => step.name === "create" && step.path === staged));
    expect(named).toBeGreaterThan(synced);
    // Its folder's names after it, and so up to the log's own.
    for (let above = dirname(target); above.length >= join(folder, ORIGIN).length; above = dirname(above))
      expect(steps.findLastIndex((step) => step.name === "sync" && step.path === above)).toBeGreaterThan(
        named,
      );
  }
});

test("a write that fails has ended with all of its files, and can be tried again", async () => {
  let isFailing = true;
  const failing = join(ORIGIN, "tile/0/000");
  const { folder, running, operations } = recorded(
    ({ name, to }) => isFailing && name === "rename" && to?.endsWith(failing) === true,
  );
  const files = openLogFiles({ folder, random, operations });
  await expect(files.write(ORIGIN, FILES)).rejects.toThrow("the disk failed");
  expect(running()).toBe(0);
  isFailing = false;
  await files.write(ORIGIN, FILES);
  for (const path of FILES.keys()) expect(await files.read(ORIGIN, path)).not.toBeNull();
});
