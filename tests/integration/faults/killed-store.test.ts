// kill -9 between the file operations of storing an artifact: what a reader sees is nothing, or the whole.

import { expect, test } from "vitest";
import { killWhileStoring } from "../../support/faults/killed-store.ts";

// After the bytes are written, and before they get their name; every other place at night (tests/nightly).
test.each([
  [9, "after", "fs.create", "nothing"],
  [11, "before", "fs.rename", "nothing"],
  [11, "after", "fs.rename", "whole"],
] as const)("killed at operation %i (%s %s) leaves %s", async (k, when, at, seen) => {
  expect(await killWhileStoring(k, when)).toEqual({ said: `killed ${when} ${at}`, seen, mended: true });
});
