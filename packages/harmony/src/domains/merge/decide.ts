// From the engine's decision about a pattern to an answer for this one conflict. The engine knows no sides and no texts,
// so here a strategy becomes a text, and here it is refused where sides could have been swapped.

import { explain } from "../../engine/escalate.ts";
import type { ContentId } from "../../ids.ts";
import type { AgentProvenance } from "../../provenance.ts";
import type { Timestamp } from "../../timestamps.ts";
import type { Decision, Question } from "../../types.ts";
import { ReasonCode } from "../../vocabulary.ts";
import type { RankedCandidate } from "./candidate.ts";
import { hasMarker, splitLines, type Conflict } from "./conflict.ts";
import { CANDIDATES_SHOWN_MAX } from "./limits.ts";
import { SIDELESS, STRATEGIES, STRATEGY_NAMES } from "./strategies.ts";

/** A line of one side that the answer does not keep. */
export type DroppedLine = { readonly side: "ours" | "theirs"; readonly text: string };

/** What is to be done about one conflict, and why. */
export type Answer = {
  readonly patternId: ContentId;
  readonly status: "applied" | "proposed" | "escalated";
  /** A stable code: the engine's, or one of this file's. */
  readonly reason: string;
  readonly explanation: string;
  /** The text to put in the conflict's place; null unless applied. */
  readonly text: string | null;
  readonly strategy: string | null;
  readonly confidence: number | null;
  readonly provenance: AgentProvenance | null;
  readonly decidedAt: Timestamp | null;
  readonly resolutionId: ContentId | null;
  readonly policyId: ContentId | null;
  /** The best first; empty when applied. */
  readonly candidates: readonly RankedCandidate[];
  /** Every line of either side that `text` does not hold; empty unless applied. */
  readonly dropped: readonly DroppedLine[];
};

/** Lines of each side that the result lacks; a line that stands twice must be kept twice. */
export function listDropped(conflict: Conflict, result: string): DroppedLine[] {
  const missing = (side: "ours" | "theirs"): DroppedLine[] => {
    const left = new Map<string, number>();
    for (const line of splitLines(result)) left.set(line, (left.get(line) ?? 0) + 1);
    return splitLines(conflict[side]).flatMap((text) => {
      const count = left.get(text) ?? 0;
      left.set(text, count - 1);
      return count > 0 ? [] : [{ side, text }];
    });
  };
  return [...missing("ours"), ...missing("theirs")];
}

type Waiting = {
  readonly status: "proposed" | "escalated";
  readonly reason: string;
  readonly explanation: string;
};

function wait(decision: Decision, waiting: Waiting, candidates: readonly RankedCandidate[]): Answer {
  return {
    patternId: decision.patternId,
    ...waiting,
    text: null,
    strategy: null,
    confidence: null,
    provenance: null,
    decidedAt: null,
    resolutionId: null,
    policyId: decision.policyId,
    candidates: candidates.slice(0, CANDIDATES_SHOWN_MAX),
    dropped: [],
  };
}

type Applied = Extract<Decision, { status: "applied" }>;

/** The decided text, or why there is none for this conflict. */
function textOf(decision: Applied, conflict: Conflict): string | Waiting {
  const { strategy, result, reason } = decision;
  if (strategy === "text" && result !== null) return result;
  const known = STRATEGY_NAMES.find((name) => name === strategy);
  if (known === undefined) {
    return {
      status: "escalated",
      reason: "unknown_strategy",
      explanation: `no strategy of merges is called ${strategy}`,
    };
  }
  // A policy is written about this work tree's sides; a precedent's sides may have come the other way round.
  if (reason !== ReasonCode.POLICY_STRATEGY && !SIDELESS.includes(known)) {
    const explanation = `decided before as "${known}", but which side that was is not kept`;
    return { status: "proposed", reason: "strategy_not_replayed", explanation };
  }
  const text = STRATEGIES[known](conflict);
  if (text !== null) return text;
  return {
    status: "escalated",
    reason: "no_base",
    explanation: `"${known}" needs the base; set merge.conflictStyle to diff3`,
  };
}

/** True when a remembered answer, not only what can be computed, speaks for the candidate. */
function isRemembered({ makers }: RankedCandidate): boolean {
  return makers.some((maker) => maker === "exact" || maker === "template" || maker === "similar");
}

/** What the memory says stands first: a person is shown past decisions before computed ones. */
function proposeOrEscalate(
  decision: Exclude<Decision, { status: "applied" }>,
  candidates: readonly RankedCandidate[],
): Answer {
  const { status, reason, explanation } = decision;
  const remembered = candidates.filter(isRemembered);
  const shown = [...remembered, ...candidates.filter((candidate) => !isRemembered(candidate))];
  if (reason === ReasonCode.POLICY_MANUAL) return wait(decision, { status, reason, explanation }, shown);
  const [best] = remembered;
  if (best === undefined) {
    // Like conflicts are remembered, but nothing of their answers can be carried over to this one.
    const nothing = ReasonCode.NO_PRECEDENT;
    return wait(
      decision,
      { status: "escalated", reason: nothing, explanation: explain(nothing) },
      candidates,
    );
  }
  if (status === "proposed" && reason !== ReasonCode.SIMILAR) {
    return wait(decision, { status, reason, explanation }, shown);
  }
  const code = best.makers.includes("exact") ? "exact_without_base" : ReasonCode.SIMILAR;
  return wait(
    decision,
    { status: "proposed", reason: code, explanation: best.reasons[0] ?? explanation },
    shown,
  );
}

type Circumstances = {
  readonly markerSize: number;
  /** A person took Harmony's answer to this conflict back in this merge. */
  readonly undone: boolean;
  /** One decision, made at another path and in another merge. */
  readonly isFar: boolean;
};

/**
 * In: the engine's decision, the conflict, its candidates best first.
 * Out: `applied` only with a text free of markers; else the candidates. A conflict without any memory is escalated, its
 * computed candidates beside it: they are help for a person, not an answer.
 */
export function answerConflict(
  decision: Decision,
  conflict: Conflict,
  candidates: readonly RankedCandidate[],
  { markerSize, undone, isFar }: Circumstances,
  question: Question,
): Answer {
  if (decision.status !== "applied") return proposeOrEscalate(decision, candidates);
  if (undone) {
    const why = "the answer was taken back in this merge";
    return wait(decision, { status: "proposed", reason: "undone", explanation: why }, candidates);
  }
  const text = textOf(decision, conflict);
  if (typeof text !== "string") return wait(decision, text, candidates);
  if (hasMarker(text, markerSize)) {
    const why = "the remembered answer holds a line that is a conflict marker here";
    return wait(decision, { status: "proposed", reason: "marker_in_answer", explanation: why }, candidates);
  }
  if (isFar) {
    const why = `${decision.explanation}; that was once, elsewhere: left here too, it applies by itself from then on`;
    return wait(decision, { status: "proposed", reason: "exact_elsewhere", explanation: why }, candidates);
  }
  const worth = candidates.find((candidate) => candidate.text === text)?.confidence ?? decision.confidence;
  const precedent = question.exact.find(({ resolutionId }) => resolutionId === decision.resolutionId);
  const policy = question.policies.find(({ policyId }) => policyId === decision.policyId);
  return {
    patternId: decision.patternId,
    status: "applied",
    reason: decision.reason,
    explanation: decision.explanation,
    text,
    strategy: decision.strategy,
    // A policy says what is to be done; how likely a precedent is right again is counted.
    confidence: decision.reason === ReasonCode.POLICY_STRATEGY ? decision.confidence : worth,
    provenance: decision.provenance,
    decidedAt: precedent?.resolvedAt ?? policy?.createdAt ?? null,
    resolutionId: decision.resolutionId,
    policyId: decision.policyId,
    candidates: [],
    dropped: listDropped(conflict, text),
  };
}
