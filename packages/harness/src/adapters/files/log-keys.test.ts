import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { KeysUnreadable, openLogKeys, readPublicKeys } from "./log-keys.ts";

const random = { bytes: (count: number) => new Uint8Array(count).fill(7) };
let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "assent-keys-"));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

test.each([0, 1, 40, 77])(
  "keys of which %i bytes are left are neither used nor replaced, nor told",
  (bytes) => {
    openLogKeys(folder, random);
    const file = join(folder, "keys.json");
    const whole = readFileSync(file, "utf8");
    const left = whole.slice(0, Math.min(bytes, whole.trimEnd().length - 1));
    writeFileSync(file, left);
    for (const read of [() => openLogKeys(folder, random), () => readPublicKeys(folder)]) {
      let failed: unknown;
      try {
        read();
      } catch (error) {
        failed = error;
      }
      expect(failed).toBeInstanceOf(KeysUnreadable);
      expect(String(failed)).toContain(file);
      expect(String(failed)).not.toContain("BwcH");
    }
    expect(readFileSync(file, "utf8")).toBe(left);
  },
);
