// Text as tokens, with nothing lost: joined again they are the text. No grammar, so it works in any language.

const TOKEN = /[\p{L}_$][\p{L}\p{N}\p{M}_$]*|\p{N}+|\r?\n|[^\S\n]+|[^]/gu;
const IDENTIFIER = /^[\p{L}_$]/u;
const NUMBER = /^\p{N}/u;

/** Identifiers, runs of digits, line ends, runs of other space, and single characters. */
export function tokenise(text: string): string[] {
  return text.match(TOKEN) ?? [];
}

/** True for tokens that name or count something: those that differ between two uses of one pattern of change. */
export function isName(token: string): boolean {
  return IDENTIFIER.test(token) || NUMBER.test(token);
}

/**
 * The token set by which two texts are compared: words, and pairs of neighbours (they keep some order).
 * White space does not count, so that re-indented text stays similar.
 */
export function featuresOf(text: string): Set<string> {
  const words = tokenise(text).filter((token) => token.trim() !== "");
  const features = new Set<string>();
  for (const [index, word] of words.entries()) {
    features.add(word);
    const next = words[index + 1];
    if (next !== undefined) features.add(`${word}\u0000${next}`);
  }
  return features;
}
