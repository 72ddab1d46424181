import { mkdtempSync, readFileSync, renameSync, rmSync, statSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { KEPT_BYTES_MAX } from "../adapters/telemetry/kept-lines.ts";
import { openLog } from "./open-log.ts";

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "assent-open-log-"));
});
afterEach(() => {
  rmSync(home, { recursive: true });
});

test("a log that cannot be written stops nobody", () => {
  // A disk without room, as the kernel plays it.
  symlinkSync("/dev/full", join(home, "assent.log"));
  const opened = openLog("file", home);
  if (!opened.ok) throw new Error(opened.error.detail);
  for (let at = 0; at < 3; at += 1) opened.value.write("x".repeat(KEPT_BYTES_MAX / 2));
  expect(() => opened.value.flush()).not.toThrow();
});

test("a log is there as soon as it is written", () => {
  const opened = openLog("file", home);
  if (!opened.ok) throw new Error(opened.error.detail);
  opened.value.write("one");
  opened.value.write("two");
  expect(readFileSync(join(home, "assent.log"), "utf8")).toBe("one\ntwo\n");
});

test("a log that was moved away is begun anew, within a second", () => {
  let ms = 0;
  const opened = openLog("file", home, () => ms);
  if (!opened.ok) throw new Error(opened.error.detail);
  const [path, moved] = [join(home, "assent.log"), join(home, "assent.log.1")];
  opened.value.write("one");
  renameSync(path, moved);
  opened.value.write("two");
  ms += 1_000;
  opened.value.write("three");
  ms += 1_000;
  opened.value.write("four");
  expect([readFileSync(moved, "utf8"), readFileSync(path, "utf8")]).toEqual(["one\ntwo\n", "three\nfour\n"]);
  expect(statSync(path).mode & 0o777).toBe(0o600);
});

test("a log that cannot be opened is refused, with the path", () => {
  const opened = openLog("file", join(home, "nowhere"));
  expect(opened).toMatchObject({ ok: false, error: { code: "home_unusable" } });
});
