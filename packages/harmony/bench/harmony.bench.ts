// How long each operation of the file store takes, at 100, 10,000 and 1,000,000 records, and what finds similar ones.
//   npm run bench:harmony            npm run bench:harmony -- 100 10000      (only these sizes)
// Each part of each size runs in a process of its own, which prints its largest resident memory: the figures of one do
// not weigh on another's. Files lie in the system's temporary folder; a million of each kind want 10 GB there.

import { spawnSync } from "node:child_process";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { openFsStore } from "@assent/harmony";
import { print } from "./measuring.ts";
import { PARTS } from "./operations.ts";
import { fill, removeFilled } from "./records.ts";
import { measureSimilarity } from "./similarity-recall.ts";

const SIZES = [100, 10_000, 1_000_000];
const SIMILARITY = "similarity";

const seconds = (fromMs: number): string => ((performance.now() - fromMs) / 1_000).toFixed(1);

async function runPart(name: string, records: number): Promise<void> {
  const found = PARTS.find(({ part }) => part === name);
  if (found === undefined) throw new Error(`no part ${name}`);
  const { part, measureAll, filledMax } = found;
  const root = mkdtempSync(join(tmpdir(), "harmony-bench-"));
  const begunMs = performance.now();
  try {
    const filled = records <= filledMax;
    if (filled) await fill(root, part, records);
    process.stdout.write(`\n${records} ${part}${filled ? `, filled in ${seconds(begunMs)} s` : ""}\n`);
    print("milliseconds", `${"p50".padStart(10)}${"p99".padStart(10)}   calls`);
    await measureAll(openFsStore(root), records);
  } finally {
    removeFilled(root);
  }
}

async function runChild(part: string, records: number): Promise<void> {
  const begunMs = performance.now();
  if (part === SIMILARITY) process.stdout.write(`\n${measureSimilarity(records).join("\n")}\n`);
  else await runPart(part, records);
  const mebibytes = (process.resourceUsage().maxRSS / 1_024).toFixed(0);
  process.stdout.write(`all of it in ${seconds(begunMs)} s, at most ${mebibytes} MiB resident\n`);
}

function runAll(sizes: readonly number[]): boolean {
  const parts = [...PARTS.map(({ part }) => part), SIMILARITY];
  return sizes
    .flatMap((size) => parts.map((part) => [part, String(size)]))
    .every((words) => {
      const self = fileURLToPath(import.meta.url);
      const { status } = spawnSync(process.execPath, [...process.execArgv, self, ...words], {
        stdio: "inherit",
      });
      return status === 0;
    });
}

const [first = "", second = ""] = process.argv.slice(2);
if (/^[a-z]/u.test(first)) await runChild(first, Number(second));
else {
  const sizes = process.argv.slice(2).map(Number);
  process.exitCode = runAll(sizes.length > 0 ? sizes : SIZES) ? 0 : 1;
}
