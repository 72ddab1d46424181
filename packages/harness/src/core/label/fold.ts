// One form for all ways to write the same characters: letter case, Unicode form (NFKC, so fullwidth too), and what
// cannot be seen (zero-width, bidirectional controls, tag characters) left out.

import { CLUSTER_UNITS_MAX } from "./limits.ts";
import { type View, writeView } from "./view.ts";

// What composes with the character before it; something unseen may stand between the two.
const JOINING = /^[\p{M}\u1160-\u11ff]$/u;
const UNSEEN = /^[\p{Cf}\p{Default_Ignorable_Code_Point}]$/u;
const INVISIBLE = /[\p{Cf}\p{Default_Ignorable_Code_Point}]/gu;

/** The folded form of a short piece of text: a fixpoint, so folding twice changes nothing. */
export function foldPiece(piece: string): string {
  let folded = piece;
  // Case and composition feed each other (ΐ, İ, ﬃ): two rounds settle all of Unicode, the third is the proof.
  for (let round = 0; round < 3; round += 1) {
    const before = folded;
    folded = folded
      .replace(INVISIBLE, "")
      .normalize("NFKC")
      .toUpperCase()
      .toLowerCase()
      .replaceAll("ς", "σ")
      .normalize("NFKC")
      .replace(INVISIBLE, "");
    if (folded === before) break;
  }
  return folded;
}

/** Linear in the text: ASCII is folded in one go, all else cluster by cluster (a base and its marks). */
export function foldView(view: View): View {
  const { text } = view;
  if (!OTHER.test(text)) return { ...view, text: text.toLowerCase() };
  const lower = { ...view, text: text.replace(ASCII_CAPITALS, (capitals) => capitals.toLowerCase()) };
  const writer = writeView(lower);
  const known = new Map<string, string>();
  let at = 0;
  while (at < text.length) {
    const other = asciiEnd(text, at);
    // The last ASCII character may be the base of the marks that follow it.
    const plain = other < text.length ? other - 1 : other;
    if (plain > at) {
      writer.copy(at, plain);
      at = plain;
    }
    if (at >= text.length) break;
    const end = clusterEnd(text, at);
    const cluster = text.slice(at, end);
    let folded = known.get(cluster);
    if (folded === undefined) {
      folded = foldPiece(cluster);
      if (known.size < KNOWN_CLUSTERS_MAX) known.set(cluster, folded);
    }
    writer.write(folded, at, end);
    at = end;
  }
  return writer.finish();
}

const OTHER = /[^\0-\x7f]/;
const ASCII_CAPITALS = /[A-Z]+/g;

function asciiEnd(text: string, start: number): number {
  let end = start;
  while (end < text.length && text.charCodeAt(end) < 0x80) end += 1;
  return end;
}

/** Clusters remembered while one text is folded: real texts repeat few, hostile ones must not fill the memory. */
const KNOWN_CLUSTERS_MAX = 4_096;

function clusterEnd(text: string, start: number): number {
  let end = start + ((text.codePointAt(start) ?? 0) > 0xffff ? 2 : 1);
  let ahead = end;
  while (ahead < text.length && ahead - start < CLUSTER_UNITS_MAX) {
    const point = text.codePointAt(ahead) ?? 0;
    const character = point < 0xad ? "" : String.fromCodePoint(point);
    const joins = JOINING.test(character);
    if (!joins && !UNSEEN.test(character)) break;
    ahead += point > 0xffff ? 2 : 1;
    if (joins) end = ahead;
  }
  return end;
}
