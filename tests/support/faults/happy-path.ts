// The whole happy path of the harness, where any statement, file operation or provider call can be made to fail: two
// tool calls, one of them approved by a person, and an answer that is kept as an artifact. Whoever takes part tries
// again as in life: the client repeats its request, another worker takes the run, a person looks before they answer.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Approval, Run, RunId } from "@assent/contract";
import {
  createFailpoints,
  type Failpoints,
  type Observation,
  violationsOf,
  withFailpoints,
} from "@assent/suite";
import { openArtifactFiles } from "../../../packages/harness/src/adapters/files/artifact-files.ts";
import {
  diskOperations,
  type FileOperations,
} from "../../../packages/harness/src/adapters/files/file-operations.ts";
import { systemRandom } from "../../../packages/harness/src/adapters/system/random.ts";
import type { Policies } from "../../../packages/harness/src/core/decide/policy-point.ts";
import type { ArtifactFiles } from "../../../packages/harness/src/ports.ts";
import type { Harness } from "../../../packages/harness/src/services/harness.ts";
import type { OrchestratorPorts } from "../../../packages/harness/src/services/held.ts";
import { advanceRun, claimRun } from "../../../packages/harness/src/services/orchestrator.ts";
import { answering, countingTool, type Engine, openEngine, value } from "../engine.ts";
import { faultyPool } from "../faulty-pool.ts";
import { beTold, rowsAtRest } from "./at-rest.ts";
import { unlessDead } from "./unless-dead.ts";

export type HappyPath = AsyncDisposable & {
  readonly points: Failpoints;
  readonly engine: Engine;
  /** One run from its request to its end, whatever fault is armed. @returns what contradicts what must hold */
  live(): Promise<readonly string[]>;
};

export type HappyPathOptions = {
  /** Stands between the harness and its store of artifacts: for planting a bug. */
  readonly wrapFiles?: (files: ArtifactFiles) => ArtifactFiles;
};

export const FILE_METHODS = [
  "makeFolder",
  "list",
  "read",
  "size",
  "create",
  "sync",
  "rename",
  "remove",
] as const;

/** Rules under which a person is asked before `pay`, and nothing else is asked about. */
export const asksBeforeItPays: Policies = {
  version: `sha256:${"2".repeat(64)}`,
  rules: [],
  decide: ({ action }) =>
    action.tool === "pay"
      ? {
          verdict: "needs_approval",
          reasons: [{ code: "ask", detail: "Money." }],
          assent: { quorum: 1, separateDuties: false, timeoutMs: 3_600_000, onTimeout: "deny" },
        }
      : { verdict: "permit", reasons: [{ code: "permit", detail: "All." }], assent: null },
};

// No two answers are alike: a store that has the content already would write nothing.
let answers = 0;
const script = answering((turn) => {
  if (turn === 0) return { calls: [{ id: "c0", tool: "note", arguments: { text: "n" } }] };
  if (turn === 1) return { calls: [{ id: "c1", tool: "pay", arguments: { amount: 1 } }] };
  answers += 1;
  return { text: `Noted and paid: ${answers}.` };
});

/** Times one party tries again; more means that the fault never goes away. */
const TRIES_MAX = 40;

export async function openHappyPath(options: HappyPathOptions = {}): Promise<HappyPath> {
  const points = createFailpoints();
  const pay = countingTool("pay", "once");
  const note = countingTool("note", "idempotent");
  const pools: { abandon(): void }[] = [];
  const engine = await openEngine({
    tools: [pay, note],
    policies: asksBeforeItPays,
    // A limit that is never reached, so that all runs are charged to one account of their tenant.
    routing: { budgets: { tenant: { total: { input_tokens_max: 1_000_000_000 } }, tenants: {} } },
    wrapPool: (pool) => {
      const faulty = faultyPool(pool, points);
      pools.push(faulty);
      return faulty.pool;
    },
  });
  await beTold(engine);
  const folder = mkdtempSync(join(tmpdir(), "assent-happy-"));
  const operations: FileOperations = withFailpoints(diskOperations, "fs", points, FILE_METHODS);
  const files = openArtifactFiles({ folder, random: systemRandom, operations });
  const ports: OrchestratorPorts = {
    ...engine.ports,
    files: (options.wrapFiles ?? ((same) => same))(files),
    models: withFailpoints(
      { check: (model: string) => script.check(model), call: script.call.bind(script) },
      "models",
      points,
      ["call"],
    ),
  };
  const path: Path = {
    points,
    engine,
    ports,
    files: openArtifactFiles({ folder, random: systemRandom }),
    effects: () => [...pay.effects, ...note.effects],
    paid: () => pay.effects.length,
    abandon: () => {
      for (const pool of pools) pool.abandon();
    },
    sequence: 0,
  };
  return {
    points,
    engine,
    live: async () => await live(path),
    async [Symbol.asyncDispose]() {
      path.abandon();
      await engine[Symbol.asyncDispose]();
      rmSync(folder, { recursive: true });
    },
  };
}

type Path = {
  readonly points: Failpoints;
  readonly engine: Engine;
  readonly ports: OrchestratorPorts;
  /** The same folder, with sound operations. */
  readonly files: ArtifactFiles;
  effects(): readonly string[];
  paid(): number;
  abandon(): void;
  sequence: number;
};

const never = new AbortController().signal;

/** Tries until it works. What hangs is a dead process: its connections and all it knew end, and another one tries. */
async function tryAgain<T>(path: Path, work: (harness: Harness) => Promise<T>): Promise<T> {
  let last: unknown;
  for (let attempt = 0; attempt < 4; attempt += 1) {
    const harness = path.engine.again();
    try {
      return await unlessDead(path.points, async () => await work(harness));
    } catch (error) {
      last = error;
      path.abandon();
    }
  }
  throw last;
}

async function live(path: Path): Promise<readonly string[]> {
  const { engine, points } = path;
  path.sequence += 1;
  const key = `happy-${path.sequence}`;
  const paidBefore = path.paid();
  const submitted = await tryAgain(path, async (harness) =>
    value(await harness.submitRun(engine.caller, { agent: "tester", task: "Note and pay." }, key)),
  );
  const id = submitted.runId;
  for (let round = 0; round < TRIES_MAX; round += 1) {
    const run = await points.aside(async () => await engine.run(id));
    if (run.finished_at !== null) return await contradictions(path, run, paidBefore);
    if (run.status === "awaiting_approval") await answer(path, run, paidBefore);
    else await advance(path, id, run);
  }
  return ["the run never ends"];
}

async function advance(path: Path, id: RunId, run: Run): Promise<void> {
  const { engine, ports, points } = path;
  // Its worker is no process that Postgres knows of: the lease is lost at once.
  if (run.status === "running") await points.aside(async () => await engine.sweep());
  path.sequence += 1;
  const worker = path.sequence;
  try {
    await unlessDead(path.points, async () => {
      const claim = await claimRun(ports, worker, engine.tenant, id);
      if (claim !== null) await advanceRun(ports, claim, never, never);
    });
  } catch (error) {
    // What a worker's death or a lost database looks like to its queue: the message comes again.
    if (!(error instanceof Error)) throw error;
    path.abandon();
  }
}

async function answer(path: Path, run: Run, paidBefore: number): Promise<void> {
  const { engine } = path;
  const open = run.approvals.find(({ status }) => status === "open");
  if (open === undefined) throw new Error("nothing waits");
  const decide = async (harness: Harness): Promise<Approval> =>
    value(
      await harness.decide(engine.caller, {
        approval_id: open.id,
        action_digest: open.action_digest,
        ...(open.subject === "in_doubt" && path.paid() > paidBefore
          ? { decision: "confirm", comment: "The account shows it." }
          : { decision: "approve" }),
      }),
    );
  await tryAgain(path, decide);
}

const LEDGER = {
  "no ledger of the tenant": `select 1 where not exists (select 1 from assent.budget_accounts where account = 'total')`,
};

/** Everything that must hold at rest, seen from outside and in the database. */
async function contradictions(path: Path, run: Run, paidBefore: number): Promise<readonly string[]> {
  const { engine, points, files } = path;
  return await points.aside(async () => {
    const events = value(await engine.harness.listEvents(engine.caller, run.id, 0)).events;
    const artifacts = [];
    for (const { id, sha256 } of run.artifacts) {
      const bytes = await files.get(sha256).catch(() => null);
      if (bytes !== null) artifacts.push({ id, bytes });
    }
    const effects = new Map<string, number>();
    for (const effect of path.effects()) effects.set(effect, (effects.get(effect) ?? 0) + 1);
    const observation: Observation = {
      run,
      events,
      artifacts,
      sinkEffects: effects,
      texts: [JSON.stringify(run)],
      secrets: [],
    };
    const paid = path.paid() - paidBefore;
    return [
      ...violationsOf(observation),
      ...(run.status === "succeeded" ? [] : [`the run is ${run.status}: ${run.reason?.detail ?? ""}`]),
      ...(paid === 1 ? [] : [`paid ${paid} times`]),
      ...(await rowsAtRest(engine, LEDGER)),
    ];
  });
}
