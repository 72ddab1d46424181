// The memory as the store keeps it, without the disk: the same engine, reach, makers and ranker work on it.

import type { MergeContext, Precedent } from "../../src/domains/merge/candidate.ts";
import { listConflicts, type Conflict } from "../../src/domains/merge/conflict.ts";
import { Experience } from "../../src/domains/merge/experience.ts";
import { extractAnswers } from "../../src/domains/merge/extract.ts";
import * as fingerprint from "../../src/domains/merge/fingerprint.ts";
import { makeCandidates } from "../../src/domains/merge/makers.ts";
import { rank } from "../../src/domains/merge/rank.ts";
import { isWithinReach, type DecidedPlace } from "../../src/domains/merge/reach.ts";
import { describe as describeSituation } from "../../src/domains/merge/situation.ts";
import { decide } from "../../src/engine/resolve.ts";
import { newPattern, type ConflictPattern } from "../../src/patterns.ts";
import { AgentProvenance } from "../../src/provenance.ts";
import { experienced, Resolution } from "../../src/resolutions.ts";
import { SIMILARITY_MIN, similarityOf } from "../../src/similarity/likeness.ts";
import { SignatureIndex, type Described } from "../../src/similarity/signature-index.ts";
import { parseTimestamp } from "../../src/timestamps.ts";
import type { SimilarResolution } from "../../src/types.ts";
import type { Merge } from "./git-history.ts";

const PERSON = AgentProvenance.human("history");
const SIMILAR_MAX = 8;

type Known = { readonly pattern: ConflictPattern; readonly conflict: Conflict };

const describe = ({ tokens, semanticFingerprint }: ConflictPattern): Described => ({
  group: 0,
  tokens,
  shape: semanticFingerprint,
});

export type Asked = {
  readonly pattern: ConflictPattern;
  readonly conflict: Conflict;
  readonly context: MergeContext;
  readonly candidates: ReturnType<typeof makeCandidates>;
  readonly ranked: ReturnType<typeof rank>;
  /** What `harmony merge` would have done, and what it would have written. */
  readonly status: "applied" | "proposed" | "escalated";
  readonly applied: string | null;
  /** Applied by the engine alone, were one decision to reach everywhere. */
  readonly engineApplied: string | null;
  readonly millis: number;
};

export class ReplayedMemory {
  readonly #resolutions: Map<string, Map<string, Resolution>> = new Map();
  readonly #patterns: Map<string, Known> = new Map();
  readonly #places: Map<string, DecidedPlace[]> = new Map();
  readonly #firstPaths: Map<string, string> = new Map();
  readonly #inOrder: Known[] = [];
  readonly #index: SignatureIndex = new SignatureIndex();
  readonly experience: Experience;

  constructor(experience: Experience = new Experience()) {
    this.experience = experience;
  }

  #exact(patternId: string): Resolution[] {
    return [...(this.#resolutions.get(patternId)?.values() ?? [])];
  }

  #similar(pattern: ConflictPattern): { found: SimilarResolution; conflict: Conflict }[] {
    const exact = (owner: number): number | null => {
      const other = this.#inOrder[owner]?.pattern;
      const isOther = other !== undefined && other.patternId !== pattern.patternId;
      return isOther ? similarityOf(pattern, other) : null;
    };
    return this.#index
      .query(describe(pattern), { count: SIMILAR_MAX, similarityMin: SIMILARITY_MIN, exact })
      .flatMap(({ owner, similarity }) => {
        const known = this.#inOrder[owner];
        if (known === undefined) return [];
        return this.#exact(known.pattern.patternId).map((resolution) => ({
          found: { pattern: known.pattern, resolution, similarity },
          conflict: known.conflict,
        }));
      });
  }

  /** What `harmony merge` answers to this conflict now. */
  ask(conflict: Conflict, path: string, { at, commit: merge }: Merge): Asked {
    const begun = performance.now();
    const pattern = patternOf(conflict, path, at);
    const { patternId } = pattern;
    const firstPath = this.#firstPaths.get(patternId) ?? path;
    this.#firstPaths.set(patternId, firstPath);
    // Labels of merge-tree are commit ids; they would make every merge a flow of its own.
    const context = { path, oursLabel: "", theirsLabel: "", merge };
    const exact = this.#exact(patternId);
    const similar = this.#similar(pattern);
    const places = this.#places.get(patternId) ?? [];
    const near = (
      { patternId: of, resolutionId }: Resolution,
      first: string,
    ): Pick<Precedent, "samePath" | "sameMerge"> => {
      const own = (this.#places.get(of) ?? []).filter((place) => place.resolution_id === resolutionId);
      return {
        samePath: first === path || own.some((place) => place.path === path),
        sameMerge: own.some((place) => place.merge === merge),
      };
    };
    const precedents = {
      exact: exact.map((resolution): Precedent => {
        const kind = { texts: null, sameBase: true, sameShape: true, similarity: 1 };
        return { ...near(resolution, firstPath), patternId, path: firstPath, resolution, ...kind };
      }),
      similar: similar.map(({ found, conflict: texts }): Precedent => {
        const { resolution, similarity, pattern: other } = found;
        const sameShape = other.semanticFingerprint === pattern.semanticFingerprint;
        const from = { patternId: other.patternId, path: other.path, resolution };
        return { ...near(resolution, other.path), ...from, texts, sameBase: false, sameShape, similarity };
      }),
    };
    const candidates = makeCandidates(conflict, context, precedents);
    const ranked = rank(candidates, conflict, context, this.experience);
    const decision = decide({ pattern, policies: [], exact, similar: similar.map(({ found }) => found) });
    const engineApplied = decision.status === "applied" ? decision.result : null;
    const used = decision.status === "applied" ? decision.resolutionId : null;
    const best = exact.find(({ resolutionId }) => resolutionId === used);
    const reaches =
      best !== undefined && isWithinReach(best, places, { path, merge, firstPath, askedAt: null });
    const remembered = candidates.some(({ precedent }) => precedent !== null);
    return {
      pattern,
      conflict,
      context,
      candidates,
      ranked,
      status: reaches ? "applied" : remembered ? "proposed" : "escalated",
      applied: reaches ? engineApplied : null,
      engineApplied,
      millis: performance.now() - begun,
    };
  }

  /** A person left this text. `counted`: what this merge has said already, which it says once. */
  learn({ pattern, conflict, candidates, context }: Asked, text: string, counted: Set<string>): void {
    const id = pattern.patternId;
    const at = pattern.recordedAt;
    const known = this.#resolutions.get(id) ?? new Map<string, Resolution>();
    this.#resolutions.set(id, known);
    if (!this.#patterns.has(id)) {
      const one = { pattern, conflict };
      this.#patterns.set(id, one);
      this.#index.add(this.#inOrder.push(one) - 1, describe(pattern));
    }
    const decided = { patternId: id, strategy: "text", result: text };
    const given = new Resolution({ ...decided, resolvedAt: at, resolvedBy: PERSON });
    const isNew = !known.has(given.resolutionId);
    if (isNew) known.set(given.resolutionId, given);
    for (const other of known.values()) {
      const kind = other.resolutionId === given.resolutionId ? "confirmed" : "overridden";
      const mark = `${kind} ${other.resolutionId}`;
      if (counted.has(mark)) continue;
      counted.add(mark);
      if (isNew && kind === "confirmed") continue;
      known.set(other.resolutionId, experienced(other, kind, PERSON, parseTimestamp(at)));
    }
    const place = { resolution_id: given.resolutionId, path: context.path, merge: context.merge };
    const places = this.#places.get(id) ?? [];
    this.#places.set(id, places);
    places.push(place);
    const { situation, texts } = describeSituation(conflict, context, candidates);
    const right = texts.indexOf(text);
    this.experience.add({ version: 2, ...situation, right: right < 0 ? null : right });
  }
}

function patternOf(conflict: Conflict, path: string, at: Date): ConflictPattern {
  return newPattern({
    domain: fingerprint.MERGE_DOMAIN,
    conflictType: fingerprint.conflictTypeOf(conflict),
    blobFingerprint: fingerprint.fingerprintConflict(conflict),
    semanticFingerprint: fingerprint.fingerprintShape(conflict),
    tokens: fingerprint.tokensOfConflict(conflict),
    path,
    recordedAt: at,
    recordedBy: PERSON,
  });
}

/**
 * Lets the memory answer all merges in their order. It learns after each merge, or (`inSession`) after each file of it.
 * `see` gets, for each file, what was asked and what was committed; null where that is not certain.
 */
export function replay(
  merges: readonly Merge[],
  memory: ReplayedMemory,
  inSession: boolean,
  see: (asked: readonly Asked[], truths: readonly (string | null)[]) => void,
): void {
  for (const merge of merges) {
    const later: (() => void)[] = [];
    const counted = new Set<string>();
    for (const { path, before, now } of merge.files) {
      const truths = extractAnswers(before, now).map((found) => (found.certain ? found.text : null));
      const asked = listConflicts(before).map((conflict) => memory.ask(conflict, path, merge));
      see(asked, truths);
      for (const [index, one] of asked.entries()) {
        const truth = truths[index] ?? null;
        if (truth !== null) later.push(() => memory.learn(one, truth, counted));
      }
      if (inSession) for (const learn of later.splice(0)) learn();
    }
    for (const learn of later) learn();
  }
}
