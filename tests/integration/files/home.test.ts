import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { readSecrets } from "../../../packages/harness/src/home.ts";

const random = { bytes: (count: number) => new Uint8Array(count).fill(7) };
let home = "";
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "assent-home-"));
});
afterEach(() => {
  rmSync(home, { recursive: true });
});

test("a secret is made where there is none, and the same is read again", () => {
  const first = readSecrets(home, undefined, random);
  expect(first).toMatchObject({ ok: true });
  expect(readFileSync(join(home, "secret"), "utf8")).toHaveLength(64);
  expect(readSecrets(home, undefined, random)).toEqual(first);
});

test.each(["", "\n", " ".repeat(64), "0".repeat(31)])(
  "a secret that anybody can guess is none, also in a file: %j",
  (text) => {
    writeFileSync(join(home, "secret"), text);
    const refused = readSecrets(home, undefined, random);
    expect(refused).toMatchObject({ ok: false, error: { code: "secret_too_short" } });
    // Nothing was put in its place: what was stored under the real one would be lost for good.
    expect(readFileSync(join(home, "secret"), "utf8")).toBe(text);
  },
);

test.each([
  ["a folder", (file: string) => mkdirSync(file)],
  ["a link to itself", (file: string) => symlinkSync("secret", file)],
])("%s in the secret's place is said to be none", (_what, make) => {
  make(join(home, "secret"));
  expect(readSecrets(home, undefined, random)).toMatchObject({ ok: false, error: { code: "home_unusable" } });
});
