// A hash table from 32-bit keys to 32-bit places that keeps the first place of a key: flat, and bounded under attack.

import { TABLE_PROBES_MAX } from "./limits.ts";

export type IntTable = {
  /** False when the table had to give up: keys were made to collide. */
  readonly add: (key: number, place: number) => boolean;
  /** The first place added under the key, or -1. */
  readonly find: (key: number) => number;
  readonly sizeBytes: () => number;
};

const FIRST_SLOTS = 1_024;

/**
 * Bits per slot of a map that says which keys cannot be there. Of what a value holds nearly nothing stands in the table,
 * and the map is small enough to stay near the processor where the table is not.
 */
const BITS_PER_SLOT = 4;

/** Key and place side by side, so that a look at a slot is one look at memory. */
const FIELDS = 2;

export function createIntTable(): IntTable {
  let mask = FIRST_SLOTS - 1;
  let slots = new Int32Array(FIRST_SLOTS * FIELDS);
  let bits = new Uint8Array((FIRST_SLOTS * BITS_PER_SLOT) / 8);
  let used = 0;
  // Zero marks an empty slot, so places are kept as one more than they are.
  const put = (key: number, place: number): boolean => {
    const hash = spread(key);
    for (let probe = 0, slot = hash & mask; probe < TABLE_PROBES_MAX; probe += 1, slot = (slot + 1) & mask) {
      const at = slot * FIELDS;
      if (slots[at + 1] !== 0) {
        if (slots[at] === key) return true;
        continue;
      }
      slots[at] = key;
      slots[at + 1] = place + 1;
      used += 1;
      const bit = bitOf(hash, bits.length);
      bits[bit >>> 3] = (bits[bit >>> 3] ?? 0) | (1 << (bit & 7));
      return true;
    }
    return false;
  };
  const grow = (): boolean => {
    const old = slots;
    mask = mask * 2 + 1;
    slots = new Int32Array((mask + 1) * FIELDS);
    bits = new Uint8Array(((mask + 1) * BITS_PER_SLOT) / 8);
    used = 0;
    for (let at = 0; at < old.length; at += FIELDS) {
      const place = old[at + 1] ?? 0;
      if (place !== 0 && !put(old[at] ?? 0, place - 1)) return false;
    }
    return true;
  };
  return {
    add: (key, place) => {
      if (used * 3 > mask * 2 && !grow()) return false;
      return put(key, place);
    },
    find: (key) => {
      const hash = spread(key);
      const bit = bitOf(hash, bits.length);
      if (((bits[bit >>> 3] ?? 0) & (1 << (bit & 7))) === 0) return -1;
      for (
        let probe = 0, slot = hash & mask;
        probe < TABLE_PROBES_MAX;
        probe += 1, slot = (slot + 1) & mask
      ) {
        const at = slot * FIELDS;
        const place = slots[at + 1] ?? 0;
        if (place === 0) return -1;
        if (slots[at] === key) return place - 1;
      }
      return -1;
    },
    sizeBytes: () => slots.byteLength + bits.byteLength,
  };
}

/** Other bits of the hash than those that choose the slot. */
const bitOf = (hash: number, bytes: number): number => (hash >>> 3) & (bytes * 8 - 1);

/** Finaliser of MurmurHash3: keys that differ little land far apart. */
function spread(key: number): number {
  let hash = key ^ (key >>> 16);
  hash = Math.imul(hash, 0x85ebca6b);
  hash ^= hash >>> 13;
  hash = Math.imul(hash, 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}
