// Secrets that the harness was never given, found by what they look like and where they stand.

import { findAssignedSecrets } from "./assignments.ts";
import { findBareTokens } from "./bare-tokens.ts";
import { findPrefixedTokens } from "./prefixed-tokens.ts";
import { endOf, type Reading, readingsOf, startOf } from "./reading.ts";
import { mergeSpans, type Span } from "./span.ts";
import { findStructures } from "./structures.ts";

/** Finds every part of a text that looks like a secret. Takes time linear in the text, whatever stands in it. */
export type Detector = (text: string) => readonly Span[];

/** In order of what they know: the first one names what several have found. */
const FAMILIES: readonly Detector[] = [
  findStructures,
  findPrefixedTokens,
  findAssignedSecrets,
  findBareTokens,
];

export const detectSecrets: Detector = (text) => {
  const spans: Span[] = [];
  for (const reading of readingsOf(text)) {
    for (const find of FAMILIES) {
      for (const span of find(reading.text)) spans.push(place(reading, span));
    }
  }
  return mergeSpans(spans);
};

const place = (reading: Reading, span: Span): Span => ({
  start: startOf(reading, span.start),
  end: endOf(reading, span.end - 1),
  kind: span.kind,
});
