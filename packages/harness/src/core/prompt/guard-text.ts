// A smoke detector for overt injections. Published guards of this kind miss most attacks that are meant to pass them,
// so a low score means nothing, and no rule may be relaxed by one: the score can only make the harness ask more.

import type { Decision } from "@assent/contract";
import { foldText } from "./neutralise-fold.ts";
import { hasControlToken } from "./neutralise.ts";

type Sign = { readonly pattern: RegExp; readonly weight: number };

// What a text says that speaks to the model rather than to a reader. Gaps are bounded: linear on any text.
const SIGNS: readonly Sign[] = [
  {
    pattern:
      /\b(?:ignore|disregard|forget|override|bypass)\b.{0,40}\b(?:previous|prior|above|earlier|all|your|any|the)\b.{0,40}\b(?:instructions?|rules?|prompts?|guidelines|directions|policy|policies)\b/isu,
    weight: 0.7,
  },
  { pattern: /\b(?:system|developer)\s{1,4}(?:prompt|message|override|instruction)s?\b/iu, weight: 0.3 },
  {
    pattern: /\byou are (?:now|no longer)\b|\bfrom now on,? you\b|\bnew instructions?\s{0,4}:/iu,
    weight: 0.4,
  },
  {
    pattern:
      /\b(?:as an ai|dear (?:ai|assistant|agent|model)|attention,? (?:ai|assistant|agents?|llms?))\b/iu,
    weight: 0.4,
  },
  {
    pattern: /\bdo not (?:tell|inform|mention|show|ask|alert)\b.{0,30}\b(?:user|human|operator|person)\b/isu,
    weight: 0.5,
  },
  {
    pattern:
      /\b(?:call|use|invoke|run|execute)\b.{0,20}\b(?:tool|function)\b.{0,60}\b(?:with|argument|parameter)/isu,
    weight: 0.3,
  },
  {
    pattern:
      /\b(?:send|post|forward|upload|exfiltrate|leak)\b.{0,60}\b(?:secrets?|passwords?|tokens?|credentials?|api[ _-]?keys?)\b/isu,
    weight: 0.5,
  },
];

const HIDDEN_WEIGHT = 0.3;
const TOKEN_WEIGHT = 0.8;
const HIDDEN = /[\u200b\u2060-\u2064\u202a-\u202e\u2066-\u2069\u{e0000}-\u{e007f}]/u;

/** From this score on a person is asked. Chosen so that one strong sign or two weak ones are enough. */
export const ASK_SCORE = 0.5;

/** How overtly a text speaks to the model: from 0 (no sign) to below 1. More signs never lower it. */
export function guardText(text: string): number {
  const folded = foldText(text.replaceAll(/[\p{Cf}]/gu, "")).text;
  let calm = 1;
  for (const { pattern, weight } of SIGNS) if (pattern.test(folded)) calm *= 1 - weight;
  if (hasControlToken(text)) calm *= 1 - TOKEN_WEIGHT;
  if (HIDDEN.test(text)) calm *= 1 - HIDDEN_WEIGHT;
  return 1 - calm;
}

/** What is done after a score: a permit becomes a question, a question and a refusal stay what they are. */
export function verdictAfter(verdict: Decision["verdict"], score: number): Decision["verdict"] {
  // Written so that a score that is no number asks.
  return verdict === "permit" && !(score < ASK_SCORE) ? "needs_approval" : verdict;
}
