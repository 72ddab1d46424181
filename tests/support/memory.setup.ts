// vitest's part: the temporary folder of the gate's tests is in memory, where there is enough. Much of what they keep is synced
// with each write, which is a third of the time of such a test on a disk and changes nothing of what it can find: power does
// not fail here. Nightly they write to the disk.

import { chmodSync, rmSync } from "node:fs";
import type { TestProject } from "vitest/node";
import { makeTemporaryFolder } from "./database.ts";

let folder: string | undefined;
let projects = 0;

export function setup({ config }: TestProject): () => void {
  folder ??= makeTemporaryFolder();
  projects += 1;
  // As the system's own: whatever user a test turns into may keep something there.
  chmodSync(folder, 0o1777);
  config.env = { ...config.env, TMPDIR: folder };
  return () => {
    projects -= 1;
    if (projects > 0 || folder === undefined) return;
    rmSync(folder, { recursive: true, force: true });
    folder = undefined;
  };
}
