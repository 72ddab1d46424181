// A cancellation that was confirmed is kept: what it finds under way may end, and nothing begins after it.

import { once } from "node:events";
import { createServer } from "node:http";
import { expect, test } from "vitest";
import type { Tool } from "../../../packages/harness/src/ports.ts";
import { DEFAULT_PROVIDER_SETTINGS } from "../../../packages/harness/src/core/resilience/settings.ts";
import { retriedTools } from "../../../packages/harness/src/services/retried-tools.ts";
import { createHttpTool } from "../../../packages/harness/src/services/tools/http.ts";
import { answering, openEngine, value } from "../../support/engine.ts";
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
}, 60_000);
