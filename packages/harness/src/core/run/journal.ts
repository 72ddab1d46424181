// The journal of a run: what was intended and what came of it, in order. It is the only memory a worker has.

import type {
  Action,
  ApprovalId,
  ApprovalSubject,
  Decision,
  Effect,
  StepKind,
  StepState,
} from "@assent/contract";
import type { Sha256 } from "../../base/digest.ts";
import type { Judgement } from "../decide/judgement.ts";

/** Who wrote a text: a trusted author (operator, requester), or anything else. */
export type Label = "trusted" | "untrusted";

/** A call that the model asks for. `arguments` is null where the model's text for them was not a JSON object. */
export type ToolCall = {
  readonly id: string;
  readonly tool: string;
  readonly arguments: Readonly<Record<string, unknown>> | null;
};

export type Usage = { readonly inputTokens: number; readonly outputTokens: number };

export type ModelRequest = { readonly kind: "model"; readonly promptDigest: Sha256 };
export type ModelOutcome = {
  readonly kind: "model";
  /** The model that answered, which is not always the one that was asked first. */
  readonly model: string;
  readonly text: string;
  readonly toolCalls: readonly ToolCall[];
  readonly usage: Usage;
  readonly finishReason: "stop" | "tool_calls" | "length";
  readonly warnings: readonly string[];
  /** Which models were to be asked before this one, and why they did not answer; left out where it was the first. */
  readonly tried?: readonly TriedModel[];
};

export type TriedModel = { readonly model: string; readonly code: string; readonly detail: string };

/** One call of a plan of a driven run; values may be slots (contract, PlanSlot). */
export type PlannedCall = { readonly tool: string; readonly arguments: Readonly<Record<string, unknown>> };

/** A call of an approved plan: the plan's gate, and the place among its calls. */
export type PlannedPlace = { readonly gateSeq: number; readonly index: number };

export type ToolRequest = {
  readonly kind: "tool";
  readonly callId: string;
  readonly action: Action;
  readonly actionDigest: Sha256;
  /** Null where nothing was there to judge: no such tool, no usable arguments. */
  readonly judgement: Judgement | null;
  /** The idempotency key that every attempt gives to the tool. */
  readonly effectId: Sha256;
  /** What the tool found when the action was decided; it must still be so when the action is carried out. */
  readonly precondition: string | null;
  /** The step whose effect this call takes back, where it does (core/run/rollback.ts). */
  readonly compensates?: number;
  /** Of a driven run: the planned call that this is, whose place is taken by it. */
  readonly planned?: PlannedPlace;
};
export type OutputPart = { readonly source: string; readonly start: number; readonly end: number };

export type ToolOutcome = {
  readonly kind: "tool";
  readonly output: string;
  readonly label: Label;
  /** Where parts of the output come from, in order and apart: half-open ranges of it. The rest is the tool's own. */
  readonly parts?: readonly OutputPart[];
  /**
   * Of a driven run: which of its reports this was, from 1 (they may come in any order, and labels depend on it), and
   * whether `output` is JSON or the text itself.
   */
  readonly reported?: { readonly order: number; readonly form: "json" | "text" };
};

export type GateRequest = {
  readonly kind: "gate";
  readonly callId: string;
  readonly subject: ApprovalSubject;
  /** The step whose outcome is unknown, where the question is about that. */
  readonly doubtfulSeq: number | null;
  /** Of a driven run: what the call was judged on, for the driver that asks again. */
  readonly judgement?: Judgement;
  /** Where a whole plan is asked about: its calls, in the order in which they were proposed. */
  readonly plan?: readonly PlannedCall[];
};
export type GateOutcome = {
  readonly kind: "gate";
  /** `permitted`: a plan to which the rules alone agreed, since nobody could be asked. */
  readonly answer: "approved" | "permitted" | "denied" | "expired" | "confirmed";
  readonly comment: string | null;
  /** The action as the person changed it; null where they left it. */
  readonly editedAction: Action | null;
};

export type FinaliseRequest = { readonly kind: "finalise" };
export type FinaliseOutcome = { readonly kind: "finalise"; readonly answer: string };

/** How a run ends that does not succeed. */
export type Ending = "failed" | "cancelled" | "dead_lettered";

/** An effect that stands, or may stand, after all that could be done. */
export type LeftEffect = {
  readonly seq: number;
  readonly tool: string;
  readonly code: string;
  readonly detail: string;
};

export type RollbackRequest = {
  readonly kind: "rollback";
  readonly ending: Ending;
  readonly reason: StepError;
  /** Steps to take back, in the order in which that is done: newest first. */
  readonly effects: readonly number[];
  /** Of a driven run: those of them that its driver takes back; left out where there are none. */
  readonly byDriver?: readonly number[];
  /** What nobody can take back, known from the start. */
  readonly left: readonly LeftEffect[];
};
export type RollbackOutcome = {
  readonly kind: "rollback";
  readonly takenBack: readonly number[];
  readonly left: readonly LeftEffect[];
};

export type StepRequest = ModelRequest | ToolRequest | GateRequest | FinaliseRequest | RollbackRequest;
export type StepOutcome = ModelOutcome | ToolOutcome | GateOutcome | FinaliseOutcome | RollbackOutcome;

export type StepError = { readonly code: string; readonly detail: string };

/** A tool gives this error when it cannot tell whether its effect happened. */
export const OUTCOME_UNKNOWN = "outcome_unknown";

export type JournalStep = {
  readonly seq: number;
  readonly kind: StepKind;
  /** The model, or the tool; `gate` and `finalise` for the others. */
  readonly name: string;
  readonly state: StepState;
  readonly effect: Effect;
  readonly request: StepRequest;
  readonly decision: Decision | null;
  readonly approvalId: ApprovalId | null;
  readonly outcome: StepOutcome | null;
  readonly error: StepError | null;
  /** The gate at which a person last said to try this step again; null where nobody did. */
  readonly retriedBySeq: number | null;
  readonly startedAt: Date;
  readonly finishedAt: Date | null;
};

export type Journal = readonly JournalStep[];

type Of<K extends StepKind> = JournalStep & {
  readonly request: Extract<StepRequest, { kind: K }>;
  readonly outcome: Extract<StepOutcome, { kind: K }> | null;
};
export type ModelStep = Of<"model">;
export type ToolStep = Of<"tool">;
export type GateStep = Of<"gate">;
export type RollbackStep = Of<"rollback">;

export const isModelStep = (step: JournalStep): step is ModelStep => step.request.kind === "model";
export const isToolStep = (step: JournalStep): step is ToolStep => step.request.kind === "tool";
export const isGateStep = (step: JournalStep): step is GateStep => step.request.kind === "gate";
export const isRollbackStep = (step: JournalStep): step is RollbackStep => step.request.kind === "rollback";

/** The newest answer of the model, or undefined before the first. */
export function lastTurn(journal: Journal): (ModelStep & { readonly outcome: ModelOutcome }) | undefined {
  for (const step of journal.toReversed()) {
    if (isModelStep(step) && step.state === "succeeded" && step.outcome !== null)
      return { ...step, outcome: step.outcome };
  }
  return undefined;
}

/** What the run has cost so far. */
export function usageOf(journal: Journal): Usage {
  let inputTokens = 0;
  let outputTokens = 0;
  for (const step of journal) {
    if (!isModelStep(step) || step.outcome === null) continue;
    inputTokens += step.outcome.usage.inputTokens;
    outputTokens += step.outcome.usage.outputTokens;
  }
  return { inputTokens, outputTokens };
}
