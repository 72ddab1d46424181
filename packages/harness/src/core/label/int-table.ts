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

export function createIntTable(): IntTable {
  let mask = FIRST_SLOTS - 1;
  let keys = new Int32Array(FIRST_SLOTS);
  let places = new Int32Array(FIRST_SLOTS);
  let used = 0;
  // Zero marks an empty slot, so places are kept as one more than they are.
  const put = (key: number, place: number): boolean => {
    for (
      let probe = 0, slot = spread(key) & mask;
      probe < TABLE_PROBES_MAX;
      probe += 1, slot = (slot + 1) & mask
    ) {
      if (places[slot] !== 0) {
        if (keys[slot] === key) return true;
        continue;
      }
      keys[slot] = key;
      places[slot] = place + 1;
      used += 1;
      return true;
    }
    return false;
  };
  const grow = (): boolean => {
    const [oldKeys, oldPlaces] = [keys, places];
    mask = mask * 2 + 1;
    keys = new Int32Array(mask + 1);
    places = new Int32Array(mask + 1);
    used = 0;
    for (let slot = 0; slot < oldKeys.length; slot += 1) {
      const place = oldPlaces[slot] ?? 0;
      if (place !== 0 && !put(oldKeys[slot] ?? 0, place - 1)) return false;
    }
    return true;
  };
  return {
    add: (key, place) => {
      if (used * 3 > mask * 2 && !grow()) return false;
      return put(key, place);
    },
    find: (key) => {
      for (
        let probe = 0, slot = spread(key) & mask;
        probe < TABLE_PROBES_MAX;
        probe += 1, slot = (slot + 1) & mask
      ) {
        const place = places[slot] ?? 0;
        if (place === 0) return -1;
        if (keys[slot] === key) return place - 1;
      }
      return -1;
    },
    sizeBytes: () => keys.byteLength + places.byteLength,
  };
}

/** Finaliser of MurmurHash3: keys that differ little land far apart. */
function spread(key: number): number {
  let hash = key ^ (key >>> 16);
  hash = Math.imul(hash, 0x85ebca6b);
  hash ^= hash >>> 13;
  hash = Math.imul(hash, 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}
