// The whole engine in this process, on a database of the test's own: real store, queue, worker and sweeper. What
// stands in for the outside (models, tools, time) is the test's to say.

import { randomInt } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Run, type RunId, type RunState, SCOPES, type TenantId, uuidOf } from "@assent/contract";
import type { Pool } from "pg";
import { openArtifactFiles } from "../../packages/harness/src/adapters/files/artifact-files.ts";
import { ensureKey, ensureTenant } from "../../packages/harness/src/adapters/postgres/bootstrap.ts";
import { transaction } from "../../packages/harness/src/adapters/postgres/connect.ts";
import { announceWorker } from "../../packages/harness/src/adapters/postgres/presence.ts";
import { postgresStore } from "../../packages/harness/src/adapters/postgres/store.ts";
import { createWakeUps } from "../../packages/harness/src/adapters/postgres/wake-ups.ts";
import { systemRandom } from "../../packages/harness/src/adapters/system/random.ts";
import { ok, type Result } from "../../packages/harness/src/base/result.ts";
import type { AgentDefinition } from "../../packages/harness/src/core/agent.ts";
import { openTokens } from "../../packages/harness/src/adapters/oidc/tokens.ts";
import type { IdentityProvider } from "../../packages/harness/src/core/access/token-subject.ts";
import { openAccess } from "../../packages/harness/src/adapters/cedar/access.ts";
import { openCedarPolicies } from "../../packages/harness/src/adapters/cedar/policies.ts";
import {
  shippedAccessFolder,
  shippedPolicyFolder,
} from "../../packages/harness/src/adapters/cedar/policy-folder.ts";
import type { Access } from "../../packages/harness/src/core/access/access-point.ts";
import type { Quotas } from "../../packages/harness/src/core/access/quota.ts";
import type { Policies } from "../../packages/harness/src/core/decide/policy-point.ts";
import type { ModelOutcome, ToolCall } from "../../packages/harness/src/core/run/journal.ts";
import type {
  Caller,
  Embedder,
  Models,
  Store,
  Telemetry,
  Tool,
  Tools,
  Workspaces,
  RunNews,
} from "../../packages/harness/src/ports.ts";
import { createRedactor } from "../../packages/harness/src/core/redact/redactor.ts";
import { createHarness, type HarnessPorts } from "../../packages/harness/src/services/create-harness.ts";
import type { Harness } from "../../packages/harness/src/services/harness.ts";
import type { OrchestratorPorts, Routing } from "../../packages/harness/src/services/held.ts";
import { keyHasher, type KeyPorts, keyPrefix, newKey } from "../../packages/harness/src/services/keys.ts";
import { createGates } from "../../packages/harness/src/services/models/gates.ts";
import { createRedaction } from "../../packages/harness/src/services/redaction.ts";
import { TENANT_SEARCHES_MAX } from "../../packages/harness/src/services/documents.ts";
import { createTenantPlaces } from "../../packages/harness/src/services/places.ts";
import { createRunNews } from "../../packages/harness/src/services/run-news.ts";
import { createShown } from "../../packages/harness/src/services/shown.ts";
import { silentTelemetry } from "../../packages/harness/src/services/traced/silent.ts";
import { startSweeper, sweep } from "../../packages/harness/src/services/sweeper.ts";
import { startWorker } from "../../packages/harness/src/services/worker.ts";
import { openWorkspaceOfRun } from "../../packages/harness/src/services/workspace-of-run.ts";
import {
  agentOf,
  agreeingClock,
  BESIDE,
  DEFAULT_ROUTING,
  DERIVED,
  type Grant,
  SECRET,
  noWorkspaces,
  reach,
} from "./engine-defaults.ts";
import { anySealing } from "./sealing.ts";
import { rewritingPool } from "./rewriting-pool.ts";
import { connectThrowAwayDatabase, type ThrowAwayDatabase } from "./database.ts";
import { shiftableClock, type ShiftableClock } from "./shiftable-clock.ts";

export type Engine = AsyncDisposable & {
  readonly database: ThrowAwayDatabase;
  readonly harness: Harness;
  readonly store: Store;
  readonly ports: OrchestratorPorts;
  readonly clock: ShiftableClock;
  readonly tenant: TenantId;
  readonly caller: Caller;
  readonly logged: readonly string[];
  /** For who looks at memory: what was logged so far is let go. */
  forgetLog(): void;
  /** A new key, of the named tenant, which is made where there is none. */
  newKey(name: string, tenantSlug?: string, grant?: Grant): Promise<string>;
  /** Another caller, of the same tenant or of one of its own. */
  newCaller(name: string, tenantSlug?: string, kind?: Grant["kind"]): Promise<Caller>;
  /** What a second process on the same database would be: it shares nothing with the first in memory. */
  again(ports?: Partial<HarnessPorts>): Harness;
  /** Starts a worker of this process; several may run. */
  startWorker(options?: WorkerOptions): Promise<{ stop(): Promise<void> }>;
  sweep(): Promise<number>;
  submit(task?: string, key?: string): Promise<RunId>;
  run(id: RunId): Promise<Run>;
  reaches(id: RunId, ...states: RunState[]): Promise<Run>;
  /** The same, doing something between one look and the next. */
  reachesWhile(id: RunId, between: () => Promise<void>, ...states: RunState[]): Promise<Run>;
};

export type WorkerOptions = {
  /** Runs at the same time; as many as usual where it is left out. */
  readonly runsMax?: number;
  /** Of one tenant in all workers; without a bound where it is left out. */
  readonly tenantSlots?: number;
  /** How late it finds without a hint what is queued; as late as usual where it is left out. */
  readonly lookEveryMs?: number;
  /** Its own way to the database. */
  readonly store?: Store;
};

export type EngineOptions = {
  readonly models?: Models;
  readonly tools?: readonly Tool[];
  readonly agent?: Partial<AgentDefinition>;
  readonly policies?: Policies;
  readonly telemetry?: Telemetry;
  readonly embedder?: Embedder;
  readonly routing?: Partial<Routing>;
  readonly quotas?: Quotas;
  readonly identityProviders?: readonly IdentityProvider[];
  /** Every statement of the store as it reaches the database. */
  readonly rewriteSql?: (sql: string) => string;
  /** One that there is already; left out: a new one without rows. It is disposed of with the engine. */
  readonly database?: ThrowAwayDatabase;
  /** Stands between the store and its connections. */
  readonly wrapPool?: (pool: Pool) => Pool;
  /** With one source, `source`, that every run works on; left out: none. */
  readonly workspaces?: Workspaces;
  /** All agents there are; left out: the one above. A test may change the map under way. */
  readonly agents?: ReadonlyMap<string, AgentDefinition>;
};

export async function openEngine(options: EngineOptions = {}): Promise<Engine> {
  const database = options.database ?? (await connectThrowAwayDatabase());
  const folder = mkdtempSync(join(tmpdir(), "assent-engine-"));
  const parts = await openParts(options, database, folder);
  const { ports, wakeUps, clock, logged, news } = parts;
  const agent = agentOf(options);
  const keys = keyPortsOf(ports);
  const open = (own: Partial<HarnessPorts> = {}): Harness =>
    createHarness({
      ...ports,
      ...keys,
      ...DERIVED,
      ...BESIDE,
      ...own,
      workspaceNames: options.workspaces === undefined ? [] : ["source"],
      agents: ports.agents,
      quotas: options.quotas ?? { tenant: null, principal: null, actions: {} },
      tokens: openTokens(options.identityProviders ?? [], { clock, log: () => undefined }),
      shown: createShown(createRedaction({ redactor: createRedactor() })),
      isWorkerReady: () => true,
    });
  // Of what is committed another process is told nothing.
  const harness = open({ news });
  const newKeyOf = keyMaker(database, keys);
  const newCaller: Engine["newCaller"] = async (name, tenantSlug, kind = "service") => {
    const found = await harness.authenticate(await newKeyOf(name, tenantSlug, { scopes: SCOPES, kind }));
    if (found === null) throw new Error("a new key is known");
    return found;
  };
  const caller = await newCaller("requester");
  const workers: Stoppable[] = [];
  let sequence = 0;
  const run = async (id: RunId): Promise<Run> => value(await harness.getRun(caller, id));
  return {
    database,
    harness,
    again: open,
    store: ports.store,
    ports,
    clock,
    tenant: caller.tenant,
    caller,
    logged,
    forgetLog: () => {
      logged.length = 0;
    },
    newKey: newKeyOf,
    newCaller,
    run,
    async startWorker({ store = ports.store, ...rest } = {}) {
      const worker = await startWorkerOf({ ...ports, store }, { wakeUps, ...rest }, database);
      workers.push(worker);
      return worker;
    },
    sweep: async () => await sweep(ports),
    async submit(task = "Do it.", key?: string): Promise<RunId> {
      sequence += 1;
      const request = { agent: agent.name, task, ...(options.workspaces && { workspace: "source" }) };
      return value(await harness.submitRun(caller, request, key ?? `key-${sequence}`)).runId;
    },
    reachesWhile: async (id, between, ...states) => await reach(run, id, between, states),
    reaches: async (id, ...states) => await reach(run, id, async () => await Promise.resolve(), states),
    async [Symbol.asyncDispose]() {
      for (const worker of workers.toReversed()) await worker.stop();
      await database[Symbol.asyncDispose]();
      rmSync(folder, { recursive: true });
    },
  };
}

type Stoppable = { stop(): Promise<void> };

type Parts = {
  readonly ports: OrchestratorPorts;
  readonly wakeUps: ReturnType<typeof createWakeUps>;
  readonly clock: ShiftableClock;
  readonly logged: string[];
  readonly news: RunNews;
};

async function openParts(
  options: EngineOptions,
  database: ThrowAwayDatabase,
  folder: string,
): Promise<Parts> {
  const clock = shiftableClock();
  const random = systemRandom;
  const logged: string[] = [];
  const log: OrchestratorPorts["log"] = (level, message, fields) => {
    logged.push(JSON.stringify({ level, message, ...fields }));
  };
  const wakeUps = createWakeUps(database.appPool(), log);
  const toolList = options.tools ?? [];
  const agent = agentOf(options);
  const tools: Tools = {
    get: (name) => toolList.find((tool) => tool.manifest.name === name),
    list: () => toolList,
  };
  const workspaces = options.workspaces ?? noWorkspaces;
  const pool = poolOf(options, database);
  const news = createRunNews();
  const sealing = anySealing(pool);
  const store = postgresStore({ pool, wakeUps, clock, random, sealing, news });
  const routing: Routing = { ...DEFAULT_ROUTING, ...options.routing };
  const ports: OrchestratorPorts = {
    store,
    routing,
    gates: createGates({ breakers: store.breakers, clock, random, log, settings: routing.providers }),
    models: options.models ?? answering(() => ({ text: "done" })),
    tools,
    workspaces,
    openWorkspace: openWorkspaceOfRun(workspaces, tools),
    files: openArtifactFiles({ folder, random }),
    policies: options.policies ?? policiesOf({ folder: shippedPolicyFolder("default") }),
    agents: options.agents ?? new Map([[agent.name, agent]]),
    redaction: createRedaction({ redactor: createRedactor() }),
    clock,
    clockWatch: agreeingClock,
    random,
    log,
    telemetry: options.telemetry ?? silentTelemetry,
    embedder: options.embedder ?? null,
    searches: createTenantPlaces(TENANT_SEARCHES_MAX),
  };
  return { ports, wakeUps, clock, logged, news };
}

const poolOf = ({ rewriteSql, wrapPool }: EngineOptions, database: ThrowAwayDatabase): Pool => {
  const pool = rewriteSql === undefined ? database.appPool() : rewritingPool(database.appPool(), rewriteSql);
  return wrapPool === undefined ? pool : wrapPool(pool);
};

export const keyPortsOf = ({ store, clock, random }: OrchestratorPorts): KeyPorts => ({
  store,
  clock,
  random,
  hashKey: keyHasher(SECRET),
  access: accessOf({ folder: shippedAccessFolder() }),
});

// A service's with every scope, where nothing else is said.
function keyMaker(database: ThrowAwayDatabase, keys: KeyPorts): Engine["newKey"] {
  return async (name, tenantSlug = "default", grant = { scopes: SCOPES }) => {
    const { clock, random } = keys;
    const tenant = await transaction(
      database.ownerPool(),
      async (client) => await ensureTenant({ client, clock, random }, tenantSlug),
    );
    const secret = newKey(random);
    await transaction(
      database.ownerPool(),
      async (client) =>
        await ensureKey({ client, clock, random }, uuidOf(tenant), {
          principal: { name, kind: grant.kind ?? "service" },
          hash: keys.hashKey(secret),
          prefix: keyPrefix(secret),
          scopes: grant.scopes ?? [],
          roles: grant.roles ?? [],
        }),
    );
    return secret;
  };
}

async function startWorkerOf(
  ports: OrchestratorPorts,
  options: WorkerOptions & { readonly wakeUps: ReturnType<typeof createWakeUps> },
  database: ThrowAwayDatabase,
): Promise<Stoppable> {
  const worker = randomInt(2 ** 31 - 1);
  const { heard } = options.wakeUps;
  const presence = await announceWorker(database.app, worker, { ...ports, heard });
  const consumer = startWorker(ports, { ...options, worker });
  const sweeper = startSweeper(ports, { onQueued: () => consumer.look() });
  return {
    async stop(): Promise<void> {
      await sweeper.stop();
      await consumer.stop();
      await presence.end();
    },
  };
}

export function policiesOf(source: Parameters<typeof openCedarPolicies>[0]): Policies {
  const opened = openCedarPolicies(source);
  if (!opened.ok) throw new Error(opened.error.detail);
  return opened.value;
}

export function accessOf(source: Parameters<typeof openAccess>[0]): Access {
  const opened = openAccess(source);
  if (!opened.ok) throw new Error(opened.error.detail);
  return opened.value;
}

export function value<T>(result: Result<T, { readonly detail: string }>): T {
  if (!result.ok) throw new Error(result.error.detail);
  return result.value;
}

export type Turn = { readonly text?: string; readonly calls?: readonly ToolCall[] };

/** A model that answers by the number of its turn, as a transcript does: a repeated call gets the same answer. */
export function answering(script: (turn: number) => Turn | "hang", onCall?: () => void): Models {
  return {
    check: () => ok(null),
    async call(call, signal) {
      onCall?.();
      const turn = script(call.messages.filter((message) => message.role === "assistant").length);
      if (turn === "hang") {
        const { promise, resolve } = Promise.withResolvers<undefined>();
        signal.addEventListener("abort", () => resolve(undefined));
        await promise;
        const error = { code: "provider_timeout", detail: "cut off", transient: true, retryAfterMs: null };
        return { ok: false, error };
      }
      const toolCalls = turn.calls ?? [];
      const outcome: ModelOutcome = {
        kind: "model",
        model: call.model,
        text: turn.text ?? "",
        toolCalls,
        usage: { inputTokens: 1, outputTokens: 1 },
        finishReason: toolCalls.length > 0 ? "tool_calls" : "stop",
        warnings: [],
      };
      return ok(outcome);
    },
  };
}

/** A tool that counts what it did to the world; `during` runs inside the effect. */
export function countingTool(
  name: string,
  effect: "none" | "idempotent" | "once",
  during: (effectId: string, signal: AbortSignal) => Promise<void> | void = () => undefined,
): Tool & { readonly effects: string[] } {
  const effects: string[] = [];
  return {
    effects,
    scope: "world",
    manifest: {
      name,
      version: "1",
      description: "Counts.",
      inputSchema: { type: "object" },
      effect,
      harm: effect === "none" ? [] : ["write"],
      controlArguments: ["id", "amount"], // The tests' scripts choose them, as a model would: so a person is asked.
      returns: "untrusted",
    },
    plan: async (args) =>
      await Promise.resolve(
        ok({ summary: `Count ${JSON.stringify(args)}`, preview: null, precondition: null }),
      ),
    async execute(_args, _precondition, { effectId, signal }) {
      effects.push(effectId);
      await during(effectId, signal);
      return ok({ output: `counted ${effects.length}`, label: "untrusted" });
    },
  };
}
