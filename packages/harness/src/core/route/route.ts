// Which models a step may be asked of, in order: policy first, then what they can do, then what they cost. Whether they
// are well is asked last, by whoever makes the call. The agent's author names them; nothing else does: no alias, no
// case, no header, no default of a provider (invariant 15).

import type { Decision } from "@assent/contract";
import { type AgentDefinition, isModelAllowed } from "../agent.ts";
import type { Reservation } from "../budget/budget.ts";
import { costOf, incapability, isTranscript, profileOf } from "./profile.ts";
import { judgeModel, type ModelQuestion } from "./rules.ts";
import type { ModelSettings } from "./settings.ts";

/**
 * The run's model, then the agent's other models in its own order. Only whole names: `provider/*` lets a requester
 * choose, and nobody has chosen here. A run's model that its agent does not allow leads nowhere, and to no other. A
 * transcript stands in for no other model: it says what it would have said, whatever this run is about.
 */
export function modelsFor(definition: AgentDefinition, runModel: string): readonly string[] {
  if (!isModelAllowed(definition, runModel)) return [];
  const others = definition.models.filter(
    (entry) => !entry.endsWith("*") && entry !== runModel && (!isTranscript(entry) || isTranscript(runModel)),
  );
  return [...new Set([runModel, ...others])];
}

export type RouteRequest = {
  readonly definition: AgentDefinition;
  readonly runModel: string;
  readonly question: ModelQuestion;
  readonly tools: number;
  /** What the call may take at most, by the model that is asked. */
  readonly estimate: (model: string) => Reservation;
};

/** `cost` in microdollars, at most; null: the price is not known. */
export type Candidate = { readonly model: string; readonly cost: number | null };

export type Route = {
  /** In the order in which they are asked; none: the decision is a deny. */
  readonly candidates: readonly Candidate[];
  /** What is journaled of it: each of the agent's models with the reason why it may be asked or not. */
  readonly decision: Decision;
};

type Reason = Decision["reasons"][number];

export function routeCall(settings: ModelSettings, request: RouteRequest): Route {
  const { definition, runModel } = request;
  const candidates: Candidate[] = [];
  const reasons: Reason[] = [];
  for (const model of modelsFor(definition, runModel)) {
    const looked = lookAt(settings, request, model);
    reasons.push(looked.reason);
    if (looked.candidate !== null) candidates.push(looked.candidate);
  }
  if (reasons.length === 0)
    reasons.push({ code: "model_not_allowed", detail: "The agent may not use the run's model." });
  return {
    candidates: inOrder(settings, request, candidates),
    decision: { verdict: candidates.length > 0 ? "permit" : "deny", reasons },
  };
}

function lookAt(
  settings: ModelSettings,
  request: RouteRequest,
  model: string,
): { readonly candidate: Candidate | null; readonly reason: Reason } {
  const { permitted, rule } = judgeModel(settings.rules, model, request.question);
  const policy = rule === null ? {} : { policy: rule };
  if (!permitted) {
    const code = rule === null ? "model_not_permitted" : "model_forbidden";
    const because = rule === null ? "no rule permits it" : `the rule ${rule} forbids it`;
    const held = [...request.question.data].join(", ") || "none";
    const detail = `${model}: ${because} (data of the run: ${held}).`;
    return { candidate: null, reason: { code, ...policy, detail } };
  }
  const profile = profileOf(settings.catalogue, model);
  const estimate = request.estimate(model);
  const lack = incapability(profile, {
    tools: request.tools,
    inputTokens: estimate.inputTokens,
    outputTokensMax: estimate.outputTokens,
  });
  if (lack !== null)
    return { candidate: null, reason: { code: "model_incapable", detail: `${model}: ${lack}.` } };
  const by = rule === null ? "the agent lists it" : `the rule ${rule} permits it`;
  return {
    candidate: { model, cost: costOf(profile, estimate) },
    reason: { code: "model_permitted", ...policy, detail: `${model}: ${by}.` },
  };
}

// A model that the requester chose stays first. What has no price counts as the dearest.
function inOrder(
  { order }: ModelSettings,
  { definition, runModel }: RouteRequest,
  candidates: readonly Candidate[],
): readonly Candidate[] {
  if (order === "listed") return candidates;
  const isChosen = ({ model }: Candidate): boolean => model === runModel && model !== definition.models[0];
  const rank = (one: Candidate): number => (isChosen(one) ? -1 : (one.cost ?? Infinity));
  return candidates.toSorted((a, b) => (rank(a) === rank(b) ? 0 : rank(a) - rank(b)));
}
