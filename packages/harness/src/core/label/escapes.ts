// Escapes inside a text, undone one layer at a time: percent-encoding, HTML entities, JSON and backslash escapes; and letters
// smuggled as tag characters.

import { type View, type ViewWriter, writeView } from "./view.ts";

type Undone = { readonly text: string; readonly end: number };

const ESCAPE = /[%&\\]/g;
const TAG = /\udb40/g;

/** The text with one layer of escapes undone, or null where there is none. Linear; never throws. */
export const undoEscapes = (view: View): View | null => undoEach(view, ESCAPE, undoAt);

/**
 * The text with tag characters (U+E0020 to U+E007E) as the letters that a model sees in them; a person sees nothing
 * (spec/security.md section 2, row 7). Null where there are none.
 */
export const undoTags = (view: View): View | null => undoEach(view, TAG, undoTag);

function undoEach(
  view: View,
  trigger: RegExp,
  undo: (text: string, at: number) => Undone | null,
): View | null {
  const { text } = view;
  const next = (from: number): number => {
    trigger.lastIndex = from;
    return trigger.exec(text)?.index ?? -1;
  };
  let writer: ViewWriter | null = null;
  let copied = 0;
  for (let at = next(0); at >= 0; at = next(at)) {
    const undone = undo(text, at);
    if (undone === null) {
      at += 1;
      continue;
    }
    writer ??= writeView(view);
    writer.copy(copied, at);
    writer.write(undone.text, at, undone.end);
    at = undone.end;
    copied = at;
  }
  writer?.copy(copied, text.length);
  return writer?.finish() ?? null;
}

function undoAt(text: string, at: number): Undone | null {
  const unit = text.charAt(at);
  if (unit === "%") return undoPercent(text, at);
  return unit === "&" ? undoEntity(text, at) : undoBackslash(text, at);
}

function hexAt(text: string, at: number, digits: number): number {
  const hex = text.slice(at, at + digits);
  return hex.length === digits && /^[0-9a-fA-F]+$/.test(hex) ? Number.parseInt(hex, 16) : -1;
}

const percentByte = (text: string, at: number): number =>
  text.charCodeAt(at) === 0x25 ? hexAt(text, at + 1, 2) : -1;

/** One character in UTF-8 (RFC 3629), each byte written as `%XX`; what is not well-formed stays as it is. */
function undoPercent(text: string, at: number): Undone | null {
  const first = percentByte(text, at);
  if (first < 0) return null;
  if (first < 0x80) return { text: String.fromCharCode(first), end: at + 3 };
  const more = first >= 0xf0 ? 3 : first >= 0xe0 ? 2 : 1;
  if (first < 0xc2 || first > 0xf4) return null;
  let point = first & (0x3f >> more);
  for (let index = 1; index <= more; index += 1) {
    const byte = percentByte(text, at + 3 * index);
    if (byte < 0x80 || byte > 0xbf) return null;
    point = (point << 6) | (byte & 0x3f);
  }
  return pointText(point, at + 3 * (more + 1));
}

function pointText(point: number, end: number): Undone | null {
  if (point <= 0 || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff)) return null;
  return { text: String.fromCodePoint(point), end };
}

// HTML has 2,231 names; these are the ones that stand for what addresses, amounts and markup are made of.
const NAMED: ReadonlyMap<string, string> = new Map(
  Object.entries({
    amp: "&",
    lt: "<",
    gt: ">",
    quot: '"',
    apos: "'",
    nbsp: " ",
    ensp: " ",
    emsp: " ",
    thinsp: " ",
    shy: "",
    zwj: "",
    zwnj: "",
    commat: "@",
    period: ".",
    colon: ":",
    semi: ";",
    comma: ",",
    sol: "/",
    bsol: "\\",
    lowbar: "_",
    hyphen: "\u2010",
    dash: "\u2010",
    ndash: "–",
    mdash: "—",
    num: "#",
    percnt: "%",
    plus: "+",
    equals: "=",
    quest: "?",
    excl: "!",
    ast: "*",
    dollar: "$",
    euro: "€",
    pound: "£",
    yen: "¥",
    cent: "¢",
    lpar: "(",
    rpar: ")",
    lsqb: "[",
    lbrack: "[",
    rsqb: "]",
    rbrack: "]",
    lcub: "{",
    rcub: "}",
    verbar: "|",
    grave: "`",
    tilde: "~",
    Tab: "\t",
    NewLine: "\n",
    lsquo: "‘",
    rsquo: "’",
    ldquo: "“",
    rdquo: "”",
    laquo: "«",
    raquo: "»",
  }),
);

const ENTITY = /&(?:#[xX]([0-9a-fA-F]{1,8});?|#([0-9]{1,8});?|([A-Za-z]{2,8});)/y;

function undoEntity(text: string, at: number): Undone | null {
  ENTITY.lastIndex = at;
  const match = ENTITY.exec(text);
  if (match === null) return null;
  const [all, hex, decimal, name] = match;
  const end = at + all.length;
  if (name !== undefined) {
    const named = NAMED.get(name) ?? NAMED.get(name.toLowerCase());
    return named === undefined ? null : { text: named, end };
  }
  return pointText(hex === undefined ? Number(decimal) : Number.parseInt(hex, 16), end);
}

const SHORT: ReadonlyMap<string, string> = new Map([
  ["n", "\n"],
  ["r", "\r"],
  ["t", "\t"],
  ["b", " "],
  ["f", "\n"],
  ["/", "/"],
  ['"', '"'],
  ["'", "'"],
  ["\\", "\\"],
]);

function undoBackslash(text: string, at: number): Undone | null {
  const kind = text.charAt(at + 1);
  const short = SHORT.get(kind);
  if (short !== undefined) return { text: short, end: at + 2 };
  if (kind === "x") {
    const unit = hexAt(text, at + 2, 2);
    return unit < 0 ? null : { text: String.fromCharCode(unit), end: at + 4 };
  }
  if (kind !== "u") return null;
  if (text.charAt(at + 2) === "{") {
    const close = text.slice(at + 3, at + 10).indexOf("}");
    const point = close < 1 ? -1 : hexAt(text, at + 3, close);
    return pointText(point, at + 4 + close);
  }
  const unit = hexAt(text, at + 2, 4);
  // A half of a pair is written as it is: the other half follows and makes it whole.
  return unit < 0 ? null : { text: String.fromCharCode(unit), end: at + 6 };
}

function undoTag(text: string, at: number): Undone | null {
  const point = text.codePointAt(at) ?? 0;
  return point >= 0xe0020 && point <= 0xe007e
    ? { text: String.fromCharCode(point - 0xe0000), end: at + 2 }
    : null;
}
