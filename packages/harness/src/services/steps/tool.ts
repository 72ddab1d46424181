import { deadline } from "../deadline.ts";
import type { Action, ApprovalId, Decision } from "@assent/contract";
import { assert } from "../../base/assert.ts";
import { TOOL_CALL_SECONDS_MAX } from "../../base/limits.ts";
import type { Result } from "../../base/result.ts";
import { actionDigest, effectId } from "../../core/decide/action-digest.ts";
import type { Judgement } from "../../core/decide/judgement.ts";
import type { Assent } from "../../core/decide/policy-annotations.ts";
import { addStep } from "../../core/label/origins-of-run.ts";
import {
  isToolStep,
  OUTCOME_UNKNOWN,
  type StepError,
  type ToolCall,
  type ToolStep,
} from "../../core/run/journal.ts";
import { manifestDigest } from "../../core/tool.ts";
import { MemoryMoved, type Plan, type Tool, type ToolContext, type ToolResult } from "../../ports.ts";
import type { Write } from "../write.ts";
import { searchDocuments } from "../documents.ts";
import {
  commitDecided,
  commitHeld,
  type Held,
  isStillHeld,
  noteHeld,
  proveLease,
  scopeOfNextStep,
  seenBy,
} from "../held.ts";
import { judge } from "../judge.ts";
import { askAhead } from "../ask-ahead.ts";
import {
  type AskedAction,
  consult,
  type Consulted,
  isAnswered,
  mayGiveYes,
  PRECEDENT_UNREADABLE,
} from "../precedents.ts";
import { cutOff, endWait } from "./called-off.ts";
import { compensationWrites, openCompensation, runCompensation } from "./compensation.ts";
import { gateWrites, openGate } from "./gate.ts";
import { answerOf, asTold, reasonOfUse, resolveArguments } from "./handed.ts";
import { CHANGED_MEANWHILE, sameTool, TOOL_CHANGED, witnessOf } from "./same-tool.ts";

export function actionOf(tool: Tool, args: Readonly<Record<string, unknown>>): Action {
  const { manifest } = tool;
  return {
    tool: manifest.name,
    tool_version: manifest.version,
    manifest_digest: manifestDigest(manifest),
    effect: manifest.effect,
    harm: [...manifest.harm],
    arguments: { ...args },
  };
}

type ToolStepParts = {
  readonly callId: string;
  readonly action: Action;
  readonly judgement: Judgement | null;
  readonly precondition: string | null;
  readonly decision: Decision | null;
  readonly approvalId: ApprovalId | null;
  /** Set: the call is refused here and now, and the error is what the model is told. */
  readonly error: StepError | null;
};

export function openToolStep(held: Held, parts: ToolStepParts): Write {
  const { callId, action, judgement, precondition, decision, approvalId, error } = parts;
  const scope = scopeOfNextStep(held);
  return {
    write: "step_opened",
    step: {
      kind: "tool",
      name: action.tool,
      state: error === null ? "intended" : "refused",
      effect: action.effect,
      request: {
        kind: "tool",
        callId,
        action,
        judgement,
        actionDigest: actionDigest(action, judgement?.labels ?? {}, precondition, scope),
        effectId: effectId(action, scope),
        precondition,
      },
      decision,
      approvalId,
      outcome: null,
      error,
    },
  };
}

/**
 * The gate stands here, in the dispatcher: there is no other way from a model's call to a tool, so no tool object,
 * wrapper or discovery can lose it (spec/peers.md, 3).
 */
export async function judgeCall(held: Held, call: ToolCall): Promise<boolean> {
  const { ports, definition } = held;
  const tool = definition.tools.includes(call.tool) ? ports.tools.get(call.tool) : undefined;
  if (tool === undefined) {
    await refuseUnknown(held, call);
    return true;
  }
  const callId = call.id;
  if (call.arguments === null) {
    const error = { code: "invalid_arguments", detail: "The arguments are not a JSON object of sound text." };
    await openAndClose(held, { callId, action: actionOf(tool, {}), judgement: null, decision: null, error });
    return true;
  }
  const resolved = resolveArguments(held, call.arguments);
  if (!resolved.ok) {
    const error = { code: "invalid_arguments", detail: resolved.error };
    await openAndClose(held, { callId, action: actionOf(tool, {}), judgement: null, decision: null, error });
    return true;
  }
  const { args, uses } = resolved.value;
  const action = actionOf(tool, args);
  const judged = judge(ports.policies, seenBy(held), tool.manifest, action, uses);
  const { judgement, verdict } = judged;
  const reasons = [...verdict.reasons, ...uses.map((use) => reasonOfUse(held, use))];
  const decision: Decision = { verdict: verdict.verdict, reasons };
  if (verdict.verdict === "deny") {
    const detail = decision.reasons.map((reason) => reason.detail).join(" ");
    await openAndClose(held, { callId, action, judgement, decision, error: { code: "denied", detail } });
    return true;
  }
  using context = contextOf(held, effectId(action, scopeOfNextStep(held)));
  const plan = await tool.plan(args, context);
  if (!plan.ok) {
    await openAndClose(held, { callId, action, judgement, ...asTold(decision, plan.error, uses) });
    return true;
  }
  const parts = { callId, action, judgement, decision, plan: plan.value };
  if (verdict.assent !== null) return await askOrRepeat(held, { ...parts, requirement: verdict.assent });
  return await makeCall(held, parts);
}

type PlannedCall = {
  readonly callId: string;
  readonly action: Action;
  readonly judgement: Judgement;
  readonly decision: Decision;
  readonly plan: Plan;
};

async function makeCall(held: Held, { plan, ...parts }: PlannedCall): Promise<boolean> {
  const { precondition } = plan;
  await commitHeld(held, [openToolStep(held, { ...parts, precondition, approvalId: null, error: null })]);
  return await executeNewest(held);
}

// A rule wants a person's word. One who gave it for exactly this question, to be given again, is not asked twice.
async function askOrRepeat(
  held: Held,
  call: PlannedCall & { readonly requirement: Assent },
): Promise<boolean> {
  const { requirement, ...parts } = call;
  const { action, judgement, plan } = parts;
  const asked = { run: held.committed.run, action, judgement, precondition: plan.precondition };
  // A standing answer that could not be used is not asked for: the memory must not count what did not happen.
  const mayBeYes = mayGiveYes(requirement, asked);
  const now = held.ports.clock.now();
  if (mayBeYes && (await askedAhead(held, call, asked, now))) return false;
  if (!mayBeYes && !(await isAnswered(held.ports.store, asked, now)))
    return await openGate(held, { ...call, advice: [] });
  const decided = await commitDecided(held, async (tx) => {
    const { rules } = held.ports.policies;
    const wanted = { requirement, reasons: call.decision.reasons, rules };
    const consulted = await consult(tx, asked, now, wanted);
    if (consulted.answer !== null) return { isAsked: false, writes: [repeatedWrite(held, parts, consulted)] };
    const { advice, reasons } = consulted;
    for (const { code, detail } of reasons)
      if (code === PRECEDENT_UNREADABLE)
        held.ports.log("warn", "a remembered answer cannot be read, so a person is asked", {
          run_id: held.fence.run,
          error: detail,
        });
    const decision = { ...call.decision, reasons: [...call.decision.reasons, ...reasons] };
    return { isAsked: true, writes: gateWrites(held, { ...call, decision, advice }) };
  });
  if (decided?.isAsked !== false) return false;
  const step = held.committed.journal.at(-1);
  return step?.state === "intended" ? await executeNewest(held) : true;
}

// One statement instead of a transaction that keeps what it has locked from others while it asks the memory.
async function askedAhead(
  held: Held,
  call: PlannedCall & { readonly requirement: Assent },
  asked: AskedAction,
  now: Date,
): Promise<boolean> {
  for (let attempt = 1; attempt <= AHEAD_ATTEMPTS_MAX; attempt += 1) {
    const noted = await askAhead(held.ports.store, asked, now);
    if (noted === null) return false;
    try {
      await openGate(held, { ...call, advice: [] }, [{ write: "question_noted", noted }]);
      return true;
    } catch (error) {
      // Many put the same question at once: the others' is there at the next look.
      if (!(error instanceof MemoryMoved)) throw error;
    }
  }
  return false;
}

const AHEAD_ATTEMPTS_MAX = 3;

function repeatedWrite(
  held: Held,
  { decision, plan, ...parts }: PlannedCall,
  { answer, precedentId, explanation }: Exclude<Consulted, { readonly answer: null }>,
): Write {
  const reason = { code: "precedent", policy: precedentId, detail: explanation };
  const reasons = [...decision.reasons, reason];
  if (answer === "approve") {
    const permit = { verdict: "permit", reasons } as const;
    const { precondition } = plan;
    return openToolStep(held, { ...parts, precondition, decision: permit, approvalId: null, error: null });
  }
  const error = { code: "denied", detail: `A person refused this call before, for good. ${explanation}` };
  const deny = { verdict: "deny", reasons } as const;
  return openToolStep(held, { ...parts, precondition: null, decision: deny, approvalId: null, error });
}

// A call that is not made: its refusal is its result.
async function openAndClose(
  held: Held,
  parts: Omit<ToolStepParts, "precondition" | "approvalId"> & { readonly error: StepError },
): Promise<void> {
  await commitHeld(held, [openToolStep(held, { ...parts, precondition: null, approvalId: null })]);
}

async function refuseUnknown(held: Held, call: ToolCall): Promise<void> {
  // Not a tool of this agent: taken at its worst, and refused before anything looks at its arguments.
  const action: Action = {
    // The model's own words, which go into the journal's view, the trail and every label.
    tool: held.ports.redaction.redactText(call.tool),
    tool_version: "",
    manifest_digest: `sha256:${"0".repeat(64)}`,
    effect: "once",
    harm: ["write", "egress", "money", "destructive"],
    arguments: {},
  };
  const error: StepError = {
    code: "unknown_tool",
    detail: `There is no tool of this name. There are: ${held.definition.tools.join(", ")}.`,
  };
  await openAndClose(held, { callId: call.id, action, judgement: null, decision: null, error });
}

/** To be disposed of when the call is over. */
export function contextOf(
  held: Held,
  effect: ToolStep["request"]["effectId"],
  cut: AbortSignal = held.lost,
): ToolContext & Disposable {
  const { tenant } = held.fence;
  const patience = deadline(TOOL_CALL_SECONDS_MAX * 1000, cut);
  return {
    searchDocuments: async (question, limit) =>
      await searchDocuments(held.ports, { tenant }, question, limit),
    workspace: held.workspace,
    effectId: effect,
    tenant,
    fencingToken: held.fence.token,
    signal: patience.signal,
    isStillHeld: async () => await isStillHeld(held),
    prove: async () => {
      await proveLease(held);
    },
    [Symbol.dispose]: () => {
      patience[Symbol.dispose]();
    },
  };
}

/** Carries out the call that was just journaled as intended. */
export async function executeNewest(held: Held): Promise<boolean> {
  const step = held.committed.journal.at(-1);
  assert(step !== undefined && isToolStep(step), "the newest step is the tool call that was just intended");
  return await executeTool(held, step);
}

/**
 * Carries out an intended step: the first time, or again under the same key where that does no harm.
 * @param mayHaveHappened another worker had it in hand, and nobody heard what came of it
 */
export async function executeTool(held: Held, step: ToolStep, mayHaveHappened = false): Promise<boolean> {
  const { action, precondition, effectId: id } = step.request;
  const tool = sameTool(held, step);
  if (tool === undefined) {
    const isUnknown = mayHaveHappened && step.effect !== "none";
    const error = isUnknown ? CHANGED_MEANWHILE : TOOL_CHANGED;
    await closeStep(held, step, { ok: false, error });
    return true;
  }
  if (step.effect !== "none") await proveLease(held);
  const changesCopy = tool.scope === "workspace" && step.effect !== "none";
  using cut = cutOff(held, step);
  using context = contextOf(held, id, cut.signal);
  if (step.request.compensates !== undefined) {
    const undone = await guarded(held, action, async () => await runCompensation(held, tool, step, context));
    const { writes, goesOn } = compensationWrites(held, step, undone);
    await commitHeld(held, writes);
    return goesOn;
  }
  // Whoever opens this copy later can tell whether it is the one in which the step was carried out.
  if (changesCopy) await held.workspace?.note(step.seq, "begun");
  const result = await guarded(
    held,
    action,
    async () => await tool.execute(action.arguments, precondition, context),
  );
  if (changesCopy && result.ok) await held.workspace?.note(step.seq, "done");
  if (held.lost.aborted) await endWait(held, step, result);
  await closeStep(held, step, result);
  return true;
}

/**
 * Takes a step back: the intent is journaled first, like any other's.
 * @param tool which one does it, where that is not the one that made the call
 */
export async function compensate(
  held: Held,
  step: ToolStep,
  tool?: Parameters<typeof openCompensation>[2],
): Promise<boolean> {
  await commitHeld(held, [openCompensation(held, step, tool)]);
  const opened = held.committed.journal.at(-1);
  return opened?.state === "intended" ? await executeNewest(held) : true;
}

// A tool that throws has a bug. For what must happen once only that leaves the outcome open, like a crash.
async function guarded(
  held: Held,
  action: Action,
  call: () => Promise<Result<ToolResult, StepError>>,
): Promise<Result<ToolResult, StepError>> {
  try {
    return await call();
  } catch (error) {
    const message = error instanceof Error ? error.message : "unknown";
    held.ports.log("error", "a tool broke off", {
      run_id: held.fence.run,
      tool: action.tool,
      error: message,
    });
    return { ok: false, error: { code: OUTCOME_UNKNOWN, detail: "The tool broke off without a result." } };
  }
}

async function closeStep(held: Held, step: ToolStep, result: Result<ToolResult, StepError>): Promise<void> {
  const { seq } = step;
  if (result.ok) {
    const outcome = { kind: "tool", ...answerOf(held, step, result.value) } as const;
    const closed: Write = { write: "step_closed", seq, state: "succeeded", outcome, error: null };
    // What may be done again can be told later; what must not is on disk before anything else happens.
    if (step.effect === "once") await commitHeld(held, [closed]);
    else noteHeld(held, [closed]);
  } else {
    const doubtful = step.effect === "once" && result.error.code === OUTCOME_UNKNOWN;
    const state = doubtful ? "in_doubt" : "failed";
    await commitHeld(held, [{ write: "step_closed", seq, state, outcome: null, error: result.error }]);
  }
  const closed = held.committed.journal[seq - 1];
  if (closed !== undefined && isToolStep(closed)) addStep(held.origins, held.definition, closed);
}

/**
 * A `once` step was intended, and its worker died. The tool itself is asked where it can tell; where it cannot,
 * nobody guesses (invariant 2, at-most-once).
 */
export async function checkDoubt(held: Held, step: ToolStep): Promise<boolean> {
  const { effectId: id } = step.request;
  using context = contextOf(held, id);
  // One that is another or elsewhere by now may know nothing of what was asked of the old one, and say that nothing happened.
  const known = (await witnessOf(held, step)?.check?.(id, context)) ?? null;
  if (known?.ok === true) {
    await closeStep(held, step, known);
    return true;
  }
  const detail = "The worker stopped between the intent and its outcome.";
  const error: StepError = known?.ok === false ? known.error : { code: OUTCOME_UNKNOWN, detail };
  const didNotHappen = known?.ok === false && known.error.code === "did_not_happen";
  if (didNotHappen) return await executeTool(held, step);
  await commitHeld(held, [{ write: "step_closed", seq: step.seq, state: "in_doubt", outcome: null, error }]);
  return true;
}
