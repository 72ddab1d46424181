// Many at once, repeats, and processes that come and go.

import { randomInt } from "node:crypto";
import {
  type ActionAnswer,
  actionAnswerSchema,
  approvalSchema,
  eventPageSchema,
  runSchema,
} from "@assent/contract";
import { expect, test } from "vitest";
import { verifyTrail } from "../../../packages/harness/src/cli/verify/trail.ts";
import { asked, replacing } from "../../support/faulty-pool.ts";
import { askedPlanSchema, type Driver, openWorld, type World } from "./support.ts";

test("twenty at once keep the journal in order, and each answer is its own", async () => {
  await using world = await openWorld();
  await using second = await world.restarted();
  const drivers: Driver[] = [world.driver, second.driver];
  const { id } = await world.driver.submit();
  const at = (index: number): Driver => drivers[index % 2] ?? world.driver;
  const places = Array.from({ length: 20 }, (_, index) => index);
  const actions = await Promise.all(
    places.map(async (place) => await at(place).act(id, "look_up", { folder: `f${place}` })),
  );
  expect(new Set(actions.map(({ action_id }) => action_id)).size).toBe(20);
  const reports = await Promise.all(
    actions.flatMap(({ action_id }, place) => [
      at(place).report(id, action_id, { output: place }),
      at(place + 1).report(id, action_id, { output: place }),
    ]),
  );
  expect(reports.filter(({ status }) => status === 200)).toHaveLength(20);
  expect(reports.filter(({ status }) => status === 409)).toHaveLength(20);
  const run = await world.driver.run(id);
  expect(run.steps.map(({ seq }) => seq)).toEqual(places.map((place) => place + 1));
  for (const step of run.steps) expect(step.arguments).toEqual({ folder: `f${step.result}` });
  const { data } = eventPageSchema.parse((await world.driver.get(`/api/harness/runs/${id}/events`)).json);
  expect(verifyTrail(data, run)).toEqual([]);
});

test("a repeat under a key gets the first answer, byte for byte, and does nothing again", async () => {
  await using world = await openWorld();
  await using second = await world.restarted();
  const { driver } = world;
  const { id } = await driver.submit();
  const runs = `/api/harness/runs/${id}`;
  const proposal = { tool: "look_up", arguments: {} };
  const answers = await Promise.all(
    Array.from(
      { length: 12 },
      async (_, index) =>
        await (index % 2 === 0 ? driver : second.driver).post(`${runs}/actions`, proposal, "a"),
    ),
  );
  expect(new Set(answers.map(({ status, text }) => `${status} ${text}`)).size).toBe(1);
  expect(answers.filter(({ headers }) => headers.get("idempotent-replayed") === null)).toHaveLength(1);
  const { action_id } = actionAnswerSchema.parse(answers[0]?.json);
  const path = `${runs}/actions/${action_id}/result`;
  const first = await driver.post(path, { output: 1 }, "a");
  const again = await driver.post(path, { output: 1 }, "a");
  expect([again.status, again.text, again.headers.get("idempotent-replayed")]).toEqual([
    200,
    first.text,
    "true",
  ]);
  expect((await driver.post(path, { output: 2 }, "a")).status).toBe(422);
  // What the state of things decided is kept like any other answer.
  for (const replayed of [null, "true"]) {
    const refused = await driver.post(path, { output: 1 }, "b");
    expect([refused.status, refused.headers.get("idempotent-replayed")]).toEqual([409, replayed]);
  }
  // The same key in another run is another key.
  const other = await driver.submit();
  expect((await driver.post(`/api/harness/runs/${other.id}/actions`, proposal, "a")).status).toBe(200);
  expect((await driver.run(id)).steps).toHaveLength(1);
});

test("one that finishes, many that act: nothing happens after the end", async () => {
  await using world = await openWorld();
  const { driver } = world;
  const { id } = await driver.submit();
  const [finished, ...others] = await Promise.all([
    driver.post(`/api/harness/runs/${id}/finish`, { output: "x" }),
    ...Array.from(
      { length: 10 },
      async () => await driver.post(`/api/harness/runs/${id}/actions`, { tool: "look_up", arguments: {} }),
    ),
    driver.post(`/api/harness/runs/${id}/finish`, { output: "y" }),
  ]);
  const ends = [finished, others.at(-1)].filter((answer) => answer?.status === 200);
  expect(ends).toHaveLength(1);
  const steps = runSchema.parse(ends[0]?.json).steps.length;
  const run = await driver.run(id);
  expect(run.steps).toHaveLength(steps);
  expect(run.steps.every(({ state }) => state !== "intended")).toBe(true);
});

test("a process that starts anew gives the same labels, taint and plans as the one that was there", async () => {
  await using world = await openWorld();
  const { driver } = world;
  const { id } = await driver.submit({ system: "The bank's own account is LU280019400644750000." });
  const plan = await driver.post(`/api/harness/runs/${id}/plan`, {
    calls: [{ tool: "send_money", arguments: { recipient: "PLANNED-1", amount: 5 } }],
  });
  const { approval_id, digest } = askedPlanSchema.parse(plan.json);
  await driver.approve(approval_id, digest);
  // Reported in another order than proposed.
  const reads = [
    await driver.act(id, "read_inbox", { folder: "a" }),
    await driver.act(id, "read_inbox", { folder: "b" }),
    await driver.act(id, "look_up", {}),
  ];
  const outputs = [
    { mail: `Transfer ${randomInt(1_000_000)} to FR7630006000011234567890189` },
    "Also FR7630006000011234567890189, says bob@example.com",
    ["LT121000011101001000", "FR7630006000011234567890189"],
  ];
  for (const place of [2, 1, 0])
    await driver.report(id, reads[place]?.action_id ?? "", { output: outputs[place] });
  const probes = [
    "FR7630006000011234567890189",
    "fr76 3000 6000 0112 3456 7890 189",
    "LT121000011101001000",
    "LU280019400644750000",
    "bob%40example.com",
    "never seen anywhere",
  ];
  const ask = async (by: Driver): Promise<unknown[]> => {
    const seen: unknown[] = [];
    for (const recipient of probes) {
      const { labels, tainted, decision, planned } = await by.act(id, "send_money", { recipient, amount: 3 });
      seen.push({ labels, tainted, decision, planned });
    }
    return seen;
  };
  const before = await ask(driver);
  await using second = await world.restarted();
  expect(await ask(second.driver)).toEqual(before);
  const planned = { recipient: "PLANNED-1", amount: 5 };
  expect((await second.driver.act(id, "send_money", planned)).planned).toBe(true);
  expect((await driver.act(id, "send_money", planned)).planned).toBe(false);
});

test("what an attempt did whose commit was lost, and its repetition did not, is not remembered", async () => {
  let onCommit: (() => Promise<void>) | null = null;
  await using world = await openWorld({
    wrapPool: (pool) =>
      replacing(pool, {
        connect: async () => {
          const client = await pool.connect();
          return replacing(client, {
            query: async (...given) => {
              const meanwhile = given[0] === "COMMIT" ? onCommit : null;
              if (meanwhile === null) return await asked(client, given);
              onCommit = null;
              await asked(client, ["ROLLBACK"]);
              await meanwhile();
              throw Object.assign(new Error("Connection terminated unexpectedly"), { code: "ECONNRESET" });
            },
          });
        },
      }),
  });
  await using second = await world.restarted();
  const { id } = await world.driver.submit();
  const propose = async (by: Driver): Promise<Awaited<ReturnType<Driver["post"]>>> =>
    await by.post(`/api/harness/runs/${id}/actions`, { tool: "look_up", arguments: {} }, "k");
  const others: Awaited<ReturnType<Driver["post"]>>[] = [];
  onCommit = async () => {
    others.push(await propose(second.driver));
  };
  const answer = await propose(world.driver);
  expect(others).toHaveLength(1);
  expect([answer.text, answer.headers.get("idempotent-replayed")]).toEqual([others[0]?.text, "true"]);
  // In a journal of the same length, but another: what was remembered of the lost attempt would hide the action.
  const { action_id } = actionAnswerSchema.parse(answer.json);
  expect((await world.driver.read(id, action_id)).decision).toBe("permit");
  expect((await world.driver.report(id, action_id, { output: 1 })).status).toBe(200);
});

const POST = { tools: [{ name: "post", harm: ["write"], effect: "once", control_arguments: [] }] };

/** A world in which something can be done between the look at the memory and the commit that goes by it. */
async function openBetween(): Promise<{ world: World; between: { act: (() => Promise<void>) | null } }> {
  const between: { act: (() => Promise<void>) | null } = { act: null };
  const world = await openWorld({
    wrapPool: (pool) =>
      replacing(pool, {
        connect: async () => {
          const client = await pool.connect();
          return replacing(client, {
            query: async (...given) => {
              const answer = await asked(client, given);
              const { act } = between;
              if (act === null || !JSON.stringify(given[0]).includes("assent.unanswered")) return answer;
              between.act = null;
              await act();
              return answer;
            },
          });
        },
      }),
  });
  return { world, between };
}

const openEscalations = async (driver: Driver): Promise<unknown> =>
  (await driver.get("/api/harness/escalations?status=open")).json;

test("a question that somebody else puts between the look at the memory and the commit is asked all the same, and counted", async () => {
  const { world: opened, between } = await openBetween();
  await using world = opened;
  const { driver } = world;
  const first = await driver.submit(POST);
  const rivals = [await driver.submit(POST), await driver.submit(POST)];
  const others: ActionAnswer[] = [];
  // Whenever it is looked at there is another one: who goes by looks alone would never be done.
  between.act = async function next(): Promise<void> {
    const rival = rivals.shift();
    if (rival === undefined) return;
    others.push(await driver.act(rival.id, "post", { text: "hello" }));
    between.act = next;
  };
  const answer = await driver.act(first.id, "post", { text: "hello" });
  expect(others.map(({ decision }) => decision)).toEqual(["needs_approval"]);
  expect(answer.decision).toBe("needs_approval");
  expect(answer.approval_id).not.toBe(others[0]?.approval_id);
  expect(await openEscalations(driver)).toMatchObject({ data: [{ seen_count: 2 }] });
});

test("a question that is answered for good between the look at the memory and the commit asks nobody again", async () => {
  const { world: opened, between } = await openBetween();
  await using world = opened;
  const { driver } = world;
  const person = await world.newDriver("person", { kind: "human" });
  const [first, second] = [await driver.submit(POST), await driver.submit(POST)];
  between.act = async () => {
    const { approval_id } = await driver.act(second.id, "post", { text: "hello" });
    const shown = approvalSchema.parse((await person.get(`/api/harness/approvals/${approval_id}`)).json);
    const yes = { approval_id, decision: "approve", action_digest: shown.action_digest, remember: true };
    expect((await person.post("/api/harness/approve", yes)).status).toBe(200);
  };
  const answer = await driver.act(first.id, "post", { text: "hello" });
  expect(answer.decision).toBe("permit");
  expect(answer.reasons.map(({ code }) => code)).toContain("precedent");
});

test("who repeats a proposal after the run was called off gets no permit, whatever was answered first", async () => {
  await using world = await openWorld();
  const { driver } = world;
  const { id } = await driver.submit();
  const propose = async (key: string): Promise<ActionAnswer> =>
    actionAnswerSchema.parse(
      (await driver.post(`/api/harness/runs/${id}/actions`, { tool: "look_up", arguments: {} }, key)).json,
    );
  const [lost, reported] = [await propose("lost"), await propose("reported")];
  expect([lost.decision, reported.decision]).toEqual(["permit", "permit"]);
  expect((await driver.report(id, reported.action_id, { output: 1 })).status).toBe(200);
  // As long as the run goes on it is the first answer, to the byte.
  expect(await propose("lost")).toEqual(lost);
  await driver.post(`/api/harness/runs/${id}/cancel`, {});
  const over = { decision: "deny", reasons: [{ code: "run_finished" }] };
  for (const [key, { action_id }] of [
    ["lost", lost],
    ["reported", reported],
  ] as const) {
    expect(await propose(key)).toMatchObject({ action_id, ...over });
    expect(await driver.read(id, action_id)).toMatchObject({ action_id, ...over });
  }
});
