// The frame of everything that a driver does to its run: who may, in which order, and that it is done once.

import type { RunId } from "@assent/contract";
import { assert } from "../../base/assert.ts";
import { EXTERNAL_STEPS_MAX } from "../../base/limits.ts";
import { err, ok, type Result } from "../../base/result.ts";
import type { Policies } from "../../core/decide/policy-point.ts";
import { createOriginIndex } from "../../core/label/origins.ts";
import { openRollback } from "../../core/run/rollback.ts";
import { isTerminal } from "../../core/run/run.ts";
import {
  type ArtifactFiles,
  type Caller,
  MemoryMoved,
  type Random,
  type RunRecord,
  type Store,
  type StoreTx,
  type Telemetry,
  type Tools,
} from "../../ports.ts";
import { commit, type Committed } from "../commit.ts";
import type { Write } from "../write.ts";
import type { Redaction } from "../redaction.ts";
import type { Shown } from "../shown.ts";
import type { EventWatch } from "../event-watch.ts";
import type { DriverCall, Once, Refusal } from "../harness.ts";
import { once, type OncePorts } from "../once.ts";
import { refuseEnded, unlessEndedAs, writingFor } from "../still-good.ts";
import type { Memory } from "./memory.ts";
import { absorb, type DrivenRun, openDrivenRun } from "./state.ts";

export type ExternalPorts = OncePorts & {
  readonly files: ArtifactFiles;
  readonly random: Random;
  readonly policies: Policies;
  readonly shown: Shown;
  readonly redaction: Pick<Redaction, "checkArtifact" | "redactText">;
  readonly telemetry: Telemetry;
  /** The harness's own: they take back what a driver did with them, where its manifest says so. */
  readonly tools: Tools;
};

export type DrivePorts = ExternalPorts & { readonly memory: Memory; readonly watch: EventWatch };

/** With what it sent, for telling a repeat from another call. */
export type DriveCall = DriverCall & {
  /** As the path has it: a key is good for one resource. */
  readonly route: string;
  readonly body: unknown;
};

/** A driven run, locked: what is decided here is decided on the newest state, and nobody else writes meanwhile. */
export type Hold = {
  readonly ports: DrivePorts;
  readonly tx: StoreTx;
  readonly state: DrivenRun;
  readonly now: Date;
  readonly caller: Caller;
  /** Whether a question that has no answer may be put with the commit; not where the memory moved meanwhile. */
  readonly looksAhead: boolean;
  committed: Committed;
  /** A commit has held the caller's credential, until the transaction ends. */
  isCallerGood: boolean;
};

/** Does not exist, is another's, is not driven: the answers must not be told apart. */
export const RUN_NOT_FOUND: Refusal = { code: "run_not_found", detail: "There is no run with this id." };
export const ACTION_NOT_FOUND: Refusal = {
  code: "action_not_found",
  detail: "The run has no action with this id.",
};

export const isDriver = (run: RunRecord | null, caller: Caller): run is RunRecord =>
  run?.driver === "external" && run.requestedBy.id === caller.actor.id;

type Work<T> = (hold: Hold) => Promise<Result<T, Refusal>>;

/** How a transaction comes about, and whether what was done in it counts. */
type Carrying<T, A> = {
  readonly carryOut: (work: (store: Store) => Promise<Result<T, Refusal>>) => Promise<A>;
  readonly isDone: (answer: A) => boolean;
  readonly refused: (refusal: Refusal) => A;
};

/** @param work runs again from the start when the database asks for it; what it commits is kept only if it succeeds */
async function holding<T, A>(
  ports: DrivePorts,
  { caller, run: id }: Pick<DriverCall, "caller" | "run">,
  work: Work<T>,
  { carryOut, isDone, refused }: Carrying<T, A>,
): Promise<A> {
  // The turn comes before the transaction and its key: whoever waits for it holds no connection meanwhile.
  return await ports.memory.inTurn(caller.tenant, id, async () => {
    const held: { hold: Hold | null } = { hold: null };
    const attempt = async (looksAhead: boolean): Promise<A> =>
      await carryOut(
        async (store) =>
          await store.transaction(caller.tenant, async (tx) => {
            held.hold = null;
            const run = await tx.runs.lock(id);
            if (!isDriver(run, caller)) return err(RUN_NOT_FOUND);
            const now = ports.clock.now();
            const state = await loadState(ports, tx, run);
            const committed: Committed = { run, journal: state.journal };
            const hold: Hold = { ports, tx, state, now, caller, looksAhead, committed, isCallerGood: false };
            held.hold = hold;
            const outcome = await work(hold);
            // What was written was written for a credential that was good; what only is told is told to a good one.
            const ended = hold.isCallerGood ? null : await refuseEnded(tx, caller, now);
            return ended === null ? outcome : err(ended);
          }),
      );
    const answer = await unlessEndedAs(refused, async () => await unlessMoved(attempt));
    // Of an attempt that was undone, and whose repetition found the answer of another, nothing is remembered.
    if (held.hold !== null && isDone(answer)) remember(ports, caller, held.hold);
    return answer;
  });
}

// Many put the same question at once: who comes later asks the memory in the transaction, which waits for the others.
async function unlessMoved<A>(attempt: (looksAhead: boolean) => Promise<A>): Promise<A> {
  try {
    return await attempt(true);
  } catch (error) {
    if (!(error instanceof MemoryMoved)) throw error;
    return await attempt(false);
  }
}

/** Works on the run without an idempotency key. */
export const withHold = async <T>(
  ports: DrivePorts,
  caller: Caller,
  run: RunId,
  work: Work<T>,
): Promise<Result<T, Refusal>> =>
  await holding<T, Result<T, Refusal>>(ports, { caller, run }, work, {
    carryOut: async (inTransaction) => await inTransaction(ports.store),
    isDone: ({ ok: isOk }) => isOk,
    refused: err,
  });

/**
 * @param work answers with what is sent, and stored for whoever repeats the request under the same key
 * @param tell of what has been done, once it is: not of a repeat, and not of what was tried in vain
 * @param isOver why it is too late for this
 */
export async function drive(
  ports: DrivePorts,
  call: DriveCall,
  work: Work<unknown>,
  tell: (hold: Hold) => void = () => undefined,
  isOver: (hold: Hold) => Refusal | null = refuseOver,
): Promise<Once> {
  const { caller, route, key, body } = call;
  const done: { hold: Hold | null } = { hold: null };
  const answered = await holding<unknown, Once>(
    ports,
    call,
    async (hold) => {
      done.hold = hold;
      const over = isOver(hold);
      return over === null ? await work(hold) : err(over);
    },
    {
      carryOut: async (inTransaction) =>
        key === null
          ? unkeyed(await inTransaction(ports.store))
          : await once(ports, caller, { route, key, body, status: 200, secret: false }, inTransaction),
      isDone: isDoneHere,
      refused: (refusal) => ({ answer: err(refusal), replayed: false }),
    },
  );
  if (isDoneHere(answered) && done.hold !== null) tell(done.hold);
  return answered;
}

const isDoneHere = ({ answer, replayed }: Once): boolean => answer.ok && !replayed;

const unkeyed = (worked: Result<unknown, Refusal>): Once => ({
  answer: worked.ok ? ok({ body: JSON.stringify(worked.value), location: null }) : worked,
  replayed: false,
});

// Nothing is proposed, reported or ended in a run that has ended or is being taken back.
function refuseOver({ committed: { run, journal } }: Hold): Refusal | null {
  if (isTerminal(run.state)) return { code: "run_already_finished", detail: `The run is ${run.state}.` };
  const rollback = openRollback(journal);
  if (rollback === undefined) return null;
  return { code: "run_being_taken_back", detail: rollback.request.reason.detail };
}

// Only now: what a transaction did is nothing until it has committed.
function remember(ports: DrivePorts, { tenant }: Caller, { state, committed }: Hold): void {
  absorb(state, committed.run.version, committed.journal);
  if (isTerminal(committed.run.state)) ports.memory.forget(tenant, state.run);
  else ports.memory.put(tenant, state);
}

export async function loadState(ports: DrivePorts, tx: StoreTx, run: RunRecord): Promise<DrivenRun> {
  // What it was submitted with is what it is driven with, however far it has come since.
  const pinned = ports.memory.peek(run.tenant, run.id)?.definition;
  const kept = ports.memory.get(run.tenant, run.id, run.version);
  if (kept !== null) return kept;
  const definition = pinned ?? (await tx.externalDefinitions.get(run.agentVersion));
  assert(definition !== null, "the definition of a driven run is kept");
  return openDrivenRun(createOriginIndex(), definition, run, await tx.steps.list(run.id));
}

/** Commits on the held run, for a caller whose credential is good; may be called more than once in a transaction. */
export async function commitDriven(hold: Hold, writes: readonly Write[]): Promise<void> {
  const { tx, caller, now, committed } = hold;
  const context = { now, actor: caller.actor };
  hold.committed = await commit(tx, committed, writes, context, writingFor(tx, caller, now));
  hold.isCallerGood = true;
}

export const nextSeq = (hold: Hold): number => hold.committed.journal.length + 1;

/** @param steps how many more are needed */
export function refuseSteps(hold: Hold, steps: number): Refusal | null {
  if (hold.committed.journal.length + steps <= EXTERNAL_STEPS_MAX) return null;
  return { code: "run_steps_exhausted", detail: `A driven run can have ${EXTERNAL_STEPS_MAX} steps.` };
}
