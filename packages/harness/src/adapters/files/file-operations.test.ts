import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { diskOperations } from "./file-operations.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "assent-operations-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

test("what cannot be read is said by its path: keys and anchors are read so, not only artifacts", async () => {
  const [file, other] = [join(folder, "anchor"), join(folder, "folder")];
  writeFileSync(file, "12345");
  mkdirSync(other);
  symlinkSync(file, join(folder, "link"));
  expect(await diskOperations.read(file, 5)).toEqual(Uint8Array.from(Buffer.from("12345")));
  await expect(diskOperations.read(file, 4)).rejects.toThrow(`${file} has more than 4 bytes`);
  await expect(diskOperations.read(other, 5)).rejects.toThrow(`${other} is no regular file`);
  await expect(diskOperations.read(join(folder, "link"), 5)).rejects.toMatchObject({ code: "ELOOP" });
  expect(await diskOperations.read(join(folder, "missing"), 5)).toBeNull();
});
