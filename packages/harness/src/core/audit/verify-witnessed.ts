// That witnesses have seen a log which is not shown to them: its checkpoint's digest stands in an entry of the
// installation's log, and enough witnesses have cosigned that one. Verified offline; keys and quorum are the verifier's.

import { createHash } from "node:crypto";
import {
  type Cosignature,
  openCheckpoint,
  parseCheckpoint,
  parseNote,
  parseProof,
  type Policy,
  verifyCosignatures,
  type VerifierKey,
  verifyProof,
} from "@assent/tlog";
import { z } from "zod";
import { err, ok, type Result } from "../../base/result.ts";
import { commitment, decodeLeaf, SALT_BYTES } from "./leaf.ts";
import type { Seen } from "./verify-source.ts";

/** The file of an export that holds the proof. */
export const WITNESSED_FILE = "witnessed";

export const witnessedSchema = z.strictObject({
  /** The log's own checkpoint that was witnessed. */
  note: z.string(),
  /** The installation's entry, byte for byte, and what opens it. Of another character bytes would be left out. */
  leaf: z.string().regex(/^[ -~]*$/),
  salt: z.base64(),
  payload: z.string(),
  /** C2SP tlog-proof of the entry, with a cosigned checkpoint. */
  proof: z.string(),
});
export type WitnessedProof = z.infer<typeof witnessedSchema>;

const payloadSchema = z.strictObject({ size: z.int().min(1), sha256: z.string() });
const COVERED_KIND = "log.covered";

export type VerifiedWitnessed = {
  /** Entries of the log that were witnessed. */
  readonly size: number;
  readonly root: Uint8Array;
  readonly seen: Seen;
  readonly cosigners: readonly string[];
};

/** @param keys of the log itself; those of the installation's log and the witnesses' are in the policy */
export function verifyWitnessed(
  { note, leaf, salt, payload, proof }: WitnessedProof,
  origin: string,
  keys: readonly VerifierKey[],
  policy: Policy,
): Result<VerifiedWitnessed, string> {
  // Its text is what the installation's log holds a digest of; all that it does is to add a memory.
  const checkpoint = openCheckpoint(note, origin, keys, "any");
  if (!checkpoint.ok) return err(checkpoint.error);
  const entry = Buffer.from(leaf, "latin1");
  // The installation's log has epochs, too, and a policy may name several: the proof says of which it is.
  const installation = originOfProof(proof);
  const vouching = policy.logs.map(({ key }) => key).filter(({ name }) => name === installation);
  if (installation === null || vouching.length === 0)
    return err("the proof is of a log that the policy does not name");
  const proved = verifyProof(proof, entry, installation, vouching);
  if (!proved.ok) return err(proved.error);
  const said = decodeLeaf(entry);
  const bytes = Buffer.from(salt, "base64");
  if (said?.kind !== COVERED_KIND || said.log !== installation)
    return err("the entry says nothing about a checkpoint");
  const isSalt = bytes.byteLength === SALT_BYTES && bytes.toString("base64") === salt;
  if (!isSalt || commitment(bytes, payload).toString("hex") !== said.commit)
    return err("salt and payload do not open the entry");
  const opened = payloadSchema.safeParse(parseJson(payload));
  const text = parseNote(note);
  const digest = text.ok ? createHash("sha256").update(text.value.text).digest("hex") : null;
  if (!opened.success || opened.data.sha256 !== digest || opened.data.size !== checkpoint.value.size)
    return err("the entry is about another checkpoint");
  return checkQuorum(proof, policy, checkpoint.value);
}

function originOfProof(proof: string): string | null {
  const parsed = parseProof(proof);
  const note = parsed.ok ? parseNote(parsed.value.checkpoint) : parsed;
  const checkpoint = note.ok ? parseCheckpoint(note.value.text) : note;
  return checkpoint.ok ? checkpoint.value.origin : null;
}

/** @param cosignatures any; none at all were never seen */
export function seenBy(cosignatures: readonly Cosignature[], at: string): Seen {
  const times = cosignatures.map(({ seconds }) => seconds);
  const claims = cosignatures.map(({ key, seconds }) => ({ name: key.name, seconds }));
  return times.length === 0
    ? { earliest: 0, newest: 0, claims, at }
    : { earliest: Math.min(...times), newest: Math.max(...times), claims, at };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

/** Reads an export's file; null where it is not one: spelled otherwise it could say something else to another reader. */
export function readWitnessedFile(bytes: Uint8Array): WitnessedProof | null {
  const text = Buffer.from(bytes).toString("utf8");
  const value = parseJson(text);
  const parsed = witnessedSchema.safeParse(value);
  return parsed.success && `${JSON.stringify(value)}\n` === text ? parsed.data : null;
}

function checkQuorum(
  proof: string,
  policy: Policy,
  { size, root }: { readonly size: number; readonly root: Uint8Array },
): Result<VerifiedWitnessed, string> {
  const parsed = parseProof(proof);
  if (!parsed.ok) return err(parsed.error);
  const found = verifyCosignatures(
    parsed.value.checkpoint,
    policy.witnesses.map(({ key }) => key),
  );
  if (!found.ok) return err(found.error);
  if (!policy.isQuorum(new Set(found.value.map(({ key }) => key.vkey))))
    return err(
      `cosigned by ${found.value.map(({ key }) => key.name).join(", ") || "nobody"}; the policy wants more`,
    );
  return ok({
    size,
    root,
    seen: seenBy(found.value, WITNESSED_FILE),
    cosigners: found.value.map(({ key }) => key.name),
  });
}
