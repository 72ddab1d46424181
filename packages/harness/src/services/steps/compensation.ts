// One effect taken back: journaled before it happens, under a key of its own, tried a few times, and never twice where
// nobody knows whether it happened.

import type { Decision } from "@assent/contract";
import { assert } from "../../base/assert.ts";
import { COMPENSATION_ATTEMPTS_MAX } from "../../base/limits.ts";
import type { Result } from "../../base/result.ts";
import { actionDigest, effectId } from "../../core/decide/action-digest.ts";
import { isToolStep, OUTCOME_UNKNOWN, type StepError, type ToolStep } from "../../core/run/journal.ts";
import { compensationsOf, isDue } from "../../core/run/rollback.ts";
import type { Tool, ToolContext, ToolResult } from "../../ports.ts";
import type { Write } from "../write.ts";
import { type Held, scopeOfNextStep } from "../held.ts";

/**
 * The intent to take a step back. Whoever let the step happen let it be taken back, in the way that its manifest names
 * (so their word binds to that too); but a rule that forbids the call now forbids this as well: deny wins.
 */
export function openCompensation(held: Held, step: ToolStep): Write {
  const scope = scopeOfNextStep(held);
  const { action, judgement } = step.request;
  assert(judgement !== null, "only a judged call is ever made");
  const compensation = held.ports.tools.get(action.tool)?.manifest.compensation;
  const effect = compensation?.effect ?? "once";
  const decision = decide(held, step);
  const denied = decision.verdict === "deny";
  return {
    write: "step_opened",
    step: {
      kind: "tool",
      name: action.tool,
      state: denied ? "refused" : "intended",
      effect,
      request: {
        kind: "tool",
        callId: step.request.callId,
        action: { ...action, effect },
        judgement,
        actionDigest: actionDigest({ ...action, effect }, judgement.labels, null, scope),
        effectId: effectId(action, scope),
        precondition: null,
        compensates: step.seq,
      },
      decision,
      // The step's own, spent by it: this is not another assent.
      approvalId: null,
      outcome: null,
      error: denied
        ? { code: "denied", detail: decision.reasons.map(({ detail }) => detail).join(" ") }
        : null,
    },
  };
}

function decide(held: Held, step: ToolStep): Decision {
  const { policies } = held.ports;
  const { run } = held.committed;
  const { action, judgement } = step.request;
  assert(judgement !== null, "only a judged call is ever made");
  const { policyVersion: _, ...judged } = judgement;
  const now = policies.decide({
    ...judged,
    tenant: run.tenant,
    run: run.id,
    requester: run.requestedBy,
    agent: { name: held.definition.name, version: run.agentVersion },
    action,
  });
  if (now.verdict === "deny") return { verdict: "deny", reasons: now.reasons };
  const detail = `Takes back step ${step.seq}, as the manifest says that it may be; decided with that step.`;
  return { verdict: "permit", reasons: [{ code: "compensation", detail }] };
}

/** Carries out an intended compensation: the first time, or again under the same key where that does no harm. */
export async function runCompensation(
  held: Held,
  tool: Tool,
  step: ToolStep,
  context: ToolContext,
): Promise<Result<ToolResult, StepError>> {
  const { compensates } = step.request;
  const taken = compensates === undefined ? undefined : held.committed.journal[compensates - 1];
  assert(taken !== undefined && isToolStep(taken), "a compensation names the call that it takes back");
  if (tool.compensate === undefined)
    return { ok: false, error: { code: "not_compensable", detail: "The tool names no compensation." } };
  const done = {
    arguments: taken.request.action.arguments,
    effectId: taken.request.effectId,
    output: taken.outcome?.output ?? null,
  };
  return await tool.compensate(done, context);
}

/** What becomes of the journal after an attempt. `goesOn`: false where the run is given back until the next one. */
export function compensationWrites(
  held: Held,
  step: ToolStep,
  result: Result<ToolResult, StepError>,
): { readonly writes: readonly Write[]; readonly goesOn: boolean } {
  const { seq } = step;
  if (result.ok) {
    const outcome = { kind: "tool", ...result.value } as const;
    return {
      writes: [{ write: "step_closed", seq, state: "succeeded", outcome, error: null }],
      goesOn: true,
    };
  }
  const { error } = result;
  const close = (state: "failed" | "in_doubt"): Write => ({
    write: "step_closed",
    seq,
    state,
    outcome: null,
    error,
  });
  if (error.code === OUTCOME_UNKNOWN) {
    if (step.effect === "once") return { writes: [close("in_doubt")], goesOn: true };
    const { attempt } = held.committed.run;
    if (attempt >= COMPENSATION_ATTEMPTS_MAX) return { writes: [close("failed")], goesOn: true };
    return { writes: [pause(error, attempt)], goesOn: false };
  }
  const closed = close("failed");
  const { compensates = 0 } = step.request;
  const journal = held.committed.journal.map((each) =>
    each.seq === seq ? ({ ...each, state: "failed", error } as const) : each,
  );
  if (!isDue(journal, compensates)) return { writes: [closed], goesOn: true };
  return { writes: [closed, pause(error, compensationsOf(journal, compensates).length - 1)], goesOn: false };
}

const pause = (reason: StepError, tried: number): Write => ({
  write: "run_moved",
  event: "released",
  reason: { code: "compensation_failed", detail: reason.detail },
  delaySeconds: 2 ** Math.min(tried, COMPENSATION_ATTEMPTS_MAX),
});
