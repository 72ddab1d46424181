// The example that docs/first-agent.md walks through, as it stands; and a tool behind HTTP that wants a token.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { type Run, runSchema } from "@assent/contract";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startHarness } from "../../../packages/harness/src/assemble.ts";
import { fillHome } from "../../support/migrated-home.ts";
import { readEnvironment } from "../../../packages/harness/src/config.ts";
import { until } from "../../support/until.ts";
import { temporaryFolder } from "../files/repository.ts";

const EXAMPLE = fileURLToPath(new URL("../../../examples/first-agent/", import.meta.url));
const TASK = "Pay order 1017 back: refund what was paid, and write the customer.";

type Tools = { readonly url: string; readonly said: readonly string[] };
let tools: Tools;
let child: ReturnType<typeof spawn>;

beforeAll(async () => {
  child = spawn(process.execPath, [join(EXAMPLE, "tools.mjs"), "0"], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const said: string[] = [];
  if (child.stdout === null) throw new Error("its output is a pipe");
  createInterface({ input: child.stdout }).on("line", (line) => said.push(line));
  const first = await until("the tools serve", async () => await Promise.resolve(said[0]));
  tools = { url: first.slice("tools at ".length), said };
});

afterAll(async () => {
  const ended = once(child, "exit");
  child.kill();
  await ended;
});

type Harness = {
  readonly run: (id: string) => Promise<Run>;
  readonly post: (path: string, body: object) => Promise<Response>;
  readonly stop: () => Promise<void>;
};

/** The example, with its tools where they are. */
async function open(edit: (config: string) => string, variables: Record<string, string>): Promise<Harness> {
  const folder = temporaryFolder();
  const home = join(folder, "home");
  // When we are root, the database's own user has to pass through.
  chmodSync(folder, 0o711);
  mkdirSync(home, { mode: 0o711 });
  fillHome(home);
  cpSync(EXAMPLE, folder, { recursive: true });
  const configFile = join(folder, "assent.config.json");
  const config = readFileSync(configFile, "utf8").replaceAll("http://127.0.0.1:4300", tools.url);
  writeFileSync(configFile, edit(config));
  const environment = readEnvironment(variables);
  const options = { home, host: "127.0.0.1", port: 0, configFile, model: null, announce: false, environment };
  const started = await startHarness({ ...options, log: () => undefined }, () => undefined);
  if (!started.ok) throw new Error(`${started.error.code}: ${started.error.detail}`);
  const { url, adminKey } = started.value;
  const headers = {
    authorization: `Bearer ${adminKey}`,
    "content-type": "application/json",
    "idempotency-key": "first-1",
  };
  return {
    run: async (id) =>
      runSchema.parse(await (await fetch(`${url}/api/harness/runs/${id}`, { headers })).json()),
    post: async (path, body) =>
      await fetch(`${url}/api/harness/${path}`, { method: "POST", headers, body: JSON.stringify(body) }),
    stop: async () => {
      await started.value.stop();
    },
  };
}

async function submit(harness: Harness): Promise<string> {
  const submitted = await harness.post("run", { agent: "clerk", task: TASK });
  return runSchema.shape.id.parse(Reflect.get(Object(await submitted.json()), "id"));
}

const asked = async (harness: Harness, id: string, tool: string): Promise<Run["approvals"][number]> =>
  await until(`a question about ${tool}`, async () => {
    const { approvals } = await harness.run(id);
    return approvals.find(({ status, action }) => status === "open" && action.tool === tool);
  });

test("the clerk reads freely, asks for the refund because of where its account comes from, and takes it back", async () => {
  const harness = await open((config) => config, {});
  try {
    const id = await submit(harness);
    const refund = await asked(harness, id, "refund_order");
    expect(refund.labels).toMatchObject({
      "/order": { origin: "trusted" },
      "/account": { origin: "untrusted" },
    });
    const digest = refund.action_digest;
    await harness.post("approve", { approval_id: refund.id, decision: "approve", action_digest: digest });
    await asked(harness, id, "write_customer");
    await harness.post(`runs/${id}/cancel`, {});
    const ended = await until("its end", async () => {
      const run = await harness.run(id);
      return run.finished_at === null ? undefined : run;
    });
    expect(ended).toMatchObject({ status: "cancelled", rollback: { taken_back: [5], left: [] } });
    expect(tools.said.slice(1).map((line) => line.split(" ")[0])).toEqual([
      "/find_order",
      "/refund_order",
      "/undo",
    ]);
  } finally {
    await harness.stop();
  }
});

test("a tool is sent the token that the environment holds, and no text of the run shows it", async () => {
  const token = "tok-5f1c0e9a7b";
  const seen: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    seen.push(request.headers.authorization);
    response.end(`You said ${request.headers.authorization?.slice("Bearer ".length)}`);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("it listens on a port");
  const found = `"url": "${tools.url}/find_order"`;
  const harness = await open(
    (config) =>
      config.replace(found, `"url": "http://127.0.0.1:${address.port}/", "bearer_token_env": "ORDERS_TOKEN"`),
    { ORDERS_TOKEN: token },
  );
  try {
    const id = await submit(harness);
    await asked(harness, id, "refund_order");
    const run = await harness.run(id);
    expect(seen).toEqual([`Bearer ${token}`]);
    expect(run.steps[1]).toMatchObject({
      name: "find_order",
      result: "You said [redacted:tool_secret]",
    });
    expect(JSON.stringify(run)).not.toContain(token);
  } finally {
    await harness.stop();
    server.close();
  }
});
