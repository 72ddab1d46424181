// One model step, from the choice of the model to the journaled answer. Policy, prompt and budget are the same for every
// model that is asked (invariant 15); nobody is asked before what it may cost is set aside (invariant 13).

import { deadline } from "../deadline.ts";
import { unreachable } from "../../base/assert.ts";
import { err, ok, type Result } from "../../base/result.ts";
import { bytesOf } from "../../core/budget/estimate.ts";
import { settleUsage } from "../../core/budget/budget.ts";
import { ASSENT, GEN_AI } from "../../core/telemetry/names.ts";
import type { Ending } from "../../core/resilience/breaker.ts";
import { pauseMs } from "../../core/resilience/pause.ts";
import { costOf, profileOf } from "../../core/route/profile.ts";
import type { Candidate } from "../../core/route/route.ts";
import { forbidding } from "../../core/route/rules.ts";
import type { ModelOutcome, StepError, TriedModel } from "../../core/run/journal.ts";
import type { BudgetAmounts, ModelCall, ModelFailure } from "../../ports.ts";
import type { Write } from "../write.ts";
import { endRun } from "../end-run.ts";
import { commitHeld, type Held, noteHeld, saveHeld } from "../held.ts";
import type { Pass } from "./gates.ts";
import type { Asking, Pending } from "./asking.ts";
import { spentInVain } from "./ledger.ts";
import { denialOf, prepareQuestion } from "./question.ts";
import { beginCall } from "./reserve.ts";

/** A worker waits for providers this many times its longest pause, then the run goes back to the queue. */
const PAUSES_HELD_MAX = 3;

/** Until what other calls have set aside may have come back. */
const CROWDED_MS = 500;

/** Runs that come back from the queue to a provider that was shut do so within this long of each other, or of the wait. */
const QUEUE_JITTER_MS_MAX = 4_000;

/** @returns whether the run goes on in this worker's hands */
export async function askModel(held: Held, call: ModelCall, opening: Write | null): Promise<boolean> {
  const prepared = await prepareQuestion(held, call);
  if (!prepared.ok) return await endStep(held, opening, null, prepared.error, "failed");
  const question = prepared.value;
  const { decision, candidates } = question.route;
  const decided: Write | null =
    opening?.write === "step_opened" ? { ...opening, step: { ...opening.step, decision } } : null;
  if (candidates.length === 0) return await endStep(held, decided, null, denialOf(decision), "failed");
  const asking: Asking = {
    held,
    question,
    opening: decided,
    pending: null,
    calls: 0,
    called: new Set(),
    tried: new Map(),
  };
  const answered = await askUntilAnswered(asking);
  switch (answered.how) {
    case "answered":
      // Nothing has been done about it yet: it is committed with what is.
      noteHeld(held, [
        ...settled(asking),
        {
          write: "step_closed",
          seq: seqOf(held),
          state: "succeeded",
          outcome: answered.outcome,
          error: null,
        },
      ]);
      return true;
    case "ended":
      return await endStep(held, asking.opening, asking.pending, answered.error, answered.ending);
    case "later":
      await giveBack(asking, answered);
      return false;
    default:
      return unreachable(answered);
  }
}

type Round =
  | { readonly how: "answered"; readonly outcome: ModelOutcome }
  | {
      readonly how: "ended";
      readonly error: StepError;
      readonly ending: "failed" | "dead_lettered";
    }
  | {
      readonly how: "later";
      readonly error: StepError;
      readonly waitMs: number;
      /** It was only waited: no attempt that failed. */
      readonly isWait: boolean;
    };

async function askUntilAnswered(asking: Asking): Promise<Round> {
  const { held } = asking;
  const { clock, routing } = held.ports;
  const { hold_ms_max: holdMsMax } = routing.providers.retries;
  let heldMs = 0;
  for (;;) {
    const round = (await askEach(asking)) ?? afterAll(asking);
    if (round.how !== "later" || held.stopping.aborted || held.lost.aborted) return round;
    if (round.waitMs > holdMsMax || heldMs + round.waitMs > holdMsMax * PAUSES_HELD_MAX) return round;
    heldMs += Math.max(round.waitMs, 1);
    await saveHeld(held);
    await clock.sleep(round.waitMs, AbortSignal.any([held.lost, held.stopping]));
    if (held.stopping.aborted) return { ...round, waitMs: 0, isWait: true };
  }
}

/** Asks each model that may be asked, in order. Null: none has answered, and none has ended the step. */
async function askEach(asking: Asking): Promise<Round | null> {
  for (const candidate of asking.question.route.candidates) {
    const { model } = candidate;
    const earlier = asking.tried.get(model);
    if (earlier !== undefined && earlier.waitMs === null) continue;
    const passed = await enterGate(asking, model);
    if (passed === null) continue;
    const begun = await beginCall(asking, candidate);
    if (!begun.ok) {
      await passed.leave({ ended: "unknown" }, null);
      const { error, isCrowdedOut } = begun.error;
      if (error.code === "retries_exhausted")
        return { how: "ended", error: withLast(asking, error), ending: "dead_lettered" };
      asking.tried.set(model, {
        error,
        waitMs: isCrowdedOut ? CROWDED_MS : null,
        isShut: isCrowdedOut,
        isAway: false,
      });
      continue;
    }
    const result = await callOne(asking, candidate, begun.value, passed);
    if (result.ok) return { how: "answered", outcome: withTried(asking, result.value) };
    const ended = judgeFailure(asking, candidate, result.error);
    if (ended !== null) return ended;
  }
  return null;
}

async function enterGate(asking: Asking, model: string): Promise<Pass | null> {
  const { held } = asking;
  const provider = providerOf(model);
  // A transcript is a file: nothing there can be hurried or spared.
  if (provider === "scripted") return OPEN;
  const signal = AbortSignal.any([held.lost, held.stopping]);
  const entered = await held.ports.gates.enter(provider, {
    who: held.fence.tenant,
    isRetry: asking.called.has(model),
    signal,
    beforeWait: async () => {
      await saveHeld(held);
    },
  });
  if (entered.ok) return entered.value;
  const { code, detail, waitMs } = entered.error;
  // What it said when it was last called says more than that it is left alone now.
  const error = asking.tried.get(model)?.error ?? { code, detail };
  const isAway = code === "provider_open" || code === "provider_paused";
  asking.tried.set(model, { error, waitMs, isShut: true, isAway });
  return null;
}

const OPEN: Pass = { leave: async () => await Promise.resolve(false) };
const providerOf = (model: string): string => model.slice(0, model.indexOf("/"));
const seqOf = (held: Held): number => held.committed.journal.length;

// Calls, settles what was set aside, and says at the gate how it went.
async function callOne(
  asking: Asking,
  { model }: Candidate,
  reserved: BudgetAmounts,
  pass: Pass,
): Promise<Result<ModelOutcome, ModelFailure>> {
  const { held, question } = asking;
  const { ports } = held;
  const isAgain = asking.called.has(model);
  asking.called.add(model);
  const spend = (spent: BudgetAmounts): void => {
    if (asking.pending !== null) asking.pending = { ...asking.pending, spent };
  };
  // Whatever is thrown from here on: nobody knows whether the provider worked.
  spend(reserved);
  let result: Result<ModelOutcome, ModelFailure>;
  try {
    using limit = deadline(ports.routing.providers.call_ms_max, held.lost, held.stopping);
    result = await ports.models.call({ ...question.call, model }, limit.signal);
  } catch (error) {
    await pass.leave({ ended: "unknown" }, null);
    throw error;
  }
  await pass.leave(endingOf(result), result.ok ? result.value.usage.outputTokens : null);
  if (isAgain)
    ports.telemetry.count(
      "assent.provider.retries",
      { [GEN_AI.provider]: providerOf(model), [ASSENT.outcome]: result.ok ? "answered" : result.error.code },
      1,
    );
  if (!result.ok) {
    spend(spentInVain(result.error.code, reserved));
    return result;
  }
  const { text, toolCalls, usage, warnings } = result.value;
  const answerBytes = bytesOf([text, ...toolCalls.map((each) => JSON.stringify(each))]);
  const settledUsage = settleUsage(model, usage, reserved, question.size, answerBytes);
  if (!settledUsage.ok) return err({ ...settledUsage.error, transient: false, retryAfterMs: null });
  const charged = settledUsage.value;
  const profile = profileOf(ports.routing.models.catalogue, model);
  spend({ ...charged.usage, microdollars: costOf(profile, charged.usage) ?? 0 });
  const rule = forbidding(ports.routing.models.rules ?? [], result.value.model, question.asked);
  if (rule !== undefined)
    return err({
      code: "model_forbidden",
      detail: `${model} was asked and ${result.value.model} answered, which the rule ${rule.id} forbids.`,
      transient: false,
      retryAfterMs: null,
    });
  return ok({ ...result.value, usage: charged.usage, warnings: [...warnings, ...charged.warnings] });
}

// An answer that is of no use, or a refusal, still comes from a provider that is there; and its text, which anybody
// may have had a hand in, must not be able to shut the provider for everybody.
const PROVIDER_DOWN: ReadonlySet<string> = new Set([
  "provider_overloaded",
  "provider_unavailable",
  "provider_unreachable",
  "provider_timeout",
  "answer_incomplete",
]);

function endingOf(result: Result<ModelOutcome, ModelFailure>): Ending {
  if (result.ok) return { ended: "answered" };
  const { code, retryAfterMs } = result.error;
  if (code === "call_cancelled") return { ended: "unknown" };
  return PROVIDER_DOWN.has(code) ? { ended: "failed", code, retryAfterMs } : { ended: "answered" };
}

// Wrong with the provider or our account there, not with the question: another that may be asked can still answer.
const ELSEWHERE: ReadonlySet<string> = new Set([
  "provider_refused_credentials",
  "provider_quota_exhausted",
  "provider_redirected",
  "model_unknown",
  "model_forbidden",
]);

/** Null: another may be asked. */
function judgeFailure(asking: Asking, { model }: Candidate, failed: ModelFailure): Round | null {
  const { held, question } = asking;
  const { ports } = held;
  const { code, detail, transient, retryAfterMs } = failed;
  const error: StepError = { code, detail };
  // What this worker cut off itself, because it stops or has lost the run, is no sign of trouble.
  const isGivenUp = held.stopping.aborted || held.lost.aborted;
  ports.log(isGivenUp ? "info" : "warn", isGivenUp ? "model call given up" : "model call failed", {
    run_id: held.fence.run,
    step: seqOf(held),
    model,
    code,
    transient,
  });
  const { retries } = ports.routing.providers;
  const waitMs = transient ? pauseMs(asking.calls, chance(held), retryAfterMs, retries) : null;
  asking.tried.set(model, { error, waitMs, isShut: false, isAway: true });
  // A call that was cut off because this worker stops says nothing about the provider.
  if (held.stopping.aborted) return { how: "later", error, waitMs: 0, isWait: true };
  if (held.lost.aborted) return { how: "later", error, waitMs: 0, isWait: false };
  if (transient || ELSEWHERE.has(code)) return null;
  // What the run's own model says for good is the run's end: asking elsewhere would be shopping for another answer.
  // What a substitute says is not, for the run's own may yet answer; but a provider whose account cannot be true has
  // answered, and its answer is not asked for twice.
  const isOwn = question.route.candidates[0]?.model === model;
  return isOwn || code === "usage_implausible" ? { how: "ended", error, ending: "failed" } : null;
}

/** When each has been asked, or could not be: wait for the one that may answer soonest, or give up. */
function afterAll(asking: Asking): Round {
  const { question } = asking;
  const tried = question.route.candidates.flatMap(({ model }) => asking.tried.get(model) ?? []);
  const first = tried[0]?.error ?? denialOf(question.route.decision);
  const waiting = tried.filter(({ waitMs }) => waitMs !== null);
  if (waiting.length === 0) return { how: "ended", error: first, ending: "failed" };
  const isWait = waiting.every(({ isShut }) => isShut);
  if (isTooLong(asking))
    return {
      how: "ended",
      error: {
        code: "outage_too_long",
        detail: `No provider that may be asked has been there for longer than is waited. ${first.detail}`,
      },
      ending: "dead_lettered",
    };
  return {
    how: "later",
    error: waiting[0]?.error ?? first,
    waitMs: Math.min(...waiting.map(({ waitMs }) => waitMs ?? 0)),
    isWait,
  };
}

// Every provider that could still answer has been away for longer than a run waits, and so long the run has waited.
function isTooLong({ held, question, tried }: Asking): boolean {
  const { clock, gates, routing } = held.ports;
  const longAgoMs = clock.now().getTime() - routing.providers.outage_ms_max;
  if (waitingSince(held).getTime() > longAgoMs) return false;
  return question.route.candidates.every(({ model }) => {
    const word = tried.get(model);
    if (word?.waitMs === null) return true;
    const since = gates.awaySince(providerOf(model));
    return word?.isAway === true && since !== null && since.getTime() < longAgoMs;
  });
}

// The run has waited since its last step ended, or since it was made.
function waitingSince({ committed }: Held): Date {
  const ended = committed.journal.findLast(({ finishedAt }) => finishedAt !== null)?.finishedAt;
  return ended ?? committed.run.createdAt;
}

const chance = ({ ports }: Held): number => Buffer.from(ports.random.bytes(4)).readUInt32BE() / 2 ** 32;

function withTried(asking: Asking, outcome: ModelOutcome): ModelOutcome {
  if (asking.tried.size === 0) return outcome;
  const tried: TriedModel[] = [...asking.tried].map(([model, { error }]) => ({ model, ...error }));
  return { ...outcome, tried };
}

function withLast(asking: Asking, error: StepError): StepError {
  const last = [...asking.tried.values()].at(-1)?.error ?? asking.held.committed.run.reason;
  return last === undefined || last === null
    ? error
    : { ...error, detail: `${error.detail} Last: ${last.detail}` };
}

const settled = ({ pending }: { readonly pending: Pending | null }): readonly Write[] =>
  pending === null ? [] : [{ write: "budget_settled", reservation: pending.id, spent: pending.spent }];

async function giveBack(
  asking: Asking,
  { error, waitMs, isWait }: Extract<Round, { how: "later" }>,
): Promise<void> {
  const { held } = asking;
  const jitterMs = isWait ? chance(held) * Math.min(waitMs, QUEUE_JITTER_MS_MAX) : 0;
  const delaySeconds = Math.ceil((waitMs + jitterMs) / 1000);
  await commitHeld(held, [
    ...settled(asking),
    { write: "run_moved", event: "released", reason: error, delaySeconds, ...(isWait ? { isWait } : {}) },
  ]);
}

// The step ends without an answer, and the run with it. A step that was never opened is journaled as refused.
async function endStep(
  held: Held,
  opening: Write | null,
  pending: Pending | null,
  reason: StepError,
  ending: "failed" | "dead_lettered",
): Promise<boolean> {
  let closing: readonly Write[] = [
    ...settled({ pending }),
    { write: "step_closed", seq: seqOf(held), state: "failed", outcome: null, error: reason },
  ];
  if (opening?.write === "step_opened") {
    const refused: Write = { ...opening, step: { ...opening.step, state: "refused", error: reason } };
    await commitHeld(held, [...settled({ pending }), refused]);
    closing = [];
  }
  const { writes, ended } = endRun(held.ports.tools, held.committed.journal, { ending, reason });
  await commitHeld(held, [...closing, ...writes]);
  return !ended;
}
