// Git's own memory (`git rerere`, Documentation/technical/rerere): for each conflicted file a pre-image and what the
// person made of it. Pre-images have bare markers, sorted sides and no base. What is in the folder may be anybody's.

import * as fs from "node:fs";
import { join } from "node:path";
import { recordPattern } from "../../memory.ts";
import { AgentProvenance } from "../../provenance.ts";
import { Resolution } from "../../resolutions.ts";
import { AuditEventType, ResolutionStrategy } from "../../vocabulary.ts";
import { decode, readBytes } from "./bounded-files.ts";
import { listConflicts, parseConflicts, type Conflict } from "./conflict.ts";
import { extractAnswers } from "./extract.ts";
import { FILE_SIZE_BYTES_MAX, MARKER_SIZE_DEFAULT } from "./limits.ts";
import { patternOf, type MergeSetting } from "./memory.ts";
import { audit } from "./record.ts";

/** Entries of the folder that are looked at; git drops unused ones after 60 days, so more is not a cache. */
const ENTRIES_MAX = 100_000;
/** Variants of one entry: `preimage`, `preimage.1`, … */
const VARIANTS_MAX = 64;
/** SHA-1 or SHA-256, in hex. */
const ENTRY_NAME = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/u;

export type RrConflict = { readonly conflict: Conflict; readonly text: string };

export type ImportReport = {
  /** Pairs of pre-image and post-image that were read. */
  readonly entries: number;
  /** Answers new to the memory. */
  readonly imported: number;
  /** Answers that the memory had. */
  readonly known: number;
  /** Conflicts whose answer is not certain, and pairs that cannot be read. */
  readonly skipped: number;
};

/** In: the texts of a pair. Out: each conflict with its answer; null where the pair or an answer is not certain. */
export function readPair(preimage: string, postimage: string): readonly (RrConflict | null)[] {
  const parsed = parseConflicts(preimage, MARKER_SIZE_DEFAULT);
  if (!parsed.ok || postimage.includes("\0")) return [null];
  const answers = extractAnswers(parsed.value, postimage);
  return listConflicts(parsed.value).map((conflict, index) => {
    const found = answers[index];
    return found?.certain === true ? { conflict, text: found.text } : null;
  });
}

type Pair = {
  readonly name: string;
  readonly preimage: string;
  readonly postimage: string;
  readonly at: Date;
};

function readImage(path: string): string | null {
  const bytes = readBytes(path, FILE_SIZE_BYTES_MAX);
  return Buffer.isBuffer(bytes) ? decode(bytes) : null;
}

/** The pairs of one entry that have both images; null for one that cannot be read. */
function* readEntry(folder: string, name: string): Generator<Pair | null> {
  for (let variant = 0; variant < VARIANTS_MAX; variant += 1) {
    const suffix = variant === 0 ? "" : `.${variant}`;
    const post = join(folder, name, `postimage${suffix}`);
    const stats = fs.lstatSync(post, { throwIfNoEntry: false });
    if (stats === undefined) continue;
    const preimage = readImage(join(folder, name, `preimage${suffix}`));
    const postimage = readImage(post);
    const at = new Date(Math.trunc(stats.mtimeMs));
    yield preimage === null || postimage === null
      ? null
      : { name: `${name}${suffix}`, preimage, postimage, at };
  }
}

function entriesOf(folder: string): string[] {
  const names: string[] = [];
  if (!fs.existsSync(folder)) return names;
  using directory = fs.opendirSync(folder);
  for (
    let entry = directory.readSync();
    entry !== null && names.length < ENTRIES_MAX;
    entry = directory.readSync()
  ) {
    if (entry.isDirectory() && ENTRY_NAME.test(entry.name)) names.push(entry.name);
  }
  return names.toSorted();
}

/** A person made it, we do not know who, and nobody has confirmed it to us: it is proposed, never applied by itself. */
const IMPORTED = AgentProvenance.human("imported from git rr-cache");

async function importConflict(
  { conflict, text }: RrConflict,
  pair: Pair,
  setting: MergeSetting,
): Promise<boolean> {
  const { store, workspace } = setting;
  const pattern = patternOf(conflict, "", { ...setting, actor: IMPORTED });
  await recordPattern(store, pattern);
  workspace.saveTexts(pattern.patternId, conflict);
  const resolution = new Resolution({
    patternId: pattern.patternId,
    strategy: ResolutionStrategy.TEXT,
    result: text,
    rationale: `imported from git rr-cache, entry ${pair.name}`,
    humanVerified: false,
    resolvedAt: pair.at,
    resolvedBy: IMPORTED,
  });
  if (!(await store.saveResolution(resolution))) return false;
  const metadata = { resolution_id: resolution.resolutionId, imported: pair.name };
  await audit(AuditEventType.RESOLUTION_SAVED, pattern.patternId, metadata, setting);
  return true;
}

/** In: a folder as git keeps it (`.git/rr-cache`). Importing twice adds nothing. */
export async function importRrCache(folder: string, setting: MergeSetting): Promise<ImportReport> {
  const report = { entries: 0, imported: 0, known: 0, skipped: 0 };
  for (const name of entriesOf(folder)) {
    for (const pair of readEntry(folder, name)) {
      if (pair === null) {
        report.skipped += 1;
        continue;
      }
      report.entries += 1;
      for (const found of readPair(pair.preimage, pair.postimage)) {
        if (found === null) report.skipped += 1;
        else if (await importConflict(found, pair, setting)) report.imported += 1;
        else report.known += 1;
      }
    }
  }
  return report;
}
