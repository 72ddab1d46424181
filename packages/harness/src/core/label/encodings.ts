// Whole texts written in another alphabet: base64, base64url (RFC 4648) and hexadecimal.

import { type View, writeView } from "./view.ts";

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const SIX_BITS: Int8Array = new Int8Array(128).fill(-1);
for (let value = 0; value < 64; value += 1) SIX_BITS[ALPHABET.charCodeAt(value)] = value;
SIX_BITS["-".charCodeAt(0)] = 62;
SIX_BITS["_".charCodeAt(0)] = 63;

const BASE64 = /^[A-Za-z0-9+/_-]{6,}={0,2}$/;
/** Nothing that is encoded as a whole has it; most texts show it in their first line. */
const OTHER = /[^\w+/=\s-]/;
const NO_HEX = /[^\s0-9a-fA-FxX]/;
const HEX = /^(?:0x)?(?:[0-9a-fA-F]{2}){3,}$/;

/** What the view says when all of it is base64 or base64url of readable UTF-8 text; null where it is not. */
export function undoBase64(view: View): View | null {
  if (OTHER.test(view.text) || !mayBeText(view.text)) return null;
  const kept = unspaced(view.text);
  if (!BASE64.test(kept.text)) return null;
  const bytes: number[] = [];
  const places: number[] = [];
  let bits = 0;
  let held = 0;
  for (let at = 0; at < kept.text.length; at += 1) {
    const value = SIX_BITS[kept.text.charCodeAt(at)] ?? -1;
    if (value < 0) break;
    held = ((held << 6) | value) & 0xffff;
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      bytes.push((held >> bits) & 0xff);
      places.push(kept.places[at] ?? 0);
    }
  }
  return readable(view, bytes, places);
}

/** The same for hexadecimal, two digits a byte. */
export function undoHex(view: View): View | null {
  if (NO_HEX.test(view.text)) return null;
  const kept = unspaced(view.text);
  if (!HEX.test(kept.text)) return null;
  const bytes: number[] = [];
  const places: number[] = [];
  for (let at = kept.text.startsWith("0x") ? 2 : 0; at < kept.text.length; at += 2) {
    bytes.push(Number.parseInt(kept.text.slice(at, at + 2), 16));
    places.push(kept.places[at + 1] ?? 0);
  }
  return readable(view, bytes, places);
}

/** Letters of the alphabet that are looked at before a whole text is decoded; words of a language fail at the first. */
const SAMPLE_CHARS = 64;

/** False only where decoding would meet, near its start, bytes that are no text. */
function mayBeText(text: string): boolean {
  let held = 0;
  let bits = 0;
  let awaited = 0;
  for (let at = 0, letters = 0; at < text.length && letters < SAMPLE_CHARS; at += 1) {
    const value = SIX_BITS[text.charCodeAt(at)] ?? -1;
    if (value < 0) continue;
    letters += 1;
    held = ((held << 6) | value) & 0xffff;
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    const byte = (held >> bits) & 0xff;
    if (awaited > 0) {
      if (byte < 0x80 || byte > 0xbf) return false;
      awaited -= 1;
    } else if (byte >= 0x80) {
      if (byte < 0xc2 || byte > 0xf4) return false;
      awaited = byte >= 0xf0 ? 3 : byte >= 0xe0 ? 2 : 1;
    } else if (byte === 0x7f || (byte < 0x20 && byte !== 9 && byte !== 10 && byte !== 13)) return false;
  }
  return true;
}

// Mail breaks base64 into lines (RFC 2045), so white space does not count.
function unspaced(text: string): { text: string; places: Int32Array } {
  const kept: string[] = [];
  const places = new Int32Array(text.length);
  for (let at = 0; at < text.length; at += 1) {
    const character = text.charAt(at);
    if (character === " " || character === "\n" || character === "\r" || character === "\t") continue;
    places[kept.length] = at;
    kept.push(character);
  }
  return { text: kept.join(""), places };
}

/** `places[i]`: the last unit that byte `i` was made of. Null unless the bytes are UTF-8 text without controls. */
function readable(view: View, bytes: readonly number[], places: readonly number[]): View | null {
  const writer = writeView(view);
  let at = 0;
  while (at < bytes.length) {
    const first = bytes[at] ?? 0;
    const more = first < 0x80 ? 0 : first >= 0xf0 ? 3 : first >= 0xe0 ? 2 : 1;
    if ((first >= 0x80 && first < 0xc2) || first > 0xf4 || at + more >= bytes.length) return null;
    if (first === 0x7f || (first < 0x20 && first !== 9 && first !== 10 && first !== 13)) return null;
    let point = more === 0 ? first : first & (0x3f >> more);
    for (let index = 1; index <= more; index += 1) {
      const byte = bytes[at + index] ?? 0;
      if (byte < 0x80 || byte > 0xbf) return null;
      point = (point << 6) | (byte & 0x3f);
    }
    if (point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff)) return null;
    const start = at === 0 ? 0 : (places[at - 1] ?? 0);
    writer.write(String.fromCodePoint(point), start, (places[at + more] ?? 0) + 1);
    at += more + 1;
  }
  return bytes.length === 0 ? null : writer.finish();
}

const EMBEDDED = /[A-Za-z0-9+/_-]{12,}={0,2}/g;

/** Encoded words inside a longer text, each as what it says. Linear: a word that is not text is dropped at once. */
export function embeddedTexts(view: View): View[] {
  const found: View[] = [];
  for (const match of view.text.matchAll(EMBEDDED)) {
    const end = match.index + match[0].length;
    const word: View = {
      text: match[0],
      from: view.from.subarray(match.index, end),
      to: view.to.subarray(match.index, end),
    };
    const undone = undoHex(word) ?? undoBase64(word);
    if (undone !== null) found.push(undone);
  }
  return found;
}
