// A look-alike of a token is as good as the token to a model, and to a gateway that normalises. So tokens are looked
// for in a folded copy of the text: compatibility forms (Unicode NFKC) and the letters of other scripts that look the
// same. The copy is only searched; what is sent is the text itself.

export type Folded = {
  readonly text: string;
  /** Where a position of the folded text lies in the original, before the character that it belongs to. */
  placeOf(index: number): number;
};

/** Folds character by character, so that every position can be traced back. Linear. */
export function foldText(text: string): Folded {
  if (IS_ASCII.test(text)) return { text, placeOf: (index) => index };
  const pieces: string[] = [];
  // Longest known expansion of NFKC is 18 code units (U+FDFA).
  const places: number[] = [];
  let place = 0;
  for (const character of text) {
    const folded = foldCharacter(character);
    pieces.push(folded);
    for (let unit = 0; unit < folded.length; unit += 1) places.push(place);
    place += character.length;
  }
  return { text: pieces.join(""), placeOf: (index) => places[index] ?? text.length };
}

const IS_ASCII = /^\p{ASCII}*$/u;

const FOLDS = new Map<string, string>();

// As many as there are characters in daily use; what comes after is folded anew each time.
const FOLDS_MAX = 20_000;

function foldCharacter(character: string): string {
  if (character.length === 1 && character <= "\x7f") return character;
  const known = FOLDS.get(character);
  if (known !== undefined) return known;
  const plain = character.normalize("NFKC");
  const folded = LOOK_ALIKES.get(plain) ?? plain;
  if (FOLDS.size < FOLDS_MAX) FOLDS.set(character, folded);
  return folded;
}

// Pairs of sign and look-alikes (Unicode TR39 confusables, cut down to what tokens are made of).
const LOOK_ALIKES: ReadonlyMap<string, string> = new Map(
  [
    "<‹〈⟨˂ᐸ❮❬",
    ">›〉⟩˃ᐳ❯❭",
    "|│∣ǀ❘⏐┃∥‖",
    "[【〔⟦",
    "]】〕⟧",
    "/⁄∕⧸",
    ":∶：ː꞉",
    "_▁‗",
    "aаɑα",
    "bƅЬ",
    "cсϲ",
    "dԁ",
    "eеє",
    "gɡ",
    "hһ",
    "iіıι",
    "jј",
    "kк",
    "lӏ",
    "mм",
    "nոп",
    "oоοօ",
    "pрρ",
    "qԛ",
    "rг",
    "sѕ",
    "tтτ",
    "uսυ",
    "vѵν",
    "wԝ",
    "xхχ",
    "yуγ",
    "zᴢ",
    "AАΑ",
    "BВΒ",
    "CСϹ",
    "EЕΕ",
    "HНΗ",
    "IІΙӀ",
    "JЈ",
    "KКΚ",
    "MМΜ",
    "NΝ",
    "OОΟ",
    "PРΡ",
    "SЅ",
    "TТΤ",
    "XХΧ",
    "YҮΥ",
    "ZΖ",
  ].flatMap((row) => {
    const [sign = "", ...alikes] = row;
    return alikes.map((alike): [string, string] => [alike, sign]);
  }),
);
