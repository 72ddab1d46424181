import { existsSync, mkdtempSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { makeHome, readCredentials, checkCredentials } from "../../../packages/harness/src/home.ts";
import { startFromCommandLine } from "../../../packages/harness/src/start.ts";
import { makeFolder } from "../../../packages/harness/src/make-folder.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "assent-folder-"));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

test("what is missing is made, with its mode, and what is there is left", () => {
  const deep = join(folder, "a", "b", "c");
  expect(makeFolder(deep, 0o700)).toBe(true);
  expect(statSync(join(folder, "a", "b")).mode & 0o777).toBe(0o700);
  expect(makeFolder(deep, 0o755)).toBe(false);
  expect(statSync(deep).mode & 0o777).toBe(0o700);
});

test("a file in the way, and a name that leads nowhere, are refused, not replaced", () => {
  const file = join(folder, "file");
  writeFileSync(file, "kept");
  for (const path of [file, join(file, "below"), join(file, "a", "b")])
    expect(() => makeFolder(path)).toThrow(expect.objectContaining({ code: "ENOTDIR" }));
  symlinkSync(join(folder, "nowhere"), join(folder, "link"));
  expect(() => makeFolder(join(folder, "link"))).toThrow(expect.objectContaining({ code: "EEXIST" }));
  expect(existsSync(join(folder, "nowhere"))).toBe(false);
});

// With Node's own recursive mkdir this test does not end.
test("a folder that takes no other is said to take none", () => {
  for (const path of ["/proc/assent", "/proc/assent/below"]) {
    expect(() => makeFolder(path)).toThrow(
      expect.objectContaining({ code: expect.stringMatching(/^E[A-Z]+$/) }),
    );
    expect(makeHome(path)).toMatchObject({ ok: false, error: { code: "home_unusable" } });
  }
});

test("credentials that are a folder are named before anything is started on them", async () => {
  expect(checkCredentials(folder)).toEqual({ ok: true, value: null });
  makeFolder(join(folder, "credentials.json"));
  expect(() => readCredentials(folder)).toThrow("EISDIR");
  expect(checkCredentials(folder)).toMatchObject({
    ok: false,
    error: { code: "home_unusable", detail: expect.stringContaining("credentials.json") },
  });
  const options = { home: folder, host: "127.0.0.1", port: 0, configFile: null, model: null, announce: true };
  const started = await startFromCommandLine(options, () => undefined);
  if (started.ok) await started.value.stop();
  expect(started).toMatchObject({ ok: false, error: { code: "home_unusable" } });
  expect(readdirSync(folder)).toEqual(["credentials.json"]);
});
