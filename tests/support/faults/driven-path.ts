// The whole happy path of a run that a loop outside drives: a call that the rules permit, one that a person is asked
// about, and an answer that is kept as an artifact. One process serves it and remembers what it can, until it dies; the
// driver repeats each request under its key until it is answered.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type ActionAnswer,
  actionAnswerSchema,
  actionIdSchema,
  type Run,
  type RunId,
  type WireManifest,
} from "@assent/contract";
import { createFailpoints, type Failpoints, violationsOf, withFailpoints } from "@assent/suite";
import { openArtifactFiles } from "../../../packages/harness/src/adapters/files/artifact-files.ts";
import { diskOperations } from "../../../packages/harness/src/adapters/files/file-operations.ts";
import { systemRandom } from "../../../packages/harness/src/adapters/system/random.ts";
import type { ArtifactFiles } from "../../../packages/harness/src/ports.ts";
import type { Harness, Once } from "../../../packages/harness/src/services/harness.ts";
import { type Engine, openEngine, value } from "../engine.ts";
import { faultyPool } from "../faulty-pool.ts";
import { beTold, rowsAtRest } from "./at-rest.ts";
import { asksBeforeItPays, FILE_METHODS, type HappyPath } from "./happy-path.ts";
import { ProcessDied, unlessDead } from "./unless-dead.ts";

const tool = (name: string, argument: string): WireManifest => ({
  name,
  version: "1",
  effect: "once",
  harm: ["write"],
  control_arguments: [argument],
  returns: "trusted",
});

export async function openDrivenPath(): Promise<HappyPath> {
  const points = createFailpoints();
  const pools: { abandon(): void }[] = [];
  const engine = await openEngine({
    policies: asksBeforeItPays,
    wrapPool: (pool) => {
      const faulty = faultyPool(pool, points);
      pools.push(faulty);
      return faulty.pool;
    },
  });
  await beTold(engine);
  const folder = mkdtempSync(join(tmpdir(), "assent-driven-"));
  const operations = withFailpoints(diskOperations, "fs", points, FILE_METHODS);
  const files = openArtifactFiles({ folder, random: systemRandom, operations });
  const begin = (): Harness => engine.again({ files });
  const path: Path = {
    points,
    engine,
    files: openArtifactFiles({ folder, random: systemRandom }),
    process: begin(),
    // Its connections and all that it knew end with it, and another one takes its place.
    die: () => {
      for (const pool of pools) pool.abandon();
      path.process = begin();
    },
    sequence: 0,
  };
  return {
    points,
    engine,
    live: async () => await live(path),
    async [Symbol.asyncDispose]() {
      for (const pool of pools) pool.abandon();
      await engine[Symbol.asyncDispose]();
      rmSync(folder, { recursive: true });
    },
  };
}

type Path = {
  readonly points: Failpoints;
  readonly engine: Engine;
  /** The same folder, with sound operations. */
  readonly files: ArtifactFiles;
  process: Harness;
  readonly die: () => void;
  sequence: number;
};

const TRIES_MAX = 4;

/** Tries until it is answered: by the same process with all that it remembers, unless that one died. */
async function tryAgain<T>(path: Path, work: (harness: Harness) => Promise<T>): Promise<T> {
  let last: unknown;
  for (let attempt = 0; attempt < TRIES_MAX; attempt += 1)
    try {
      return await unlessDead(path.points, async () => await work(path.process));
    } catch (error) {
      last = error;
      if (error instanceof ProcessDied) path.die();
    }
  throw last;
}

const bodyOf = ({ answer }: Once): unknown => JSON.parse(value(answer).body);

type Life = { readonly path: Path; readonly id: RunId; readonly key: string; readonly effects: string[] };

async function live(path: Path): Promise<readonly string[]> {
  const { engine, points } = path;
  path.sequence += 1;
  const key = `driven-${path.sequence}`;
  const request = {
    driver: "external" as const,
    task: "Note and pay.",
    tools: [tool("note", "text"), tool("pay", "amount")],
    approver: "ask" as const,
  };
  const { runId: id } = await tryAgain(path, async (harness) =>
    value(await harness.submitRun(engine.caller, request, key)),
  );
  const life: Life = { path, id, key, effects: [] };
  await carryOut(life, "note", await propose(life, "note", { text: "n" }));
  // No two questions are alike, so that each is one of the memory's own.
  const asked = await propose(life, "pay", { amount: path.sequence });
  const waiting = await read(life, asked);
  if (waiting.decision !== "needs_approval") return [`nobody was asked: ${waiting.decision}`];
  await decide(life, asked);
  await carryOut(life, "pay", await read(life, asked));
  await tryAgain(path, async (harness) => {
    const call = { caller: engine.caller, run: id, key };
    return bodyOf(await harness.external.finish(call, { output: `Noted and paid: ${key}.` }));
  });
  const run = await points.aside(async () => await engine.run(id));
  return await contradictions(life, run);
}

const propose = async (
  { path, id, key }: Life,
  name: string,
  args: ActionAnswer["arguments"],
): Promise<ActionAnswer> =>
  await tryAgain(path, async (harness) => {
    const call = { caller: path.engine.caller, run: id, key: `${key}-${name}` };
    return actionAnswerSchema.parse(
      bodyOf(await harness.external.act(call, { tool: name, arguments: args ?? {} })),
    );
  });

const read = async ({ path, id }: Life, { action_id }: ActionAnswer): Promise<ActionAnswer> =>
  await tryAgain(path, async ({ external }) =>
    value(
      await external.read({
        caller: path.engine.caller,
        run: id,
        action: actionIdSchema.parse(action_id),
        waitMs: 0,
        signal: new AbortController().signal,
      }),
    ),
  );

async function decide({ path, id }: Life, { approval_id }: ActionAnswer): Promise<void> {
  const { approvals } = await path.points.aside(async () => await path.engine.run(id));
  const open = approvals.find((approval) => approval.id === approval_id);
  if (open === undefined) throw new Error("what a person is asked stands in the run");
  await tryAgain(path, async (harness) =>
    value(
      await harness.decide(path.engine.caller, {
        approval_id: open.id,
        action_digest: open.action_digest,
        decision: "approve",
      }),
    ),
  );
}

async function carryOut(life: Life, name: string, answer: ActionAnswer): Promise<void> {
  const { path, id, key, effects } = life;
  if (answer.decision !== "permit" || answer.effect_id === undefined)
    throw new Error(`${name} is no permit but ${answer.decision}`);
  effects.push(answer.effect_id);
  await tryAgain(path, async (harness) => {
    const call = { caller: path.engine.caller, run: id, key: `${key}-${name}` };
    return bodyOf(
      await harness.external.report(call, actionIdSchema.parse(answer.action_id), { output: `${name} done` }),
    );
  });
}

const STEPS = [
  "tool note succeeded",
  "gate pay succeeded",
  "tool pay succeeded",
  "finalise finalise succeeded",
];

async function contradictions({ path, id, effects }: Life, run: Run): Promise<readonly string[]> {
  const { engine, points, files } = path;
  return await points.aside(async () => {
    const { events } = value(await engine.harness.listEvents(engine.caller, id, 0));
    const artifacts = [];
    for (const { id: artifact, sha256 } of run.artifacts) {
      const bytes = await files.get(sha256).catch(() => null);
      if (bytes !== null) artifacts.push({ id: artifact, bytes });
    }
    const sinkEffects = new Map(effects.map((effect) => [effect, 1]));
    const texts = [JSON.stringify(run)];
    const steps = run.steps.map(({ kind, name, state }) => `${kind} ${name} ${state}`);
    const { rowCount: open } = await engine.database
      .ownerPool()
      .query("select 1 from assent.harmony_escalations where status = 'open'");
    return [
      ...violationsOf({ run, events, artifacts, sinkEffects, texts, secrets: [] }),
      ...(run.status === "succeeded" && artifacts.length === 1 ? [] : [`the run is ${run.status}`]),
      ...(sinkEffects.size === 2 ? [] : ["two calls have one effect id"]),
      ...(steps.join() === STEPS.join() ? [] : [`its steps are ${steps.join(", ")}`]),
      ...(open === 0 ? [] : ["a question stays open that was answered"]),
      ...(await rowsAtRest(engine)),
    ];
  });
}
