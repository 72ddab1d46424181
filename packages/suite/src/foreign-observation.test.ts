// What a harness of others tells, through the doors that `--observe` opens, and only through those.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { observe } from "./foreign-observation.ts";

async function serve(text: string, key: string): Promise<string> {
  const server = createServer((request, response) => {
    response.writeHead(request.headers.authorization === `Bearer ${key}` ? 200 : 401).end(text);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(async () => {
    const closed = once(server, "close");
    server.close();
    server.closeAllConnections();
    await closed;
  });
  const address = server.address();
  return typeof address === "object" && address !== null
    ? `http://127.0.0.1:${address.port}/of/metrics?all=1`
    : expect.unreachable();
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  return typeof address === "object" && address !== null ? address.port : expect.unreachable();
}

test("spans, metrics and the log are taken where they are offered", async () => {
  const folder = mkdtempSync(join(tmpdir(), "assent-observe-"));
  onTestFinished(() => {
    rmSync(folder, { recursive: true });
  });
  const logFile = join(folder, "log");
  writeFileSync(logFile, '{"level":"info"}\n{"level":"warn"}\n');
  const metrics = await serve("a_total 1\n", "k");
  const otlpPort = await freePort();
  const { bench, stop } = await observe({ otlpPort, metrics: [metrics], logFile }, "k");
  onTestFinished(stop);
  expect([...(bench.tells ?? [])]).toEqual(["spans", "metrics", "log"]);
  expect(await bench.metrics()).toEqual([{ process: metrics, text: "a_total 1\n" }]);
  expect(await bench.log()).toEqual(['{"level":"info"}', '{"level":"warn"}']);
  const spans = {
    resourceSpans: [{ scopeSpans: [{ spans: [{ name: "chat x", spanId: "1", traceId: "2" }] }] }],
  };
  const post = async (headers: Record<string, string>): Promise<Response> =>
    await fetch(`http://127.0.0.1:${otlpPort}/v1/traces`, {
      method: "POST",
      headers,
      body: JSON.stringify(spans),
    });
  expect((await post({ "content-type": "application/json" })).status).toBe(200);
  expect((await bench.spans()).map(({ name }) => name)).toEqual(["chat x"]);
  // What cannot be read is refused with the remedy, instead of being taken for no span at all.
  for (const headers of [
    { "content-type": "application/grpc" },
    { "content-type": "application/json", "content-encoding": "br" },
  ]) {
    const refused = await post(headers);
    expect([refused.status, await refused.text()]).toEqual([415, expect.stringMatching(/JSON|gzip/)]);
  }
  expect(await bench.spans()).toHaveLength(1);
});

test("what is not offered is said not to be", async () => {
  const { bench, stop } = await observe({ otlpPort: null, metrics: [], logFile: null }, null);
  onTestFinished(stop);
  expect([bench.tells?.size, await bench.spans(), await bench.metrics(), await bench.log()]).toEqual([
    0,
    [],
    [],
    [],
  ]);
});
