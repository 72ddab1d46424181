// Whether bytes have a form, where a form says of each byte which ranges it may lie in: what a verifier asks of millions
// of entries that look alike. Sixteen bytes at a time in WebAssembly's vectors; where the platform has none, one by one.

import {
  and,
  constant,
  either,
  END,
  get,
  instantiate,
  isAtMostBytes,
  isBelow,
  isEveryByte,
  load,
  minusBytes,
  or,
  plus,
  repeat,
  set,
  splat,
  type WasmParts,
} from "./wasm-code.ts";

/** Two ranges, both ends included; a byte must lie in one of them. */
export type ByteRanges = readonly [from: number, to: number, orFrom: number, orTo: number];

/** What `keep` gave, until `forget`. */
export type ByteForm = { readonly length: number; readonly at: number };

export type ByteForms = {
  /** Null when no more forms can be kept before some are forgotten, and for fewer than 16 bytes. */
  keep(ranges: readonly ByteRanges[]): ByteForm | null;
  forget(): void;
  /** Takes the bytes that `fits` is asked about. False when they are too many: nothing may be asked about them. */
  load(bytes: Uint8Array): boolean;
  /** Whether the form's length of the loaded bytes, from this place, has the form. */
  fits(form: ByteForm, from: number): boolean;
};

const LANES = 16;
/** Of sixteen bytes the lower ends of the first ranges, their widths, and the same of the second ranges. */
const RULE_BYTES = 4 * LANES;
const FORMS_BYTES_MAX = 4 * 1024 * 1024;
/** What a bundle of 256 entries of 4 KB has, with their lengths. */
const LOADED_BYTES_MAX = 256 * (4_096 + 2);
const PAGE_BYTES = 65_536;

const rulesOf = (length: number): number => Math.ceil(length / LANES);

export function createByteForms(): ByteForms {
  const vectors = instantiate(MODULE);
  const memory = new Uint8Array(vectors?.memory ?? new ArrayBuffer(FORMS_BYTES_MAX + LOADED_BYTES_MAX));
  const within = vectors?.functions[0] ?? withinOf(memory);
  let used = 0;
  let loaded = 0;
  return {
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
      memory.set(bytes, FORMS_BYTES_MAX);
      loaded = bytes.byteLength;
      return true;
    },
    fits({ length, at }, from): boolean {
      if (from < 0 || from + length > loaded) return false;
      return within(FORMS_BYTES_MAX + from, FORMS_BYTES_MAX + from + length - LANES, at) !== 0;
    },
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

const isWithin = (low: number): number[] => [
  ...isAtMostBytes(minusBytes(get(BYTES), load(get(RULE), low)), load(get(RULE), low + LANES)),
];
const next = plus(get(AT), constant(LANES));

const MODULE: WasmParts = {
  pages: Math.ceil((FORMS_BYTES_MAX + LOADED_BYTES_MAX) / PAGE_BYTES),
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
  ],
};
