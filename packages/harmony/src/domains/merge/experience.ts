// How often which way to an answer was right so far, and from that how likely each text proposed now is right. A
// multinomial logistic model over words (situation.ts) in contexts, learned on-line with AdaGrad (Duchi et al. 2011),
// one outcome at a time, from weights that were learned the same way on public histories (prior.ts). That no proposed
// text is right is one of the answers, and what the model says is held against what happened, so that a confidence shown
// is one that was counted. Deterministic: the same outcomes in the same order give the same confidences.

import type { MergeContext } from "./candidate.ts";
import { priorWeights } from "./prior.ts";
import type { Situation } from "./situation.ts";

/** One decided conflict: which of the texts the person left, as a place in `texts`; null when none of them. */
export type Outcome = Situation & { readonly version: 2; readonly right: number | null };

/**
 * Conflicts of one merge that count in full; the k-th counts for 10/k. A giant merge of thousands, all resolved one way,
 * says little more about the next merge than a small one (measured: without this, doctrine/orm's confidences above 0.9
 * were 12% right).
 */
const OUTCOMES_PER_MERGE_MAX = 10;

/** Step of a weight at its first gradient. */
const RATE = 0.2;
/** Squared gradients that a weight from elsewhere counts as having seen: it moves, but not at once. */
const PRIOR_STRENGTH = 4;
/** Outcomes that a confidence computed counts for beside those that were counted at its height. */
const CALIBRATION_STRENGTH = 8;
/** Gradients below this move nothing that anybody could see. */
const GRADIENT_MIN = 1e-6;

const NONE = "none";
const EXACT = "exact";

/**
 * How often an exact precedent was right again, by what is known of it: where past answers differ, within the merge it was
 * made in, two that agree, at its own path, elsewhere. Measured on 4,766 repetitions in twelve public histories
 * (spec/harmony.md, 4d and 4g); counts as so many repetitions beside those counted here.
 */
const EXACT_SHARES = { differ: 0.68, now: 0.98, agreed: 0.93, here: 0.86, elsewhere: 0.75 } as const;
const EXACT_STRENGTH = 20;
type ExactKind = keyof typeof EXACT_SHARES;

function exactKindOf(words: readonly string[]): ExactKind {
  if (words.includes("exact:contested")) return "differ";
  if (words.includes("exact:now")) return "now";
  if (words.some((word) => /^exact:c[2-9]o0$/u.test(word))) return "agreed";
  return words.includes("exact:here") ? "here" : "elsewhere";
}

type Bin = { right: number; all: number };
type Judged = {
  /** For each text how likely it is the right one, 0 to 1, together at most 1. */
  readonly likely: readonly number[];
  readonly features: readonly (readonly string[])[];
};

function kindOf(path: string): string {
  const name = path.slice(path.lastIndexOf("/") + 1);
  const dot = name.lastIndexOf(".");
  return dot > 0 ? name.slice(dot) : name;
}

const folderOf = (path: string): string => path.slice(0, Math.max(0, path.lastIndexOf("/")));

/** Weights of this repository alone: paths, folders and branches mean nothing in another one. */
export const isLocal = (feature: string): boolean => /\|[PDF]/u.test(feature);

export class Experience {
  readonly #weights: Map<string, number>;
  readonly #squares: Map<string, number> = new Map();
  readonly #bins: Map<number, Bin> = new Map();
  readonly #exact: Map<ExactKind, Bin> = new Map();
  /** What was right last: at this path, in this folder, in this merge. */
  readonly #last: Map<string, readonly string[]> = new Map();
  #merge: { readonly name: string; outcomes: number } | null = null;

  constructor(outcomes: Iterable<Outcome> = [], prior: ReadonlyMap<string, number> = priorWeights()) {
    this.#weights = new Map(prior);
    for (const feature of prior.keys()) this.#squares.set(feature, PRIOR_STRENGTH);
    for (const outcome of outcomes) this.add(outcome);
  }

  /** What it has learned, for a bench that makes a prior of it. */
  get weights(): ReadonlyMap<string, number> {
    return this.#weights;
  }

  /**
   * For each text of the situation how likely it is right, 0 to 1, together at most 1. What was decided for this very
   * conflict is worth what such decisions were worth when they came up again; the others share what is left.
   */
  worthOf(situation: Situation): readonly number[] {
    const { likely } = this.#judge(situation);
    const decided = placeOfExact(situation, likely);
    if (decided !== null) {
      const worth = this.#exactShare(exactKindOf(situation.texts[decided] ?? []));
      const rest = 1 - (likely[decided] ?? 0);
      return likely.map((share, place) =>
        place === decided ? worth : (share * (1 - worth)) / Math.max(rest, 1e-9),
      );
    }
    const greatest = Math.max(0, ...likely);
    const counted = this.#calibrated(greatest);
    const left = (1 - counted) / Math.max(1 - greatest, 1e-9);
    return likely.map((share) => (share === greatest ? counted : Math.min(share, counted, share * left)));
  }

  add(outcome: Outcome): void {
    if (this.#merge?.name !== outcome.merge) this.#merge = { name: outcome.merge, outcomes: 0 };
    this.#merge.outcomes += 1;
    const weight = Math.min(1, OUTCOMES_PER_MERGE_MAX / this.#merge.outcomes);
    const { likely, features } = this.#judge(outcome);
    const right = outcome.right ?? likely.length;
    const decided = placeOfExact(outcome, likely);
    if (decided === null) this.#count(likely, right, weight);
    else this.#countExact(exactKindOf(outcome.texts[decided] ?? []), decided === right, weight);
    this.#learn(likely, features, right, weight);
    const words = outcome.right === null ? [NONE] : (outcome.texts[outcome.right] ?? []);
    for (const place of placesOf(outcome)) this.#last.set(place, words);
  }

  #judge(situation: Situation): Judged {
    const none = [NONE, `${NONE}:n${Math.min(12, situation.texts.length)}`];
    const features = [...situation.texts, none].map((words) => this.#featuresOf(words, situation));
    const scores = features.map((names) =>
      names.reduce((sum, name) => sum + (this.#weights.get(name) ?? 0), 0),
    );
    const top = Math.max(...scores);
    const powers = scores.map((score) => Math.exp(score - top));
    const sum = powers.reduce((total, power) => total + power, 0);
    return { likely: powers.slice(0, -1).map((power) => power / sum), features };
  }

  /** Evidence counts alone; a maker counts in each of its contexts. */
  #featuresOf(words: readonly string[], situation: Situation): string[] {
    const { path, oursLabel, theirsLabel, traits } = situation;
    const lasts = placesOf(situation).map((place) => this.#last.get(place));
    return words.flatMap((word) => {
      if (word.includes(":")) return [word];
      const said = lasts.map((last) => (last === undefined ? "u" : last.includes(word) ? "y" : "n"));
      return [
        word,
        `${word}|k${kindOf(path)}`,
        `${word}|h${traits}`,
        `${word}|p${said[0]}`,
        `${word}|d${said[1]}`,
        `${word}|m${said[2]}`,
        `${word}|P${path}`,
        `${word}|D${folderOf(path)}`,
        `${word}|F${oursLabel}<${theirsLabel}`,
      ];
    });
  }

  #learn(likely: readonly number[], features: Judged["features"], right: number, weight: number): void {
    const gradients = new Map<string, number>();
    const none = 1 - likely.reduce((sum, share) => sum + share, 0);
    for (const [place, names] of features.entries()) {
      const pull = ((place === right ? 1 : 0) - (likely[place] ?? none)) * weight;
      if (Math.abs(pull) < GRADIENT_MIN) continue;
      for (const name of names) gradients.set(name, (gradients.get(name) ?? 0) + pull);
    }
    for (const [name, gradient] of gradients) {
      const squares = (this.#squares.get(name) ?? 0) + gradient * gradient;
      this.#squares.set(name, squares);
      this.#weights.set(name, (this.#weights.get(name) ?? 0) + (RATE * gradient) / Math.sqrt(squares + 1));
    }
  }

  #exactShare(kind: ExactKind): number {
    const { right, all } = this.#exact.get(kind) ?? { right: 0, all: 0 };
    return (EXACT_STRENGTH * EXACT_SHARES[kind] + right) / (EXACT_STRENGTH + all);
  }

  #countExact(kind: ExactKind, isRight: boolean, weight: number): void {
    const bin = this.#exact.get(kind) ?? { right: 0, all: 0 };
    this.#exact.set(kind, bin);
    bin.all += weight;
    if (isRight) bin.right += weight;
  }

  #count(likely: readonly number[], right: number, weight: number): void {
    const greatest = Math.max(0, ...likely);
    if (greatest === 0) return;
    const bin = this.#bins.get(binOf(greatest)) ?? { right: 0, all: 0 };
    this.#bins.set(binOf(greatest), bin);
    bin.all += weight;
    if (likely.indexOf(greatest) === right) bin.right += weight;
  }

  /** What happened at this height, and half of what happened next to it, beside what the model itself says. */
  #calibrated(share: number): number {
    let right = CALIBRATION_STRENGTH * share;
    let all = CALIBRATION_STRENGTH;
    const at = binOf(share);
    for (const near of [at - 1, at, at + 1]) {
      const bin = this.#bins.get(near);
      if (bin === undefined) continue;
      right += bin.right * (near === at ? 1 : 0.5);
      all += bin.all * (near === at ? 1 : 0.5);
    }
    return right / all;
  }
}

/** Bins as wide as two thirds of a unit of log odds: fine near certainty, where a tenth of a share says most. */
function binOf(share: number): number {
  const logOdds = Math.log(share / (1 - share + 1e-9));
  return Math.max(-2, Math.min(8, Math.round(1.5 * logOdds)));
}

function placesOf({ path, merge }: MergeContext): readonly string[] {
  return [`path ${path}`, `folder ${folderOf(path)}`, `merge ${merge}`];
}

/** The text that was decided for this very conflict; of several the likeliest; null where there is none. */
function placeOfExact({ texts }: Situation, likely: readonly number[]): number | null {
  let best: number | null = null;
  for (const [place, words] of texts.entries()) {
    if (words.includes(EXACT) && (best === null || (likely[place] ?? 0) > (likely[best] ?? 0))) best = place;
  }
  return best;
}
