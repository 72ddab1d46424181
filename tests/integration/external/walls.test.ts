// Who may drive a run, and what holds below the code.

import { uuidOf, type RunId } from "@assent/contract";
import { expect, test } from "vitest";
import { EXTERNAL_IDLE_HOURS } from "../../../packages/harness/src/base/limits.ts";
import { transaction } from "../../../packages/harness/src/adapters/postgres/connect.ts";
import { sha256Hex } from "../../../packages/harness/src/base/digest.ts";
import { type Driver, openWorld, problemOf, rules } from "./support.ts";

const calls = (run: string, action: string): [string, unknown][] => [
  [`/api/harness/runs/${run}/actions`, { tool: "read_inbox", arguments: {} }],
  [`/api/harness/runs/${run}/plan`, { calls: [{ tool: "read_inbox", arguments: {} }] }],
  [`/api/harness/runs/${run}/actions/${action}/result`, { output: 1 }],
  [`/api/harness/runs/${run}/finish`, { output: 1 }],
];

test("only the principal that submitted a run drives it; for all others it is not there", async () => {
  await using world = await openWorld();
  const { driver } = world;
  const { id } = await driver.submit();
  const { action_id } = await driver.act(id, "read_inbox", {});
  const strangers: Driver[] = [
    await world.newDriver("colleague"),
    await world.newDriver("driver", { tenant: "other" }),
  ];
  for (const stranger of strangers) {
    for (const [path, body] of calls(id, action_id)) {
      const answer = await stranger.post(path, body);
      expect([path, answer.status, problemOf(answer).code]).toEqual([path, 404, "run_not_found"]);
    }
    const read = await stranger.get(`/api/harness/runs/${id}/actions/${action_id}`);
    expect(problemOf(read).code).toBe("run_not_found");
  }
  const reader = await world.newDriver("driver", { scopes: ["runs:read"] });
  for (const [path, body] of calls(id, action_id)) expect((await reader.post(path, body)).status).toBe(403);
  expect((await driver.run(id)).steps).toHaveLength(1);
  // Nor is what they would have had it end with kept anywhere.
  expect(await world.engine.ports.files.holds(sha256Hex("1"), 1)).toBe(false);
});

test("whoever may not drive a run does not learn by waiting that somebody else does", async () => {
  await using world = await openWorld({ policies: rules(() => "needs_approval") });
  const { driver } = world;
  const { id } = await driver.submit();
  const { action_id, decision } = await driver.act(id, "look_up", {});
  expect(decision).toBe("needs_approval");
  const stranger = await world.newDriver("colleague");
  const answered: string[] = [];
  const path = `/api/harness/runs/${id}/actions/${action_id}?wait=`;
  const asking = async (): Promise<void> => {
    answered.push(problemOf(await stranger.get(`${path}60`)).code);
  };
  const waiting = async (): Promise<void> => {
    answered.push((await driver.read(id, action_id, 2)).decision);
  };
  const refused = asking();
  await waiting();
  expect(answered).toEqual(["run_not_found", "needs_approval"]);
  await refused;
});

test("an action of another run, a malformed id and a run of ours are answered alike", async () => {
  await using world = await openWorld();
  const { driver, engine } = world;
  const { id } = await driver.submit();
  const other = await driver.submit();
  const { action_id } = await driver.act(other.id, "read_inbox", {});
  for (const action of [action_id, "act_1", `act_${"0".repeat(32)}`]) {
    const answer = await driver.report(id, action, { output: 1 });
    expect([answer.status, problemOf(answer).code]).toEqual([404, "action_not_found"]);
    const read = await driver.get(`/api/harness/runs/${id}/actions/${action}`);
    expect(problemOf(read).code).toBe("action_not_found");
  }
  const ours = await engine.submit();
  for (const [path, body] of calls(ours, action_id))
    expect(problemOf(await driver.post(path, body)).code).toBe("run_not_found");
});

test("two tenants with the same texts never see each other's origins", async () => {
  await using world = await openWorld();
  const other = await world.newDriver("driver", { tenant: "other" });
  const runs = [await world.driver.submit(), await other.submit()];
  const [ours, theirs] = [runs[0]?.id ?? "", runs[1]?.id ?? ""];
  const read = await world.driver.act(ours, "read_inbox", {});
  await world.driver.report(ours, read.action_id, { output: "CANARY-7261" });
  const seen = await world.driver.act(ours, "send_money", { recipient: "CANARY-7261", amount: 1 });
  const unseen = await other.act(theirs, "send_money", { recipient: "CANARY-7261", amount: 1 });
  expect(seen.labels["/recipient"]?.origin).toBe("untrusted");
  expect(unseen).toMatchObject({
    tainted: false,
    labels: { "/recipient": { origin: "model", sources: [] } },
  });
});

test("no worker and no sweep ever takes a driven run", async () => {
  await using world = await openWorld();
  const { driver, engine } = world;
  const { id } = await driver.submit();
  await engine.startWorker();
  engine.clock.advance(3_600_000);
  await engine.sweep();
  const { version, status } = await driver.run(id);
  expect([status, version]).toEqual(["running", 2]);
});

test("a run that nobody drives any more fails after a day, unless a person is being asked", async () => {
  await using world = await openWorld();
  const { driver, engine } = world;
  const left = await driver.submit();
  const permitted = await driver.act(left.id, "send_money", {
    recipient: "GB29NWBK60161331926819",
    amount: 100,
  });
  const asking = await driver.submit();
  const question = await driver.act(asking.id, "send_money", { recipient: "X9", amount: 1 });
  expect([permitted.decision, question.decision]).toEqual(["permit", "needs_approval"]);
  engine.clock.advance(EXTERNAL_IDLE_HOURS * 3_600_000 - 60_000);
  expect(await engine.sweep()).toBe(0);
  engine.clock.advance(120_000);
  expect(await engine.sweep()).toBe(1);
  expect(await driver.run(left.id)).toMatchObject({
    status: "failed",
    reason: { code: "driver_idle" },
    steps: [{ state: "in_doubt" }, { kind: "rollback" }],
  });
  expect((await driver.run(asking.id)).status).toBe("running");
});

test("the database itself keeps a driven run from workers, and a run from changing its driver", async () => {
  await using world = await openWorld();
  const { driver, engine } = world;
  const { id } = await driver.submit();
  const ours = await engine.submit();
  const update = async (run: RunId, change: string): Promise<unknown> =>
    await transaction(
      engine.database.ownerPool(),
      async (client) => await client.query(`update assent.runs set ${change} where id = $1`, [uuidOf(run)]),
    );
  const lease = "lease_worker = 1, lease_until = now()";
  for (const change of [
    lease,
    "state = 'awaiting_approval', version = version + 1",
    "state = 'queued', version = version + 1",
  ])
    await expect(update(id, change)).rejects.toMatchObject({ code: "AS005" });
  await expect(update(id, "driver = 'assent'")).rejects.toMatchObject({ code: "AS004" });
  await expect(update(ours, "driver = 'external'")).rejects.toMatchObject({ code: "AS004" });
  await expect(update(ours, "state = 'running', version = version + 1")).rejects.toThrow(/runs_lease/);
});
