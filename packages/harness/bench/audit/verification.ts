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
import { openLogFolder, writeLogFile } from "../../src/cli/verify/log-folder.ts";
import { commitment, encodeLeaf, leafTime } from "../../src/core/audit/leaf.ts";
import { verifyLog } from "../../src/core/audit/verify-log.ts";
import { payloadLine, payloadPath } from "../../src/core/audit/verify-source.ts";
import { uuidV7 } from "../../src/core/uuid.ts";

/** Full bundles, so that no partial tile is needed. */
const BUNDLES = 4_000;
const EVENTS_PER_RUN = 20;
const ORIGIN = "assent-bench/audit/ten_0";

/** Every entry, tile, root and signature of an exported log, in one process; files are in the page cache. */
export function measureVerification(folder: string): void {
  const key = signerKey(ORIGIN, SIGNATURE_TYPES.ed25519, new Uint8Array(32).fill(7));
  const size = BUNDLES * TILE_WIDTH;
  const edge = new RightEdge();
  const levels = new Map<number, Hash[]>();
  for (let bundle = 0; bundle < BUNDLES; bundle += 1) {
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
  const source = openLogFolder(folder);
  const bare = { read: (path: string) => (path.startsWith("payloads/") ? null : source.read(path)) };
  for (const [name, from] of [
    ["entries, tiles, root, signature", bare],
    ["and payloads against their commitments", source],
  ] as const) {
    const cpu = process.cpuUsage();
    const begun = performance.now();
    const report = verifyLog({
      source: from,
      origin: ORIGIN,
      keys: [key],
      remembered: null,
      policy: null,
      cosignedSince: null,
    });
    const used = process.cpuUsage(cpu);
    if (!report.verified) throw new Error(JSON.stringify(report.findings[0]));
    const perSecond = size / ((performance.now() - begun) / 1_000);
    const perCpu = size / ((used.user + used.system) / 1e6);
    process.stdout.write(
      `offline verification, ${name}: ${size} events, ${perSecond.toFixed(0)} a second, ${perCpu.toFixed(0)} a CPU second\n`,
    );
  }
  process.stdout.write(
    `resident memory at most ${(process.resourceUsage().maxRSS / 1024).toFixed(0)} MB, the database's client included\n`,
  );
}

function entry(i: number): { leaf: Uint8Array; salt: Uint8Array; payload: string } {
  const salt = new Uint8Array(32).fill(i % 251);
  const payload = JSON.stringify({ step: i, name: "read_file", effect: "none", text: "x".repeat(200) });
  const run = Math.floor(i / EVENTS_PER_RUN);
  const leaf = encodeLeaf({
    log: ORIGIN,
    tenant: `ten_${"0".repeat(32)}`,
    id: uuidV7(new Date(1_700_000_000_000 + i), new Uint8Array(10).fill(i % 256)),
    at: leafTime(new Date(1_700_000_000_000 + i)),
    kind: "step_succeeded",
    actor: null,
    subject: `run_${run.toString(16).padStart(32, "0")}`,
    version: (i % EVENTS_PER_RUN) + 1,
    state: "0".repeat(64),
    commit: commitment(salt, payload).toString("hex"),
  });
  return { leaf, salt, payload };
}
