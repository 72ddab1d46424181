// Exports as `assent audit export` writes them, and what whoever tampers with one has to make.

import {
  cosign,
  encodeEntries,
  encodeTile,
  formatCheckpoint,
  type Hash,
  leafHash,
  parsePolicy,
  type Policy,
  rootOfTile,
  signCheckpoint,
  signerKey,
  type SignerKey,
  signNote,
  TILE_WIDTH,
  tilePath,
  tilesOf,
  treeHash,
  type VerifierKey,
} from "@assent/tlog";
import { expect } from "vitest";
import { uuidV7 } from "../../uuid.ts";
import { commitment, encodeLeaf, leafTime } from "../leaf.ts";
import { type VerifyReport, verifyLog } from "../verify-log.ts";
import { type Listed, type LogSource, payloadLine, payloadPath } from "../verify-source.ts";

export const ORIGIN = "assent-0/audit/ten_0";
export const seed = (byte: number): Uint8Array => new Uint8Array(32).fill(byte);
export const LOG = signerKey(ORIGIN, 0x01, seed(1));
/** The log's second key. */
export const SECOND = signerKey(ORIGIN, 0x06, seed(11));
export const STRANGER = signerKey(ORIGIN, 0x01, seed(2));
export const WITNESSES = [3, 4].map((byte) => signerKey(`witness.example/${byte}`, 0x04, seed(byte)));

export type Entry = { readonly leaf: Uint8Array; readonly salt: Uint8Array; readonly payload: string };

export function entry(
  i: number,
  of: Partial<{
    subject: string;
    version: number;
    kind: string;
    log: string;
    payload: string;
    time: Date;
    actor: string | null;
  }> = {},
): Entry {
  const salt = new Uint8Array(32).fill(i % 251);
  const payload = of.payload ?? JSON.stringify({ i, text: "what happened" });
  const version = of.version ?? Math.floor(i / 3) + 1;
  const time = of.time ?? new Date(1_700_000_000_000 + i);
  const leaf = encodeLeaf({
    log: of.log ?? ORIGIN,
    tenant: `ten_${"0".repeat(32)}`,
    id: uuidV7(time, new Uint8Array(10).fill(i % 256)),
    at: leafTime(time),
    // As runs begin.
    kind: of.kind ?? ["run_queued", "run_leased"][version - 1] ?? "artifact_committed",
    actor: of.actor ?? null,
    // Three runs, one after the other's event.
    subject: of.subject ?? `run_${String(i % 3).repeat(32)}`,
    version,
    state: null,
    commit: commitment(salt, payload).toString("hex"),
  });
  return { leaf, salt, payload };
}

/** The first entry of a log that followed another, as the product writes it: of one that was signed so far, or never. */
export function beginning(
  log: string,
  before: string,
  { size, note = null }: { readonly size: number; readonly note?: string | null },
): Entry {
  const said = { reason: "x", before, last_checkpoint: note, database_size: size, signer_remembers: size };
  const subject = `epoch:${/\d+$/.exec(log)?.[0] ?? ""}`;
  return entry(0, { log, kind: "log.epoch_begun", subject, version: 1, payload: JSON.stringify(said) });
}

/** Nobody writes into an entry, so each is made once. */
const MADE: Entry[] = [];

export const entries = (count: number): Entry[] =>
  Array.from({ length: count }, (_, i) => (MADE[i] ??= entry(i)));

export type Files = Map<string, Uint8Array>;

export const hashesOf = (list: readonly Entry[]): Hash[] => list.map(({ leaf }) => leafHash(leaf));

export function noteOf(list: readonly Entry[], signer = LOG, origin = ORIGIN): string {
  const checkpoint = { origin, size: list.length, root: treeHash(hashesOf(list)), extensions: [] };
  const note = signNote(formatCheckpoint(checkpoint), [signer]);
  return note.ok ? note.value : expect.unreachable();
}

/** A checkpoint with the lines of several keys of the log. */
export function signedBy(list: readonly Entry[], keys: readonly SignerKey[], origin = ORIGIN): string {
  const root = treeHash(hashesOf(list));
  const note = signCheckpoint({ origin, size: list.length, root, extensions: [] }, keys);
  return note.ok ? note.value : expect.unreachable();
}

/** The same checkpoint without the line of this key. */
export const without = (note: string, key: VerifierKey): string =>
  note
    .split("\n")
    .filter((line) => {
      const [, , base64 = ""] = line.split(" ");
      return !line.startsWith("\u2014") || Buffer.from(base64, "base64").readUInt32BE(0) !== key.id;
    })
    .join("\n");

/** The same checkpoint with this key's line out of another. */
export const withLineOf = (note: string, other: string, key: VerifierKey): string => {
  const lines = without(other, key).split("\n");
  const line = other.split("\n").find((one) => !lines.includes(one));
  return `${without(note, key)}${line ?? expect.unreachable()}\n`;
};

export function cosigned(note: string, witnesses: readonly SignerKey[], seconds = 1_700_000_500): string {
  const text = note.slice(0, note.indexOf("\n\n") + 1);
  const lines = witnesses.map((key) => {
    const line = cosign(key, text, seconds);
    if (!line.ok) return expect.unreachable();
    const head = Buffer.alloc(4);
    head.writeUInt32BE(line.value.id);
    return `\u2014 ${key.name} ${Buffer.concat([head, line.value.bytes]).toString("base64")}\n`;
  });
  return note + lines.join("");
}

/** A whole export, as `assent audit export` writes it. */
export function exportOf(list: readonly Entry[], note: string = noteOf(list)): Files {
  const files: Files = new Map([["checkpoint", Buffer.from(note)]]);
  const levels: Hash[][] = [hashesOf(list)];
  for (let below = levels[0] ?? []; below.length >= TILE_WIDTH; below = levels.at(-1) ?? [])
    levels.push(
      Array.from({ length: Math.floor(below.length / TILE_WIDTH) }, (_, i) =>
        rootOfTile(below.slice(i * TILE_WIDTH, (i + 1) * TILE_WIDTH)),
      ),
    );
  for (const tile of tilesOf(list.length)) {
    const from = tile.index * TILE_WIDTH;
    if (tile.level !== "entries") {
      files.set(tilePath(tile), encodeTile((levels[tile.level] ?? []).slice(from, from + tile.width)));
      continue;
    }
    const some = list.slice(from, from + tile.width);
    files.set(tilePath(tile), encodeEntries(some.map(({ leaf }) => leaf)));
    const lines = some.map(({ salt, payload }, i) => payloadLine(from + i, salt, payload));
    files.set(payloadPath(tilePath(tile)), Buffer.from(lines.join("")));
  }
  return files;
}

/** An export without these bundles, as retention leaves one. */
export function pruned(files: Files, ...bundles: readonly number[]): Files {
  for (const index of bundles) {
    files.delete(`tile/entries/00${index}`);
    files.delete(`payloads/00${index}`);
  }
  return files;
}

/** Files as a folder would show them. */
export const sourceOf = (files: Files): LogSource => ({
  read: (path) => files.get(path) ?? null,
  list: (folder) => listed([...files.keys()], folder),
});

function listed(paths: readonly string[], folder: string): Listed[] {
  const start = folder === "" ? "" : `${folder}/`;
  const names = paths.filter((path) => path.startsWith(start)).map((path) => path.slice(start.length));
  return [...new Set(names.map((name) => name.split("/")[0] ?? ""))].map((name) => ({
    name,
    kind: names.includes(name) ? "file" : "folder",
  }));
}

export type Given = Partial<{
  remembered: string;
  policy: Policy;
  cosignedSince: Date;
  now: Date;
  clock: Date;
}>;

/** After all that is recorded here. */
export const NOW = new Date(1_800_000_000_000);

export function verify(files: Files, given: Given = {}): VerifyReport {
  return verifyLog({
    source: sourceOf(files),
    origin: ORIGIN,
    keys: [LOG],
    remembered: given.remembered ?? null,
    policy: given.policy ?? null,
    now: given.now ?? NOW,
    clock: given.clock ?? null,
    cosignedSince: given.cosignedSince ?? null,
  });
}

export const found = (report: VerifyReport): string[] =>
  report.findings.map(({ code, at }) => `${code} at ${at}`);

export const SIZE = 600;
export const HONEST = entries(SIZE);
export const REMEMBERED = noteOf(HONEST.slice(0, 300));

export const policyOf = (text: string): Policy => {
  const policy = parsePolicy(text);
  return policy.ok ? policy.value : expect.unreachable();
};
export const QUORUM_TEXT = `log ${LOG.vkey}\n${WITNESSES.map((key, i) => `witness w${i} ${key.vkey}`).join("\n")}\ngroup g 2 w0 w1\nquorum g\n`;
export const QUORUM = policyOf(QUORUM_TEXT);

/** The next event of its run, at a time of somebody's choosing. */
export function dated(i: number, time: Date): Entry {
  const one = entry(i);
  const line = Buffer.from(one.leaf).toString();
  return { ...one, leaf: Buffer.from(line.replace(/"at":"[^"]*"/, `"at":"${leafTime(time)}"`)) };
}

export const ENTRIES_1 = "tile/entries/001";
export const at = (files: Files, path: string): Buffer =>
  Buffer.from(files.get(path) ?? expect.unreachable());
export const flip = (bytes: Buffer, place: number): Buffer => {
  bytes[place] = (bytes[place] ?? 0) ^ 1;
  return bytes;
};

/** A history that is another from entry `from` on, made to hang together in every file. */
export const rewritten = (from: number): Entry[] =>
  HONEST.map((one, i) => {
    if (i !== from) return one;
    const salt = seed(9);
    const payload = "something else";
    const commit = commitment(salt, payload).toString("hex");
    const line = Buffer.from(one.leaf)
      .toString()
      .replace(/"commit":"[0-9a-f]{64}"/, `"commit":"${commit}"`);
    return { leaf: Buffer.from(line), salt, payload };
  });

export const altered = (list: Entry[], change: (copy: Entry[]) => void): Entry[] => {
  const copy = [...list];
  change(copy);
  return copy;
};
