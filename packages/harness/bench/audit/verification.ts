import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import {
  encodeEntries,
  encodeTile,
  formatCheckpoint,
  type Hash,
  leafHash,
  RightEdge,
  SIGNATURE_TYPES,
  signerKey,
  signNote,
  TILE_WIDTH,
  tilePath,
} from "@assent/tlog";
import { z } from "zod";
import { writeLogFile } from "../../src/cli/verify/log-folder.ts";
import { commitment, encodeLeaf, leafTime } from "../../src/core/audit/leaf.ts";
import { payloadLine, payloadPath } from "../../src/core/audit/verify-source.ts";
import { uuidV7 } from "../../src/core/uuid.ts";

/** Full bundles, so that no partial tile is needed. */
const BUNDLES = 4_000;
const EVENTS_PER_RUN = 20;
export const ORIGIN = "assent-bench/audit/ten_0";

/** Verifications of each kind, each in a process of its own. */
const TIMES = 5;
const verificationSchema = z.object({ wallUs: z.number(), cpuUs: z.number(), memoryMb: z.number() });
type Verification = z.infer<typeof verificationSchema>;
const VERIFY = fileURLToPath(new URL("verify-export.ts", import.meta.url));

/** Every entry, tile, root and signature of an exported log; files are in the page cache. */
export function measureVerification(folder: string): void {
  const { vkey, size } = makeExport(folder, BUNDLES);
  const measured = new Map<string, Verification[]>();
  for (let i = 0; i < TIMES; i += 1)
    for (const depth of ["bare", "payloads"]) {
      const printed = execFileSync(
        process.execPath,
        [...process.execArgv, VERIFY, folder, ORIGIN, vkey, depth],
        { encoding: "utf8" },
      );
      measured.set(depth, [...(measured.get(depth) ?? []), verificationSchema.parse(JSON.parse(printed))]);
    }
  process.stdout.write(`\noffline verification of ${size} events, ${TIMES} times each, a second\n`);
  for (const [depth, all] of measured)
    process.stdout.write(
      `  ${depth === "bare" ? "entries, tiles, root, signature" : "the same and payloads"}: ${ratesOf(all.map(({ cpuUs }) => cpuUs))} of CPU; ${ratesOf(all.map(({ wallUs }) => wallUs))} of time; memory at most ${Math.max(...all.map(({ memoryMb }) => memoryMb)).toFixed(0)} MB\n`,
    );
}

/** Median and range of how many a second these are. */
function ratesOf(us: readonly number[]): string {
  const [slow, median, fast] = [us.length - 1, (us.length - 1) / 2, 0].map((place) =>
    (1e6 / (us.toSorted((a, b) => a - b)[Math.floor(place)] ?? 0)).toFixed(0),
  );
  return `${median} (${slow} to ${fast})`;
}

/** An export of so many full bundles, of runs as they are. */
export function makeExport(
  folder: string,
  bundles: number,
): { readonly vkey: string; readonly size: number } {
  const key = signerKey(ORIGIN, SIGNATURE_TYPES.ed25519, new Uint8Array(32).fill(7));
  const size = bundles * TILE_WIDTH;
  const edge = new RightEdge();
  const levels = new Map<number, Hash[]>();
  for (let bundle = 0; bundle < bundles; bundle += 1) {
    const made = Array.from({ length: TILE_WIDTH }, (_, i) => entry(bundle * TILE_WIDTH + i));
    const hashes = made.map(({ leaf }) => leafHash(leaf));
    for (const hash of hashes)
      for (const node of edge.append(hash))
        levels.set(node.level, [...(levels.get(node.level) ?? []), node.hash]);
    const tile = { index: bundle, width: TILE_WIDTH };
    writeLogFile(folder, tilePath({ level: 0, ...tile }), encodeTile(hashes));
    const entries = tilePath({ level: "entries", ...tile });
    writeLogFile(folder, entries, encodeEntries(made.map(({ leaf }) => leaf)));
    const lines = made.map(({ salt, payload }, i) => payloadLine(bundle * TILE_WIDTH + i, salt, payload));
    writeLogFile(folder, payloadPath(entries), lines.join(""));
  }
  for (const [level, hashes] of levels)
    for (let from = 0; from < hashes.length; from += TILE_WIDTH) {
      const some = hashes.slice(from, from + TILE_WIDTH);
      writeLogFile(
        folder,
        tilePath({ level, index: from / TILE_WIDTH, width: some.length }),
        encodeTile(some),
      );
    }
  const note = signNote(formatCheckpoint({ origin: ORIGIN, size, root: edge.root(), extensions: [] }), [key]);
  if (!note.ok) throw new Error(note.error);
  writeLogFile(folder, "checkpoint", note.value);
  return { vkey: key.vkey, size };
}

/** Of each run, as the harness has them: it is taken, its calls begin and end, it ends. */
function happened(version: number): { readonly kind: string; readonly data: object } {
  if (version === 1) return { kind: "run_queued", data: { state: "queued", agent: "bench", model: "m" } };
  if (version === 2) return { kind: "run_leased", data: { state: "running" } };
  if (version === EVENTS_PER_RUN - 1)
    return { kind: "artifact_committed", data: { artifact_id: "a", name: "answer.md", sha256: DIGEST } };
  if (version === EVENTS_PER_RUN) return { kind: "run_succeeded", data: { state: "succeeded" } };
  const step = Math.floor((version - 1) / 2);
  const call = { step, step_kind: "tool", name: "read_file", effect: "none", verdict: "permit" };
  return {
    kind: version % 2 === 1 ? "step_intended" : "step_succeeded",
    data: { ...call, action_digest: DIGEST, effect_id: `${DIGEST}${step}` },
  };
}
const DIGEST = `sha256:${"0".repeat(64)}`;

function entry(i: number): { leaf: Uint8Array; salt: Uint8Array; payload: string } {
  const salt = new Uint8Array(32).fill(i % 251);
  const run = Math.floor(i / EVENTS_PER_RUN);
  const version = (i % EVENTS_PER_RUN) + 1;
  const { kind, data } = happened(version);
  const payload = JSON.stringify(data);
  const leaf = encodeLeaf({
    log: ORIGIN,
    tenant: `ten_${"0".repeat(32)}`,
    id: uuidV7(new Date(1_700_000_000_000 + i), new Uint8Array(10).fill(i % 256)),
    at: leafTime(new Date(1_700_000_000_000 + i)),
    kind,
    actor: null,
    subject: `run_${run.toString(16).padStart(32, "0")}`,
    version,
    state: "0".repeat(64),
    commit: commitment(salt, payload).toString("hex"),
  });
  return { leaf, salt, payload };
}
