// The frame of everything that a driver does to its run: who may, in which order, and that it is done once.

import type { Actor, RunId } from "@assent/contract";
import { assert } from "../../base/assert.ts";
import { digestOf } from "../../base/digest.ts";
import { EXTERNAL_STEPS_MAX, IDEMPOTENCY_RETENTION_HOURS } from "../../base/limits.ts";
import { err, ok, type Result } from "../../base/result.ts";
import type { Policies } from "../../core/decide/policy-point.ts";
import { createOriginIndex } from "../../core/label/origins.ts";
import { openRollback } from "../../core/run/rollback.ts";
import { isTerminal } from "../../core/run/run.ts";
import type {
  ArtifactFiles,
  Caller,
  Clock,
  IdempotencyKey,
  Random,
  RunRecord,
  Store,
  StoreTx,
  Telemetry,
  Tools,
} from "../../ports.ts";
import { commit, type Committed } from "../commit.ts";
import type { Write } from "../write.ts";
import type { Redaction } from "../redaction.ts";
import type { Shown } from "../shown.ts";
import type { EventWatch } from "../event-watch.ts";
import type { Driven, DriverCall, Refusal } from "../harness.ts";
import type { Memory } from "./memory.ts";
import { absorb, type DrivenRun, openDrivenRun } from "./state.ts";

export type ExternalPorts = {
  readonly store: Store;
  readonly files: ArtifactFiles;
  readonly clock: Clock;
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
  readonly actor: Actor;
  committed: Committed;
};

/** Does not exist, is another's, is not driven: the answers must not be told apart. */
export const RUN_NOT_FOUND: Refusal = { code: "run_not_found", detail: "There is no run with this id." };
export const ACTION_NOT_FOUND: Refusal = {
  code: "action_not_found",
  detail: "The run has no action with this id.",
};

export const isDriver = (run: RunRecord | null, caller: Caller): run is RunRecord =>
  run?.driver === "external" && run.requestedBy.id === caller.actor.id;

/** @param work runs again from the start when the database asks for it; what it commits is kept only if it succeeds */
export async function withHold<T>(
  ports: DrivePorts,
  caller: Caller,
  id: RunId,
  work: (hold: Hold) => Promise<Result<T, Refusal>>,
): Promise<Result<T, Refusal>> {
  return await ports.memory.inTurn(caller.tenant, id, async () => {
    const held: { hold: Hold | null } = { hold: null };
    const result = await ports.store.transaction(caller.tenant, async (tx) => {
      held.hold = null;
      const run = await tx.runs.lock(id);
      if (!isDriver(run, caller)) return err(RUN_NOT_FOUND);
      const state = await loadState(ports, tx, run);
      const committed: Committed = { run, journal: state.journal };
      const hold: Hold = { ports, tx, state, now: ports.clock.now(), actor: caller.actor, committed };
      held.hold = hold;
      return await work(hold);
    });
    if (held.hold !== null) remember(ports, caller, held.hold);
    return result;
  });
}

/**
 * @param work answers with what is sent, and stored for whoever repeats the request under the same key
 * @param tell of what has been done, once it is: not of a repeat, and not of what was tried in vain
 * @param isOver why it is too late for this
 */
export async function drive(
  ports: DrivePorts,
  call: DriveCall,
  work: (hold: Hold) => Promise<Result<unknown, Refusal>>,
  tell: (hold: Hold) => void = () => undefined,
  isOver: (hold: Hold) => Refusal | null = refuseOver,
): Promise<Result<Driven, Refusal>> {
  const done: { hold: Hold | null } = { hold: null };
  const driven = await withHold<Driven>(ports, call.caller, call.run, async (hold) => {
    done.hold = null;
    const earlier = await findEarlier(hold.tx, call, hold.now);
    if (earlier !== null) return earlier;
    const over = isOver(hold);
    if (over !== null) return err(over);
    const worked = await work(hold);
    if (!worked.ok) return worked;
    const body = JSON.stringify(worked.value);
    await keepAnswer(hold.tx, call, hold.now, body);
    done.hold = hold;
    return ok({ body, replayed: false });
  });
  if (driven.ok && done.hold !== null) tell(done.hold);
  return driven;
}

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
  const kept = ports.memory.get(run.tenant, run.id, run.version);
  if (kept !== null) return kept;
  const definition = await tx.externalDefinitions.get(run.agentVersion);
  assert(definition !== null, "the definition of a driven run is kept");
  return openDrivenRun(createOriginIndex(), definition, run, await tx.steps.list(run.id));
}

/** Commits on the held run; may be called more than once in a transaction. */
export async function commitDriven(hold: Hold, writes: readonly Write[]): Promise<void> {
  hold.committed = await commit(hold.tx, hold.committed, writes, { now: hold.now, actor: hold.actor });
}

export const nextSeq = (hold: Hold): number => hold.committed.journal.length + 1;

/** @param steps how many more are needed */
export function refuseSteps(hold: Hold, steps: number): Refusal | null {
  if (hold.committed.journal.length + steps <= EXTERNAL_STEPS_MAX) return null;
  return { code: "run_steps_exhausted", detail: `A driven run can have ${EXTERNAL_STEPS_MAX} steps.` };
}

const keyOf = ({ caller, route, key }: DriveCall, now: Date): IdempotencyKey | null =>
  key === null
    ? null
    : {
        principal: caller.actor.id,
        route,
        key,
        expiresAt: new Date(now.getTime() + IDEMPOTENCY_RETENTION_HOURS * 3_600_000),
      };

const fingerprintOf = ({ route, body }: DriveCall): ReturnType<typeof digestOf> =>
  digestOf("request", { route, body });

// The run's lock is held, and the key belongs to this run's path: nobody else can be under way with the same key.
async function findEarlier(tx: StoreTx, call: DriveCall, now: Date): Promise<Result<Driven, Refusal> | null> {
  const key = keyOf(call, now);
  const earlier = key === null ? null : await tx.idempotency.find(key, now);
  if (earlier === null) return null;
  if (earlier.fingerprint !== fingerprintOf(call))
    return err({
      code: "idempotency_key_reused",
      detail: "The first request under this key had another body. Nothing was done for this one.",
    });
  return ok({ body: earlier.body, replayed: true });
}

async function keepAnswer(tx: StoreTx, call: DriveCall, now: Date, body: string): Promise<void> {
  const key = keyOf(call, now);
  if (key === null) return;
  const raced = await tx.idempotency.claim(key, now);
  assert(raced === null, "a key of a locked run's path is claimed by whoever holds the lock");
  await tx.idempotency.complete(key, { fingerprint: fingerprintOf(call), status: 200, location: null, body });
}
