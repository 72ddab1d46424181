// A cancellation that was confirmed is kept: what it finds under way may end, and nothing begins after it.

import { once } from "node:events";
import { createServer } from "node:http";
import { expect, test } from "vitest";
import { postgresStore } from "../../../packages/harness/src/adapters/postgres/store.ts";
import { createWakeUps } from "../../../packages/harness/src/adapters/postgres/wake-ups.ts";
import type { Tool } from "../../../packages/harness/src/ports.ts";
import { DEFAULT_PROVIDER_SETTINGS } from "../../../packages/harness/src/core/resilience/settings.ts";
import { retriedTools } from "../../../packages/harness/src/services/retried-tools.ts";
import { createHttpTool } from "../../../packages/harness/src/services/tools/http.ts";
import { answering, countingTool, openEngine, value } from "../../support/engine.ts";
import { anySealing } from "../../support/sealing.ts";
import { until } from "../../support/until.ts";

test("a call that failed is not repeated once the run was called off", async () => {
  const asked: string[] = [];
  let onCall = async (): Promise<void> => await Promise.resolve();
  const server = createServer((request, response) => {
    asked.push(request.url ?? "");
    request.resume();
    void onCall().then(() => response.writeHead(503).end());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const url = `http://127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}/`;
  const tools: Tool[] = [];
  await using engine = await openEngine({
    tools,
    agent: { tools: ["book"] },
    models: answering(() => ({ calls: [{ id: "c1", tool: "book", arguments: { seat: "4A" } }] })),
  });
  const manifest = {
    name: "book",
    version: "1",
    description: "Books a seat.",
    inputSchema: { type: "object", properties: { seat: { type: "string" } } },
    effect: "idempotent",
    harm: ["write"],
    controlArguments: ["seat"],
    returns: "untrusted",
  } as const;
  const bare = createHttpTool({ manifest, url, timeoutMs: 20_000, fetch: globalThis.fetch });
  const { gates, clock, random } = engine.ports;
  const settings = DEFAULT_PROVIDER_SETTINGS;
  tools.push(
    ...retriedTools({ get: () => bare, list: () => [bare] }, { gates, clock, random, settings }).list(),
  );
  await engine.startWorker();
  const id = await engine.submit("Book a seat.");
  const [approval] = (await engine.reaches(id, "awaiting_approval")).approvals;
  if (approval === undefined) throw new Error("a person is asked");
  onCall = async () => {
    value(await engine.harness.cancelRun(engine.caller, id));
  };
  const { id: approval_id, action_digest } = approval;
  value(await engine.harness.decide(engine.caller, { approval_id, decision: "approve", action_digest }));
  await until(
    "the worker has let go of the run",
    async () =>
      await Promise.resolve(
        engine.logged.some((line) => line.includes("run left to another worker")) || undefined,
      ),
  );
  expect(asked).toHaveLength(1);
  expect((await engine.run(id)).status).toBe("cancelled");
  server.closeAllConnections();
  server.close();
});

/** Says no more until its run is called off. */
function hanging(): {
  readonly tool: Tool;
  readonly begun: Promise<undefined>;
  readonly ended: Promise<undefined>;
} {
  const begun = Promise.withResolvers<undefined>();
  const ended = Promise.withResolvers<undefined>();
  const tool = countingTool("dig", "none", async (_id, signal) => {
    begun.resolve(undefined);
    await once(signal, "abort");
    ended.resolve(undefined);
  });
  return { tool, begun: begun.promise, ended: ended.promise };
}

/** Shorter than the time after which a worker looks by itself whether a run is still its own. */
const AT_ONCE_MS = 5_000;

test.each(["in the same process", "in another process"])(
  "a call that is under way hears at once of a cancellation %s",
  async (where) => {
    const { tool, begun, ended } = hanging();
    await using engine = await openEngine({
      tools: [tool],
      models: answering(() => ({ calls: [{ id: "c1", tool: "dig", arguments: {} }] })),
    });
    await engine.startWorker();
    const id = await engine.submit("Dig.");
    await begun;
    let { harness } = engine;
    if (where === "in another process") {
      const pool = engine.database.appPool();
      const wakeUps = createWakeUps(pool, engine.ports.log);
      const given = { pool, wakeUps, clock: engine.clock, random: engine.ports.random };
      const store = postgresStore({ ...given, sealing: anySealing(pool) });
      harness = engine.again({ store });
    }
    const cancelledAt = performance.now();
    value(await harness.cancelRun(engine.caller, id));
    await ended;
    expect(performance.now() - cancelledAt).toBeLessThan(AT_ONCE_MS);
    expect((await engine.run(id)).status).toBe("cancelled");
  },
);
