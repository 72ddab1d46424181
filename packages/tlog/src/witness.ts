// C2SP tlog-witness: the two sides of add-checkpoint, without the HTTP around them. https://c2sp.org/tlog-witness

import { type Checkpoint, parseCheckpoint } from "./checkpoint.ts";
import { cosign, verifyCosignature } from "./cosignature.ts";
import { EMPTY_ROOT, type Hash, isHash, isSameHash } from "./hash.ts";
import type { SignerKey, VerifierKey } from "./keys.ts";
import {
  NO_SIGNATURE_LINE,
  type NoteSignature,
  parseNote,
  parseSignatureLine,
  signatureLine,
} from "./note.ts";
import { PROOF_HASHES_MAX, verifyConsistency } from "./proofs.ts";
import { fail, ok, type Result } from "./result.ts";
import { verifyLogLines } from "./signed-checkpoint.ts";
import { decodeBase64, decodeUtf8, encodeBase64, parseDecimal } from "./text.ts";

export type AddCheckpoint = {
  readonly oldSize: number;
  readonly proof: readonly Hash[];
  /** The signed note, verbatim. */
  readonly checkpoint: string;
};

export const formatAddCheckpoint = ({ oldSize, proof, checkpoint }: AddCheckpoint): string =>
  `${[`old ${oldSize}`, ...proof.map(encodeBase64)].join("\n")}\n\n${checkpoint}`;

export function parseAddCheckpoint(bytes: Uint8Array | string): Result<AddCheckpoint> {
  const text = typeof bytes === "string" ? bytes : decodeUtf8(bytes);
  const split = text?.indexOf("\n\n") ?? -1;
  if (text === null || split < 0) return fail("malformed request: no empty line before the checkpoint");
  const [first, ...lines] = text.slice(0, split).split("\n");
  const oldSize = first?.startsWith("old ") === true ? parseDecimal(first.slice("old ".length)) : null;
  if (oldSize === null) return fail("malformed request: no old size in decimal");
  if (lines.length > PROOF_HASHES_MAX) return fail("malformed request: more than 63 hashes");
  const proof: Hash[] = [];
  for (const line of lines) {
    const hash = decodeBase64(line);
    if (hash === null || !isHash(hash)) return fail("malformed request: a line that is no hash in base64");
    proof.push(hash);
  }
  return ok({ oldSize, proof, checkpoint: text.slice(split + 2) });
}

/** The last checkpoint that the witness cosigned for a log. */
export type WitnessRecord = { readonly size: number; readonly root: Hash; readonly note: string };

export type WitnessLog = { readonly origin: string; readonly keys: readonly VerifierKey[] };

/** What to answer, and, for 200 only, what must be persisted before the answer leaves. */
export type WitnessAnswer =
  | { readonly status: 200; readonly body: string; readonly record: WitnessRecord }
  | { readonly status: 400 | 403 | 404 | 422; readonly body: string }
  | { readonly status: 409; readonly body: string; readonly contentType: "text/x.tlog.size" };

/**
 * Judges one add-checkpoint request, in the order of the specification. The caller must hold the log's record from
 * before this call until the new one is persisted: of two requests at once one would roll the other back.
 * @param logs the logs that this witness knows
 * @param recordOf the last cosigned checkpoint of an origin; null for none yet
 */
export function answerAddCheckpoint(
  body: Uint8Array | string,
  logs: readonly WitnessLog[],
  recordOf: (origin: string) => WitnessRecord | null,
  keys: readonly SignerKey[],
  nowSeconds: number,
): WitnessAnswer {
  const request = parseAddCheckpoint(body);
  if (!request.ok) return refuse(400, request.error);
  const note = parseNote(request.value.checkpoint);
  // A signature that cannot even be read is a signature that does not verify.
  if (!note.ok) return refuse(note.error === NO_SIGNATURE_LINE ? 403 : 400, note.error);
  const checkpoint = parseCheckpoint(note.value.text);
  if (!checkpoint.ok) return refuse(400, checkpoint.error);
  const log = logs.find((known) => known.origin === checkpoint.value.origin);
  if (log === undefined) return refuse(404, "the log is not known here");
  const signers = verifyLogLines(note.value, log.keys, "each_type");
  if (!signers.ok) return refuse(403, signers.error);
  if (request.value.oldSize > checkpoint.value.size) return refuse(400, "the old size is above the new one");
  const record = recordOf(log.origin);
  const latest = record?.size ?? 0;
  if (request.value.oldSize !== latest)
    return { status: 409, body: `${latest}\n`, contentType: "text/x.tlog.size" };
  const inconsistency = findInconsistency(request.value, checkpoint.value, record);
  if (inconsistency !== null) return refuse(422, inconsistency);
  return cosignAll(keys, note.value.text, note.value.signatures, log, checkpoint.value, nowSeconds);
}

const refuse = (status: 400 | 403 | 404 | 422, why: string): WitnessAnswer => ({ status, body: `${why}\n` });

function findInconsistency(
  { oldSize, proof }: AddCheckpoint,
  { size, root }: Checkpoint,
  record: WitnessRecord | null,
): string | null {
  if (size === 0 && !isSameHash(root, EMPTY_ROOT)) return "a tree without entries has another root";
  // A record of size 0 says as much as none.
  if (oldSize === 0 || record === null) return proof.length === 0 ? null : "there is nothing to prove from 0";
  return verifyConsistency({ oldSize, size, oldRoot: record.root, root, proof })
    ? null
    : "the proof does not show that the tree only grew";
}

function cosignAll(
  keys: readonly SignerKey[],
  text: string,
  signatures: readonly NoteSignature[],
  log: WitnessLog,
  { size, root }: Checkpoint,
  nowSeconds: number,
): WitnessAnswer {
  const lines: string[] = [];
  for (const key of keys) {
    const line = cosign(key, text, nowSeconds);
    if (!line.ok) return { status: 422, body: `${line.error}\n` };
    lines.push(signatureLine(line.value));
  }
  // For monitors: the log's own signatures that were verified, and ours.
  const ours = signatures.filter((line) =>
    log.keys.some((key) => key.name === line.name && key.id === line.id),
  );
  const note = `${text}\n${[...ours.map(signatureLine), ...lines].join("")}`;
  return { status: 200, body: lines.join(""), record: { size, root, note } };
}

/**
 * The log's side: takes over from a witness's answer what is a valid cosignature of a witness that is known here.
 * @param note the checkpoint that was sent, as a signed note
 * @returns the note with those lines added; unchanged when there were none
 */
export function addCosignatures(
  note: string,
  answer: Uint8Array | string,
  witnesses: readonly VerifierKey[],
): Result<{ readonly note: string; readonly added: readonly VerifierKey[] }> {
  const parsed = parseNote(note);
  if (!parsed.ok) return parsed;
  const text = typeof answer === "string" ? answer : decodeUtf8(answer);
  const lines = text?.split("\n") ?? [];
  if (text === null || lines.pop() !== "") return fail("malformed answer: not lines of text");
  const added = new Map<string, { readonly key: VerifierKey; readonly line: string }>();
  for (const line of lines) {
    const signature = parseSignatureLine(line);
    if (signature === null) return fail("malformed answer: a line that is no signature");
    const key = witnesses.find((known) => known.name === signature.name && known.id === signature.id);
    if (key === undefined || added.has(key.vkey)) continue;
    if (verifyCosignature(key, parsed.value.text, signature) === null)
      return fail(`the cosignature of ${key.name} is not one of this checkpoint`);
    added.set(key.vkey, { key, line: `${line}\n` });
  }
  const fresh = [...added.values()];
  return ok({ note: note + fresh.map(({ line }) => line).join(""), added: fresh.map(({ key }) => key) });
}
