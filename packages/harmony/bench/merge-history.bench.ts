// Replays the two-parent merges of a repository, oldest first, and prints what Harmony would have answered before each
// file's own resolution was known. Right = byte for byte what was committed.
// Run: node --conditions=assent-source packages/harmony/bench/merge-history.bench.ts <git directory> [merges at most]

import { readHistory, type Merge } from "./merge-history/git-history.ts";
import { replay, ReplayedMemory, type Asked } from "./merge-history/replayed-memory.ts";

const LEVELS = [0.7, 0.8, 0.85, 0.9] as const;

class Tally {
  conflicts = 0;
  certain = 0;
  files = 0;
  expressible = 0;
  first = 0;
  firstThree = 0;
  applied = 0;
  appliedRight = 0;
  engineApplied = 0;
  engineRight = 0;
  proposed = 0;
  proposedRight = 0;
  escalated = 0;
  filesAnswered = 0;
  filesRight = 0;
  readonly levels: { answered: number; right: number }[] = LEVELS.map(() => ({ answered: 0, right: 0 }));
  readonly fileLevels: { answered: number; right: number }[] = LEVELS.map(() => ({ answered: 0, right: 0 }));
  readonly millis: number[] = [];
  /** By tenths of what was shown: conflicts, the sum of what was shown, how many were right. */
  readonly tenths: { count: number; shown: number; right: number }[] = Array.from({ length: 11 }, () => ({
    count: 0,
    shown: 0,
    right: 0,
  }));

  count(asked: Asked, truth: string | null): void {
    const { ranked, millis, candidates } = asked;
    this.conflicts += 1;
    this.millis.push(millis);
    if (truth === null) return;
    this.certain += 1;
    this.#countStatus(asked, truth);
    if (candidates.some(({ text }) => text === truth)) this.expressible += 1;
    if (ranked[0]?.text === truth) this.first += 1;
    if (ranked.slice(0, 3).some(({ text }) => text === truth)) this.firstThree += 1;
    const shown = ranked[0]?.confidence ?? 0;
    const tenth = this.tenths[Math.floor(10 * shown)];
    if (tenth !== undefined) {
      tenth.count += 1;
      tenth.shown += shown;
      tenth.right += ranked[0]?.text === truth ? 1 : 0;
    }
    for (const [index, level] of LEVELS.entries()) {
      const tally = this.levels[index];
      if (tally === undefined || (ranked[0]?.confidence ?? 0) < level) continue;
      tally.answered += 1;
      if (ranked[0]?.text === truth) tally.right += 1;
    }
  }

  #countStatus({ status, applied, engineApplied, ranked }: Asked, truth: string): void {
    if (status === "applied") this.applied += 1;
    else if (status === "proposed") this.proposed += 1;
    else this.escalated += 1;
    if (applied === truth) this.appliedRight += 1;
    if (engineApplied !== null) this.engineApplied += 1;
    if (engineApplied === truth) this.engineRight += 1;
    const shown = ranked.slice(0, 3);
    if (status === "proposed" && shown.some(({ text }) => text === truth)) this.proposedRight += 1;
  }

  countFile(asked: readonly Asked[], truths: readonly (string | null)[]): void {
    this.files += 1;
    for (const [index, level] of LEVELS.entries()) {
      const tally = this.fileLevels[index];
      if (tally === undefined || truths.includes(null)) continue;
      if (asked.some(({ ranked }) => (ranked[0]?.confidence ?? 0) < level)) continue;
      tally.answered += 1;
      if (asked.every(({ ranked }, place) => ranked[0]?.text === truths[place])) tally.right += 1;
    }
    if (asked.some(({ applied }) => applied === null) || truths.includes(null)) return;
    this.filesAnswered += 1;
    if (asked.every(({ applied }, index) => applied === truths[index])) this.filesRight += 1;
  }
}

function play(merges: readonly Merge[], inSession: boolean): Tally {
  const tally = new Tally();
  replay(merges, new ReplayedMemory(), inSession, (asked, truths) => {
    tally.countFile(asked, truths);
    for (const [index, one] of asked.entries()) tally.count(one, truths[index] ?? null);
  });
  return tally;
}

const share = (part: number, whole: number): string =>
  whole === 0 ? "–" : `${((100 * part) / whole).toFixed(1)}%`;

function print(name: string, tally: Tally): void {
  const millis = tally.millis.toSorted((a, b) => a - b);
  const at = (quantile: number): string => (millis[Math.floor(millis.length * quantile)] ?? 0).toFixed(2);
  const say = (levels: readonly { answered: number; right: number }[], whole: number): string =>
    levels
      .map(
        ({ answered, right }, index) =>
          `>=${LEVELS[index]}: ${share(right, whole)} @ ${share(right, answered)}`,
      )
      .join("; ");
  const wrong = tally.tenths.reduce((sum, { shown, right }) => sum + Math.abs(shown - right), 0);
  const error = (100 * wrong) / Math.max(1, tally.certain);
  const lines = [
    `${name}: ${tally.files} files, ${tally.conflicts} conflicts, ${share(tally.certain, tally.conflicts)} with a certain resolution`,
    `  applied ${tally.applied} (${tally.appliedRight} right: ${share(tally.appliedRight, tally.applied)}), proposed ${tally.proposed} (right among the first three: ${share(tally.proposedRight, tally.proposed)}), escalated ${tally.escalated}`,
    `  applied, were one decision to reach everywhere: ${tally.engineApplied} (right: ${share(tally.engineRight, tally.engineApplied)})`,
    `  files with every conflict applied: ${share(tally.filesRight, tally.files)} right @ ${share(tally.filesRight, tally.filesAnswered)}`,
    `  proposals: expressible ${share(tally.expressible, tally.certain)}, first right ${share(tally.first, tally.certain)}, among the first three ${share(tally.firstThree, tally.certain)}`,
    `  best candidate by shown confidence (not applied), conflicts: ${say(tally.levels, tally.certain)}`,
    `  the same, whole files: ${say(tally.fileLevels, tally.files)}`,
    `  calibration error: ${error.toFixed(1)} points (shown against what was right, by tenths)`,
    `  an answer takes ${at(0.5)} ms at the median, ${at(0.99)} ms at p99`,
  ];
  process.stdout.write(`${lines.join("\n")}\n`);
}

function main(directory: string, mergesMax: number): void {
  const { all, merges } = readHistory(directory, mergesMax);
  process.stdout.write(`${all} two-parent merges, ${merges.length} with conflicts in text\n`);
  print("between merges", play(merges, false));
  print("in session", play(merges, true));
}

const [directory, mergesMax] = process.argv.slice(2);
if (directory === undefined) {
  process.stderr.write("usage: merge-history.bench.ts <git directory> [merges at most]\n");
  process.exitCode = 2;
} else main(directory, mergesMax === undefined ? Number.POSITIVE_INFINITY : Number(mergesMax));
