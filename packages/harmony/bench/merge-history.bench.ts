// Replays the two-parent merges of a repository, oldest first, and prints what Harmony would have answered before each
// file's own resolution was known. Right = byte for byte what was committed.
// Run: node --conditions=assent-source packages/harmony/bench/merge-history.bench.ts <git directory> [merges at most]

import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { MergeContext, Precedent } from "../src/domains/merge/candidate.ts";
import {
  listConflicts,
  parseConflicts,
  type Conflict,
  type ConflictedText,
} from "../src/domains/merge/conflict.ts";
import { Experience } from "../src/domains/merge/experience.ts";
import { extractAnswers } from "../src/domains/merge/extract.ts";
import * as fingerprint from "../src/domains/merge/fingerprint.ts";
import { makeCandidates } from "../src/domains/merge/makers.ts";
import { rank } from "../src/domains/merge/rank.ts";
import { decide } from "../src/engine/resolve.ts";
import { newPattern, type ConflictPattern } from "../src/patterns.ts";
import { AgentProvenance } from "../src/provenance.ts";
import { experienced, Resolution } from "../src/resolutions.ts";
import { similarityOf } from "../src/similarity/likeness.ts";
import { SignatureIndex, type Described } from "../src/similarity/signature-index.ts";
import { parseTimestamp } from "../src/timestamps.ts";
import type { SimilarResolution } from "../src/types.ts";

const PERSON = AgentProvenance.human("history");
const OUTPUT_SIZE_BYTES_MAX = 2 ** 30;
const SIMILAR_MAX = 8;
const SIMILARITY_MIN = 0.5;
const LEVELS = [0.7, 0.8, 0.85, 0.9] as const;

type MergedFile = { readonly path: string; readonly before: ConflictedText; readonly now: string };
type Merge = { readonly commit: string; readonly at: Date; readonly files: readonly MergedFile[] };

class Repository {
  readonly #directory: string;
  readonly #environment: NodeJS.ProcessEnv;

  /** New objects go to a folder of our own, so that the repository is not written to. */
  constructor(directory: string, objects: string) {
    this.#directory = directory;
    const own = execFileSync("git", ["-C", directory, "rev-parse", "--git-path", "objects"], {
      encoding: "utf8",
    }).trim();
    this.#environment = {
      ...process.env,
      GIT_CONFIG_GLOBAL: "/dev/null",
      GIT_OBJECT_DIRECTORY: objects,
      GIT_ALTERNATE_OBJECT_DIRECTORIES: resolve(directory, own),
    };
  }

  git(args: readonly string[], input: string = ""): { readonly status: number | null; readonly out: Buffer } {
    const { status, stdout } = spawnSync(
      "git",
      ["-C", this.#directory, "-c", "merge.conflictStyle=diff3", ...args],
      {
        env: this.#environment,
        input,
        maxBuffer: OUTPUT_SIZE_BYTES_MAX,
        stdio: ["pipe", "pipe", "ignore"],
      },
    );
    return { status, out: stdout };
  }

  /** Commit, its parents, its time in seconds. */
  merges(): { commit: string; ours: string; theirs: string; at: Date }[] {
    const { out } = this.git(["log", "--all", "--merges", "--date-order", "--reverse", "--format=%H %ct %P"]);
    return out
      .toString("utf8")
      .split("\n")
      .flatMap((line) => {
        const [commit, seconds, ours, theirs, more] = line.split(" ");
        if (commit === undefined || ours === undefined || theirs === undefined || more !== undefined)
          return [];
        return [{ commit, ours, theirs, at: new Date(Number(seconds) * 1000) }];
      });
  }

  /** Contents by name (`<commit>:<path>`); null for what is not a blob. */
  blobs(names: readonly string[]): (string | null)[] {
    const { out } = this.git(["cat-file", "--batch"], `${names.join("\n")}\n`);
    const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
    let at = 0;
    return names.map(() => {
      const end = out.indexOf(10, at);
      const header = out.subarray(at, end).toString("utf8");
      at = end + 1;
      const [, type, size] = / (\w+) (\d+)$/u.exec(header) ?? [];
      if (type === undefined || size === undefined) return null;
      const bytes = out.subarray(at, at + Number(size));
      at += Number(size) + 1;
      try {
        return type === "blob" ? decoder.decode(bytes) : null;
      } catch {
        return null;
      }
    });
  }

  /** The text conflicts of merging the two, each with what was committed; null when there are none. */
  replay({
    commit,
    ours,
    theirs,
    at,
  }: {
    commit: string;
    ours: string;
    theirs: string;
    at: Date;
  }): Merge | null {
    const { status, out } = this.git(["merge-tree", "--write-tree", "--no-messages", "-z", ours, theirs]);
    if (status !== 1) return null;
    const [tree = "", ...entries] = out.toString("utf8").split("\0");
    const stages = new Map<string, Set<string>>();
    for (const entry of entries) {
      const [, stage, path] = /^\d+ [0-9a-f]+ (\d)\t(.*)$/su.exec(entry) ?? [];
      if (stage === undefined || path === undefined || path.includes("\n")) continue;
      stages.set(path, (stages.get(path) ?? new Set()).add(stage));
    }
    const paths = [...stages].flatMap(([path, seen]) => (seen.has("2") && seen.has("3") ? [path] : []));
    if (paths.length === 0) return null;
    const texts = this.blobs(paths.flatMap((path) => [`${tree}:${path}`, `${commit}:${path}`]));
    const files = paths.flatMap((path, index): MergedFile[] => {
      const before = texts[2 * index] ?? null;
      const now = texts[2 * index + 1] ?? null;
      if (before === null || now === null) return [];
      const parsed = parseConflicts(before, 7);
      return parsed.ok && listConflicts(parsed.value).length > 0 ? [{ path, before: parsed.value, now }] : [];
    });
    return files.length === 0 ? null : { commit, at, files };
  }
}

type Known = { readonly pattern: ConflictPattern; readonly conflict: Conflict };

const describe = ({ tokens, semanticFingerprint }: ConflictPattern): Described => ({
  group: 0,
  tokens,
  shape: semanticFingerprint,
});

/** The memory as the store keeps it, without the disk: the same engine, makers and ranker work on it. */
class Memory {
  readonly #resolutions: Map<string, Map<string, Resolution>> = new Map();
  readonly #patterns: Map<string, Known> = new Map();
  readonly #inOrder: Known[] = [];
  readonly #index: SignatureIndex = new SignatureIndex();
  readonly experience: Experience = new Experience();

  exact(patternId: string): Resolution[] {
    return [...(this.#resolutions.get(patternId)?.values() ?? [])];
  }

  similar(pattern: ConflictPattern): { found: SimilarResolution; conflict: Conflict }[] {
    const exact = (owner: number): number | null => {
      const other = this.#inOrder[owner]?.pattern;
      return other === undefined || other.patternId === pattern.patternId
        ? null
        : similarityOf(pattern, other);
    };
    return this.#index
      .query(describe(pattern), { count: SIMILAR_MAX, similarityMin: SIMILARITY_MIN, exact })
      .flatMap(({ owner, similarity }) => {
        const known = this.#inOrder[owner];
        if (known === undefined) return [];
        return this.exact(known.pattern.patternId).map((resolution) => ({
          found: { pattern: known.pattern, resolution, similarity },
          conflict: known.conflict,
        }));
      });
  }

  learn(asked: Asked, text: string, counted: Set<string>): void {
    const { pattern, conflict, candidates, context } = asked;
    const id = pattern.patternId;
    const at = pattern.recordedAt;
    const known = this.#resolutions.get(id) ?? new Map<string, Resolution>();
    this.#resolutions.set(id, known);
    if (!this.#patterns.has(id)) {
      const one = { pattern, conflict };
      this.#patterns.set(id, one);
      this.#index.add(this.#inOrder.push(one) - 1, describe(pattern));
    }
    const given = new Resolution({
      patternId: id,
      strategy: "text",
      result: text,
      resolvedAt: at,
      resolvedBy: PERSON,
    });
    const isNew = !known.has(given.resolutionId);
    if (isNew) known.set(given.resolutionId, given);
    for (const other of known.values()) {
      const kind = other.resolutionId === given.resolutionId ? "confirmed" : "overridden";
      const mark = `${kind} ${other.resolutionId}`;
      if (counted.has(mark)) continue;
      counted.add(mark);
      if (isNew && kind === "confirmed") continue;
      known.set(other.resolutionId, experienced(other, kind, PERSON, parseTimestamp(at)));
    }
    const right = new Set(candidates.filter((c) => c.text === text).map(({ maker }) => maker));
    const wrong = new Set(candidates.map(({ maker }) => maker).filter((maker) => !right.has(maker)));
    this.experience.add({ ...context, right: [...right], wrong: [...wrong] });
  }
}

type Asked = {
  readonly pattern: ConflictPattern;
  readonly conflict: Conflict;
  readonly context: MergeContext;
  readonly candidates: ReturnType<typeof makeCandidates>;
  readonly ranked: ReturnType<typeof rank>;
  readonly applied: string | null;
  readonly millis: number;
};

function ask(conflict: Conflict, path: string, { at, commit: merge }: Merge, memory: Memory): Asked {
  const begun = performance.now();
  const pattern = newPattern({
    domain: fingerprint.MERGE_DOMAIN,
    conflictType: fingerprint.conflictTypeOf(conflict),
    blobFingerprint: fingerprint.fingerprintConflict(conflict),
    semanticFingerprint: fingerprint.fingerprintShape(conflict),
    tokens: fingerprint.tokensOfConflict(conflict),
    path,
    recordedAt: at,
    recordedBy: PERSON,
  });
  // Labels of merge-tree are commit ids; they would make every merge a flow of its own.
  const context = { path, oursLabel: "", theirsLabel: "", merge };
  const exact = memory.exact(pattern.patternId);
  const similar = memory.similar(pattern);
  const decision = decide({ pattern, policies: [], exact, similar: similar.map(({ found }) => found) });
  const shared = { patternId: pattern.patternId, path };
  const precedents = {
    exact: exact.map((resolution): Precedent => {
      return { ...shared, resolution, texts: null, sameBase: true, sameShape: true, similarity: 1 };
    }),
    similar: similar.map(({ found, conflict: texts }): Precedent => {
      const { resolution, similarity } = found;
      const sameShape = found.pattern.semanticFingerprint === pattern.semanticFingerprint;
      return { ...shared, resolution, texts, sameBase: false, sameShape, similarity };
    }),
  };
  const candidates = makeCandidates(conflict, context, precedents);
  const ranked = rank(candidates, context, memory.experience);
  const applied = decision.status === "applied" ? decision.result : null;
  return { pattern, conflict, context, candidates, ranked, applied, millis: performance.now() - begun };
}

class Tally {
  conflicts = 0;
  certain = 0;
  files = 0;
  expressible = 0;
  first = 0;
  firstThree = 0;
  applied = 0;
  appliedRight = 0;
  filesAnswered = 0;
  filesRight = 0;
  readonly levels: { answered: number; right: number }[] = LEVELS.map(() => ({ answered: 0, right: 0 }));
  readonly fileLevels: { answered: number; right: number }[] = LEVELS.map(() => ({ answered: 0, right: 0 }));
  readonly millis: number[] = [];

  count({ ranked, applied, millis, candidates }: Asked, truth: string | null): void {
    this.conflicts += 1;
    this.millis.push(millis);
    if (truth === null) return;
    this.certain += 1;
    if (candidates.some(({ text }) => text === truth)) this.expressible += 1;
    if (ranked[0]?.text === truth) this.first += 1;
    if (ranked.slice(0, 3).some(({ text }) => text === truth)) this.firstThree += 1;
    if (applied !== null) {
      this.applied += 1;
      if (applied === truth) this.appliedRight += 1;
    }
    for (const [index, level] of LEVELS.entries()) {
      const tally = this.levels[index];
      if (tally === undefined || (ranked[0]?.confidence ?? 0) < level) continue;
      tally.answered += 1;
      if (ranked[0]?.text === truth) tally.right += 1;
    }
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
  const memory = new Memory();
  for (const merge of merges) {
    const later: (() => void)[] = [];
    const counted = new Set<string>();
    for (const { path, before, now } of merge.files) {
      const truths = extractAnswers(before, now).map((found) => (found.certain ? found.text : null));
      const asked = listConflicts(before).map((conflict) => ask(conflict, path, merge, memory));
      tally.countFile(asked, truths);
      for (const [index, one] of asked.entries()) {
        const truth = truths[index] ?? null;
        tally.count(one, truth);
        if (truth !== null) later.push(() => memory.learn(one, truth, counted));
      }
      if (inSession) for (const learn of later.splice(0)) learn();
    }
    for (const learn of later) learn();
  }
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
  const lines = [
    `${name}: ${tally.files} files, ${tally.conflicts} conflicts, ${share(tally.certain, tally.conflicts)} with a certain resolution`,
    `  applied by exact memory: conflicts ${share(tally.appliedRight, tally.certain)} right @ ${share(tally.appliedRight, tally.applied)}; files ${share(tally.filesRight, tally.files)} right @ ${share(tally.filesRight, tally.filesAnswered)}`,
    `  proposals: expressible ${share(tally.expressible, tally.certain)}, first right ${share(tally.first, tally.certain)}, among the first three ${share(tally.firstThree, tally.certain)}`,
    `  best candidate by stated confidence (not applied), conflicts: ${say(tally.levels, tally.certain)}`,
    `  the same, whole files: ${say(tally.fileLevels, tally.files)}`,
    `  an answer takes ${at(0.5)} ms at the median, ${at(0.99)} ms at p99`,
  ];
  process.stdout.write(`${lines.join("\n")}\n`);
}

function main(directory: string, mergesMax: number): void {
  const objects = mkdtempSync(join(tmpdir(), "harmony-bench-"));
  try {
    const repository = new Repository(directory, objects);
    const all = repository.merges().slice(0, mergesMax);
    const merges = all.flatMap((merge) => repository.replay(merge) ?? []);
    process.stdout.write(`${all.length} two-parent merges, ${merges.length} with conflicts in text\n`);
    print("between merges", play(merges, false));
    print("in session", play(merges, true));
  } finally {
    rmSync(objects, { recursive: true, force: true });
  }
}

const [directory, mergesMax] = process.argv.slice(2);
if (directory === undefined) {
  process.stderr.write("usage: merge-history.bench.ts <git directory> [merges at most]\n");
  process.exitCode = 2;
} else main(directory, mergesMax === undefined ? Number.POSITIVE_INFINITY : Number(mergesMax));
