// Whether bytes have a form, where a form says of each byte which ranges it may lie in: what a verifier asks of millions
// of entries that look alike; and some of those bytes, one behind the other, as an escaped text is read. Sixteen bytes at a time
// in WebAssembly's vectors; where the platform has none, one by one.

import {
  and,
  type Code,
  constant,
  either,
  END,
  get,
  instantiate,
  isAtMostBytes,
  isBelow,
  isEveryByte,
  load,
  loadNumber,
  minusBytes,
  or,
  plus,
  repeat,
  set,
  splat,
  store,
  swizzle,
  type WasmFunction,
  type WasmParts,
} from "./wasm-code.ts";

/** Two ranges, both ends included; a byte must lie in one of them. */
export type ByteRanges = readonly [from: number, to: number, orFrom: number, orTo: number];

/** What `keep` gave, until `forget`. */
export type ByteForm = { readonly length: number; readonly at: number };

/** What `keepPicks` gave, until `forget`. */
export type BytePicks = { readonly at: number; readonly count: number };

export type ByteForms = {
  /** Bytes that are read into here, from its beginning on, are loaded where they lie. */
  readonly room: Uint8Array;
  /** What `pick` writes. */
  readonly picked: Uint8Array;
  /** Null when no more forms can be kept before some are forgotten, and for fewer than 16 bytes. */
  keep(ranges: readonly ByteRanges[]): ByteForm | null;
  forget(): void;
  /** Takes the bytes that `fits` is asked about. False when they are too many: nothing may be asked about them. */
  load(bytes: Uint8Array): boolean;
  /** Whether the form's length of the loaded bytes, from this place, has the form. */
  fits(form: ByteForm, from: number): boolean;
  /**
   * @param places of bytes, each one or two behind the one before it
   * @returns null as `keep`
   */
  keepPicks(places: readonly number[]): BytePicks | null;
  /** Writes these of the loaded bytes, counted from `from`, to `picked` from `to` on; up to 15 bytes behind them are overwritten. */
  pick(picks: BytePicks, from: number, to: number): void;
};

const LANES = 16;
/** Of sixteen bytes the lower ends of the first ranges, their widths, and the same of the second ranges. */
const RULE_BYTES = 4 * LANES;
const FORMS_BYTES_MAX = 4 * 1024 * 1024;
/** What a bundle of 256 entries of 4 KB has, with their lengths. */
const LOADED_BYTES_MAX = 256 * (4_096 + 2);
/** What is picked at once, and what is written behind it. */
const PICKED_BYTES = 16 * 1024;
const PICKED_AT = FORMS_BYTES_MAX + LOADED_BYTES_MAX;
/** Of sixteen bytes the place that they are found from, which of sixteen bytes there each is, and which of the sixteen behind those. */
const PICK_BYTES = 3 * LANES;
/** A place that there is not: it gives a byte of 0. */
const NOT_HERE = 255;
const PAGE_BYTES = 65_536;

const rulesOf = (length: number): number => Math.ceil(length / LANES);

export function createByteForms(): ByteForms {
  const vectors = instantiate(MODULE);
  const memory = new Uint8Array(vectors?.memory ?? new ArrayBuffer(PICKED_AT + PICKED_BYTES));
  const [within = withinOf(memory), pick = pickOf(memory)] = vectors?.functions ?? [];
  const room = memory.subarray(FORMS_BYTES_MAX, PICKED_AT);
  let used = 0;
  let loaded = 0;
  return {
    room,
    picked: memory.subarray(PICKED_AT, PICKED_AT + PICKED_BYTES),
    keep(ranges): ByteForm | null {
      const { length } = ranges;
      const bytes = rulesOf(length) * RULE_BYTES;
      if (length < LANES || used + bytes > FORMS_BYTES_MAX) return null;
      writeRules(memory.subarray(used, used + bytes), ranges);
      used += bytes;
      return { length, at: used - bytes };
    },
    forget(): void {
      used = 0;
    },
    load(bytes): boolean {
      loaded = 0;
      if (bytes.byteLength > LOADED_BYTES_MAX) return false;
      if (bytes.buffer !== room.buffer || bytes.byteOffset !== room.byteOffset) room.set(bytes);
      loaded = bytes.byteLength;
      return true;
    },
    fits({ length, at }, from): boolean {
      if (from < 0 || from + length > loaded) return false;
      return within(FORMS_BYTES_MAX + from, FORMS_BYTES_MAX + from + length - LANES, at) !== 0;
    },
    keepPicks(places): BytePicks | null {
      const count = Math.ceil(places.length / LANES);
      const isFollowing = places.every((place, i) => {
        const step = place - (places[i - 1] ?? place - 1);
        return step === 1 || step === 2;
      });
      if (!isFollowing || used + count * PICK_BYTES > FORMS_BYTES_MAX) return null;
      writePicks(memory.subarray(used, used + count * PICK_BYTES), places);
      used += count * PICK_BYTES;
      return { at: used - count * PICK_BYTES, count };
    },
    pick({ at, count }, from, to): void {
      if (from < 0 || from >= loaded || to < 0 || to + count * LANES > PICKED_BYTES) return;
      if (count > 0) pick(FORMS_BYTES_MAX + from, PICKED_AT + to, at, at + count * PICK_BYTES);
    },
  };
}

function writePicks(picks: Uint8Array, places: readonly number[]): void {
  const view = new DataView(picks.buffer, picks.byteOffset);
  for (let i = 0; i * LANES < places.length; i += 1) {
    const first = places[i * LANES] ?? 0;
    view.setInt32(i * PICK_BYTES, first, true);
    picks.fill(NOT_HERE, i * PICK_BYTES + LANES, (i + 1) * PICK_BYTES);
    // Of sixteen places, each at most two behind the one before it, the last is less than 32 behind the first.
    for (const [lane, place] of places.slice(i * LANES, (i + 1) * LANES).entries()) {
      const part = place - first < LANES ? 1 : 2;
      picks[i * PICK_BYTES + part * LANES + lane] = (place - first) % LANES;
    }
  }
}

type Pick = (from: number, to: number, pick: number, end: number) => void;

/** By the same table, without vectors. */
export function pickOf(memory: Uint8Array): Pick {
  const view = new DataView(memory.buffer, memory.byteOffset);
  return (from, to, firstPick, end) => {
    for (let pick = firstPick, target = to; pick < end; pick += PICK_BYTES, target += LANES) {
      const at = from + view.getInt32(pick, true);
      for (let lane = 0; lane < LANES; lane += 1) {
        const [near, far] = [memory[pick + LANES + lane] ?? 0, memory[pick + 2 * LANES + lane] ?? 0];
        memory[target + lane] =
          near < LANES ? (memory[at + near] ?? 0) : far < LANES ? (memory[at + LANES + far] ?? 0) : 0;
      }
    }
  };
}

// The last sixteen bytes overlap those before them.
function writeRules(rules: Uint8Array, ranges: readonly ByteRanges[]): void {
  for (let rule = 0; rule < rulesOf(ranges.length); rule += 1) {
    const first = Math.min(rule * LANES, ranges.length - LANES);
    for (const [lane, [from, to, orFrom, orTo]] of ranges.slice(first, first + LANES).entries())
      for (const [part, value] of [from, to - from, orFrom, orTo - orFrom].entries())
        rules[rule * RULE_BYTES + part * LANES + lane] = value;
  }
}

type Within = (at: number, last: number, rule: number) => number;

/** By the same rules, without vectors. */
export function withinOf(memory: Uint8Array): Within {
  const byte = (at: number): number => memory[at] ?? 0;
  return (begin, last, firstRule) => {
    for (let at = begin, rule = firstRule; ; at = Math.min(at + LANES, last), rule += RULE_BYTES) {
      for (let lane = 0; lane < LANES; lane += 1) {
        const value = byte(at + lane);
        const [low, lowOr] = [byte(rule + lane), byte(rule + 2 * LANES + lane)];
        const isIn = value >= low && value - low <= byte(rule + LANES + lane);
        const isInOr = value >= lowOr && value - lowOr <= byte(rule + 3 * LANES + lane);
        if (!isIn && !isInOr) return 0;
      }
      if (at === last) return 1;
    }
  };
}

// Locals: the parameters, whether there is more, then what has been so far and sixteen bytes.
const [AT, LAST, RULE, IS_MORE, SO_FAR, BYTES] = [0, 1, 2, 3, 4, 5];

const isWithin = (low: number): Code => [
  ...isAtMostBytes(minusBytes(get(BYTES), load(get(RULE), low)), load(get(RULE), low + LANES)),
];
const next = plus(get(AT), constant(LANES));

// Of `pick`: parameters, whether there is more, where sixteen bytes are found.
const [FROM, TO, PICK, PICK_END, PICK_MORE, FOUND] = [0, 1, 2, 3, 4, 5];
const pickedAt = (part: number): Code =>
  swizzle(load(get(FOUND), (part - 1) * LANES), load(get(PICK), part * LANES));

const PICKING: WasmFunction = {
  name: "pick",
  parameters: 4,
  numbers: 2,
  vectors: 0,
  code: [
    ...repeat(
      [
        ...plus(get(FROM), loadNumber(get(PICK), 0)),
        ...set(FOUND),
        ...store(get(TO), 0, or(pickedAt(1), pickedAt(2))),
        ...plus(get(TO), constant(LANES)),
        ...set(TO),
        ...plus(get(PICK), constant(PICK_BYTES)),
        ...set(PICK),
        ...isBelow(get(PICK), get(PICK_END)),
        ...set(PICK_MORE),
      ],
      get(PICK_MORE),
    ),
    END,
  ],
};

const MODULE: WasmParts = {
  pages: Math.ceil((PICKED_AT + PICKED_BYTES) / PAGE_BYTES),
  functions: [
    {
      name: "within",
      parameters: 3,
      isAnswering: true,
      numbers: 1,
      vectors: 2,
      code: [
        ...splat(-1),
        ...set(SO_FAR),
        ...repeat(
          [
            ...load(get(AT), 0),
            ...set(BYTES),
            ...and(get(SO_FAR), or(isWithin(0), isWithin(2 * LANES))),
            ...set(SO_FAR),
            ...isBelow(get(AT), get(LAST)),
            ...set(IS_MORE),
            ...either(next, get(LAST), isBelow(next, get(LAST))),
            ...set(AT),
            ...plus(get(RULE), constant(RULE_BYTES)),
            ...set(RULE),
          ],
          get(IS_MORE),
        ),
        ...isEveryByte(get(SO_FAR)),
        END,
      ],
    },
    PICKING,
  ],
};
