// What a trial has begun has ended when the next one begins, also where a check failed in the middle.

import { once } from "node:events";
import { createServer } from "node:http";
import { expect, onTestFinished, test } from "vitest";
import { runTrial } from "../runner.ts";
import { fieldsOf, readRun } from "../run-reading.ts";
import type { Scenario, ScenarioContext } from "../scenario.ts";
import { foreignTarget } from "../target.ts";
import { openDrivenRun } from "../worlds/driven-run.ts";
import { createToyTarget } from "./toy-target.ts";

const scenario = (run: (context: ScenarioContext) => Promise<void>): Scenario => ({
  id: "test/scenario",
  title: "A scenario",
  tier: 0,
  phase: "unit",
  why: "why",
  remedy: "remedy",
  needs: ["submit"],
  invariants: [],
  seed: "none",
  timeLimitMs: 30_000,
  run,
});

const DRIVEN = { task: "Read.", tools: [{ name: "read" }], approver: "none" } as const;

test("a trial that fails in the middle leaves no run behind, its own and driven ones", async () => {
  const target = createToyTarget([]);
  await target.start();
  onTestFinished(async () => {
    await target.stop();
  });
  const failing = scenario(async (context) => {
    const [requester, body] = [context.client("requester"), target.gatedTask.body];
    await requester.submit(body, context.unique("run"));
    await context.race([{ role: "other_tenant", endpoint: 1, submit: body, idempotencyKey: "raced" }]);
    await openDrivenRun(context, requester, DRIVEN);
    context.check("it holds", false);
  });
  expect((await runTrial(failing, target, { seed: 1 })).reason).toBe("it holds");
  const states: string[] = [];
  const looking = scenario(async (context) => {
    for (const role of ["requester", "other_tenant"] as const) {
      const { json } = await context.client(role).listRuns();
      const { data } = fieldsOf(json);
      if (Array.isArray(data)) states.push(...data.map((row) => readRun(row)?.status ?? ""));
    }
    context.check("there are runs", states.length > 0);
  });
  await runTrial(looking, target, { seed: 1 });
  expect(states).toEqual(["cancelled", "cancelled", "cancelled"]);
});

test("where runs cannot be called off, the driven ones are finished", async () => {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    request.resume();
    response.writeHead(request.url === "/api/harness/run" ? 202 : 200, {
      "content-type": "application/json",
    });
    response.end(JSON.stringify({ id: `run-${asked.length}`, status: "running" }));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  const address = server.address();
  const port = typeof address === "object" ? address?.port : 0;
  const target = foreignTarget({
    urls: [`http://127.0.0.1:${port}`],
    keys: { requester: "a-key" },
    runBody: {},
    without: ["cancel"],
  });
  const failing = scenario(async (context) => {
    await context.client("requester").submit({ task: "One that is not driven." }, "other");
    await openDrivenRun(context, context.client("requester"), DRIVEN);
    context.check("it holds", false);
  });
  await runTrial(failing, target, { seed: 1 });
  expect(asked.slice(2)).toEqual(["POST /api/harness/runs/run-2/finish"]);
});
