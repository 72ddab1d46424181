// The one loop that advances a run. It asks the journal what comes next, writes down what it is about to do, does it,
// writes down what came of it. Everything it knows is in the journal, so any worker can go on where another stopped.

import type { RunId, TenantId } from "@assent/contract";
import { assert, AssertionFailed, unreachable } from "../base/assert.ts";
import type { Sha256 } from "../base/digest.ts";
import { LEASE_SECONDS, RETRY_DELAY_SECONDS_MAX, RUN_ATTEMPTS_MAX } from "../base/limits.ts";
import { type AgentDefinition, agentVersion } from "../core/agent.ts";
import { originsOfRun } from "../core/label/origins-of-run.ts";
import { type Journal, type StepError } from "../core/run/journal.ts";
import { openingCall } from "../core/retrieval/opening.ts";
import { type Move, nextMove } from "../core/run/next.ts";
import { openRollback } from "../core/run/rollback.ts";
import {
  type ApprovalRecord,
  ApprovalTaken,
  type NewLease,
  type RunRecord,
  type StoreTx,
  StoreUnavailable,
  TakeFailed,
  type Turn,
  type WholeRun,
  type WorkerId,
} from "../ports.ts";
import { commit } from "./commit.ts";
import type { Write } from "./write.ts";
import { endRollback, endRun, withdrawn } from "./end-run.ts";
import { commitDecided, commitHeld, type Held, LeaseLost, type OrchestratorPorts } from "./held.ts";
import { DRIVEN_AGENT, takeBackDriven } from "./external/take-back.ts";
import { askModel } from "./models/ask-model.ts";
import { dispatch } from "./steps/dispatch.ts";
import { finaliseRun } from "./steps/finalise.ts";
import { openDoubtGate, settleDoubt } from "./steps/doubt.ts";
import { openCopy } from "./steps/restore.ts";
import { ENDLESS_TURN, type HeldTurn } from "./turns.ts";
import { isBoundToCopy } from "./workspace-of-run.ts";
import { modelCall, openModelStep } from "./steps/model.ts";
import { checkDoubt, compensate, executeTool, judgeCall } from "./steps/tool.ts";

export type Claim = {
  readonly run: RunRecord;
  readonly journal: Journal;
  readonly definition: AgentDefinition;
  /** The yes that it was taken up again for, if any. */
  readonly approval: ApprovalRecord | null;
};

/**
 * Takes the next run whose turn it is. Null when there is nothing to take; locked where others hold all that there is.
 * @throws TakeFailed: it must be set aside
 */
export async function claimNext(
  ports: Pick<OrchestratorPorts, "store" | "clock" | "tools" | "agents">,
  { worker, tenantSlots }: Pick<NewLease, "worker" | "tenantSlots">,
  turn: Omit<Turn, "now">,
): Promise<{ readonly tenant: TenantId; readonly claim: Claim | null } | "locked" | null> {
  const now = ports.clock.now();
  const taken = await ports.store.take(
    { ...turn, now },
    { worker, tenantSlots: tenantSlots ?? null, until: leaseEnd(now), attemptsMax: RUN_ATTEMPTS_MAX },
  );
  if (taken === null || taken === "locked") return taken;
  const { tenant, id, whole } = taken;
  try {
    const claim =
      whole === null
        ? await claimRun(ports, worker, tenant, id)
        : await claimOf(ports, whole, async (version) => {
            const read = async (tx: StoreTx): Promise<AgentDefinition | null> => await tx.agents.get(version);
            return await ports.store.transaction(tenant, read, { isRepeatable: true });
          });
    return { tenant, claim };
  } catch (error) {
    if (error instanceof StoreUnavailable) throw error;
    const token = whole === null ? {} : { token: whole.run.fencingToken };
    throw new TakeFailed({ tenant, run: id, ...token }, error);
  }
}

/**
 * Takes this very run. Null when there is nothing to take: it is another's, parked or ended. A run whose attempts are
 * exhausted is dead-lettered instead.
 */
export async function claimRun(
  ports: Pick<OrchestratorPorts, "store" | "clock" | "tools" | "agents">,
  worker: WorkerId,
  tenant: TenantId,
  id: RunId,
): Promise<Claim | null> {
  const { store, clock, tools } = ports;
  return await store.transaction(tenant, async (tx) => {
    const found = await tx.runs.lockWhole(id);
    if (found?.run.state !== "queued") return null;
    const { run, journal, approval } = found;
    const now = clock.now();
    if (run.attempt >= RUN_ATTEMPTS_MAX) {
      const reason = exhausted(run);
      const { writes, ended } = endRun(tools, journal, { ending: "dead_lettered", reason });
      // What is to be taken back first is queued once more, with attempts of its own.
      const wake: Write[] = ended ? [] : [{ write: "run_woken" }];
      const closed = openRollback(journal) === undefined ? closeOpenSteps(journal, reason) : [];
      await commit(
        tx,
        { run, journal },
        [...withdrawn(await tx.approvals.list(id)), ...closed, ...writes, ...wake],
        { now, actor: null },
      );
      return null;
    }
    const leased = { run: await lease(tx, run, worker, now), journal, approval };
    return await claimOf(ports, leased, async (version) => await tx.agents.get(version));
  });
}

async function claimOf(
  { agents }: Pick<OrchestratorPorts, "agents">,
  { run, journal, approval }: WholeRun,
  load: (version: Sha256) => Promise<AgentDefinition | null>,
): Promise<Claim> {
  if (run.driver === "external") return { run, journal, definition: DRIVEN_AGENT, approval };
  const present = agents.get(run.agent);
  // By its digest it is the very same; else it is kept as it was.
  const definition =
    present !== undefined && agentVersion(present) === run.agentVersion
      ? present
      : await load(run.agentVersion);
  assert(definition !== null, "the definition of a submitted run is kept");
  return { run, journal, definition, approval };
}

async function lease(tx: StoreTx, run: RunRecord, worker: WorkerId, now: Date): Promise<RunRecord> {
  const version = run.version + 1;
  const attempt = run.attempt + 1;
  const data = { state: "running", worker, fencing_token: run.fencingToken + 1, attempt };
  const event = { run: run.id, version, at: now, kind: "run_leased", actor: null, data } as const;
  const fencingToken = await tx.runs.lease(worker, leaseEnd(now), event);
  return { ...run, state: "running", version, fencingToken, attempt, reason: null };
}

const exhausted = (run: RunRecord): StepError => ({
  code: "attempts_exhausted",
  detail: `${run.attempt} attempts ended without any step ending. Last reason: ${run.reason?.detail ?? "the worker died"}`,
});

type Broken = {
  readonly tenant: TenantId;
  readonly run: RunId;
  /** Under which lease it broke off; absent where it could not even be leased. */
  readonly token?: number;
  readonly cause?: unknown;
};

/**
 * Puts a run back that this worker cannot advance, as one more attempt and with a pause before the next, so that it
 * stands in nobody's way. What is wrong may be anything, so nothing but the run's row is read.
 */
export async function setAside(
  { store, clock, log }: Pick<OrchestratorPorts, "store" | "clock" | "log">,
  worker: WorkerId,
  broken: Broken,
): Promise<void> {
  const now = clock.now();
  const name = errorName(broken.cause);
  const reason = { code: "worker_failed", detail: `The worker could not go on with the run (${name}).` };
  try {
    await store.transaction(broken.tenant, async (tx) => {
      const found = await tx.runs.lock(broken.run);
      if (found === null) return;
      if (broken.token === undefined && found.state === "queued" && found.attempt >= RUN_ATTEMPTS_MAX) {
        // Nothing can be taken back of a journal that cannot be read; it says so itself.
        const unread = exhausted(found);
        const unused = await unusedOf(tx, found.id);
        await commit(
          tx,
          { run: found, journal: [] },
          [...unused, { write: "run_moved", event: "attempts_exhausted", reason: unread }],
          { now, actor: null },
        );
        return;
      }
      const isOurs = found.state === "running" && found.fencingToken === broken.token;
      if (!isOurs && (broken.token !== undefined || found.state !== "queued")) return;
      const run = isOurs ? found : await lease(tx, found, worker, now);
      const delaySeconds = Math.min(2 ** Math.min(run.attempt, 16), RETRY_DELAY_SECONDS_MAX);
      await commit(
        tx,
        { run, journal: [] },
        [{ write: "run_moved", event: "released", reason, delaySeconds }],
        { now, actor: null },
      );
    });
  } catch (error) {
    // The lease has an end, and the database may be back by then.
    log("warn", "a run could not be set aside", { run_id: broken.run, error: errorName(error) });
  }
}

// Of a run that cannot be read; what of that is legible is put out of use all the same.
async function unusedOf(tx: StoreTx, id: RunId): Promise<readonly Write[]> {
  try {
    return withdrawn(await tx.approvals.list(id));
  } catch (error) {
    if (error instanceof AssertionFailed) return [];
    throw error;
  }
}

export const leaseEnd = (now: Date): Date => new Date(now.getTime() + LEASE_SECONDS * 1000);

/**
 * Advances a claimed run until it is parked, ended, given back, or taken away.
 * @throws what a lost database throws: then the lease runs out and another worker goes on
 */
export async function advanceRun(
  ports: OrchestratorPorts,
  claim: Claim,
  lost: AbortSignal,
  stopping: AbortSignal,
  turn: HeldTurn = ENDLESS_TURN,
): Promise<void> {
  const { run, journal, definition, approval } = claim;
  const held: Held = {
    ports,
    fence: { tenant: run.tenant, run: run.id, token: run.fencingToken },
    definition,
    committed: { run, journal },
    given: approval,
    unsaved: null,
    provenAt: null,
    origins: originsOfRun(definition, run.task, journal),
    workspace: null,
    lost,
    stopping,
    turn,
  };
  try {
    if (run.driver === "external") {
      await takeBackDriven(held, makeMove);
      return;
    }
    // What is taken back lies outside; the private copy is not needed for it any more.
    if (openRollback(journal) === undefined) {
      const opened = await openCopy(held);
      if (opened.to === "wait") return;
      if (opened.to === "give_up" && !(await giveUp(held, opened.reason))) return;
    }
    const opening = openingCall(definition, run.task);
    while (await makeMove(held, nextMove(held.committed.journal, opening)));
  } catch (error) {
    if (error instanceof LeaseLost || error instanceof ApprovalTaken || lost.aborted) {
      const detail = error instanceof Error ? error.message : "unknown";
      ports.log("info", "run left to another worker", { run_id: run.id, reason: errorName(error), detail });
      return;
    }
    throw error;
  }
}

const errorName = (error: unknown): string => (error instanceof Error ? error.name : "unknown");

// True: go on. False: the run is parked, ended or given back.
async function makeMove(held: Held, move: Move): Promise<boolean> {
  if (held.lost.aborted) throw new LeaseLost("the lease was lost");
  if (held.stopping.aborted) {
    await release(
      held,
      { code: "worker_stopping", detail: "The worker was stopped; another goes on." },
      false,
    );
    return false;
  }
  if (held.turn.givesWay(() => !isBoundToCopy(held.ports.tools, held.committed.journal))) {
    await release(held, { code: "turn_over", detail: "The run had its turn and goes on in its next." }, true);
    return false;
  }
  switch (move.do) {
    case "call_model":
      return await askNext(held, move.again === null);
    case "decide":
      return await judgeCall(held, move.call);
    case "dispatch":
      return await dispatch(held, move.call.id, move.gate);
    case "repeat":
      return await executeTool(held, move.step, true);
    case "doubt":
      return await checkDoubt(held, move.step);
    case "ask_about_doubt":
      return await openDoubtGate(held, move.step);
    case "settle_doubt":
      return await settleDoubt(held, move.step.seq, move.gate);
    case "wait":
      throw new Error(`run ${held.fence.run} is running although approval ${move.approvalId} is open`);
    case "finalise":
      return await finaliseRun(held, move.answer, move.again);
    case "give_up":
      return await giveUp(held, move.error);
    case "compensate":
      return await compensate(held, move.step);
    case "end_rollback":
      await commitHeld(
        held,
        endRollback(held.committed.journal, move.rollback, move.rollback.request.ending),
      );
      return false;
    default:
      return unreachable(move);
  }
}

async function askNext(held: Held, isNew: boolean): Promise<boolean> {
  const call = modelCall(held);
  return await askModel(held, call, isNew ? openModelStep(call) : null);
}

// True: there is something to take back first, and the run goes on with that.
async function giveUp(held: Held, reason: StepError, before: readonly Write[] = []): Promise<boolean> {
  const { journal } = held.committed;
  const { writes, ended } = endRun(held.ports.tools, journal, { ending: "failed", reason });
  const closed = before.length > 0 ? before : closeOpenSteps(journal, reason);
  // A yes that was for what is not done now must not be there for anybody any more.
  await commitDecided(held, async (tx) => ({
    writes: [...withdrawn(await tx.approvals.list(held.fence.run)), ...closed, ...writes],
  }));
  return !ended;
}

// A run that ends leaves no step open: of a call under way nobody will hear any more what came of it.
const closeOpenSteps = (journal: Journal, error: StepError): readonly Write[] =>
  journal
    .filter(({ state }) => state === "intended")
    .map(({ seq, kind, effect }): Write => ({
      write: "step_closed",
      seq,
      state: kind === "tool" && effect === "once" ? "in_doubt" : "failed",
      outcome: null,
      error,
    }));

// Back into the queue, at once.
async function release(held: Held, reason: StepError, isWait: boolean): Promise<void> {
  await commitHeld(held, [{ write: "run_moved", event: "released", reason, delaySeconds: 0, isWait }]);
}
