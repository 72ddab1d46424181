// A sealing key is there whole, or it is not there; and that one was destroyed is said only where it was.

import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { sealingPublicKey } from "../../core/audit/sealed.ts";
import { diskOperations, type FileOperations } from "./file-operations.ts";
import { openSealingFiles } from "./sealing-files.ts";

const SEED = new Uint8Array(32).fill(9);
const PUBLIC = sealingPublicKey(SEED);
const NAME = PUBLIC.toString("hex");

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "assent-sealing-"));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

const pathOf = (ending: "key" | "destroyed"): string => join(folder, `${NAME}.${ending}`);

test("a key that is kept is read, by its owner alone", async () => {
  const files = openSealingFiles(join(folder, "new"));
  expect(await files.find(PUBLIC)).toBe("absent");
  await files.keep(SEED);
  expect(await files.find(PUBLIC)).toBe("held");
  expect(Buffer.from((await files.read(PUBLIC)) ?? []).equals(SEED)).toBe(true);
  expect(statSync(join(folder, "new", `${NAME}.key`)).mode & 0o777).toBe(0o600);
  expect(statSync(join(folder, "new")).mode & 0o777).toBe(0o700);
});

test.each([
  ["half of it", SEED.subarray(0, 16)],
  ["another key", new Uint8Array(32).fill(8)],
  ["nothing", new Uint8Array()],
])("a file with %s is no key", async (_, content) => {
  writeFileSync(pathOf("key"), content);
  const files = openSealingFiles(folder);
  expect(await files.read(PUBLIC)).toBeNull();
  expect(await files.find(PUBLIC)).toBe("absent");
});

test("a key is overwritten before its file goes, and the record of it is durable before that", async () => {
  const seen: string[] = [];
  const note = (what: string, path: string): void => {
    seen.push(`${what} ${path.replace(folder, "").replace(NAME, "K")}`);
  };
  const operations: FileOperations = {
    ...diskOperations,
    create: async (path, content) => {
      note("create", path);
      await diskOperations.create(path, content);
    },
    overwrite: async (path, content) => {
      await diskOperations.overwrite(path, content);
      note(`overwrite ${Buffer.from(content).equals(Buffer.alloc(32)) ? "whole" : "?"}`, path);
      expect(readFileSync(path).equals(Buffer.alloc(32))).toBe(true);
    },
    sync: async (path) => {
      await diskOperations.sync(path);
      note("sync", path);
    },
    remove: async (path) => {
      await diskOperations.remove(path);
      note("remove", path);
    },
  };
  const files = openSealingFiles(folder, operations);
  await files.keep(SEED);
  await files.destroy(PUBLIC);
  expect(seen).toEqual([
    "create /K.key",
    "sync /K.key",
    "sync ",
    "create /K.destroyed",
    "sync ",
    "overwrite whole /K.key",
    "sync /K.key",
    "remove /K.key",
    "sync ",
  ]);
  expect(await files.find(PUBLIC)).toBe("destroyed");
  // Said again it is no error, and says the same.
  await files.destroy(PUBLIC);
  expect(readdirSync(folder)).toEqual([`${NAME}.destroyed`]);
});

test("cut short while it is overwritten it is destroyed, and the next call removes it", async () => {
  writeFileSync(pathOf("destroyed"), "");
  writeFileSync(pathOf("key"), Buffer.concat([Buffer.alloc(10), SEED.subarray(10)]));
  const files = openSealingFiles(folder);
  expect(await files.find(PUBLIC)).toBe("destroyed");
  await files.destroy(PUBLIC);
  expect(readdirSync(folder)).toEqual([`${NAME}.destroyed`]);
});
