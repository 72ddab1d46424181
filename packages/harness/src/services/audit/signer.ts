// Signs checkpoints, and nothing that is not a continuation of what it was ready to sign before. It never reads the
// database: what it believes is a proof, checked against its own memory (`AnchorFiles`). An attacker who owns the
// database can stop it, and cannot make it sign a rewritten history.

import {
  type Hash,
  isSameHash,
  signerKey,
  type SignerKey,
  signCheckpoint,
  SIGNATURE_TYPES,
  type SignatureType,
  verifierKey,
  type VerifierKey,
  verifyConsistency,
} from "@assent/tlog";
import { err, ok, type Result } from "../../base/result.ts";
import type { Anchor, AnchorFiles } from "../../ports.ts";

export type SignRequest = {
  readonly origin: string;
  /** What the signer remembered when it was asked (see `remembered`). */
  readonly from: number;
  /** From that size to `size`. */
  readonly proof: readonly Hash[];
  readonly size: number;
  readonly root: Hash;
};

export type SignRefusal = {
  readonly code: "history_rewritten" | "history_cut" | "signer_busy";
  readonly detail: string;
};

export type Signer = {
  /** The size up to which it holds the history for settled; 0 for a log that it does not know. */
  remembered(origin: string): Promise<number>;
  /** Whether `sign` would refuse this; null when not. Asked before anything is put in the place of what was published. */
  check(request: SignRequest): Promise<SignRefusal | null>;
  sign(request: SignRequest): Promise<Result<string, SignRefusal>>;
  /** Public halves of the keys that sign this log now, as verifier keys: of each type the oldest first, Ed25519 before all. */
  vkeys(origin: string): readonly string[];
  /** The newest of them of Ed25519, which every log begins with. */
  newest(origin: string): string;
  /** Keys that sign, behind those that did so before they were rotated away: what those have signed stays signed. */
  held(origin: string): readonly VerifierKey[];
};

/** Another signer on the same memory may be faster a few times in a row; more often than this something is wrong. */
const ATTEMPTS_MAX = 5;

/** Types of the keys that a log signs with. */
export type LogKeyType = Exclude<SignatureType, typeof SIGNATURE_TYPES.cosignature>;

export type SignerKeys = {
  /** Of the keys that sign now, oldest first; for ML-DSA-44 none where the installation makes no such line. */
  readonly seeds: (type: LogKeyType) => readonly Uint8Array[];
  /** Public keys that signed before. */
  readonly retired: (type: LogKeyType) => readonly Uint8Array[];
};

const TYPES: readonly LogKeyType[] = [SIGNATURE_TYPES.ed25519, SIGNATURE_TYPES.mldsa];

/** @param keys asked for at each signature, since they are rotated while it runs */
export function createSigner(anchors: AnchorFiles, { seeds, retired }: SignerKeys): Signer {
  const keysOf = (origin: string): SignerKey[] =>
    TYPES.flatMap((type) => seeds(type).map((seed) => signerKey(origin, type, seed)));
  return {
    remembered: async (origin) => (await anchors.read(origin))?.size ?? 0,
    async check(request): Promise<SignRefusal | null> {
      const before = await anchors.read(request.origin);
      return before === null ? null : judge(before, request);
    },
    vkeys: (origin) => keysOf(origin).map(({ vkey }) => vkey),
    newest(origin): string {
      const seed = seeds(SIGNATURE_TYPES.ed25519).at(-1);
      if (seed === undefined) throw new Error("a signer has a key");
      return signerKey(origin, SIGNATURE_TYPES.ed25519, seed).vkey;
    },
    held: (origin) => [
      ...TYPES.flatMap((type) => retired(type).map((key) => verifierKey(origin, type, key))),
      ...keysOf(origin),
    ],
    async sign(request): Promise<Result<string, SignRefusal>> {
      const { origin, size, root } = request;
      for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt += 1) {
        const before = await anchors.read(origin);
        const refusal = before === null ? null : judge(before, request);
        if (refusal !== null) return err(refusal);
        // Durable before the signature exists: a signer that forgot one would be ready to sign another branch.
        if (!(await anchors.replace(before, { origin, size, root }))) continue;
        const checkpoint = { origin, size, root, extensions: [] };
        const note = signCheckpoint(checkpoint, keysOf(origin));
        if (!note.ok) throw new Error(note.error);
        return ok(note.value);
      }
      return err(BUSY);
    },
  };
}

/** Whoever asked looks anew. */
export const BUSY: SignRefusal = {
  code: "signer_busy",
  detail: "Another signer works on the same memory.",
};

/** @param known entries that were signed or published before */
export const cutRefusal = (size: number, known: number): SignRefusal => ({
  code: "history_cut",
  detail: `The log has ${size} entries, but ${known} were signed before: entries are missing, or an old backup was restored.`,
});

function judge(before: Anchor, { from, size, root, proof }: SignRequest): SignRefusal | null {
  const isSameTree = size === before.size && isSameHash(root, before.root);
  // The proof speaks of another moment, so it says nothing of this one: nobody has rewritten anything by that.
  if (before.size > from && !isSameTree) return BUSY;
  if (size < before.size) return cutRefusal(size, before.size);
  const grew = { oldSize: before.size, size, oldRoot: before.root, root, proof };
  if (isSameTree || verifyConsistency(grew)) return null;
  return {
    code: "history_rewritten",
    detail: `The log of ${size} entries does not begin with the ${before.size} that were signed before: one of those was changed, removed, inserted or moved.`,
  };
}
