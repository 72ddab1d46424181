// What is committed to a run is told in the process that committed it, so that whoever waits there need not look.

import { type RunId, uuidOf } from "@assent/contract";
import { expect, test } from "vitest";
import { postgresStore } from "../../../packages/harness/src/adapters/postgres/store.ts";
import { createEventWatch } from "../../../packages/harness/src/services/event-watch.ts";
import { createRunNews } from "../../../packages/harness/src/services/run-news.ts";
import type { RunNews, Store } from "../../../packages/harness/src/ports.ts";
import { answering, countingTool, type Engine, openEngine, value } from "../../support/engine.ts";
import { anySealing } from "../../support/sealing.ts";
import { until } from "../../support/until.ts";

const tool = countingTool("pay", "once");
const models = answering((turn) =>
  turn === 0 ? { calls: [{ id: "c1", tool: "pay", arguments: { id: "c1" } }] } : { text: "Paid." },
);

type Told = { readonly run: RunId; readonly version: number };

/** A store of its own on the engine's database, as a process has one. */
function tellingStore({ database, clock, ports }: Engine, news: Pick<RunNews, "tell">): Store {
  const pool = database.appPool();
  const wakeUps = { ring: () => undefined };
  return postgresStore({
    pool,
    wakeUps,
    clock,
    random: ports.random,
    sealing: anySealing(pool),
    news,
  });
}

test("each commit of a run tells the version that it brought it to, once it is there, and nothing else does", async () => {
  await using engine = await openEngine({ tools: [tool], models });
  const told: Told[] = [];
  const found: Promise<{ readonly version: number; readonly is: number | undefined }>[] = [];
  const owner = engine.database.ownerPool();
  const versionOf = async (run: RunId): Promise<number | undefined> =>
    (await owner.query<{ version: number }>("select version from assent.runs where id = $1", [uuidOf(run)]))
      .rows[0]?.version;
  const store = tellingStore(engine, {
    tell: (run, version) => {
      told.push({ run, version });
      // Who is woken by it looks at once.
      found.push(versionOf(run).then((is) => ({ version, is })));
      return true;
    },
  });
  const harness = engine.again({ store });
  await engine.startWorker({ store, lookEveryMs: 20 });
  const request = { agent: "tester", task: "Pay." };
  const { runId } = value(
    await harness.submitRun(engine.caller, { ...request, agent: agentName(engine) }, "k"),
  );
  const { approvals } = await engine.reaches(runId, "awaiting_approval");
  const [approval] = approvals;
  if (approval === undefined) throw new Error("nothing waits");
  const yes = {
    approval_id: approval.id,
    decision: "approve",
    action_digest: approval.action_digest,
  } as const;
  const person = await engine.newCaller("person", "default", "human");
  value(await harness.decide(person, yes));
  await engine.reaches(runId, "succeeded");
  const { rows } = await owner.query<{ version: number }>(
    "select max(version) as version from assent.audit_events where run_id = $1 group by xmin::text order by 1",
    [uuidOf(runId)],
  );
  // The submission is nobody's news: until it is answered nobody knows of the run.
  const commits = rows.map(({ version }) => version).filter((version) => version > 1);
  const heard = (): readonly number[] =>
    told.filter(({ run }) => run === runId).map(({ version }) => version);
  // The last is told by the worker, which may be a moment behind who looks at the run.
  await until(
    "the last commit is told",
    async () => await Promise.resolve(heard().at(-1) === commits.at(-1)),
  );
  expect(heard()).toEqual(commits);
  for (const { version, is } of await Promise.all(found)) expect(is).toBeGreaterThanOrEqual(version);
});

test("what was undone is not told", async () => {
  await using engine = await openEngine({ tools: [tool], models });
  const told: Told[] = [];
  const store = tellingStore(engine, {
    tell: (run, version) => {
      told.push({ run, version });
      return true;
    },
  });
  const run = await engine.submit("Pay.");
  const undone = store.transaction(engine.tenant, async (tx) => {
    await tx.audit.append([
      {
        run,
        version: 2,
        at: engine.clock.now(),
        kind: "run_leased",
        actor: null,
        data: { state: "running" },
      },
    ]);
    throw new Error("undone");
  });
  await expect(undone).rejects.toThrow("undone");
  expect(told).toEqual([]);
});

test("whoever waits for a run is woken by what is committed to it, without looking again, and by nothing older", async () => {
  await using engine = await openEngine({ tools: [tool], models });
  const news = createRunNews();
  const store = tellingStore(engine, news);
  // Whoever looks is never answered.
  const versions = async (): Promise<never> => await new Promise<never>(() => undefined);
  const watch = createEventWatch({ versions, clock: engine.clock, log: () => undefined, news });
  const run = await engine.submit("Pay.");
  const other = await engine.submit("Pay.");
  const never = new AbortController().signal;
  const woken: string[] = [];
  const wait = (of: RunId, after: number, name: string): Promise<void> =>
    watch.wait(engine.tenant, of, after, never, "onlooker").then(() => void woken.push(name));
  void wait(other, 1, "of another run");
  void wait(run, 9, "who has seen what comes later");
  const waiting = wait(run, 1, "who waits for it");
  value(await engine.again({ store, news }).cancelRun(engine.caller, run));
  await new Promise<void>((resolve) => setImmediate(resolve));
  expect(woken).toEqual(["who waits for it"]);
  await waiting;
  // Nor does who comes a moment later, and whoever has seen that already waits.
  void wait(run, 1, "who came later");
  void wait(run, 9, "who has seen what comes later still");
  await new Promise<void>((resolve) => setImmediate(resolve));
  expect(woken).toEqual(["who waits for it", "who came later"]);
});

const agentName = ({ ports }: Engine): string => [...ports.agents.keys()][0] ?? "";
