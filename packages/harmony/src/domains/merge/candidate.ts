// The seam of the merge domain: makers propose texts, one ranker orders them. A new way to an answer is a new maker;
// ranking over whole histories is a new ranker. Neither knows of the other.

import type { ContentId } from "../../ids.ts";
import type { AgentProvenance } from "../../provenance.ts";
import type { Resolution } from "../../resolutions.ts";
import type { Timestamp } from "../../timestamps.ts";
import type { ConflictTexts } from "./fingerprint.ts";

/** Every way to an answer. Names are stored in the experience ledger: rename one and its experience is lost. */
export const MAKER_NAMES = [
  "exact",
  "template",
  "similar",
  "ours",
  "theirs",
  "base",
  "nothing",
  "ours_theirs",
  "theirs_ours",
  "union",
  "sorted_union",
  "line_merge",
  "token_merge",
] as const;
export type MakerName = (typeof MAKER_NAMES)[number];

/** Where a conflict stands: evidence about it, never its identity. */
export type MergeContext = {
  /** Relative to the repository, with `/`. */
  readonly path: string;
  /** What git wrote at the markers: `HEAD`, a branch, a commit. */
  readonly oursLabel: string;
  readonly theirsLabel: string;
  /** Which merge this is: the commit merged, or the day where git does not say. */
  readonly merge: string;
};

/** A past answer. `texts` are those of its own conflict; null where they were too large to keep. */
export type Precedent = {
  readonly patternId: ContentId;
  readonly path: string;
  readonly resolution: Resolution;
  readonly texts: ConflictTexts | null;
  /** False where it was decided without a known base: the same two sides, but perhaps another question. */
  readonly sameBase: boolean;
  /** True where the two conflicts differ in names and numbers only. */
  readonly sameShape: boolean;
  /** Likeness of the two conflicts, 0 to 1; 1 for the very same. */
  readonly similarity: number;
  /** Left by somebody at the path at hand, or asked about there first. */
  readonly samePath: boolean;
  /** Left by somebody in the merge at hand. */
  readonly sameMerge: boolean;
};

/** What was remembered of this conflict and of ones like it. */
export type MergeMemory = { readonly exact: readonly Precedent[]; readonly similar: readonly Precedent[] };

/** One maker's text, and in words why it might be right. */
export type Candidate = {
  readonly maker: MakerName;
  readonly text: string;
  readonly reason: string;
  readonly precedent: Precedent | null;
};

export type Maker = (
  conflict: ConflictTexts,
  context: MergeContext,
  memory: MergeMemory,
) => readonly Candidate[];

/** Equal texts of several makers are one candidate. `confidence` is 0 to 1, counted from experience. */
export type RankedCandidate = {
  readonly text: string;
  readonly makers: readonly MakerName[];
  readonly reasons: readonly string[];
  readonly confidence: number;
  readonly resolutionId: ContentId | null;
  readonly provenance: AgentProvenance | null;
  readonly resolvedAt: Timestamp | null;
};
