// The attacker of the race: swaps a folder and a file for links that lead outside, as fast as it can, until told to
// stop. workerData: the tree, and shared counters [swaps made, stop].

import { renameSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { workerData } from "node:worker_threads";

type Orders = { readonly tree: string; readonly outside: string; readonly shared: SharedArrayBuffer };

function swapUntilStopped({ tree, outside, shared }: Orders): void {
  const counters = new Int32Array(shared);
  const [folder, file] = [join(tree, "folder"), join(tree, "file.txt")];
  symlinkSync(outside, `${folder}.link`);
  symlinkSync(join(outside, "file.txt"), `${file}.link`);
  while (Atomics.load(counters, 1) === 0) {
    for (const path of [folder, file]) {
      renameSync(path, `${path}.real`);
      place(`${path}.link`, path);
      renameSync(path, `${path}.link`);
      place(`${path}.real`, path);
      Atomics.add(counters, 0, 1);
    }
  }
}

// A write may make a folder under the name in the moment that nothing is there; it is moved out of the way.
function place(from: string, to: string): void {
  for (;;) {
    try {
      renameSync(from, to);
      return;
    } catch (error) {
      if (!(error instanceof Error) || !("code" in error)) throw error;
      if (error.code !== "EISDIR" && error.code !== "ENOTEMPTY") throw error;
      moveAway(to);
    }
  }
}

function moveAway(path: string): void {
  moved += 1;
  try {
    renameSync(path, `${path}.moved-${moved}`);
  } catch (error) {
    // Whoever made it has removed it again.
    if (!(error instanceof Error && "code" in error && error.code === "ENOENT")) throw error;
  }
}

let moved = 0;
const orders: Orders = workerData;
swapUntilStopped(orders);
