// The newest version of each subject, for logs of millions of entries: a table over bytes, which makes no string and no
// object for a subject that was seen before.

/** A subject's length is kept in a byte; leaves allow 128. */
const SUBJECT_BYTES_MAX = 255;
/** How far from its place a subject is looked for. Whoever makes subjects that crowd one place has them read slowly. */
const PROBES_MAX = 32;
const SLOTS_AT_FIRST = 1_024;
const NONE = -1;

export type SubjectVersions = {
  /** Notes the version of the subject between these places. @returns the one noted before; null for the first */
  exchange(bytes: Uint8Array, from: number, to: number, version: number): number | null;
};

/** Of each slot where its subject lies among the subjects (0: the slot is free), its hash, and the version. */
type Slots = {
  readonly mask: number;
  readonly places: Int32Array;
  readonly hashes: Int32Array;
  readonly versions: Float64Array;
};

const slotsOf = (count: number): Slots => ({
  mask: count - 1,
  places: new Int32Array(count),
  hashes: new Int32Array(count),
  versions: new Float64Array(count),
});

export function createSubjectVersions(): SubjectVersions {
  const subjects = createSubjects();
  // Subjects that found no place of their own.
  const crowded = new Map<string, number>();
  let slots = slotsOf(SLOTS_AT_FIRST);
  let count = 0;
  // Of the bytes that were given last: a bundle's are given for each of its entries.
  let [held, view] = [new Uint8Array(), new DataView(new ArrayBuffer())];
  const double = (): void => {
    const before = slots;
    slots = slotsOf(before.places.length * 2);
    for (const [i, place] of before.places.entries()) {
      if (place === 0) continue;
      const [hash, version] = [before.hashes[i] ?? 0, before.versions[i] ?? 0];
      const slot = freeSlot(slots, hash);
      if (slot === NONE) crowded.set(subjects.textAt(place), version);
      else fill(slots, slot, place, hash, version);
    }
  };
  return {
    exchange(bytes, from, to, version): number | null {
      if (held !== bytes) [held, view] = [bytes, viewOf(bytes)];
      const hash = hashOf(view, from, to);
      const slot = to - from > SUBJECT_BYTES_MAX ? NONE : findSlot(slots, subjects, hash, view, from, to);
      if (slot !== NONE && slots.places[slot] !== 0) {
        const last = slots.versions[slot] ?? 0;
        slots.versions[slot] = version;
        return last;
      }
      // A subject that was crowded out stays out, though a larger table has room for it.
      const text = slot === NONE || crowded.size > 0 ? textOf(view, from, to) : null;
      const last = text === null ? undefined : crowded.get(text);
      if (text !== null && (slot === NONE || last !== undefined)) {
        crowded.set(text, version);
        return last ?? null;
      }
      fill(slots, slot, subjects.add(view, from, to), hash, version);
      count += 1;
      if (count * 2 > slots.places.length) double();
      return null;
    },
  };
}

function fill(slots: Slots, slot: number, place: number, hash: number, version: number): void {
  slots.places[slot] = place;
  slots.hashes[slot] = hash;
  slots.versions[slot] = version;
}

function freeSlot({ mask, places }: Slots, hash: number): number {
  for (let i = 0; i < PROBES_MAX; i += 1) if (places[(hash + i) & mask] === 0) return (hash + i) & mask;
  return NONE;
}

/** The subject's slot, or the free one that it may have. */
function findSlot(
  { mask, places, hashes }: Slots,
  subjects: Subjects,
  hash: number,
  bytes: DataView,
  from: number,
  to: number,
): number {
  for (let i = 0; i < PROBES_MAX; i += 1) {
    const slot = (hash + i) & mask;
    const place = places[slot] ?? 0;
    if (place === 0 || (hashes[slot] === hash && subjects.isAt(place, bytes, from, to))) return slot;
  }
  return NONE;
}

/** MurmurHash3's multipliers: odd, and with bits all over. */
const STIR = 0x85ebca6b;
const STIR_AGAIN = 0xc2b2ae35;

// Four bytes at a time. Subjects of one log differ in a few digits, so each bit has to move all others.
function hashOf(bytes: DataView, from: number, to: number): number {
  let hash = to - from;
  let at = from;
  for (; at + 4 <= to; at += 4) {
    hash = Math.imul(hash ^ bytes.getInt32(at, true), STIR);
    hash ^= hash >>> 15;
  }
  for (; at < to; at += 1) hash = Math.imul(hash ^ bytes.getUint8(at), STIR);
  hash ^= hash >>> 16;
  hash = Math.imul(hash, STIR_AGAIN);
  return hash ^ (hash >>> 13);
}

const viewOf = ({ buffer, byteOffset, byteLength }: Uint8Array): DataView =>
  new DataView(buffer, byteOffset, byteLength);

const textOf = ({ buffer, byteOffset }: DataView, from: number, to: number): string =>
  Buffer.from(buffer, byteOffset + from, to - from).toString("latin1");

type Subjects = {
  /** @returns its place, which is never 0 */
  add(bytes: DataView, from: number, to: number): number;
  isAt(place: number, bytes: DataView, from: number, to: number): boolean;
  textAt(place: number): string;
};

// One after the other, each after its length.
function createSubjects(): Subjects {
  let room = viewOf(new Uint8Array(64 * 1024));
  let used = 1;
  return {
    add(bytes, from, to): number {
      const place = used;
      used += 1 + to - from;
      if (used > room.byteLength) {
        const larger = new Uint8Array(room.byteLength * 2);
        larger.set(new Uint8Array(room.buffer));
        room = viewOf(larger);
      }
      room.setUint8(place, to - from);
      for (let i = from; i < to; i += 1) room.setUint8(place + 1 + i - from, bytes.getUint8(i));
      return place;
    },
    isAt(place, bytes, from, to): boolean {
      if (room.getUint8(place) !== to - from) return false;
      let [i, at] = [from, place + 1];
      for (; i + 4 <= to; i += 4, at += 4)
        if (room.getInt32(at, true) !== bytes.getInt32(i, true)) return false;
      for (; i < to; i += 1, at += 1) if (room.getUint8(at) !== bytes.getUint8(i)) return false;
      return true;
    },
    textAt: (place) => textOf(room, place + 1, place + 1 + room.getUint8(place)),
  };
}
