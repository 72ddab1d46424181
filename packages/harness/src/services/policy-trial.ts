// What other rules would have said of the calls that were decided, tried beside the rules in force: nothing is written, nothing
// is decided, and what is tried is forgotten with the answer.

import { type PolicyTrial, type PolicyTrialRequest, TRIAL_CHANGES_MAX } from "@assent/contract";
import { err, ok, type Result } from "../base/result.ts";
import { type DecisionRecord, recordOf } from "../core/decide/decision-record.ts";
import type { DecisionChange } from "../core/decide/policy-diff.ts";
import type { OpenedTrial } from "../core/decide/policy-trials.ts";
import type { Caller, Clock, DecisionPlace, Store } from "../ports.ts";
import { deadline } from "./deadline.ts";
import type { Refusal } from "./harness.ts";
import type { Shown } from "./shown.ts";
import type { Trials } from "./trials.ts";

export type TrialPorts = {
  readonly store: Store;
  readonly clock: Clock;
  readonly shown: Pick<Shown, "text">;
  readonly trials: Trials;
};

/** From the first look at the rules to the last decision that is judged; the console waits five seconds longer. */
const TRIAL_SECONDS_MAX = 15;
const DECISIONS_MAX = 2_000;
/** Read and judged at once. A call's arguments are up to 256 KiB. */
const DECISIONS_PER_LOOK = 100;
/** Names of rules in one answer: of thousands of rules that all speak at each call it would else be a hundred times its request. */
const REASONS_TOLD_MAX = 10_000;
const DAY_MS = 86_400_000;

const BUSY: Refusal = {
  code: "policy_trial_busy",
  detail: "This server is trying other rules at this moment.",
  retryAfterSeconds: TRIAL_SECONDS_MAX,
};

const UNREAD = {
  code: "policy_unreadable",
  line: null,
  column: null,
  detail: `They could not be read to the end: that takes longer than ${TRIAL_SECONDS_MAX} seconds, or is nested deeper than Cedar follows. Try fewer or simpler ones.`,
};

export async function tryPolicies(
  ports: TrialPorts,
  caller: Caller,
  request: PolicyTrialRequest,
): Promise<Result<PolicyTrial, Refusal>> {
  using place = ports.trials.take(caller.tenant);
  if (place === null) return err(BUSY);
  using limit = deadline(TRIAL_SECONDS_MAX * 1_000);
  const { signal } = limit;
  const opened = await unlessFailed(async () => await ports.trials.open(request.text, signal));
  if (opened === null) return ok({ loads: false, fault: UNREAD });
  if (!opened.ok) {
    const { code, line, column, detail } = opened.error;
    return ok({ loads: false, fault: { code, line, column, detail: ports.shown.text(detail) } });
  }
  await using trial = opened.value;
  const since = new Date(ports.clock.now().getTime() - request.days * DAY_MS);
  return ok({
    loads: true,
    version: trial.version,
    rules: trial.rules,
    since: since.toISOString(),
    ...(await judgeAll(ports, caller, { trial, since, signal })),
  });
}

type Trying = { readonly trial: OpenedTrial; readonly since: Date; readonly signal: AbortSignal };
type Judged = Omit<Extract<PolicyTrial, { loads: true }>, "loads" | "version" | "rules" | "since">;

async function judgeAll({ store }: TrialPorts, caller: Caller, trying: Trying): Promise<Judged> {
  const { trial, since, signal } = trying;
  const changes: DecisionChange[] = [];
  const counted = { judged: 0, unchanged: 0, other_reasons: 0, changes_more: 0 };
  let reasons = 0;
  let place: DecisionPlace | null = null;
  let isComplete = false;
  while (!isComplete && counted.judged < DECISIONS_MAX && !signal.aborted) {
    const { calls, last } = await store.transaction(
      caller.tenant,
      async (tx) => await tx.decisions.list(since, place, DECISIONS_PER_LOOK),
      { isRepeatable: true },
    );
    const records: DecisionRecord[] = calls.map(({ seq, ...call }) =>
      recordOf({ ...call, step: seq, tenant: caller.tenant }),
    );
    // Too late, or what it was told made it fall over: what was judged before that stands.
    const diff = await unlessFailed(async () => await trial.judge(records));
    if (diff === null) break;
    for (const change of diff.changes) {
      reasons += change.before.policies.length + change.after.policies.length;
      if (changes.length < TRIAL_CHANGES_MAX && reasons <= REASONS_TOLD_MAX) changes.push(change);
      else counted.changes_more += 1;
    }
    counted.judged += diff.judged;
    counted.unchanged += diff.unchanged;
    counted.other_reasons += diff.otherReasons;
    place = last;
    isComplete = last === null;
  }
  return {
    ...counted,
    complete: isComplete,
    changes: changes.map(toldChange),
  };
}

type ToldChange = Judged["changes"][number];

const toldChange = ({ at, run, step, tool, before, after }: DecisionChange): ToldChange => ({
  at,
  run_id: run,
  step,
  tool,
  before: { ...before, policies: [...before.policies] },
  after: { ...after, policies: [...after.policies] },
});

/** Null: the thread has died, or was ended because it took too long. */
async function unlessFailed<T>(work: () => Promise<T>): Promise<T | null> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof Error && error.name === "AbortError") return null;
    throw error;
  }
}
