// A tenant's log as somebody outside has downloaded it, held against a signed checkpoint without asking anybody. Hashes
// and signatures are those of @assent/tlog, which shares nothing with whoever wrote the log but the public formats.

import { createHash } from "node:crypto";
import {
  decodeBase64,
  formatCheckpoint,
  type Hash,
  isSameHash,
  leafHash,
  newSeed,
  openCheckpoint,
  parseProof,
  parseVerifierKey,
  proveConsistency,
  signerKey,
  signNote,
  SIGNATURE_TYPES,
  TILE_WIDTH,
  treeHash,
  type VerifierKey,
  verifyConsistency,
  verifyProof,
} from "@assent/tlog";

/** What is believed of a log before any of it is looked at: taken from the log once, then pinned. */
export type LogPin = { readonly origin: string; readonly keys: readonly VerifierKey[] };

export type CopiedEntry = {
  /** Empty where there is no more of the entry than its hash. */
  readonly leaf: string;
  readonly salt: string | null;
  readonly payload: string | null;
  /** In base64, of an entry that the log says it has pruned. */
  readonly hash?: string;
};

export type LogCopy = {
  /** The signed checkpoint. */
  readonly note: string;
  /** As many as the checkpoint covers, from the first one on. */
  readonly entries: readonly CopiedEntry[];
};

const bytesOf = (leaf: string): Uint8Array => Buffer.from(leaf, "latin1");
const hashesOf = ({ entries }: LogCopy): Hash[] =>
  entries.map(({ leaf, hash }) =>
    hash === undefined ? leafHash(bytesOf(leaf)) : (decodeBase64(hash) ?? new Uint8Array()),
  );

/** @returns null where a key is none */
export function readPin(origin: string, vkeys: readonly string[]): LogPin | null {
  const keys = vkeys.flatMap((vkey) => {
    const key = parseVerifierKey(vkey);
    return key.ok ? [key.value] : [];
  });
  return keys.length === 0 || keys.length !== vkeys.length ? null : { origin, keys };
}

/** Entries of the checkpoint, if one of the pinned keys has signed it; else null. */
export function sizeOfCheckpoint(note: string, { origin, keys }: LogPin): number | null {
  const opened = openCheckpoint(note, origin, keys);
  return opened.ok ? opened.value.size : null;
}

/**
 * What contradicts that the copy is the whole log of its checkpoint, one sentence each; none when nothing does.
 * @param remembered a checkpoint of the log that was kept from before; null: there is none
 */
export function findingsOf(copy: LogCopy, pin: LogPin, remembered: string | null): string[] {
  const opened = openCheckpoint(copy.note, pin.origin, pin.keys);
  if (!opened.ok) return [`the checkpoint: ${opened.error}`];
  const { size, root } = opened.value;
  const hashes = hashesOf(copy);
  const findings: string[] = [];
  if (hashes.length !== size)
    findings.push(`the checkpoint is of ${size} entries, and ${hashes.length} exist`);
  else if (!isSameHash(treeHash(hashes), root)) findings.push("the entries do not have the signed root");
  findings.push(...repeatedOrMissing(copy), ...unrecorded(copy, pin));
  if (remembered !== null) findings.push(...againstMemory(remembered, pin, { size, root, hashes }));
  return findings;
}

/** Leaf hashes of the log of a checkpoint, as a monitor or the tiles have them. */
export type KeptHashes = { readonly note: string; readonly hashes: readonly Hash[] };

/**
 * The first entry that is not the one that stood there when the hashes were kept; null where none differs. Hashes that
 * do not give the root of a signed checkpoint are nobody's memory, and tell nothing.
 */
export function placeOfChange(copy: LogCopy, kept: KeptHashes, { origin, keys }: LogPin): number | null {
  const signed = openCheckpoint(kept.note, origin, keys, "any");
  if (!signed.ok || signed.value.size !== kept.hashes.length) return null;
  if (!isSameHash(treeHash(kept.hashes), signed.value.root)) return null;
  const hashes = hashesOf(copy);
  const first = kept.hashes.findIndex((hash, i) => {
    const now = hashes[i];
    return now === undefined || !isSameHash(now, hash);
  });
  if (first >= 0) return first;
  return hashes.length > kept.hashes.length ? kept.hashes.length : null;
}

export const leafHashesOf = (copy: LogCopy): readonly Hash[] => hashesOf(copy);

type Tree = { readonly size: number; readonly root: Hash; readonly hashes: readonly Hash[] };

function againstMemory(remembered: string, { origin, keys }: LogPin, { size, root, hashes }: Tree): string[] {
  const old = openCheckpoint(remembered, origin, keys, "any");
  if (!old.ok) return [`the remembered checkpoint: ${old.error}`];
  if (old.value.size > size) return [`the log was cut from ${old.value.size} entries to ${size}`];
  if (!isSameHash(treeHash(hashes.slice(0, old.value.size)), old.value.root))
    return ["the log does not begin with the entries of the remembered checkpoint"];
  if (hashes.length !== size) return [];
  const read = (level: number, index: number): Hash =>
    treeHash(hashes.slice(index * 2 ** level, (index + 1) * 2 ** level));
  const proof = proveConsistency(read, old.value.size, size);
  const grown = verifyConsistency({ oldSize: old.value.size, size, oldRoot: old.value.root, root, proof });
  return grown ? [] : ["the checkpoint does not continue the remembered one"];
}

/** What a leaf says of itself, read leniently. */
export type LeafReading = { readonly subject: string; readonly version: number; readonly commit: string };

export function readLeaf(leaf: string): LeafReading | null {
  const value = fieldsFrom(leaf);
  const { subj, ver, commit } = value;
  if (typeof subj !== "string" || typeof ver !== "number" || typeof commit !== "string") return null;
  return { subject: subj, version: ver, commit };
}

/** Entries that there are hashes of: gone by record below the place that an entry behind it names, taken out above it. */
function unrecorded({ entries }: LogCopy, { origin }: LogPin): string[] {
  const gone = entries.findLastIndex(({ hash }) => hash !== undefined);
  if (gone === -1) return [];
  const epoch = /\/e([1-9]\d*)$/u.exec(origin)?.[1] ?? "1";
  const minimum = entries.reduce((most, { leaf }, index) => {
    const { kind, subj } = leaf === "" ? {} : fieldsFrom(leaf);
    const said = kind === "log.pruned" && String(subj).startsWith(`pruned:${epoch}:`) ? String(subj) : null;
    const place = said === null ? 0 : Number(said.split(":")[2]);
    return place % TILE_WIDTH === 0 && place <= index ? Math.max(most, place) : most;
  }, 0);
  return gone < minimum ? [] : [`entry ${gone} is gone, and no entry records that it was pruned`];
}

function fieldsFrom(text: string): { kind?: unknown; subj?: unknown; ver?: unknown; commit?: unknown } {
  try {
    const value = JSON.parse(text) as unknown;
    return typeof value === "object" && value !== null ? value : {};
  } catch (error) {
    if (error instanceof SyntaxError) return {};
    throw error;
  }
}

// The only check that finds out who removed or moved an entry and had the log signed anew.
function repeatedOrMissing({ entries }: LogCopy): string[] {
  const last = new Map<string, number>();
  return entries.flatMap(({ leaf, hash }, index) => {
    if (hash !== undefined) return [];
    const reading = readLeaf(leaf);
    if (reading === null) return [`entry ${index} is none`];
    const before = last.get(reading.subject);
    last.set(reading.subject, reading.version);
    const follows = before === undefined || reading.version === before + 1;
    return follows ? [] : [`entry ${index} is number ${reading.version} of its subject, after ${before}`];
  });
}

/** Whether salt and payload are what the entry commits to; an entry that was erased opens to nothing. */
export function opensItsCommitment({ leaf, salt, payload }: CopiedEntry): boolean {
  const bytes = salt === null ? null : decodeBase64(salt);
  if (bytes === null || payload === null) return false;
  const digest = createHash("sha256").update("audit-commit/v1\n").update(bytes).update(payload).digest("hex");
  return bytes.byteLength === 32 && digest === readLeaf(leaf)?.commit;
}

/** The place of the entry that a receipt proves; null where it proves nothing. */
export function placeProved(proof: string, leaf: string, { origin, keys }: LogPin): number | null {
  const verified = verifyProof(proof, bytesOf(leaf), origin, keys);
  return verified.ok ? verified.value.index : null;
}

/** The checkpoint that a proof leads to; empty where it is no proof. */
export function checkpointOf(proof: string): string {
  const parsed = parseProof(proof);
  return parsed.ok ? parsed.value.checkpoint : "";
}

/** Whether a signed checkpoint is of this very history: two that are signed by one key need not be. */
export function isOfSameLog(note: string, copy: LogCopy, { origin, keys }: LogPin): boolean {
  const opened = openCheckpoint(note, origin, keys, "any");
  if (!opened.ok || opened.value.size > copy.entries.length) return false;
  return isSameHash(treeHash(hashesOf(copy).slice(0, opened.value.size)), opened.value.root);
}

const textFor = (copy: LogCopy, origin: string): string =>
  formatCheckpoint({
    origin,
    size: copy.entries.length,
    root: treeHash(hashesOf(copy)),
    extensions: [],
  });

/** The copy with every hash made anew for its entries, and the old signatures left as they are. */
export function rehash(copy: LogCopy, { origin }: LogPin): LogCopy {
  const signatures = copy.note.slice(copy.note.indexOf("\n\n"));
  return { ...copy, note: `${textFor(copy, origin).trimEnd()}${signatures}` };
}

/** The same, signed by somebody who only has a key of the same name. */
export function signAnew(copy: LogCopy, { origin, keys }: LogPin): LogCopy {
  const forger = signerKey(keys[0]?.name ?? origin, SIGNATURE_TYPES.ed25519, newSeed());
  const note = signNote(textFor(copy, origin), [forger]);
  if (!note.ok) throw new Error(note.error);
  return { ...copy, note: note.value };
}
