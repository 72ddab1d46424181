// Invariant 12, complete or nothing: a digest that was returned always verifies, whichever file operation fails.

import { randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { sha256Hex } from "../../base/digest.ts";
import { ARTIFACT_BYTES_MAX } from "../../base/limits.ts";
import type { ArtifactFiles } from "../../ports.ts";
import { ArtifactDamaged, ArtifactTooLarge, openArtifactFiles } from "./artifact-files.ts";
import { diskOperations, type FileOperations } from "./file-operations.ts";

const random = { bytes: (count: number): Uint8Array => randomBytes(count) };
const text = (value: string): Uint8Array => new TextEncoder().encode(value);

let parent: string;
let folder: string;
beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), "assent-artifacts-"));
  folder = join(parent, "store");
});
afterEach(() => rmSync(parent, { recursive: true, force: true }));

const open = (operations: FileOperations = diskOperations): ArtifactFiles =>
  openArtifactFiles({ folder, random, operations });
const fileOf = (sha256: string): string => join(folder, "sha256", sha256.slice(0, 2), sha256);
const staged = (): string[] => readdirSync(join(folder, "staging"));

type Fault = { readonly at: number; readonly code: string; readonly sticky: boolean };

// Fails the k-th operation (and, when sticky, all after it). A failing create leaves half of its bytes behind, as a
// full disk does.
function failing(fault: Fault): { operations: FileOperations; calls: () => readonly string[] } {
  const calls: string[] = [];
  const strike = (name: string): boolean => {
    calls.push(name);
    return fault.sticky ? calls.length >= fault.at : calls.length === fault.at;
  };
  const error = (): Error => Object.assign(new Error(`injected ${fault.code}`), { code: fault.code });
  const guard = async <T>(name: string, work: () => Promise<T>): Promise<T> => {
    if (strike(name)) throw error();
    return await work();
  };
  const operations: FileOperations = {
    makeFolder: async (path) => await guard("makeFolder", async () => await diskOperations.makeFolder(path)),
    list: async (path) => await guard("list", async () => await diskOperations.list(path)),
    read: async (path, max) => await guard("read", async () => await diskOperations.read(path, max)),
    size: async (path) => await guard("size", async () => await diskOperations.size(path)),
    create: async (path, content) => {
      if (!strike("create")) return await diskOperations.create(path, content);
      await diskOperations.create(path, content.subarray(0, content.byteLength >> 1));
      throw error();
    },
    overwrite: async (path, content) =>
      await guard("overwrite", async () => await diskOperations.overwrite(path, content)),
    sync: async (path) => await guard("sync", async () => await diskOperations.sync(path)),
    rename: async (from, to) => await guard("rename", async () => await diskOperations.rename(from, to)),
    remove: async (path) => await guard("remove", async () => await diskOperations.remove(path)),
  };
  return { operations, calls: () => calls };
}

test("what is put is got, under the digest of its bytes", async () => {
  const files = open();
  for (const bytes of [text(""), text("a"), randomBytes(100_000)]) {
    const put = await files.put(bytes);
    expect(put).toEqual({ sha256: sha256Hex(bytes), sizeBytes: bytes.byteLength });
    expect(Buffer.compare((await files.get(put.sha256)) ?? text("missing"), bytes)).toBe(0);
  }
  expect(staged()).toEqual([]);
});

test("a digest that is not there is null, and a malformed one is a bug", async () => {
  const files = open();
  await files.put(text("a"));
  expect(await files.get("0".repeat(64))).toBeNull();
  for (const bad of ["", "../../etc/passwd", "A".repeat(64), `${"0".repeat(64)}\n`])
    await expect(files.get(bad)).rejects.toThrow("64 hex digits");
});

test("too many bytes are refused before anything is written", async () => {
  await expect(open().put(new Uint8Array(ARTIFACT_BYTES_MAX + 1))).rejects.toThrow(ArtifactTooLarge);
  expect(readdirSync(parent)).toEqual([]);
});

test("the caller's buffer may change while it is stored", async () => {
  const files = open();
  const bytes = text("before");
  const putting = files.put(bytes);
  bytes.fill(0);
  const { sha256 } = await putting;
  expect(sha256Hex((await files.get(sha256)) ?? "")).toBe(sha256);
});

test.each([
  ["cut short", (bytes: Buffer) => bytes.subarray(0, 2)],
  ["emptied", () => Buffer.alloc(0)],
  [
    "changed in one bit",
    (bytes: Buffer) => Buffer.from(bytes.map((byte, at) => (at === 3 ? byte ^ 1 : byte))),
  ],
  ["longer", (bytes: Buffer) => Buffer.concat([bytes, Buffer.from("x")])],
])("a file that was %s is never served, and the next put repairs it", async (_, damage) => {
  const files = open();
  const { sha256 } = await files.put(text("precious"));
  writeFileSync(fileOf(sha256), damage(readFileSync(fileOf(sha256))));
  await expect(files.get(sha256)).rejects.toThrow(ArtifactDamaged);
  await files.put(text("precious"));
  expect(Buffer.from((await files.get(sha256)) ?? []).toString()).toBe("precious");
});

test("forty writers of the same and of different bytes do not disturb each other", async () => {
  const stores = Array.from({ length: 4 }, () => open());
  const contents = Array.from({ length: 40 }, (_, at) => text(`content ${at % 5} `.repeat(1_000)));
  const puts = await Promise.all(contents.map(async (bytes, at) => await stores[at % 4]?.put(bytes)));
  expect(new Set(puts.map((put) => put?.sha256)).size).toBe(5);
  for (const [at, put] of puts.entries())
    expect(sha256Hex((await open().get(put?.sha256 ?? "")) ?? "")).toBe(sha256Hex(contents[at] ?? ""));
  expect(staged()).toEqual([]);
});

async function checkAfterFault(fault: Fault, damaged: boolean): Promise<"put failed" | "put worked"> {
  rmSync(parent, { recursive: true, force: true });
  mkdirSync(parent);
  const bytes = text("what must be complete or nothing");
  const sha256 = sha256Hex(bytes);
  if (damaged) {
    await open().put(bytes);
    writeFileSync(fileOf(sha256), "rot");
  }
  const result = await open(failing(fault).operations)
    .put(bytes)
    .catch((error: unknown) => error);
  const failed = result instanceof Error;
  if (!failed) expect(result).toEqual({ sha256, sizeBytes: bytes.byteLength });

  const got = await open()
    .get(sha256)
    .catch((error: unknown) => error);
  if (got instanceof Error) expect([damaged, failed, got.name]).toEqual([true, true, "ArtifactDamaged"]);
  else if (got === null) expect(failed).toBe(true);
  else expect(got).toEqual(bytes);

  // The next start sweeps and a retry works, whatever went before.
  const again = open();
  await again.put(bytes);
  expect(staged()).toEqual([]);
  expect(Buffer.from((await again.get(sha256)) ?? []).equals(bytes)).toBe(true);
  return failed ? "put failed" : "put worked";
}

test.each([
  ["a new artifact", false],
  ["a damaged one", true],
])("any operation may fail while %s is stored", async (_, damaged) => {
  const counted = failing({ at: Infinity, code: "EIO", sticky: false });
  if (damaged) {
    const { sha256 } = await open().put(text("x"));
    writeFileSync(fileOf(sha256), "rot");
  }
  await open(counted.operations).put(text("x"));
  const operations = counted.calls();
  expect(operations).toEqual(
    expect.arrayContaining(["makeFolder", "list", "read", "create", "sync", "rename"]),
  );
  for (const code of ["ENOSPC", "EIO"])
    for (const sticky of [false, true])
      for (let at = 1; at <= operations.length; at += 1)
        expect(await checkAfterFault({ at, code, sticky }, damaged), `${operations[at - 1]} (${at})`).toBe(
          "put failed",
        );
  expect(await checkAfterFault({ at: operations.length + 1, code: "EIO", sticky: false }, damaged)).toBe(
    "put worked",
  );
});

test("bytes are durable before they get their name, and the name before it is returned", async () => {
  const names: string[] = [];
  const note = (name: string, path: string): void => {
    names.push(`${name} ${path.replace(folder, "").replace(/\.making.*|[0-9a-f]{64}/u, "FILE")}`);
  };
  const recorded: FileOperations = {
    ...diskOperations,
    create: async (path, content) => {
      note("create", path);
      await diskOperations.create(path, content);
    },
    sync: async (path) => {
      note("sync", path);
      await diskOperations.sync(path);
    },
    rename: async (from, to) => {
      note("rename", to);
      await diskOperations.rename(from, to);
    },
  };
  const files = open(recorded);
  await files.put(text("a"));
  expect(names).toEqual([
    `sync ${parent}`,
    "sync ",
    "create /staging/FILE",
    "sync /staging/FILE",
    "rename /sha256/ca/FILE",
    "sync /sha256/ca",
    "sync /sha256",
  ]);
  names.length = 0;
  await files.put(text("a"));
  expect(names).toEqual(["sync /sha256/ca/FILE", "sync /sha256/ca"]);
  // Of another process nobody knows how far it came.
  names.length = 0;
  await open(recorded).put(text("a"));
  expect(names.slice(-3)).toEqual(["sync /sha256/ca/FILE", "sync /sha256/ca", "sync /sha256"]);
});

test("a folder that somebody removes is missed once, and made again", async () => {
  const files = open();
  const { sha256 } = await files.put(text("a"));
  rmSync(join(folder, "sha256"), { recursive: true });
  await expect(files.put(text("a"))).rejects.toMatchObject({ code: "ENOENT" });
  await files.put(text("a"));
  expect(Buffer.from((await files.get(sha256)) ?? []).toString()).toBe("a");
});

test("what a killed process left is swept, what a living one makes is not", async () => {
  await open().put(text("a"));
  const nameOf = (pid: number): string =>
    `${own.slice(0, own.lastIndexOf("-", own.length - 34))}-${pid}-${"0".repeat(32)}`;
  let own = "";
  await open({
    ...diskOperations,
    create: async (path, content) => {
      own = path.slice(path.lastIndexOf("/") + 1);
      await diskOperations.create(path, content);
      await open().put(text("another opener sweeps meanwhile"));
    },
  }).put(text("slow"));
  expect(own).toMatch(/^\.making-[0-9a-f]{8}-\d+-[0-9a-f]{32}$/u);
  // Process ids end far below this one; ours without a maker is an earlier process with the same id.
  const dead = [nameOf(2_147_483_646), nameOf(process.pid)];
  const alive = nameOf(process.ppid);
  for (const name of [...dead, alive, "not-ours"]) writeFileSync(join(folder, "staging", name), "half");
  await open().put(text("b"));
  expect(staged().toSorted()).toEqual([alive, "not-ours"].toSorted());
});
