// How a text reads once its encodings are undone: percent-encoding, escapes of JSON and of programming languages,
// HTML entities, full-width and other compatibility forms, characters that nobody sees. Each decoded character knows
// which part of the text it came from. Undoing is repeated, for an encoded text can be encoded again.

export type Reading = {
  readonly text: string;
  /** Null where nothing was undone, and every place is its own. */
  readonly pieces: Pieces | null;
};

/** A decoded text in pieces: each is either copied as it stood, or one escape undone. */
type Pieces = {
  /** Where each piece begins in the decoded text; rising. */
  readonly at: readonly number[];
  /** Where it begins in the text that was decoded. */
  readonly from: readonly number[];
  /** How long an escape was; 0 for a piece that was copied. */
  readonly size: readonly number[];
  readonly below: Reading;
};

/** `%252541` needs three; what is encoded more often than that, no log of ours has been seen to hold. */
const LAYERS_MAX = 3;

/** A percent sign, a backslash or an ampersand can begin an escape; what is not ASCII can be folded. */
const MAY_DECODE = /[%\\&\u{80}-\u{10ffff}]/u;
const NEXT_SPECIAL = /[%\\&\u0080-\uffff]/g;

/** Where in the original a unit of the reading begins. */
export function startOf(reading: Reading, at: number): number {
  const { pieces } = reading;
  if (pieces === null) return at;
  const piece = pieceAt(pieces, at);
  const from = pieces.from[piece] ?? 0;
  const size = pieces.size[piece] ?? 0;
  return startOf(pieces.below, size === 0 ? from + at - (pieces.at[piece] ?? 0) : from);
}

/** Where in the original a unit of the reading ends. */
export function endOf(reading: Reading, at: number): number {
  const { pieces } = reading;
  if (pieces === null) return at + 1;
  const piece = pieceAt(pieces, at);
  const from = pieces.from[piece] ?? 0;
  const size = pieces.size[piece] ?? 0;
  return endOf(pieces.below, size === 0 ? from + at - (pieces.at[piece] ?? 0) : from + size - 1);
}

/** The last piece that begins at or before a place. */
function pieceAt(pieces: Pieces, at: number): number {
  let [low, high] = [0, pieces.at.length - 1];
  while (low < high) {
    const middle = (low + high + 1) >>> 1;
    if ((pieces.at[middle] ?? 0) <= at) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** The text itself, and then one reading for each layer of encoding that was found. */
export function readingsOf(text: string): readonly Reading[] {
  const readings: Reading[] = [{ text, pieces: null }];
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
  const at: number[] = [];
  const from: number[] = [];
  const size: number[] = [];
  const parts: string[] = [];
  let length = 0;
  let done = 0;
  const add = (part: string, start: number, escape: number): void => {
    // An invisible character leaves nothing, so nothing can point at it.
    if (part === "") return;
    at.push(length);
    from.push(start);
    size.push(escape);
    parts.push(part);
    length += part.length;
  };
  let changed = false;
  NEXT_SPECIAL.lastIndex = 0;
  for (let found = NEXT_SPECIAL.exec(text); found !== null; found = NEXT_SPECIAL.exec(text)) {
    const decoded = decodeAt(text, found.index, text.charCodeAt(found.index));
    if (decoded === null) continue;
    changed = true;
    add(text.slice(done, found.index), done, 0);
    add(decoded.decoded, found.index, decoded.size);
    done = found.index + decoded.size;
    NEXT_SPECIAL.lastIndex = done;
  }
  if (!changed) return null;
  add(text.slice(done), done, 0);
  return { text: parts.join(""), pieces: { at, from, size, below: reading } };
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
  // Three octal digits, as C, shells and git write a byte.
  const octal = /^[0-3][0-7]{2}/.exec(text.slice(at + 1, at + 4))?.[0];
  if (octal !== undefined) return { decoded: String.fromCharCode(Number.parseInt(octal, 8)), size: 4 };
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
