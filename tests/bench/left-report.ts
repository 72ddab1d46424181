// What a bench of runs leaves for `npm run exit-criteria`, which holds it against what is aimed at.

import { mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import type { BenchReport, BenchRow } from "../../scripts/judge-criteria.ts";

const FILE = fileURLToPath(new URL("../../reports/bench-runs.json", import.meta.url));

const startTime = Date.now();
const rows: BenchRow[] = [];
let alone: Pick<BenchReport, "idleCommitsPerSecond" | "longRun"> = {
  idleCommitsPerSecond: null,
  longRun: null,
};

export const keepRow = (row: BenchRow): void => void rows.push(row);

export const keepAlone = (measured: typeof alone): void => {
  alone = measured;
};

/** At the end, so that what was cut off leaves nothing. */
export function leaveReport(): void {
  const report: BenchReport = { startTime, rows, ...alone };
  mkdirSync(dirname(FILE), { recursive: true });
  writeFileSync(FILE, `${JSON.stringify(report, null, 2)}\n`);
}
