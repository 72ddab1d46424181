// The newest version of each subject, for logs of millions of entries: a table over bytes, which makes no string and no
// object for a subject that was seen before.

/** A subject's length is kept in a byte; leaves allow 128. */
const SUBJECT_BYTES_MAX = 255;
/** How far from its place a subject is looked for. Whoever makes subjects that crowd one place has them read slowly. */
const PROBES_MAX = 32;
const SLOTS_AT_FIRST = 1_024;
const NONE = -1;
/** Numbers of events are below it. */
export const EVENTS_MAX = 32;
/** Numbers of states are below it: a state and one more is an entry of the table, beside its mark. */
export const STATES_MAX = 0x7fff;
/** Of an entry of the table: the event cannot happen. */
export const ILLEGAL = 0x8000;

export type StateTable = {
  /** What a state becomes by an event, and one more, at `32 * state + event`, with its mark; 0: not worked out yet. */
  readonly next: Uint16Array;
  /** Works that out, and puts it there. */
  derive(state: number, event: number): number;
};

export type SubjectVersions = {
  /**
   * Notes the version of the subject between these places, and what the event makes of its state.
   * @returns the version noted before; 0 where there was none
   */
  exchange(bytes: Uint8Array, from: number, to: number, version: number, event: number): number;
  /** The state before that; 0 where there was none. */
  stateBefore(): number;
  /** Whether the event cannot happen in it. */
  wasIllegal(): boolean;
  has(subject: string): boolean;
  /** All of them, in any order, with the newest version and state of each. */
  each(told: Told): void;
};

type Told = (subject: string, version: number, state: number) => void;

/**
 * Of each slot, sixteen bytes that lie together: where its subject lies among the subjects (0: the slot is free), its
 * hash, and the version.
 */
type Slots = {
  readonly mask: number;
  readonly words: Int32Array;
  readonly versions: Float64Array;
  /** Of each slot the subject's state. */
  readonly states: Uint16Array;
};

const WORDS = 4;
const HASH = 1;
const VERSION = 1;

function slotsOf(count: number): Slots {
  const versions = new Float64Array(2 * count);
  return {
    mask: count - 1,
    words: new Int32Array(versions.buffer),
    versions,
    states: new Uint16Array(count),
  };
}

export function createSubjectVersions(table: StateTable): SubjectVersions {
  const subjects = createSubjects();
  // Subjects that found no place of their own.
  const crowded = new Map<string, Noted>();
  let [stateBefore, wasIllegal] = [0, false];
  const follow = (state: number, event: number): number => {
    stateBefore = state;
    const entry = table.next[state * EVENTS_MAX + event] || table.derive(state, event);
    wasIllegal = entry > ILLEGAL;
    return (entry & ~ILLEGAL) - 1;
  };
  let slots = slotsOf(SLOTS_AT_FIRST);
  let count = 0;
  // Of the bytes that were given last: a bundle's are given for each of its entries.
  let held: Uint8Array = new Uint8Array();
  let view = viewOf(held);
  // Where these have the subject of the entry before, which is often this one's too; and its slot.
  let [lastFrom, lastTo, lastSlot] = [0, 0, NONE];
  const exchangeIn = (slot: number, version: number, event: number): number => {
    const last = slots.versions[slot * 2 + VERSION] ?? 0;
    slots.versions[slot * 2 + VERSION] = version;
    slots.states[slot] = follow(slots.states[slot] ?? 0, event);
    return last;
  };
  const double = (): void => {
    lastSlot = NONE;
    slots = doubled(slots, (place, noted) => crowded.set(subjects.textAt(place), noted));
  };
  // Of one that has no slot of its own yet. One that was crowded out stays out, though a larger table has room for it.
  const exchangeOther = (
    slot: number,
    hash: number,
    [from, to]: readonly [number, number],
    version: number,
    event: number,
  ): number => {
    const text = slot === NONE || crowded.size > 0 ? textOf(view, from, to) : null;
    const last = text === null ? undefined : crowded.get(text);
    const state = follow(last?.state ?? 0, event);
    if (text !== null && (slot === NONE || last !== undefined)) {
      crowded.set(text, { version, state });
      return last?.version ?? 0;
    }
    fill(slots, slot, subjects.add(view, from, to), hash, version, state);
    count += 1;
    if (count * 2 > slots.mask + 1) double();
    return 0;
  };
  return {
    exchange(bytes, from, to, version, event): number {
      if (held !== bytes) {
        [held, view] = [bytes, viewOf(bytes)];
        lastSlot = NONE;
      }
      if (lastSlot !== NONE && isSame(view, lastFrom, lastTo, from, to))
        return exchangeIn(lastSlot, version, event);
      const hash = hashOf(view, from, to);
      const slot = to - from > SUBJECT_BYTES_MAX ? NONE : findSlot(slots, subjects, hash, view, from, to);
      if (slot === NONE || slots.words[slot * WORDS] === 0)
        return exchangeOther(slot, hash, [from, to], version, event);
      lastFrom = from;
      lastTo = to;
      lastSlot = slot;
      return exchangeIn(slot, version, event);
    },
    stateBefore: () => stateBefore,
    wasIllegal: () => wasIllegal,
    has: (subject) => crowded.has(subject) || isIn(slots, subjects, subject),
    each(told): void {
      for (const [subject, { version, state }] of crowded) told(subject, version, state);
      eachIn(slots, subjects, told);
    },
  };
}

type Noted = { readonly version: number; readonly state: number };

/** @param crowd told of each that has no place in the larger one */
function doubled(before: Slots, crowd: (place: number, noted: Noted) => void): Slots {
  const slots = slotsOf(2 * (before.mask + 1));
  for (let slot = 0; slot <= before.mask; slot += 1) {
    const place = before.words[slot * WORDS] ?? 0;
    if (place === 0) continue;
    const hash = before.words[slot * WORDS + HASH] ?? 0;
    const noted = { version: before.versions[slot * 2 + VERSION] ?? 0, state: before.states[slot] ?? 0 };
    const free = freeSlot(slots, hash);
    if (free === NONE) crowd(place, noted);
    else fill(slots, free, place, hash, noted.version, noted.state);
  }
  return slots;
}

function isIn(slots: Slots, subjects: Subjects, subject: string): boolean {
  const bytes = viewOf(Buffer.from(subject, "latin1"));
  const length = bytes.byteLength;
  if (length > SUBJECT_BYTES_MAX) return false;
  const slot = findSlot(slots, subjects, hashOf(bytes, 0, length), bytes, 0, length);
  return slot !== NONE && slots.words[slot * WORDS] !== 0;
}

function eachIn({ mask, words, versions, states }: Slots, subjects: Subjects, told: Told): void {
  for (let slot = 0; slot <= mask; slot += 1) {
    const place = words[slot * WORDS] ?? 0;
    if (place !== 0) told(subjects.textAt(place), versions[slot * 2 + VERSION] ?? 0, states[slot] ?? 0);
  }
}

function fill(
  { words, versions, states }: Slots,
  slot: number,
  place: number,
  hash: number,
  version: number,
  state: number,
): void {
  words[slot * WORDS] = place;
  words[slot * WORDS + HASH] = hash;
  versions[slot * 2 + VERSION] = version;
  states[slot] = state;
}

function isSame(bytes: DataView, from: number, to: number, otherFrom: number, otherTo: number): boolean {
  if (to - from !== otherTo - otherFrom) return false;
  let [i, j] = [from, otherFrom];
  for (; i + 4 <= to; i += 4, j += 4) if (bytes.getInt32(i, true) !== bytes.getInt32(j, true)) return false;
  for (; i < to; i += 1, j += 1) if (bytes.getUint8(i) !== bytes.getUint8(j)) return false;
  return true;
}

function freeSlot({ mask, words }: Slots, hash: number): number {
  for (let i = 0; i < PROBES_MAX; i += 1)
    if (words[((hash + i) & mask) * WORDS] === 0) return (hash + i) & mask;
  return NONE;
}

/** The subject's slot, or the free one that it may have. */
function findSlot(
  { mask, words }: Slots,
  subjects: Subjects,
  hash: number,
  bytes: DataView,
  from: number,
  to: number,
): number {
  for (let i = 0; i < PROBES_MAX; i += 1) {
    const slot = (hash + i) & mask;
    const place = words[slot * WORDS] ?? 0;
    if (place === 0 || (words[slot * WORDS + HASH] === hash && subjects.isAt(place, bytes, from, to)))
      return slot;
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
      let [i, at] = [from, place + 1];
      for (; i + 4 <= to; i += 4, at += 4) room.setInt32(at, bytes.getInt32(i));
      for (; i < to; i += 1, at += 1) room.setUint8(at, bytes.getUint8(i));
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
