// What each way to an answer was worth so far, counted in contexts: everywhere, for the same two branches, for this kind
// of file, for this path, in this merge. A count says how often a maker's text was what the person left; nobody writes a
// confidence.

import type { MakerName, MergeContext } from "./candidate.ts";

/** One decided conflict: the makers whose text was right, and those whose text was not. */
export type Outcome = {
  readonly path: string;
  readonly oursLabel: string;
  readonly theirsLabel: string;
  readonly merge: string;
  readonly right: readonly MakerName[];
  readonly wrong: readonly MakerName[];
};

/** The worth of a maker before any experience here: measured over twelve public histories (spec/harmony.md, 3 and 4b). */
const PRIOR: Readonly<Record<MakerName, number>> = {
  exact: 0.83,
  template: 0.78,
  similar: 0.5,
  token_merge: 0.57,
  line_merge: 0.57,
  ours: 0.35,
  theirs: 0.3,
  union: 0.1,
  ours_theirs: 0.06,
  theirs_ours: 0.03,
  sorted_union: 0.02,
  base: 0.03,
  nothing: 0.04,
};

/** Outcomes that the belief of the wider context counts for in the narrower one. */
const PRIOR_STRENGTH = 4;

/**
 * Conflicts of one merge that count in a lasting context. A giant merge of thousands, all resolved one way, says little
 * more about the next merge than a small one (measured: without this, doctrine/orm's confidences above 0.9 were 12% right).
 */
const OUTCOMES_PER_MERGE_MAX = 10;

type Count = { right: number; wrong: number };

/** From the widest context to the narrowest: each starts from what the one before believes. */
export function contextsOf({ path, oursLabel, theirsLabel, merge }: MergeContext): readonly string[] {
  const name = path.slice(path.lastIndexOf("/") + 1);
  const dot = name.lastIndexOf(".");
  const kind = dot > 0 ? name.slice(dot) : name;
  return ["all", `flow:${oursLabel}<${theirsLabel}`, `kind:${kind}`, `path:${path}`, `merge:${merge}`];
}

export class Experience {
  readonly #counts: Map<string, Count> = new Map();
  readonly #seen: Map<string, number> = new Map();

  constructor(outcomes: Iterable<Outcome> = []) {
    for (const outcome of outcomes) this.add(outcome);
  }

  add(outcome: Outcome): void {
    for (const context of contextsOf(outcome)) {
      if (!this.#isCounted(context, outcome.merge)) continue;
      for (const maker of outcome.right) this.#count(context, maker).right += 1;
      for (const maker of outcome.wrong) this.#count(context, maker).wrong += 1;
    }
  }

  /**
   * How often this maker is right here, 0 to 1. Beta means from the widest context to the narrowest, each the prior of
   * the next. `start` replaces the shipped prior where a record has counts of its own (a resolution's evidence).
   */
  worthOf(maker: MakerName, context: MergeContext, start: number = PRIOR[maker]): number {
    return contextsOf(context).reduce((prior, name) => {
      const { right, wrong } = this.#counts.get(`${maker} ${name}`) ?? { right: 0, wrong: 0 };
      return (PRIOR_STRENGTH * prior + right) / (PRIOR_STRENGTH + right + wrong);
    }, start);
  }

  #isCounted(context: string, merge: string): boolean {
    if (context === `merge:${merge}`) return true;
    const key = `${merge} ${context}`;
    const seen = this.#seen.get(key) ?? 0;
    this.#seen.set(key, seen + 1);
    return seen < OUTCOMES_PER_MERGE_MAX;
  }

  #count(context: string, maker: MakerName): Count {
    const key = `${maker} ${context}`;
    const known = this.#counts.get(key);
    if (known !== undefined) return known;
    const fresh = { right: 0, wrong: 0 };
    this.#counts.set(key, fresh);
    return fresh;
  }
}
