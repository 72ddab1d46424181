// A run in the hands of one worker, and the only way in which that worker may write to it.

import { assert } from "../base/assert.ts";
import type { Sha256 } from "../base/digest.ts";
import { type AgentDefinition, agentVersion } from "../core/agent.ts";
import type { ActionScope } from "../core/decide/action-digest.ts";
import type { CountTokens } from "../core/budget/estimate.ts";
import type { BudgetSettings } from "../core/budget/settings.ts";
import type { Policies } from "../core/decide/policy-point.ts";
import type { OriginIndex } from "../core/label/origins.ts";
import type { ProviderSettings } from "../core/resilience/settings.ts";
import type { ModelSettings } from "../core/route/settings.ts";
import type {
  ArtifactFiles,
  Clock,
  Embedder,
  Fence,
  Log,
  Models,
  Random,
  RunRecord,
  Store,
  Telemetry,
  Tools,
  Workspace,
  Workspaces,
} from "../ports.ts";
import type { Seen } from "./judge.ts";
import type { Redaction } from "./redaction.ts";
import { commit, type Committed, type Write } from "./commit.ts";
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
  readonly random: Random;
  readonly log: Log;
  readonly telemetry: Telemetry;
  /** Null: documents are found by words only. */
  readonly embedder: Embedder | null;
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

/** A run in the hands of this worker. `committed` is as of its last commit. */
export type Held = {
  readonly ports: OrchestratorPorts;
  readonly fence: Fence;
  readonly definition: AgentDefinition;
  committed: Committed;
  /** What the run has seen, as of `committed`. */
  readonly origins: OriginIndex;
  workspace: Workspace | null;
  /** Aborted when the lease is lost: nothing that is under way may be reported any more. */
  readonly lost: AbortSignal;
  /** Aborted when this worker is to stop: finish what must not be interrupted, then give the run back. */
  readonly stopping: AbortSignal;
};

/** As the rules are told of it. */
export const seenBy = ({ ports, definition, committed, origins }: Held): Seen => ({
  run: committed.run,
  definition,
  journal: committed.journal,
  origins,
  tools: ports.tools,
});

/** The lease is another's. Whatever this worker still believes, it writes nothing any more (invariant 16, fenced). */
export class LeaseLost extends Error {
  override readonly name = "LeaseLost";
}

/** Commits under the lease, or throws LeaseLost and changes nothing. */
export async function commitHeld(held: Held, writes: readonly Write[]): Promise<void> {
  const { store, clock } = held.ports;
  const now = clock.now();
  let attempted: Committed | null = null;
  held.committed = await store.transaction(
    held.fence.tenant,
    async (tx) => {
      const run = await tx.runs.lock(held.fence.run);
      // Nobody else writes under this token: the version tells whether an attempt whose commit broke off was kept.
      if (attempted !== null && isKept(run, attempted, held.fence.token)) return attempted;
      if (run === null || run.state !== "running" || run.fencingToken !== held.fence.token)
        throw new LeaseLost(`run ${held.fence.run} is not ours any more`);
      assert(run.version === held.committed.run.version, "nobody else writes to a leased run");
      attempted = await commit(tx, { run, journal: held.committed.journal }, writes, { now, actor: null });
      return attempted;
    },
    { isRepeatable: true },
  );
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
