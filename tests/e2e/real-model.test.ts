// The maintainer's task with models behind real wires: each provider, streamed and whole, against local servers that
// speak the vendors' protocols. Everything but the model's mind is the product.

import { runSchema, type Run } from "@assent/contract";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readEnvironment } from "../../packages/harness/src/config.ts";
import { type Running, startHarness } from "../../packages/harness/src/assemble.ts";
import { startAnthropicServer } from "../../packages/suite/src/faults/anthropic-server.ts";
import { startOpenAiServer } from "../../packages/suite/src/faults/openai-server.ts";
import type { FakeProvider } from "../../packages/suite/src/faults/provider-server.ts";
import type { Reply } from "../../packages/suite/src/faults/script.ts";
import { createInstallation, type Installation } from "../support/target/installation.ts";
import { until } from "../support/until.ts";

const KEY = "sk-of-the-test";
const NEW_LINE = "A repository to work on, with a line more.";

// By the number of answers that the request already holds, so that each run gets the whole script.
const REPLIES: readonly Reply[] = [
  { text: "I look.", calls: [{ tool: "read_history", arguments: { limit: 3 } }] },
  { calls: [{ tool: "read_file", arguments: { path: "README.md" } }] },
  {
    calls: [
      {
        tool: "edit_file",
        arguments: { path: "README.md", old_text: "A repository to work on.", new_text: NEW_LINE },
      },
    ],
  },
  { text: "I added a line." },
];

const providers: Record<string, FakeProvider> = {};
let installation: Installation;

beforeAll(async () => {
  const seen = new Map<string, number>();
  const script = (name: string) => (): Reply => {
    const turn = seen.get(name) ?? 0;
    seen.set(name, turn + 1);
    return REPLIES[turn % REPLIES.length] ?? {};
  };
  providers["anthropic"] = await startAnthropicServer({ script: script("anthropic"), apiKey: KEY });
  providers["openai"] = await startOpenAiServer({ script: script("openai"), apiKey: KEY });
  providers["openai-compatible"] = await startOpenAiServer({ script: script("compatible"), apiKey: KEY });
  installation = createInstallation("http://127.0.0.1:9/unused");
});

afterAll(async () => {
  for (const provider of Object.values(providers)) await provider.close();
  installation.remove();
});

async function start(streaming: boolean): Promise<Running> {
  const started = await startHarness(
    {
      home: installation.home,
      host: "127.0.0.1",
      port: 0,
      configFile: installation.configFile,
      model: null,
      announce: true,
      environment: readEnvironment({
        ANTHROPIC_API_KEY: KEY,
        ANTHROPIC_BASE_URL: providers["anthropic"]?.url,
        OPENAI_API_KEY: KEY,
        OPENAI_BASE_URL: providers["openai"]?.url,
        ASSENT_OPENAI_COMPATIBLE_BASE_URL: providers["openai-compatible"]?.url,
        ASSENT_OPENAI_COMPATIBLE_API_KEY: KEY,
        ...(streaming ? {} : { ASSENT_STREAMING: "off" }),
      }),
      log: () => undefined,
    },
    () => undefined,
  );
  if (!started.ok) throw new Error(started.error.detail);
  return started.value;
}

async function maintain(harness: Running, model: string): Promise<Run> {
  const headers = { authorization: `Bearer ${harness.adminKey}`, "content-type": "application/json" };
  const submitted = await fetch(`${harness.url}/api/harness/run`, {
    method: "POST",
    headers: { ...headers, "idempotency-key": `${model}-${harness.url}` },
    body: JSON.stringify({ agent: "maintainer", workspace: "notes", task: "Add a line.", model }),
  });
  expect(submitted.status).toBe(202);
  const path = submitted.headers.get("location") ?? "";
  const read = async (): Promise<Run> =>
    runSchema.parse(await (await fetch(`${harness.url}${path}`, { headers })).json());
  const waiting = await until("the run waits or ended", async () => {
    const run = await read();
    return run.status === "awaiting_approval" || run.finished_at !== null ? run : undefined;
  });
  const [approval] = waiting.approvals;
  if (approval === undefined) throw new Error(`no question was asked: ${JSON.stringify(waiting.reason)}`);
  expect(approval.preview).toContain(`+${NEW_LINE}`);
  await fetch(`${harness.url}/api/harness/approve`, {
    method: "POST",
    headers,
    body: JSON.stringify({
      approval_id: approval.id,
      decision: "approve",
      action_digest: approval.action_digest,
    }),
  });
  return await until("the run ended", async () => {
    const run = await read();
    return run.finished_at === null ? undefined : run;
  });
}

describe.each([true, false])("streaming %s", (streaming) => {
  test("each provider carries the task from the first call to the patch", async () => {
    const harness = await start(streaming);
    try {
      for (const model of ["anthropic/claude-test", "openai/gpt-test", "openai-compatible/local-test"]) {
        const run = await maintain(harness, model);
        expect(run).toMatchObject({ status: "succeeded", answer: "I added a line.", model });
        expect(run.artifacts.map(({ name }) => name)).toEqual(["answer.md", "changes.patch"]);
        expect(run.usage.output_tokens).toBeGreaterThan(0);
      }
      for (const provider of Object.values(providers)) expect(provider.violations).toEqual([]);
    } finally {
      await harness.stop();
    }
  });
});
