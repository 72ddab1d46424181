import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { openLogFolder, writeLogFile } from "./log-folder.ts";

function folderOf(): string {
  const folder = mkdtempSync(join(tmpdir(), "assent-log-folder-"));
  onTestFinished(() => {
    rmSync(folder, { recursive: true });
  });
  return folder;
}

test("a file is read whole, whether it fits into the room or not", () => {
  const folder = folderOf();
  const content = Buffer.from("0123456789");
  writeLogFile(folder, "tile/0/000", content);
  const source = openLogFolder(folder);
  for (const size of [0, 1, 9, 10, 11, 100]) {
    const room = new Uint8Array(size).fill(255);
    expect(Buffer.from(source.read("tile/0/000", room) ?? expect.unreachable())).toEqual(content);
  }
  expect(Buffer.from(source.read("tile/0/000") ?? expect.unreachable())).toEqual(content);
});

test("what is not there, or is no file, is null", () => {
  const folder = folderOf();
  writeFileSync(join(folder, "checkpoint"), "");
  writeLogFile(folder, "payloads/000", "");
  const source = openLogFolder(folder);
  for (const room of [undefined, new Uint8Array(10)])
    expect(
      ["tile/0/000", "checkpoint/000", "payloads", "payloads/001"].map((path) => source.read(path, room)),
    ).toEqual([null, null, null, null]);
  expect(source.read("payloads/000", new Uint8Array(1))?.byteLength).toBe(0);
  expect(openLogFolder(folderOf()).read("payloads/000")).toBeNull();
});

test("what is no plain file of a log's size is null, and neither waited for nor read to its end", () => {
  const folder = folderOf();
  execFileSync("mkfifo", [join(folder, "pipe")]);
  symlinkSync("/dev/zero", join(folder, "device"));
  symlinkSync("loop", join(folder, "loop"));
  writeFileSync(join(folder, "huge"), "");
  truncateSync(join(folder, "huge"), 3 * 1024 ** 3);
  const source = openLogFolder(folder);
  for (const room of [undefined, new Uint8Array(10)])
    expect(["pipe", "device", "loop", "huge"].map((path) => source.read(path, room))).toEqual([
      null,
      null,
      null,
      null,
    ]);
});

test.each([
  ["tile/entries/001", 17],
  ["tile/0/001", 2],
  ["checkpoint", 17],
  ["witnessed", 17],
  ["payloads/000", 512],
  ["opened/000", 512],
])("%s of %d MB is none: no log has such a file", (path, megabytes) => {
  const folder = folderOf();
  writeLogFile(folder, path, "");
  truncateSync(join(folder, path), megabytes * 1024 ** 2);
  expect(openLogFolder(folder).read(path)).toBeNull();
  truncateSync(join(folder, path), 8 * 1024);
  expect(openLogFolder(folder).read(path)?.byteLength).toBe(8 * 1024);
});
