// A person answers at one server and the driver waits at another: it is told through the database, and need not look.

import type { Run, RunId } from "@assent/contract";
import { expect, test } from "vitest";
import { openEar } from "../../../packages/harness/src/adapters/postgres/ear.ts";
import { announceWorker } from "../../../packages/harness/src/adapters/postgres/presence.ts";
import { postgresStore } from "../../../packages/harness/src/adapters/postgres/store.ts";
import { createWakeUps } from "../../../packages/harness/src/adapters/postgres/wake-ups.ts";
import { createRunNews } from "../../../packages/harness/src/services/run-news.ts";
import type { Clock, RunNews, Store } from "../../../packages/harness/src/ports.ts";
import { type Engine, answering, countingTool, openEngine, value } from "../../support/engine.ts";
import { anySealing } from "../../support/sealing.ts";
import { until } from "../../support/until.ts";
import { type Driver, openWorld, rules, type World } from "./support.ts";

const CALL = { recipient: "DE02120300000000202051", amount: 7 };

type Elsewhere = AsyncDisposable & {
  readonly driver: Driver;
  /** How many listen to a run by now. */
  readonly listening: () => number;
  /** Of which runs it was told; null: of any. */
  readonly told: readonly (RunId | null)[];
  /** Ends the connection on which it hears. */
  cut(): Promise<void>;
};

/** Sleeps for as long as it is let. */
const asleep = (clock: Clock): Clock => ({
  now: () => clock.now(),
  sleep: async (_, signal) => {
    await new Promise<void>((resolve) => {
      signal.addEventListener("abort", () => resolve(), { once: true });
    });
  },
});

/** A server of its own, which looks when it is told to, and not from time to time. */
async function openElsewhere(world: World, as: "server" | "worker"): Promise<Elsewhere> {
  const { engine } = world;
  const { log } = engine.ports;
  const wakeUps = createWakeUps(engine.database.appPool(), log);
  const own = createRunNews();
  let listening = 0;
  const news: RunNews = {
    ...own,
    listen: (run, listener, who) => {
      const end = own.listen(run, listener, who);
      listening += 1;
      return end;
    },
  };
  const told: (RunId | null)[] = [];
  wakeUps.listenToAnswers((run) => {
    told.push(run);
    news.hint(run);
  });
  const ports = { clock: engine.ports.clock, log, heard: wakeUps.heard };
  const session =
    as === "server"
      ? await openEar(engine.database.app, ports)
      : await announceWorker(engine.database.app, 4_711, ports);
  // A worker's first connection is waited for, and is no return.
  if (as === "server") await until("the server hears", () => told.length === 1);
  told.length = 0;
  const served = await world.restarted({ clock: asleep(engine.ports.clock), news });
  return {
    driver: served.driver,
    listening: () => listening,
    told,
    cut: async () => {
      await engine.database
        .appPool()
        .query(
          "select pg_terminate_backend(pid) from pg_stat_activity where application_name = $1 and datname = current_database()",
          [`assent ${as}`],
        );
    },
    async [Symbol.asyncDispose]() {
      await served[Symbol.asyncDispose]();
      await session.end();
    },
  };
}

type Asked = {
  readonly run: Run["id"];
  readonly action: string;
  readonly approval: Run["approvals"][number]["id"];
  readonly digest: string;
};

async function ask({ driver }: Pick<World, "driver">): Promise<Asked> {
  const { id } = await driver.submit();
  const { action_id: action } = await driver.act(id, "send_money", CALL);
  const [open] = (await driver.run(id)).approvals;
  if (open === undefined) throw new Error("a person is asked");
  return { run: id, action, approval: open.id, digest: open.action_digest };
}

test.each(["server", "worker"] as const)(
  "a driver that waits at another process, a %s, is told of a person's answer",
  async (as) => {
    await using world = await openWorld({ policies: rules(() => "needs_approval") });
    const { run, action, approval, digest } = await ask(world);
    await using elsewhere = await openElsewhere(world, as);
    const waiting = elsewhere.driver.read(run, action, 20);
    // It has looked once, since it had to see that nobody had answered yet.
    await until("the driver waits", () => elsewhere.listening() === 1);
    // Whoever may log in can say anything.
    await world.engine.database.appPool().query("select pg_notify('assent_run_answered', 'of no run')");
    expect((await world.driver.approve(approval, digest)).status).toBe(200);
    expect(await waiting).toMatchObject({ decision: "permit", approval_id: approval });
    expect(elsewhere.told).toEqual([run]);
  },
);

test("what was said while nobody heard is looked for when there is a connection again", async () => {
  await using world = await openWorld({ policies: rules(() => "needs_approval") });
  const { run, action, approval, digest } = await ask(world);
  await using elsewhere = await openElsewhere(world, "server");
  const waiting = elsewhere.driver.read(run, action, 20);
  await until("the driver waits", () => elsewhere.listening() === 1);
  // Nothing is sent: the answer is that of a process that was killed behind its commit.
  const muted = postgresStore({
    pool: world.engine.database.appPool(),
    wakeUps: { ring: () => undefined },
    clock: world.engine.clock,
    random: world.engine.ports.random,
    sealing: anySealing(world.engine.database.appPool()),
  });
  const person = await world.engine.newCaller("person", "default", "human");
  value(
    await world.engine
      .again({ store: muted })
      .decide(person, { approval_id: approval, decision: "approve", action_digest: digest }),
  );
  await elsewhere.cut();
  await until("it hears again", () => elsewhere.told.length === 1);
  expect(elsewhere.told).toEqual([null]);
  expect(await waiting).toMatchObject({ decision: "permit", approval_id: approval });
});

/** A process that says to whom it would have sent word. */
function tellingProcess(engine: Engine): {
  readonly news: RunNews;
  readonly told: readonly string[];
  readonly harness: Engine["harness"];
  readonly store: Store;
} {
  const told: string[] = [];
  const news = createRunNews();
  const pool = engine.database.appPool();
  const store = postgresStore({
    pool,
    wakeUps: { ring: () => undefined, answered: (run) => void told.push(run) },
    clock: engine.clock,
    random: engine.ports.random,
    sealing: anySealing(pool),
    news,
  });
  return { news, told, store, harness: engine.again({ store, news }) };
}

test("word is sent of a person's answer and of nothing else, unless the driver waits in the same process", async () => {
  await using world = await openWorld({ policies: rules(() => "needs_approval") });
  const { news, told, store, harness } = tellingProcess(world.engine);
  // What the driver itself does there is no answer.
  await using there = await world.restarted({ store, news });
  const person = await world.engine.newCaller("person", "default", "human");
  const answer = async (asked: Asked, decision: "approve" | "deny"): Promise<void> => {
    const { approval: approval_id, digest: action_digest } = asked;
    const word =
      decision === "deny"
        ? ({ approval_id, decision, comment: "No." } as const)
        : ({ approval_id, decision, action_digest } as const);
    value(await harness.decide(person, word));
  };
  const onlooker = await ask(there);
  const end = news.listen(onlooker.run, () => undefined, "onlooker");
  await answer(onlooker, "approve");
  end();
  expect(told).toEqual([onlooker.run]);
  // The permit spends the approval: a change of it, and no answer.
  expect(await there.driver.read(onlooker.run, onlooker.action, 0)).toMatchObject({ decision: "permit" });
  expect(told).toEqual([onlooker.run]);
  const denied = await ask(there);
  await answer(denied, "deny");
  expect(told).toEqual([onlooker.run, denied.run]);
  const waitedFor = await ask(there);
  const endWaiting = news.listen(waitedFor.run, () => undefined, "driver");
  await answer(waitedFor, "approve");
  endWaiting();
  const calledOff = await ask(there);
  value(await harness.cancelRun(person, calledOff.run));
  expect(told).toEqual([onlooker.run, denied.run]);
});

test("a run of a worker's own is queued by an answer, and nobody is sent word", async () => {
  const tool = countingTool("pay", "once");
  const models = answering((turn) =>
    turn === 0 ? { calls: [{ id: "c1", tool: "pay", arguments: { id: "c1" } }] } : { text: "Paid." },
  );
  await using engine = await openEngine({ tools: [tool], models });
  await engine.startWorker();
  const run = await engine.submit("Pay.");
  const [approval] = (await engine.reaches(run, "awaiting_approval")).approvals;
  if (approval === undefined) throw new Error("a person is asked");
  const { told, harness } = tellingProcess(engine);
  const person = await engine.newCaller("person", "default", "human");
  const { id: approval_id, action_digest } = approval;
  value(await harness.decide(person, { approval_id, decision: "approve", action_digest }));
  await engine.reaches(run, "succeeded");
  expect(told).toEqual([]);
});
