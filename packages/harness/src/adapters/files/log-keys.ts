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
});
type Keys = z.infer<typeof keysSchema>;

export type LogKeys = {
  /** Seeds of the keys that sign now, oldest first. */
  seeds(): readonly Uint8Array[];
  /** Public keys that this home has signed with and does not any more. */
  retired(): readonly Uint8Array[];
  /** Adds a new key beside the ones there are. */
  add(): void;
  /** Forgets all but the newest. */
  retire(): void;
};

/** @param folder absolute; made, with a first key, when there is none */
export function openLogKeys(folder: string, random: Random): LogKeys {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const file = join(folder, KEYS_FILE);
  const fresh = (): string => Buffer.from(random.bytes(SEED_BYTES)).toString("base64");
  const write = (keys: Pick<Keys, "seeds" | "retired">, put: (from: string) => void): void => {
    const staged = `${file}.${Buffer.from(random.bytes(8)).toString("hex")}.tmp`;
    writeFileSync(staged, `${JSON.stringify({ v: 1, ...keys })}\n`, { mode: 0o600, flush: true });
    try {
      put(staged);
    } finally {
      rmSync(staged, { force: true });
    }
  };
  const read = (): Keys => keysSchema.parse(JSON.parse(readFileSync(file, "utf8")));
  // Linked, not renamed: of two first starts one wins, and both read the same.
  if (!isThere(file)) write({ seeds: [fresh()], retired: [] }, (from) => linkUnlessThere(from, file));
  const replace = (keys: Pick<Keys, "seeds" | "retired">): void =>
    write(keys, (from) => renameSync(from, file));
  return {
    seeds: () => read().seeds.map(bytesOf),
    retired: () => read().retired.map(bytesOf),
    add(): void {
      const { seeds, retired } = read();
      replace({ seeds: [...seeds, fresh()], retired });
    },
    retire(): void {
      const { seeds, retired } = read();
      const gone = seeds.slice(0, -1).map((seed) => encodeBase64(publicKeyOf(bytesOf(seed))));
      replace({ seeds: seeds.slice(-1), retired: [...retired, ...gone] });
    },
  };
}

const bytesOf = (text: string): Uint8Array => Buffer.from(text, "base64");

// The name of a key is no part of its public half.
const publicKeyOf = (seed: Uint8Array): Uint8Array =>
  signerKey("key", SIGNATURE_TYPES.ed25519, seed).publicKey;

/** Public keys of the folder, those that were rotated away first; none where it has no keys. Makes nothing. */
export function readPublicKeys(folder: string): readonly Uint8Array[] {
  const file = join(folder, KEYS_FILE);
  if (!isThere(file)) return [];
  const { seeds, retired } = keysSchema.parse(JSON.parse(readFileSync(file, "utf8")));
  return [...retired.map(bytesOf), ...seeds.map((seed) => publicKeyOf(bytesOf(seed)))];
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
