// The keys that sign checkpoints: seeds in one file of the home folder, for its owner alone.

import { readFileSync, renameSync, rmSync, writeFileSync, linkSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import type { Random } from "../../ports.ts";

const SEED_BYTES = 32;
const KEYS_FILE = "keys.json";
const keysSchema = z.strictObject({
  v: z.literal(1),
  /** All of them sign; more than one only while verifiers learn of a new key. Oldest first. */
  seeds: z.array(z.base64().length(44)).min(1).max(4),
});

export type LogKeys = {
  /** Seeds of the keys that sign now, oldest first. */
  seeds(): readonly Uint8Array[];
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
  const write = (seeds: readonly string[], put: (from: string) => void): void => {
    const staged = `${file}.${Buffer.from(random.bytes(8)).toString("hex")}.tmp`;
    writeFileSync(staged, `${JSON.stringify({ v: 1, seeds })}\n`, { mode: 0o600, flush: true });
    try {
      put(staged);
    } finally {
      rmSync(staged, { force: true });
    }
  };
  const read = (): string[] => keysSchema.parse(JSON.parse(readFileSync(file, "utf8"))).seeds;
  // Linked, not renamed: of two first starts one wins, and both read the same.
  if (!isThere(file)) write([fresh()], (from) => linkUnlessThere(from, file));
  const replace = (seeds: readonly string[]): void => write(seeds, (from) => renameSync(from, file));
  return {
    seeds: () => read().map((seed) => Buffer.from(seed, "base64")),
    add: () => replace([...read(), fresh()]),
    retire: () => replace(read().slice(-1)),
  };
}

/** The seeds of the keys that sign now, oldest first; none where the folder has no keys. Makes nothing. */
export function readLogKeys(folder: string): readonly Uint8Array[] {
  const file = join(folder, KEYS_FILE);
  if (!isThere(file)) return [];
  return keysSchema
    .parse(JSON.parse(readFileSync(file, "utf8")))
    .seeds.map((seed) => Buffer.from(seed, "base64"));
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
