// The keys that sign checkpoints: seeds in one file of the home folder, for its owner alone.

import { readFileSync, renameSync, rmSync, writeFileSync, linkSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { encodeBase64, signerKey, SIGNATURE_TYPES } from "@assent/tlog";
import { z } from "zod";
import type { Random } from "../../ports.ts";

const SEED_BYTES = 32;
const KEYS_FILE = "keys.json";
const keysSchema = z.strictObject({
  v: z.literal(1),
  /** All of them sign; more than one only while verifiers learn of a new key. Oldest first. */
  seeds: z.array(z.base64().length(44)).min(1),
  /** Public halves of keys that signed once. Logs that they began are this home's still. */
  retired: z.array(z.base64().length(44)).default([]),
  /** The same for ML-DSA-44, in an installation that ever had its second line. */
  mldsa: z
    .strictObject({
      seeds: z.array(z.base64().length(44)).min(1),
      retired: z.array(z.base64().length(1752)),
    })
    .optional(),
});
type Keys = z.infer<typeof keysSchema>;

/** Ed25519 and ML-DSA-44. */
type KeyType = typeof SIGNATURE_TYPES.ed25519 | typeof SIGNATURE_TYPES.mldsa;

export type LogKeys = {
  /** Seeds of the keys that sign now, oldest first; of ML-DSA-44 none where no such line is made. */
  seeds(type: KeyType): readonly Uint8Array[];
  /** Public keys that this home has signed with and does not any more. */
  retired(type: KeyType): readonly Uint8Array[];
  /** Adds a new key of each type that signs beside the ones there are. */
  add(): void;
  /** Forgets all but the newest of each type. */
  retire(): void;
};

export type LogKeyOptions = {
  /** Whether checkpoints have a line of ML-DSA-44 as well. Its key is made when it is first wanted, and kept. */
  readonly mldsa?: boolean;
};

/** @param folder absolute; made, with a first key, when there is none */
export function openLogKeys(folder: string, random: Random, { mldsa = false }: LogKeyOptions = {}): LogKeys {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const file = join(folder, KEYS_FILE);
  const fresh = (): string => Buffer.from(random.bytes(SEED_BYTES)).toString("base64");
  const write = (keys: Omit<Keys, "v">, put: (from: string) => void): void => {
    const staged = `${file}.${Buffer.from(random.bytes(8)).toString("hex")}.tmp`;
    writeFileSync(staged, `${JSON.stringify({ ...keys, v: 1 })}\n`, { mode: 0o600, flush: true });
    try {
      put(staged);
    } finally {
      rmSync(staged, { force: true });
    }
  };
  const read = (): Keys => readKeys(file);
  // Linked, not renamed: of two first starts one wins, and both read the same.
  if (!isThere(file)) write({ seeds: [fresh()], retired: [] }, (from) => linkUnlessThere(from, file));
  const replace = (keys: Keys): void => write(keys, (from) => renameSync(from, file));
  const before = read();
  // A seed of its own: one that served both types would tie the one's safety to the other's.
  if (mldsa && before.mldsa === undefined) replace({ ...before, mldsa: { seeds: [fresh()], retired: [] } });
  const added = (suite: Suite): Suite => ({ ...suite, seeds: [...suite.seeds, fresh()] });
  const change = (step: (suite: Suite, type: KeyType) => Suite): void => {
    const keys = read();
    const second =
      mldsa && keys.mldsa !== undefined ? { mldsa: step(keys.mldsa, SIGNATURE_TYPES.mldsa) } : {};
    replace({ ...keys, ...step(keys, SIGNATURE_TYPES.ed25519), ...second });
  };
  return {
    seeds: (type) =>
      type === SIGNATURE_TYPES.mldsa && !mldsa ? [] : (suiteOf(read(), type)?.seeds ?? []).map(bytesOf),
    retired: (type) => retiredOf(read(), type, mldsa),
    add: () => change(added),
    retire: () => change(retiring),
  };
}

type Suite = Pick<Keys, "seeds" | "retired">;

const suiteOf = (keys: Keys, type: KeyType): Suite | undefined =>
  type === SIGNATURE_TYPES.mldsa ? keys.mldsa : keys;

function retiring({ seeds, retired }: Suite, type: KeyType): Suite {
  const gone = seeds.slice(0, -1).map((seed) => encodeBase64(publicKeyOf(type, bytesOf(seed))));
  return { seeds: seeds.slice(-1), retired: [...retired, ...gone] };
}

// What a line was made with stays this home's where the second line was switched off again.
function retiredOf(keys: Keys, type: KeyType, mldsa: boolean): readonly Uint8Array[] {
  const suite = suiteOf(keys, type);
  const unused = type === SIGNATURE_TYPES.mldsa && !mldsa ? (suite?.seeds ?? []) : [];
  return [...(suite?.retired ?? []).map(bytesOf), ...unused.map((seed) => publicKeyOf(type, bytesOf(seed)))];
}

const bytesOf = (text: string): Uint8Array => Buffer.from(text, "base64");

// The name of a key is no part of its public half.
const publicKeyOf = (type: KeyType, seed: Uint8Array): Uint8Array => signerKey("key", type, seed).publicKey;

/** Public keys of the folder, those that were rotated away first; none where it has no keys. Makes nothing. */
export function readPublicKeys(
  folder: string,
): readonly { readonly type: KeyType; readonly bytes: Uint8Array }[] {
  const file = join(folder, KEYS_FILE);
  if (!isThere(file)) return [];
  const keys = readKeys(file);
  return [SIGNATURE_TYPES.ed25519, SIGNATURE_TYPES.mldsa].flatMap((type) => {
    const seeds = suiteOf(keys, type)?.seeds ?? [];
    return [...retiredOf(keys, type, true), ...seeds.map((seed) => publicKeyOf(type, bytesOf(seed)))].map(
      (bytes) => ({ type, bytes }),
    );
  });
}

/** The file is not what was written. */
export class KeysUnreadable extends Error {
  override readonly name = "KeysUnreadable";
}

function readKeys(file: string): Keys {
  const text = readFileSync(file, "utf8");
  try {
    return keysSchema.parse(JSON.parse(text));
  } catch {
    // What it holds is secret, so nothing of why it cannot be read is told.
    throw new KeysUnreadable(`The keys that sign the logs, ${file}, cannot be read: the file is damaged.`);
  }
}

function isThere(file: string): boolean {
  try {
    readFileSync(file);
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return false;
    throw error;
  }
}

function linkUnlessThere(from: string, file: string): void {
  try {
    linkSync(from, file);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
  }
}
