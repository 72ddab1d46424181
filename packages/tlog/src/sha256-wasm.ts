// SHA-256 of four messages at once, in the four lanes of WebAssembly's 128-bit vectors: the two blocks of a tree's node
// cost less here than a call into the platform's hash. FIPS 180-4 names the functions and words.

import {
  END,
  add,
  byPowerOfTwo,
  choose,
  clear,
  constant,
  copy,
  get,
  isBelow,
  load,
  loadNumber,
  loadSplat,
  minus,
  plus,
  repeat,
  rotate,
  set,
  shiftRight,
  shuffle,
  splat,
  store,
  storeByte,
  tee,
  timesPowerOfTwo,
  xor,
  type Code,
  type WasmParts,
} from "./wasm-code.ts";

/** The first 32 bits of the fractional parts of the cube roots of the first 64 primes (FIPS 180-4 section 4.2.2). */
const K: readonly number[] = firstPrimes(64).map((prime) => fractionalBits(Math.cbrt(prime)));
/** The same of the square roots of the first eight (section 5.3.3). */
const H: readonly number[] = firstPrimes(8).map((prime) => fractionalBits(Math.sqrt(prime)));

function firstPrimes(count: number): number[] {
  const primes: number[] = [];
  for (let n = 2; primes.length < count; n += 1) if (primes.every((prime) => n % prime !== 0)) primes.push(n);
  return primes;
}

function fractionalBits(root: number): number {
  return Math.floor((root - Math.floor(root)) * 2 ** 32) | 0;
}

const words = (order: readonly number[]): number[] =>
  order.flatMap((word) => [0, 1, 2, 3].map((byte) => word * 4 + byte));
const LOW = words([0, 4, 1, 5]);
const HIGH = words([2, 6, 3, 7]);
const LOW_HALVES = words([0, 1, 4, 5]);
const HIGH_HALVES = words([2, 3, 6, 7]);
// Messages and digests are big-endian, vectors are not.
const SWAPPED = [3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12];
const swap = (local: number): Code => shuffle(get(local), get(local), SWAPPED);

/** Four vectors in locals, as the rows of a square, become its columns. @param spare first of four locals */
function transpose(rows: readonly [number, number, number, number], spare: number): Code {
  const [a, b, c, d] = rows;
  return [
    ...shuffle(get(a), get(b), LOW),
    ...set(spare),
    ...shuffle(get(a), get(b), HIGH),
    ...set(spare + 1),
    ...shuffle(get(c), get(d), LOW),
    ...set(spare + 2),
    ...shuffle(get(c), get(d), HIGH),
    ...set(spare + 3),
    ...shuffle(get(spare), get(spare + 2), LOW_HALVES),
    ...set(a),
    ...shuffle(get(spare), get(spare + 2), HIGH_HALVES),
    ...set(b),
    ...shuffle(get(spare + 1), get(spare + 3), LOW_HALVES),
    ...set(c),
    ...shuffle(get(spare + 1), get(spare + 3), HIGH_HALVES),
    ...set(d),
  ];
}

// Locals of `hash4`: its parameters, four addresses, a counter, then vectors.
const TABLE = 0;
const BLOCKS = 1;
const SOURCES = [2, 3, 4, 5] as const;
const ROUND = 6;
const STATE = 7;
const WORKING = 15;
const SCHEDULE = 23;
const SPARE = 39;
const NUMBER_LOCALS = 5;
const VECTOR_LOCALS = 36;

/** Where the module's memory has the words of K; all of it below `WORKSPACE_AT` is the module's own. */
const CONSTANTS_AT = 0;
export const WORKSPACE_AT = 256;

const schedule = (t: number): number => SCHEDULE + (t % 16);
const working = (name: number, t: number): number => WORKING + ((((name - t) % 8) + 8) % 8);

/** W[t] = σ1(W[t-2]) + W[t-7] + σ0(W[t-15]) + W[t-16] (section 6.2.2). */
function extend(t: number): Code {
  const [two, fifteen] = [get(schedule(t + 14)), get(schedule(t + 1))];
  const lower = xor(xor(rotate(fifteen, 7), rotate(fifteen, 18)), shiftRight(fifteen, 3));
  const upper = xor(xor(rotate(two, 17), rotate(two, 19)), shiftRight(two, 10));
  return [...add(get(schedule(t)), lower, get(schedule(t + 9)), upper), ...set(schedule(t))];
}

function round(t: number): Code {
  const [a, b, c, d] = [working(0, t), working(1, t), working(2, t), working(3, t)];
  const [e, f, g, h] = [working(4, t), working(5, t), working(6, t), working(7, t)];
  const upper = xor(xor(rotate(get(e), 6), rotate(get(e), 11)), rotate(get(e), 25));
  const lower = xor(xor(rotate(get(a), 2), rotate(get(a), 13)), rotate(get(a), 22));
  const majority = choose(get(c), get(a), xor(get(a), get(b)));
  const constantOf = loadSplat(get(ROUND), CONSTANTS_AT + t * 4);
  return [
    ...add(get(h), upper, choose(get(f), get(g), get(e)), constantOf, get(schedule(t))),
    ...set(h),
    ...add(get(d), get(h)),
    ...set(d),
    ...add(get(h), lower, majority),
    ...set(h),
  ];
}

const sixteen = (make: (t: number) => Code): Code => Array.from({ length: 16 }, (_, t) => make(t)).flat();
const eight = (make: (i: number) => Code): Code => Array.from({ length: 8 }, (_, i) => make(i)).flat();
const fourRows = (first: number): [number, number, number, number] => [
  first,
  first + 1,
  first + 2,
  first + 3,
];

function readBlock(): Code {
  return [0, 1, 2, 3].flatMap((quarter) => [
    ...SOURCES.flatMap((source, lane) => [
      ...load(get(source), quarter * 16),
      ...set(SCHEDULE + quarter * 4 + lane),
    ]),
    ...transpose(fourRows(SCHEDULE + quarter * 4), SPARE),
  ]);
}

// (table, blocks): the table has four addresses of padded messages, then four of where their digests go.
function hash4(): Code {
  const sixteenMore = [
    ...plus(get(ROUND), constant(64)),
    ...set(ROUND),
    ...sixteen((t) => [...extend(t), ...round(t)]),
  ];
  const oneBlock = [
    ...readBlock(),
    ...sixteen((t) => [...swap(SCHEDULE + t), ...set(SCHEDULE + t)]),
    ...eight((i) => [...get(STATE + i), ...set(WORKING + i)]),
    ...constant(0),
    ...set(ROUND),
    ...sixteen(round),
    // Three times; after sixteen rounds every name is back at its local.
    ...repeat(sixteenMore, isBelow(get(ROUND), constant(192))),
    ...eight((i) => [...add(get(STATE + i), get(WORKING + i)), ...set(STATE + i)]),
    ...SOURCES.flatMap((source) => [...plus(get(source), constant(64)), ...set(source)]),
  ];
  return [
    ...SOURCES.flatMap((source, lane) => [...loadNumber(get(TABLE), lane * 4), ...set(source)]),
    ...eight((i) => [...splat(H[i] ?? 0), ...set(STATE + i)]),
    ...repeat(oneBlock, [...minus(get(BLOCKS), constant(1)), ...tee(BLOCKS)]),
    ...[0, 4].flatMap((half) => [
      ...transpose(fourRows(STATE + half), SPARE),
      ...SOURCES.flatMap((_, lane) =>
        store(loadNumber(get(TABLE), 16 + lane * 4), half * 4, swap(STATE + half + lane)),
      ),
    ]),
    END,
  ];
}

// (prefix, source, length, target, blocks): the prefix byte and the message, padded to whole blocks (section 5.1.1).
function pad(): Code {
  const [prefix, source, length, target, blocks] = [get(0), get(1), get(2), get(3), get(4)];
  const end = plus(target, timesPowerOfTwo(blocks, 6));
  const bits = timesPowerOfTwo(plus(length, constant(1)), 3);
  return [
    // What is between message and length has nine bytes at most outside of the last block.
    ...clear(minus(end, constant(64)), 64),
    ...clear(plus(plus(target, length), constant(1)), 9),
    ...storeByte(target, 0, prefix),
    ...copy(plus(target, constant(1)), source, length),
    ...storeByte(plus(target, length), 1, constant(0x80)),
    ...[1, 2, 3].flatMap((byte) =>
      storeByte(minus(end, constant(byte)), 0, byPowerOfTwo(bits, (byte - 1) * 8)),
    ),
    END,
  ];
}

/**
 * The module. It exports `memory`, of so many pages of 64 KB, and
 * `pad(prefix, source, length, target, blocks)`: writes a padded message of up to 2 MB;
 * `hash4(table, blocks)`: hashes four padded messages of so many blocks each.
 */
export function sha256Parts(pages: number): WasmParts {
  return {
    pages,
    functions: [
      { name: "hash4", parameters: 2, numbers: NUMBER_LOCALS, vectors: VECTOR_LOCALS, code: hash4() },
      { name: "pad", parameters: 5, numbers: 0, vectors: 0, code: pad() },
    ],
    data: {
      at: CONSTANTS_AT,
      bytes: K.flatMap((word) => [0, 8, 16, 24].map((bits) => (word >>> bits) & 0xff)),
    },
  };
}
