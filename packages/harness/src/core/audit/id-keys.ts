// Whether two entries of a log have one id, for logs of millions: of each id a few bytes are kept, one after the other, and
// sorted at the end. Ids of which those are equal are then read again, so nothing rests on them being enough.

const SLOTS_AT_FIRST = 4_096;

/** Of an id's characters, in hex: its time is in the first twelve, and the last eight are of chance. */
const [TIME_REST_AT, CHANCE_AT] = [9, 28];

export type IdKeys = {
  /**
   * Keeps what tells the id that stands at this place from others of its time.
   * @returns milliseconds that the id says it was made at
   */
  add(bytes: DataView, at: number): number;
  /** Keys that more than one id has. */
  repeated(): ReadonlySet<bigint>;
};

export function createIdKeys(): IdKeys {
  // Of each key the low word and the high word, as the machine has them.
  let words = new Uint32Array(2 * SLOTS_AT_FIRST);
  let count = 0;
  // The first eight characters of the id before, which are this one's too within a minute of it, and what they say.
  let [first, second, high] = [0, 0, 0];
  const highAt = (bytes: DataView, at: number): number => {
    first = bytes.getInt32(at);
    second = bytes.getInt32(at + 4);
    return hexAt(bytes, at) * 65_536 + hexAt(bytes, at + 4);
  };
  return {
    add(bytes, at): number {
      if (bytes.getInt32(at + 4) !== second || bytes.getInt32(at) !== first) high = highAt(bytes, at);
      const time = high * 65_536 + hexAt(bytes, at + TIME_REST_AT);
      if (count * 2 === words.length) {
        const larger = new Uint32Array(2 * words.length);
        larger.set(words);
        words = larger;
      }
      words[count * 2] = (hexAt(bytes, at + CHANCE_AT) << 16) | hexAt(bytes, at + CHANCE_AT + 4);
      // Nearly in order then, which is sorted in a third of the time.
      words[count * 2 + 1] = time;
      count += 1;
      return time;
    },
    repeated(): ReadonlySet<bigint> {
      sortKeys(words, count);
      const found = new Set<bigint>();
      for (let i = 1; i < count; i += 1)
        if (words[2 * i] === words[2 * i - 2] && words[2 * i + 1] === words[2 * i - 1])
          found.add((BigInt(words[2 * i + 1] ?? 0) << 32n) | BigInt(words[2 * i] ?? 0));
      return found;
    },
  };
}

/** How far an id may stand from its place, on the average, before they are sorted as if they came in any order. */
const STEPS_A_KEY_MAX = 8;

// Events come nearly in the order of their times: each is moved back past the few that are younger. Where that turns out not to
// be so, the rest is sorted as anything else is, and takes ten times as long.
function sortKeys(words: Uint32Array, count: number): void {
  let steps = count * STEPS_A_KEY_MAX;
  for (let i = 1; i < count; i += 1) {
    const low = words[2 * i] ?? 0;
    const high = words[2 * i + 1] ?? 0;
    let at = i;
    for (; at > 0; at -= 1) {
      const before = words[2 * at - 1] ?? 0;
      if (before < high || (before === high && (words[2 * at - 2] ?? 0) <= low)) break;
      words[2 * at] = words[2 * at - 2] ?? 0;
      words[2 * at + 1] = before;
    }
    if (at === i) continue;
    words[2 * at] = low;
    words[2 * at + 1] = high;
    steps -= i - at;
    if (steps >= 0) continue;
    const keys = new BigUint64Array(words.buffer, 0, count);
    // Where they lie: of millions there is no room for a copy.
    // eslint-disable-next-line unicorn/no-array-sort
    keys.sort();
    return;
  }
}

/** Four digits of hex at once: the low half of a letter's byte is nine less than what it stands for. */
function hexAt(bytes: DataView, at: number): number {
  const four = bytes.getInt32(at);
  const digits = (four & 0x0f0f0f0f) + ((four >>> 6) & 0x01010101) * 9;
  const pairs = (digits | (digits >>> 4)) & 0x00ff00ff;
  return (pairs | (pairs >>> 8)) & 0xffff;
}

/** The key of an id, as `createIdKeys` makes it on a machine that keeps the low word first, as all that Node runs on do. */
export const idKey = (id: string): bigint =>
  (BigInt.asUintN(32, BigInt(`0x${id.slice(0, 8)}${id.slice(9, 13)}`)) << 32n) | BigInt(`0x${id.slice(28)}`);
