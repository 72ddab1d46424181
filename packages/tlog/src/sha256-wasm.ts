// The root of a full tile: SHA-256 of four nodes at once, in the four lanes of WebAssembly's 128-bit vectors. The two blocks
// of a node cost less here than a call into the platform's hash. FIPS 180-4 names the functions and words.

import { HASH_BYTES } from "./hash.ts";
import { TILE_WIDTH } from "./tiles.ts";
import {
  add,
  and,
  byPowerOfTwo,
  choose,
  constant,
  END,
  get,
  instantiate,
  isBelow,
  load,
  loadByte,
  loadSplat,
  or,
  plus,
  repeat,
  rotate,
  set,
  shiftRight,
  shuffle,
  splat,
  store,
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

function fractionalBits(value: number): number {
  return Math.floor((value - Math.floor(value)) * 2 ** 32) | 0;
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

// Locals of `root`: its parameter, then numbers, then vectors.
const WIDTH = 0;
/** One byte before the nodes that are read, and where their hashes go. */
const [FROM, STOP, TO, ROUND] = [1, 2, 3, 4] as const;
/** Of each lane how far the words of its second block lie in the table. */
const TAILS = [5, 6, 7, 8] as const;
const NUMBER_LOCALS = 8;
const STATE = 9;
const WORKING = 17;
const SCHEDULE = 25;
const SPARE = 41;
/** a xor b of the round and, in turns, of the one before. */
const PAIRS = [45, 46] as const;
const VECTOR_LOCALS = 38;

const LANES = [0, 1, 2, 3] as const;
const ROUNDS = 64;
const NODE_BYTES = 2 * HASH_BYTES;

// Where things lie in the module's memory: the words of K, the second blocks, a byte that is read and not used, hashes.
const CONSTANTS_AT = 0;
const TAILS_AT = ROUNDS * 4;
const TAIL_BYTES = ROUNDS * 4;
const HASHES_AT = TAILS_AT + 256 * TAIL_BYTES + 16;
const PAGE_BYTES = 65_536;

const schedule = (t: number): number => SCHEDULE + (t % 16);
const working = (name: number, t: number): number => WORKING + ((((name - t) % 8) + 8) % 8);

/** W[t] = σ1(W[t-2]) + W[t-7] + σ0(W[t-15]) + W[t-16] (section 6.2.2). */
function extend(t: number): Code {
  const [two, fifteen] = [get(schedule(t + 14)), get(schedule(t + 1))];
  const lower = xor(xor(rotate(fifteen, 7), rotate(fifteen, 18)), shiftRight(fifteen, 3));
  const upper = xor(xor(rotate(two, 17), rotate(two, 19)), shiftRight(two, 10));
  return [...add(get(schedule(t)), lower, get(schedule(t + 9)), upper), ...set(schedule(t))];
}

/** @param word W[t] + K[t] */
function round(t: number, word: Code): Code {
  const [a, b, d] = [working(0, t), working(1, t), working(3, t)];
  const [e, f, g, h] = [working(4, t), working(5, t), working(6, t), working(7, t)];
  const [pair, before] = t % 2 === 0 ? PAIRS : [PAIRS[1], PAIRS[0]];
  const upper = xor(xor(rotate(get(e), 6), rotate(get(e), 11)), rotate(get(e), 25));
  const lower = xor(xor(rotate(get(a), 2), rotate(get(a), 13)), rotate(get(a), 22));
  // The majority of a, b, c: b, unless both others differ from it. b and c are a and b of the round before.
  const majority = xor(get(b), and(get(pair), get(before)));
  return [
    ...add(get(h), upper, choose(get(f), get(g), get(e)), word),
    ...set(h),
    ...add(get(d), get(h)),
    ...set(d),
    ...xor(get(a), get(b)),
    ...set(pair),
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
const firstPair = (): Code => [...xor(get(WORKING + 1), get(WORKING + 2)), ...set(PAIRS[1])];
const advance = (local: number, by: number): Code => [...plus(get(local), constant(by)), ...set(local)];

/** The first 64 bytes of four nodes' messages: RFC 6962's prefix, and all of the two hashes but their last byte. */
function readBlock(): Code {
  return [
    ...LANES.flatMap((quarter) => [
      ...LANES.flatMap((lane) => [
        ...load(get(FROM), lane * NODE_BYTES + quarter * 16),
        ...set(SCHEDULE + quarter * 4 + lane),
      ]),
      ...transpose(fourRows(SCHEDULE + quarter * 4), SPARE),
    ]),
    ...sixteen((t) => [...swap(SCHEDULE + t), ...set(SCHEDULE + t)]),
    // What was read as the first byte is what lies before the node.
    ...or(and(get(SCHEDULE), splat(0x00ff_ffff)), splat(0x0100_0000)),
    ...set(SCHEDULE),
  ];
}

function firstBlock(): Code {
  const constantOf = (t: number): Code => loadSplat(get(ROUND), CONSTANTS_AT + t * 4);
  const sixteenMore = [
    ...advance(ROUND, 64),
    ...sixteen((t) => [...extend(t), ...round(t, add(get(schedule(t)), constantOf(t)))]),
  ];
  return [
    ...readBlock(),
    ...eight((i) => [...splat(H[i] ?? 0), ...set(WORKING + i)]),
    ...firstPair(),
    ...constant(0),
    ...set(ROUND),
    ...sixteen((t) => round(t, add(get(schedule(t)), constantOf(t)))),
    // Three times; after sixteen rounds every name is back at its local.
    ...repeat(sixteenMore, isBelow(get(ROUND), constant(192))),
    ...eight((i) => [...add(splat(H[i] ?? 0), get(WORKING + i)), ...set(STATE + i)]),
  ];
}

// The second block of a node has one byte of its own, and padding. So there are 256 of them, and the words that all their
// rounds add are in a table.
function secondBlock(): Code {
  const fourWords = (group: number): Code => [
    ...LANES.flatMap((lane) => [
      ...load(get(TAILS[lane]), TAILS_AT + group * 16),
      ...set(SCHEDULE + group * 4 + lane),
    ]),
    ...transpose(fourRows(SCHEDULE + group * 4), SPARE),
  ];
  return [
    ...LANES.flatMap((lane) => [
      ...timesPowerOfTwo(loadByte(get(FROM), lane * NODE_BYTES + NODE_BYTES), Math.log2(TAIL_BYTES)),
      ...set(TAILS[lane]),
    ]),
    ...eight((i) => [...get(STATE + i), ...set(WORKING + i)]),
    ...firstPair(),
    ...constant(0),
    ...set(ROUND),
    ...repeat(
      [
        ...sixteen((t) => [...(t % 4 === 0 ? fourWords(t / 4) : []), ...round(t, get(schedule(t)))]),
        ...LANES.flatMap((lane) => advance(TAILS[lane], 64)),
        ...advance(ROUND, 64),
      ],
      isBelow(get(ROUND), constant(256)),
    ),
    ...eight((i) => [...add(get(STATE + i), get(WORKING + i)), ...set(STATE + i)]),
  ];
}

const writeHashes = (): Code =>
  [0, 4].flatMap((half) => [
    ...transpose(fourRows(STATE + half), SPARE),
    ...LANES.flatMap((lane) => store(get(TO), lane * HASH_BYTES + half * 4, swap(STATE + half + lane))),
  ]);

// (width): so many hashes, a power of two, become the one above them, where they lie. Nodes are written over hashes that
// were read; the lanes that have no node read and write what is not looked at again.
function root(): Code {
  const fourNodes = [
    ...firstBlock(),
    ...secondBlock(),
    ...writeHashes(),
    ...advance(FROM, LANES.length * NODE_BYTES),
    ...advance(TO, LANES.length * HASH_BYTES),
  ];
  const level = [
    ...constant(HASHES_AT - 1),
    ...set(FROM),
    ...constant(HASHES_AT),
    ...set(TO),
    ...plus(get(FROM), timesPowerOfTwo(get(WIDTH), Math.log2(HASH_BYTES))),
    ...set(STOP),
    ...repeat(fourNodes, isBelow(get(FROM), get(STOP))),
    ...byPowerOfTwo(get(WIDTH), 1),
    ...set(WIDTH),
  ];
  return [...repeat(level, isBelow(constant(1), get(WIDTH))), END];
}

let parts: WasmParts | null = null;

// Written out when it is first wanted: that takes longer than loading all the rest of this package, and most who load it
// never verify a log.
const moduleParts = (): WasmParts =>
  (parts ??= {
    pages: Math.ceil((HASHES_AT + TILE_WIDTH * HASH_BYTES) / PAGE_BYTES),
    functions: [
      { name: "root", parameters: 1, numbers: NUMBER_LOCALS, vectors: VECTOR_LOCALS, code: root() },
    ],
    data: {
      at: CONSTANTS_AT,
      bytes: K.flatMap((word) => [0, 8, 16, 24].map((bits) => (word >>> bits) & 0xff)),
    },
  });

const rotated = (word: number, bits: number): number => (word >>> bits) | (word << (32 - bits));

/** Of every last byte W[t] + K[t] of the second block of a message of 65 bytes that ends with it: little-endian words. */
function writeTails(view: DataView): void {
  const [made, constants] = [new Int32Array(ROUNDS), Int32Array.from(K)];
  made[15] = (1 + NODE_BYTES) * 8;
  for (let last = 0; last < 256; last += 1) {
    made[0] = (last << 24) | 0x0080_0000;
    for (let t = 0; t < ROUNDS; t += 1) {
      if (t >= 16) {
        const two = made[t - 2] ?? 0;
        const fifteen = made[t - 15] ?? 0;
        const lower = rotated(fifteen, 7) ^ rotated(fifteen, 18) ^ (fifteen >>> 3);
        const upper = rotated(two, 17) ^ rotated(two, 19) ^ (two >>> 10);
        made[t] = upper + (made[t - 7] ?? 0) + lower + (made[t - 16] ?? 0);
      }
      const word = (made[t] ?? 0) + (constants[t] ?? 0);
      view.setInt32(TAILS_AT + last * TAIL_BYTES + t * 4, word, true);
    }
  }
}

/** What gives a full tile's root; null where the platform has no vectors. */
export function createTileRoots(): ((tile: Uint8Array) => Uint8Array) | null {
  const wasm = instantiate(moduleParts());
  const [rootOf] = wasm?.functions ?? [];
  if (wasm === null || rootOf === undefined) return null;
  const memory = new Uint8Array(wasm.memory);
  writeTails(new DataView(wasm.memory));
  return (tile) => {
    memory.set(tile, HASHES_AT);
    rootOf(TILE_WIDTH);
    return memory.slice(HASHES_AT, HASHES_AT + HASH_BYTES);
  };
}
