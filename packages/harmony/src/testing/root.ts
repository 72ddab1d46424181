// For tests: a folder of their own, gone afterwards.

import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { museDir } from "../paths.ts";

/** A new root with a `.muse` folder, as in the seed document; removed when the test that asked for it ends. */
export function newRoot(): string {
  const root = mkdtempSync(join(tmpdir(), "harmony-"));
  mkdirSync(museDir(root));
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  return root;
}
