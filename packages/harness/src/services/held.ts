// A run in the hands of one worker, and the only way in which that worker may write to it.

import { assert } from "../base/assert.ts";
import type { Sha256 } from "../base/digest.ts";
import { LEASE_RENEWAL_SECONDS, LEASE_SECONDS } from "../base/limits.ts";
import { type AgentDefinition, agentVersion } from "../core/agent.ts";
import type { ActionScope } from "../core/decide/action-digest.ts";
import type { CountTokens } from "../core/budget/estimate.ts";
import type { BudgetSettings } from "../core/budget/settings.ts";
import type { Policies } from "../core/decide/policy-point.ts";
import type { OriginIndex } from "../core/label/origins.ts";
import type { ProviderSettings } from "../core/resilience/settings.ts";
import type { ModelSettings } from "../core/route/settings.ts";
import {
  type ApprovalRecord,
  type ArtifactFiles,
  type Clock,
  type ClockWatch,
  type Embedder,
  type Fence,
  type Log,
  type Models,
  type Random,
  type RunRecord,
  type Store,
  type StoreTx,
  StoreUnavailable,
  type Telemetry,
  type Tools,
  type Workspace,
  type Workspaces,
} from "../ports.ts";
import type { Seen } from "./judge.ts";
import type { Redaction } from "./redaction.ts";
import { budgetOfRun } from "./budget-of-run.ts";
import { commit, type Committed, keepArtifact, planCommit, type Planned } from "./commit.ts";
import type { TenantPlaces } from "./places.ts";
import type { HeldTurn } from "./turns.ts";
import type { Write } from "./write.ts";
import type { Gates } from "./models/gates.ts";
import type { OpenWorkspace } from "./workspace-of-run.ts";

export type OrchestratorPorts = {
  readonly store: Store;
  readonly models: Models;
  readonly tools: Tools;
  readonly workspaces: Workspaces;
  readonly openWorkspace: OpenWorkspace;
  readonly files: ArtifactFiles;
  readonly policies: Policies;
  /** As they are defined now. A run goes on under the definition it was submitted with. */
  readonly agents: ReadonlyMap<string, AgentDefinition>;
  readonly redaction: Pick<Redaction, "checkArtifact" | "redactText">;
  readonly clock: Clock;
  readonly clockWatch: ClockWatch;
  readonly random: Random;
  readonly log: Log;
  readonly telemetry: Telemetry;
  /** Null: documents are found by words only. */
  readonly embedder: Embedder | null;
  readonly searches: TenantPlaces;
  /** The way into each provider, shared by all runs of this process. */
  readonly gates: Gates;
  readonly routing: Routing;
  /** Loads a vocabulary to count tokens by. Left out, each byte counts as one: a bound that nothing exceeds. */
  readonly loadTokenCounter?: () => Promise<CountTokens>;
};

/** What the operator has said of models, of what they may cost, and of how failing providers are met. */
export type Routing = {
  readonly models: ModelSettings;
  readonly budgets: BudgetSettings;
  readonly providers: ProviderSettings;
};

/** A run in the hands of this worker. `committed` is as it will be with its next commit. */
export type Held = {
  readonly ports: OrchestratorPorts;
  readonly fence: Fence;
  readonly definition: AgentDefinition;
  committed: Committed;
  /** The yes that it was taken up again for, as it was when its lease began. */
  readonly given: ApprovalRecord | null;
  /** What of it is not in the database yet, and the run as it is there; null when all of it is. */
  unsaved: { readonly before: Committed; readonly writes: readonly Write[] } | null;
  /** When a commit or a renewal was last sent that found the lease to be ours; null: none was. */
  provenAt: Date | null;
  /** What the run has seen, as of `committed`. */
  readonly origins: OriginIndex;
  workspace: Workspace | null;
  /** Aborted when the lease is lost: nothing that is under way may be reported any more. */
  readonly lost: AbortSignal;
  /** Aborted when this worker is to stop: finish what must not be interrupted, then give the run back. */
  readonly stopping: AbortSignal;
  readonly turn: HeldTurn;
};

/** As the rules are told of it. */
export const seenBy = ({ ports, definition, committed, origins }: Held): Seen => ({
  run: committed.run,
  definition,
  journal: committed.journal,
  origins,
  tools: ports.tools,
  budget: budgetOfRun(ports.routing, definition, committed.journal),
});

/** The lease is another's. Whatever this worker still believes, it writes nothing any more (invariant 16, fenced). */
export class LeaseLost extends Error {
  override readonly name = "LeaseLost";
}

/** Commits under the lease, or throws LeaseLost and changes nothing. What was noted before is committed with it. */
export async function commitHeld(held: Held, writes: readonly Write[]): Promise<void> {
  await agreeOnTime(
    held,
    writes.some(({ write }) => write === "step_closed"),
  );
  const planned = planHeld(held, writes);
  const artifacts = planned.beside.filter((one) => one.write === "artifact_committed");
  if (artifacts.length < planned.beside.length) {
    await commitDecided(held, async () => await Promise.resolve({ writes }));
    return;
  }
  const { fence, ports } = held;
  const { run } = planned;
  const sentAt = ports.clock.now();
  const write = async (to: Pick<Store, "writeHeld">): Promise<void> => {
    const written = await to.writeHeld(fence, planned.before.run.version, planned.writes);
    if (!written) throw new LeaseLost(`run ${fence.run} is not ours any more`);
  };
  if (artifacts.length === 0) await write(ports.store);
  else
    await ports.store.transaction(
      fence.tenant,
      async (tx) => {
        for (const artifact of artifacts) await keepArtifact(tx, run, artifact);
        await write(tx.runs);
      },
      { isRepeatable: true },
    );
  saved(held, planned);
  held.provenAt = sentAt;
}

/**
 * Takes writes down that nothing outside rests on yet: they are committed with the next ones, and lost with a worker
 * that dies before, whose successor does the same again. So never what a call to the outside has brought about, and
 * never before a wait: {@link saveHeld} comes first.
 */
export function noteHeld(held: Held, writes: readonly Write[]): void {
  const { run, journal, before, all } = planHeld(held, writes);
  held.committed = { run, journal };
  held.unsaved = { before, writes: all };
}

/** Commits what was noted, if anything was. */
export async function saveHeld(held: Held): Promise<void> {
  if (held.unsaved !== null) await commitHeld(held, []);
}

/**
 * Asked right before the world is changed. Fencing stops what a worker writes, not what it does: one that was stopped
 * after its intent was committed (SIGSTOP, a suspended machine, a database that answered late) reads of that commit when
 * another may have long taken the run, and somebody said what becomes of the call. So a proof that is not fresh is
 * renewed, until one was answered in time. By a clock that is astray nobody can tell, so that is waited for first.
 * @throws LeaseLost where the lease is another's
 */
export async function proveLease(held: Held): Promise<void> {
  const { ports, fence } = held;
  for (;;) {
    await agreeOnTime(held);
    if (held.lost.aborted) throw new LeaseLost("the lease was lost");
    const now = ports.clock.now();
    const ageMs = held.provenAt === null ? Infinity : Math.abs(now.getTime() - held.provenAt.getTime());
    if (ageMs <= PROOF_SECONDS_MAX * 1_000) return;
    const isOurs = await ports.store.transaction(
      fence.tenant,
      async (tx) => await tx.runs.renew(fence, new Date(now.getTime() + LEASE_SECONDS * 1_000)),
      { isRepeatable: true },
    );
    if (!isOurs) throw new LeaseLost(`run ${fence.run} is not ours any more`);
    held.provenAt = now;
  }
}

/**
 * By a clock that is a day ahead a run would be given back for tomorrow, and its events be dated so.
 * @param isResult what came of a call is not dropped because the worker is to stop; a lease that is not renewed ends that
 * wait, too
 * @throws LeaseLost where the wait ends before they agree
 */
export async function agreeOnTime({ ports, lost, stopping }: Held, isResult = false): Promise<void> {
  const { clockWatch } = ports;
  if (clockWatch.difference() === null) return;
  // A signal that is made of others is remembered by them, and one of these lives as long as the worker: so not each time.
  await clockWatch.agreed(isResult ? lost : AbortSignal.any([lost, stopping]));
  const difference = clockWatch.difference();
  if (difference !== null) throw new LeaseLost(difference);
}

/**
 * Whether nobody has called the run off or taken it over, by the database as it is now; false where it does not answer.
 * Beside {@link proveLease} for what comes again within one call: a cancellation that was confirmed in a pause between
 * two requests must find the second one not made.
 */
export async function isStillHeld({ ports, fence, lost }: Held): Promise<boolean> {
  if (lost.aborted) return false;
  try {
    const run = await ports.store.transaction(fence.tenant, async (tx) => await tx.runs.find(fence.run), {
      isRepeatable: true,
    });
    return run?.state === "running" && run.fencingToken === fence.token;
  } catch (error) {
    if (error instanceof StoreUnavailable) return false;
    throw error;
  }
}

/** A lease that was found ours has longer than this to go, since it is renewed as often. */
const PROOF_SECONDS_MAX = LEASE_RENEWAL_SECONDS;

type PlannedHeld = Planned & { readonly before: Committed; readonly all: readonly Write[] };

/** The writes, and those noted before, on the run as it is in the database. */
export function planHeld({ unsaved, committed, ports }: Held, writes: readonly Write[]): PlannedHeld {
  const before = unsaved?.before ?? committed;
  const all = [...(unsaved?.writes ?? []), ...writes];
  return { ...planCommit(before, all, { now: ports.clock.now(), actor: null }), before, all };
}

/** What was planned is in the database now. */
export function saved(held: Held, { run, journal }: Committed): void {
  held.committed = { run, journal };
  held.unsaved = null;
}

/**
 * Commits under the lease what is decided from the database as it is in that very transaction, which may be run again.
 * @param decide null: nothing is committed after all
 * @returns what `decide` returned
 */
export async function commitDecided<T extends { readonly writes: readonly Write[] }>(
  held: Held,
  decide: (tx: StoreTx) => Promise<T | null>,
): Promise<T | null> {
  await agreeOnTime(held);
  const { ports, fence } = held;
  const now = ports.clock.now();
  const before = held.unsaved?.before ?? held.committed;
  let attempted: { readonly decided: T; readonly committed: Committed } | null = null;
  const kept = await ports.store.transaction(
    fence.tenant,
    async (tx) => {
      const run = await tx.runs.lock(fence.run);
      // Nobody else writes under this token: the version tells whether an attempt whose commit broke off was kept.
      if (attempted !== null && isKept(run, attempted.committed, fence.token)) return attempted;
      if (run === null || run.state !== "running" || run.fencingToken !== fence.token)
        throw new LeaseLost(`run ${fence.run} is not ours any more`);
      assert(run.version === before.run.version, "nobody else writes to a leased run");
      const decided = await decide(tx);
      if (decided === null) return null;
      const writes = [...(held.unsaved?.writes ?? []), ...decided.writes];
      attempted = { decided, committed: await commit(tx, before, writes, { now, actor: null }) };
      return attempted;
    },
    { isRepeatable: true },
  );
  if (kept === null) return null;
  saved(held, kept.committed);
  held.provenAt = now;
  return kept.decided;
}

const isKept = (run: RunRecord | null, attempted: Committed, token: number): boolean =>
  run !== null && run.fencingToken === token && run.version === attempted.run.version;

/** Where an action of the step that is opened next belongs. */
export function scopeOfNextStep(held: Held): ActionScope {
  const { run, journal } = held.committed;
  return { tenant: run.tenant, run: run.id, seq: journal.length + 1 };
}

/** Of the run's agent as it is defined now; null where it is not any more. */
export function currentAgentVersion({ ports, committed }: Held): Sha256 | null {
  const now = ports.agents.get(committed.run.agent);
  return now === undefined ? null : agentVersion(now);
}
