// How a text reads once its encodings are undone: percent-encoding, escapes of JSON and of programming languages,
// HTML entities, full-width and other compatibility forms, characters that nobody sees. Each decoded character knows
// which part of the text it came from. Undoing is repeated, for an encoded text can be encoded again.

export type Reading = {
  readonly text: string;
  /** For each unit of `text`, where in the original it began and ended; null where nothing was undone. */
  readonly places: { readonly starts: Int32Array; readonly ends: Int32Array } | null;
};

/** `%252541` needs three; what is encoded more often than that, no log of ours has been seen to hold. */
const LAYERS_MAX = 3;

/** A percent sign, a backslash or an ampersand can begin an escape; what is not ASCII can be folded. */
const MAY_DECODE = /[%\\&\u{80}-\u{10ffff}]/u;

export const startOf = (reading: Reading, at: number): number => reading.places?.starts[at] ?? at;
export const endOf = (reading: Reading, at: number): number => reading.places?.ends[at] ?? at + 1;

/** The text itself, and then one reading for each layer of encoding that was found. */
export function readingsOf(text: string): readonly Reading[] {
  const readings: Reading[] = [{ text, places: null }];
  for (let layer = 0; layer < LAYERS_MAX; layer += 1) {
    const last = readings.at(-1);
    if (last === undefined || !MAY_DECODE.test(last.text)) break;
    const next = decode(last);
    if (next === null) break;
    readings.push(next);
  }
  return readings;
}

function decode(reading: Reading): Reading | null {
  const { text } = reading;
  // A fold can be longer than what it folds (a ligature), but by no more than this.
  const starts = new Int32Array(text.length * 4 + 64);
  const ends = new Int32Array(starts.length);
  const parts: string[] = [];
  let length = 0;
  let changed = false;
  for (let at = 0; at < text.length;) {
    const code = text.charCodeAt(at);
    const plain = code < 128 && code !== 0x25 && code !== 0x5c && code !== 0x26;
    const found = plain ? null : decodeAt(text, at, code);
    const size = found?.size ?? 1;
    const decoded = found?.decoded ?? text.charAt(at);
    if (found !== null) changed = true;
    for (let unit = 0; unit < decoded.length && length < starts.length; unit += 1) {
      starts[length] = startOf(reading, at);
      ends[length] = endOf(reading, at + size - 1);
      length += 1;
    }
    parts.push(decoded);
    at += size;
  }
  return changed ? { text: parts.join("").slice(0, length), places: { starts, ends } } : null;
}

type Decoded = { readonly decoded: string; readonly size: number };

function decodeAt(text: string, at: number, code: number): Decoded | null {
  if (code === 0x25) return hexEscape(text, at, 1, 2);
  if (code === 0x5c) return backslashEscape(text, at);
  if (code === 0x26) return entity(text, at);
  return fold(text, at);
}

function hexEscape(text: string, at: number, lead: number, digits: number): Decoded | null {
  const hex = text.slice(at + lead, at + lead + digits);
  if (hex.length !== digits || !/^[0-9A-Fa-f]+$/.test(hex)) return null;
  return { decoded: String.fromCharCode(Number.parseInt(hex, 16)), size: lead + digits };
}

const SHORT_ESCAPES: Readonly<Record<string, string>> = {
  n: "\n",
  r: "\r",
  t: "\t",
  b: "\b",
  f: "\f",
  "0": "\0",
  '"': '"',
  "'": "'",
  "/": "/",
  "\\": "\\",
  "\n": "",
};

function backslashEscape(text: string, at: number): Decoded | null {
  const next = text.charAt(at + 1);
  if (next === "u" && text.charAt(at + 2) === "{") {
    const match = /^[0-9A-Fa-f]{1,6}(?=\})/.exec(text.slice(at + 3, at + 10));
    const point = match === null ? Number.NaN : Number.parseInt(match[0], 16);
    return match !== null && point <= 0x10ffff
      ? { decoded: String.fromCodePoint(point), size: match[0].length + 4 }
      : null;
  }
  if (next === "u") return hexEscape(text, at, 2, 4);
  if (next === "x") return hexEscape(text, at, 2, 2);
  const short = SHORT_ESCAPES[next];
  return next !== "" && short !== undefined ? { decoded: short, size: 2 } : null;
}

const ENTITIES: Readonly<Record<string, string>> = {
  amp: "&",
  lt: "<",
  gt: ">",
  quot: '"',
  apos: "'",
  nbsp: " ",
  sol: "/",
  plus: "+",
  equals: "=",
  lowbar: "_",
  hyphen: "-",
  period: ".",
  colon: ":",
  dollar: "$",
  excl: "!",
  commat: "@",
  num: "#",
  percnt: "%",
  ast: "*",
};

/** The longest that is understood is `&#x10ffff;`, with a few leading zeros. */
const ENTITY_CHARS_MAX = 14;

function entity(text: string, at: number): Decoded | null {
  const match = /^&(?:#([0-9]{1,8})|#[xX]([0-9A-Fa-f]{1,8})|([a-z]{2,6}));/.exec(
    text.slice(at, at + ENTITY_CHARS_MAX),
  );
  if (match === null) return null;
  const [whole, decimal, hex, name] = match;
  if (name !== undefined) {
    const decoded = Object.hasOwn(ENTITIES, name) ? ENTITIES[name] : undefined;
    return decoded === undefined ? null : { decoded, size: whole.length };
  }
  const point = decimal === undefined ? Number.parseInt(hex ?? "", 16) : Number.parseInt(decimal, 10);
  return point <= 0x10ffff ? { decoded: String.fromCodePoint(point), size: whole.length } : null;
}

/** Default-ignorable code points (Unicode 16, DerivedCoreProperties), bidi controls and other invisible formats. */
const INVISIBLE = /^[\p{Default_Ignorable_Code_Point}\p{Cf}\p{Mn}]$/u;
const TAGS = { first: 0xe0020, last: 0xe007e, offset: 0xe0000 };

function fold(text: string, at: number): Decoded | null {
  const point = text.codePointAt(at) ?? 0;
  const size = point > 0xffff ? 2 : 1;
  // Tag characters are invisible ASCII: what they spell is read, not dropped.
  if (point >= TAGS.first && point <= TAGS.last)
    return { decoded: String.fromCharCode(point - TAGS.offset), size };
  const character = String.fromCodePoint(point);
  if (INVISIBLE.test(character)) return { decoded: "", size };
  const folded = character.normalize("NFKC");
  return folded === character || folded.length > 4 ? null : { decoded: folded, size };
}
