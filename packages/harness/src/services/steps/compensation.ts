// One effect taken back: journaled before it happens, under a key of its own, tried a few times, and never twice where
// nobody knows whether it happened.

import type { Decision } from "@assent/contract";
import { assert } from "../../base/assert.ts";
import { COMPENSATION_ATTEMPTS_MAX } from "../../base/limits.ts";
import type { Result } from "../../base/result.ts";
import type { Sha256 } from "../../base/digest.ts";
import { type ActionScope, actionDigest, effectId } from "../../core/decide/action-digest.ts";
import type { Policies } from "../../core/decide/policy-point.ts";
import { type Destination, destinationIn } from "../../core/tool.ts";
import { isToolStep, OUTCOME_UNKNOWN, type StepError, type ToolStep } from "../../core/run/journal.ts";
import { compensationsOf, isDue, pauseSeconds } from "../../core/run/rollback.ts";
import type { RunRecord, Tool, ToolContext, ToolResult } from "../../ports.ts";
import type { Write } from "../write.ts";
import { type Held, scopeOfNextStep } from "../held.ts";

/** What a compensation is beside the call that it takes back. */
export type Undoing = {
  readonly effect: "idempotent" | "once";
  /** Of a driven run: the tool that is called, where it is not the call's own, and an id of its own. */
  readonly manifestDigest?: Sha256;
  /** Where that tool is; the call's own where it is left out. */
  readonly destination?: Destination;
  readonly callId?: string;
};

/** The intent to take a step back, with the harness's own tool. */
export function openCompensation(
  held: Held,
  step: ToolStep,
  by: Pick<Undoing, "manifestDigest" | "destination"> = {},
): Write {
  const tool = held.ports.tools.get(step.request.action.tool);
  // What an older program did goes back to where the tool is today; from here on that is noted.
  const destination = by.destination ?? destinationIn(step.request.precondition) ?? tool?.destination;
  return intendCompensation(
    {
      policies: held.ports.policies,
      run: held.committed.run,
      agent: held.definition.name,
      scope: scopeOfNextStep(held),
    },
    step,
    {
      effect: tool?.manifest.compensation?.effect ?? "once",
      ...(by.manifestDigest === undefined ? {} : { manifestDigest: by.manifestDigest }),
      ...(destination === undefined ? {} : { destination }),
    },
  );
}

type Judging = {
  readonly policies: Policies;
  readonly run: RunRecord;
  readonly agent: string;
  /** Of the step that it becomes. */
  readonly scope: ActionScope;
};

/**
 * The intent to take a step back. Whoever let the step happen let it be taken back, in the way that its manifest names
 * (so their word binds to that too); but a rule that forbids the call now forbids this as well: deny wins.
 */
export function intendCompensation(judging: Judging, step: ToolStep, undoing: Undoing): Write {
  const { scope } = judging;
  const { judgement, callId } = step.request;
  assert(judgement !== null, "only a judged call is ever made");
  const { effect, manifestDigest = step.request.action.manifest_digest } = undoing;
  const action = { ...step.request.action, effect, manifest_digest: manifestDigest };
  const precondition = undoing.destination ?? null;
  const decision = decide(judging, step);
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
        callId: undoing.callId ?? callId,
        action,
        judgement,
        actionDigest: actionDigest(action, judgement.labels, precondition, scope),
        effectId: effectId(action, scope),
        precondition,
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

function decide({ policies, run, agent }: Judging, step: ToolStep): Decision {
  const { action, judgement } = step.request;
  assert(judgement !== null, "only a judged call is ever made");
  const { policyVersion: _, ...judged } = judgement;
  const now = policies.decide({
    ...judged,
    tenant: run.tenant,
    run: run.id,
    requester: run.requestedBy,
    agent: { name: agent, version: run.agentVersion },
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
  delaySeconds: pauseSeconds(tried),
});
