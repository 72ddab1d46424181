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
  readonly code: "history_rewritten" | "history_cut" | "signer_busy" | "signer_memory_lost";
  readonly detail: string;
};

export type Signer = {
  /** The size up to which it holds the history for settled; 0 for a log that it does not know. */
  remembered(origin: string): Promise<number>;
  /**
   * The size up to which the history is settled, and why nothing of the log can be signed, or null where it can: with a
   * memory that is older than what was signed it would take another history for this one.
   * @param signedSize what somebody else shows that these keys have signed
   */
  recall(origin: string, signedSize: number): Promise<Recalled>;
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

export type Recalled = { readonly size: number; readonly lost: SignRefusal | null };

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
  const known = createKnown();
  const recall = async (origin: string): Promise<Found> => {
    // Taken before the files are read: they only ever grow, whoever else goes on meanwhile.
    const before = known.newest(origin);
    const anchor = await anchors.read(origin);
    const isLost = before !== undefined && isOlder(anchor, before);
    if (anchor !== null && !isLost) known.note(anchor);
    return { anchor, lost: isLost ? memoryLost(before.size, anchor) : null };
  };
  const made = createMadeKeys();
  const keysOf = (origin: string): readonly SignerKey[] =>
    made.of(
      origin,
      TYPES.flatMap((type) => seeds(type).map((seed) => ({ type, seed }))),
    );
  return {
    remembered: async (origin) =>
      Math.max((await anchors.read(origin))?.size ?? 0, known.newest(origin)?.size ?? 0),
    async recall(origin, signedSize): Promise<Recalled> {
      const { anchor, lost } = await recall(origin);
      const size = Math.max(anchor?.size ?? 0, known.newest(origin)?.size ?? 0, signedSize);
      const forgotten = (anchor?.size ?? 0) < signedSize ? memoryLost(signedSize, anchor) : null;
      return { size, lost: lost ?? forgotten };
    },
    async check(request): Promise<SignRefusal | null> {
      const { anchor, lost } = await recall(request.origin);
      return lost ?? (anchor === null ? null : judge(anchor, request));
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
        const { anchor: before, lost } = await recall(origin);
        const refusal = lost ?? (before === null ? null : judge(before, request));
        if (refusal !== null) return err(refusal);
        // Durable before the signature exists: a signer that forgot one would be ready to sign another branch.
        if (!(await anchors.replace(before, { origin, size, root }))) continue;
        known.note({ origin, size, root });
        const checkpoint = { origin, size, root, extensions: [] };
        const note = signCheckpoint(checkpoint, keysOf(origin));
        if (!note.ok) throw new Error(note.error);
        return ok(note.value);
      }
      return err(BUSY);
    },
  };
}

/** Logs of which a process knows by itself what it has remembered; of others the published files tell. */
const KNOWN_LOGS_MAX = 4_096;

type Seed = { readonly type: LogKeyType; readonly seed: Uint8Array };
type MadeKeys = {
  /** The keys of these seeds under that name, made anew only where the seeds are others than the last time. */
  of(origin: string, seeds: readonly Seed[]): readonly SignerKey[];
};

// To make a pair of keys of its seed takes longer than to sign with it.
function createMadeKeys(): MadeKeys {
  const made = new Map<string, { readonly seeds: readonly Seed[]; readonly keys: readonly SignerKey[] }>();
  return {
    of(origin, seeds): readonly SignerKey[] {
      const last = made.get(origin);
      if (last !== undefined && areSame(last.seeds, seeds)) return last.keys;
      const keys = seeds.map(({ type, seed }) => signerKey(origin, type, seed));
      made.delete(origin);
      const [oldest] = made.keys();
      if (oldest !== undefined && made.size >= KNOWN_LOGS_MAX) made.delete(oldest);
      made.set(origin, {
        seeds: seeds.map(({ type, seed }) => ({ type, seed: Uint8Array.from(seed) })),
        keys,
      });
      return keys;
    },
  };
}

const areSame = (one: readonly Seed[], other: readonly Seed[]): boolean =>
  one.length === other.length &&
  one.every(({ type, seed }, at) => {
    const { type: otherType, seed: otherSeed } = other[at] ?? {};
    return type === otherType && otherSeed !== undefined && Buffer.compare(seed, otherSeed) === 0;
  });

type Known = {
  newest(origin: string): Anchor | undefined;
  note(anchor: Anchor): void;
};

type Found = { readonly anchor: Anchor | null; readonly lost: SignRefusal | null };

const isOlder = (found: Anchor | null, before: Anchor): boolean =>
  found === null ||
  found.size < before.size ||
  (found.size === before.size && !isSameHash(found.root, before.root));

// Files can be deleted, emptied, or put back from a backup while the process runs: what it saw there before was there.
function createKnown(): Known {
  const anchors = new Map<string, Anchor>();
  return {
    newest: (origin) => anchors.get(origin),
    note(anchor): void {
      const known = anchors.get(anchor.origin);
      if (known !== undefined && known.size > anchor.size) return;
      anchors.delete(anchor.origin);
      const [oldest] = anchors.keys();
      if (oldest !== undefined && anchors.size >= KNOWN_LOGS_MAX) anchors.delete(oldest);
      anchors.set(anchor.origin, anchor);
    },
  };
}

const memoryLost = (signed: number, found: Anchor | null): SignRefusal => ({
  code: "signer_memory_lost",
  detail: `${signed} entries were signed, and the signer's memory ${found === null ? "is gone" : `has ${found.size}`}: it could not tell another history from this one. Put the home's folder audit/signer back as it was last, or begin a new epoch (\`assent audit epoch\`).`,
});

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
