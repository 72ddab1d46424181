// Views of a text under which the same value is found again although it was changed on its way.

import { embeddedTexts, undoBase64, undoHex } from "./encodings.ts";
import { undoEscapes, undoTags } from "./escapes.ts";
import { foldView } from "./fold.ts";
import { DECODE_ROUNDS_MAX, VIEWS_MAX } from "./limits.ts";
import { plainView, type View } from "./view.ts";

/**
 * Readings of a whole value, not folded: as it is, and with every layer of escapes, base64, base64url and hexadecimal
 * undone, in any order, up to DECODE_ROUNDS_MAX layers and VIEWS_MAX readings. The first is the text itself.
 */
export function readValue(text: string): readonly View[] {
  const readings = [plainView(text)];
  const seen = new Set([text]);
  let fresh = readings;
  for (let round = 0; round < DECODE_ROUNDS_MAX && fresh.length > 0; round += 1) {
    const next: View[] = [];
    for (const view of fresh)
      for (const undo of [undoEscapes, undoTags, undoHex, undoBase64, undoPlus, undoQuotes, undoEmphasis]) {
        const undone = undo(view);
        if (undone === null || seen.has(undone.text) || readings.length + next.length >= VIEWS_MAX) continue;
        seen.add(undone.text);
        next.push(undone);
      }
    readings.push(...next);
    fresh = next;
  }
  return readings;
}

/** Readings of a text in which values stand: as `readValue`, and each encoded word of it as what it says. */
export function readText(text: string): readonly View[] {
  const readings = [...readValue(text)];
  const words = readings.flatMap((view) => embeddedTexts(view));
  // What stands in an encoded word may be escaped or encoded once more.
  for (let round = 1; round < DECODE_ROUNDS_MAX; round += 1) {
    const deeper = words.splice(0).flatMap((view) => {
      readings.push(view);
      const undone = undoEscapes(view);
      return [...(undone === null ? [] : [undone]), ...embeddedTexts(view)];
    });
    words.push(...deeper);
  }
  return [...readings, ...words];
}

/** Folded readings (case, Unicode form, what cannot be seen) of a value. Offsets are those of `text`. */
export const valueViews = (text: string): readonly View[] => readValue(text).map((view) => foldView(view));

/** Folded readings of a text in which values stand. */
export const textViews = (text: string): readonly View[] => readText(text).map((view) => foldView(view));

// A form's way to write a space (WHATWG URL, application/x-www-form-urlencoded). A URL or a number keeps its `+`.
function undoPlus(view: View): View | null {
  if (!view.text.includes("+") || !/^[^\s:+]+(?:\+[^\s:+]+)+$/.test(view.text)) return null;
  return { ...view, text: view.text.replaceAll("+", " ") };
}

// A JSON string given as a value: its quotes are not part of what it says. Only with escapes inside; bare quotes are
// separators anyway.
function undoQuotes(view: View): View | null {
  const { text } = view;
  if (text.length < 3 || !text.startsWith('"') || !text.endsWith('"')) return null;
  return { text: text.slice(1, -1), from: view.from.subarray(1, -1), to: view.to.subarray(1, -1) };
}

// Markdown around a value. A file tool takes `**a**` for a pattern, so a single word keeps its stars.
function undoEmphasis(view: View): View | null {
  const match = /^(\*\*|__|~~|_)[\p{L}\p{N}]/u.exec(view.text);
  const mark = match?.[1];
  if (mark === undefined || !view.text.endsWith(mark) || view.text.length <= 2 * mark.length) return null;
  const inner = view.text.slice(mark.length, -mark.length);
  if (mark === "**" && (/[*/\\?]/.test(inner) || !/[\s@]/.test(inner))) return null;
  const cut = (places: Int32Array): Int32Array => places.subarray(mark.length, -mark.length);
  return { text: inner, from: cut(view.from), to: cut(view.to) };
}
