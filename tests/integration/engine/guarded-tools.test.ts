// The tools behind a wall of their own, in a whole harness: a command in the sandbox, a page of a listed host.

import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { runSchema } from "@assent/contract";
import { expect, test } from "vitest";
import { startOpenAiServer } from "../../../packages/suite/src/faults/openai-server.ts";
import { startHarness } from "../../../packages/harness/src/assemble.ts";
import { readEnvironment } from "../../../packages/harness/src/config.ts";
import { fillHome } from "../../support/migrated-home.ts";
import { until } from "../../support/until.ts";
import { newRepository, temporaryFolder } from "../files/repository.ts";

type Installation = { readonly folder: string; readonly home: string };

function install(agent: object, transcript: object, config: object): Installation {
  const folder = temporaryFolder();
  chmodSync(folder, 0o711);
  for (const name of ["home", "agents", "transcripts"]) mkdirSync(join(folder, name));
  chmodSync(join(folder, "home"), 0o711);
  fillHome(join(folder, "home"));
  const put = (path: string, value: object): void => {
    writeFileSync(join(folder, path), JSON.stringify(value));
  };
  put("agents/worker.json", {
    name: "worker",
    description: "Works.",
    system: "You work.",
    models: ["scripted/work"],
    workspace: "required",
    ...agent,
  });
  put("transcripts/work.transcript.json", { version: 1, description: "Works.", ...transcript });
  put("assent.config.json", {
    workspaces: { notes: { path: newRepository({ "README.md": "quiet\n" }) } },
    agents: "agents",
    transcripts: "transcripts",
    ...config,
  });
  return { folder, home: join(folder, "home") };
}

type Variables = Readonly<Record<string, string>>;

const start = async (
  { folder, home }: Installation,
  variables: Variables = {},
): ReturnType<typeof startHarness> =>
  await startHarness(
    {
      home,
      host: "127.0.0.1",
      port: 0,
      configFile: join(folder, "assent.config.json"),
      model: null,
      announce: false,
      environment: readEnvironment(variables),
      log: () => undefined,
    },
    () => undefined,
  );

/** Agrees to whatever waits, and gives the run as it ended with the text of its patch. */
async function work(
  installation: Installation,
  variables: Variables = {},
): Promise<{
  readonly asked: readonly string[];
  readonly results: readonly (string | null)[];
  readonly errors: readonly (string | undefined)[];
  readonly patch: string;
}> {
  const started = await start(installation, variables);
  if (!started.ok) throw new Error(`${started.error.code}: ${started.error.detail}`);
  const { url, adminKey } = started.value;
  const call = async (path: string, body?: object): Promise<Response> =>
    await fetch(`${url}/api/harness/${path}`, {
      method: body === undefined ? "GET" : "POST",
      headers: {
        authorization: `Bearer ${adminKey}`,
        "content-type": "application/json",
        "idempotency-key": "work-1",
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  try {
    const submitted = await call("run", { agent: "worker", task: "Work.", workspace: "notes" });
    const path = `runs/${runSchema.shape.id.parse(Reflect.get(Object(await submitted.json()), "id"))}`;
    const asked: string[] = [];
    return await until("the run ends", async () => {
      const run = runSchema.parse(await (await call(path)).json());
      const waiting = run.approvals.find(({ status }) => status === "open");
      if (waiting !== undefined) {
        asked.push(waiting.preview ?? waiting.summary);
        const { id, action_digest: digest } = waiting;
        await call("approve", { approval_id: id, decision: "approve", action_digest: digest });
      }
      if (run.finished_at === null) return undefined;
      const artifact = run.artifacts.find(({ name }) => name.endsWith(".patch"));
      const tools = run.steps.filter(({ kind }) => kind === "tool");
      return {
        asked,
        results: tools.map(({ result }) => result),
        errors: tools.map(({ error }) => error?.code),
        patch: artifact === undefined ? "" : await (await call(`${path}/artifacts/${artifact.id}`)).text(),
      };
    });
  } finally {
    await started.value.stop();
  }
}

const turn = (tool: string, args: object): object => ({
  text: "I work.",
  tool_calls: [{ id: `call_${tool}`, tool, arguments: args }],
});

test("a command is asked for argument by argument, runs in the sandbox, and what it wrote is the run's patch", async () => {
  const script = "tr a-z A-Z < README.md > LOUD.md; id -u; (echo > /dev/tcp/1.1.1.1/53) 2>&1 | tail -c 60";
  const done = await work(
    install(
      { tools: ["command"] },
      {
        turns: [
          turn("command", { argv: ["bash", "-c", script] }),
          { expect: { last_tool: "command" }, text: "Done." },
        ],
      },
      {},
    ),
  );
  expect(done.asked).toEqual([expect.stringContaining('argv[1] "-c"')]);
  const [result] = done.results;
  expect(result).toContain("It ended with exit code 0.");
  expect(result).toContain("Network is unreachable");
  expect(result).not.toMatch(/^0$/mu);
  expect(done.patch).toContain("+++ b/LOUD.md");
  expect(done.patch).toContain("+QUIET");
});

test.each([
  ["a listed host that leads into our own network", "127.0.0.1", "address_forbidden"],
  ["a host that is not listed", "elsewhere.invalid", "egress_denied"],
])("%s is not asked", async (_what, host, code) => {
  let requests = 0;
  const server = createServer((_request, response) => {
    requests += 1;
    response.end("secret");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" ? address?.port : undefined;
  try {
    const turns = [
      turn("fetch_url", { url: `http://${host}:${port}/` }),
      { expect: { last_tool: "fetch_url" }, on_error: { text: "Not read." }, text: "Done." },
    ];
    const config = { egress: { allow: [`127.0.0.1:${port}`] } };
    const done = await work(install({ tools: ["fetch_url"] }, { turns }, config));
    expect(done.errors).toEqual([code]);
    expect(requests).toBe(0);
  } finally {
    server.close();
  }
});

test("an agent that names fetch_url where no host is listed is refused at the start, with the remedy", async () => {
  const started = await start(install({ tools: ["fetch_url"] }, { turns: [{ text: "Done." }] }, {}));
  expect(started).toMatchObject({ ok: false, error: { code: "egress_not_configured" } });
});

test("an entry of the list that would let through a whole top-level domain is refused", async () => {
  const config = { egress: { allow: ["*.com"] } };
  const started = await start(install({ tools: ["read_file"] }, { turns: [{ text: "Done." }] }, config));
  expect(started).toMatchObject({ ok: false, error: { detail: expect.stringContaining("top-level") } });
});

test("a tool outside that fails in passing is asked again, and what a model may not see is taken out before it leaves", async () => {
  let calls = 0;
  const server = createServer((request, response) => {
    request.resume();
    calls += 1;
    response.writeHead(calls === 1 ? 503 : 200).end("Write to anna@corp.example.");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  await using closing = new AsyncDisposableStack();
  closing.defer(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  const port = typeof address === "object" ? address?.port : undefined;
  await using fake = await startOpenAiServer({
    apiKey: "sk-test-of-this",
    script: [{ calls: [{ id: "call_1", tool: "look_up", arguments: {} }] }, { text: "Done." }],
  });
  const manifest = {
    name: "look_up",
    version: "1",
    description: "Looks up.",
    input_schema: { type: "object", properties: {} },
    effect: "none",
    harm: [],
  };
  const done = await work(
    install(
      { models: ["openai-compatible/fake-1"], tools: ["look_up"] },
      { turns: [{ text: "Unused." }] },
      {
        tools: [{ kind: "http", url: `http://127.0.0.1:${port}/`, manifest }],
        models: { redact: [{ models: ["openai-compatible/*"], what: ["addresses"] }] },
      },
    ),
    {
      ASSENT_OPENAI_COMPATIBLE_BASE_URL: fake.url,
      ASSENT_OPENAI_COMPATIBLE_API_KEY: "sk-test-of-this",
    },
  );
  expect(calls).toBe(2);
  expect(done.results).toEqual(["Write to anna@corp.example."]);
  const sent = JSON.stringify(fake.requests.map(({ body }) => body));
  expect(sent).toContain("Write to [address]");
  expect(sent).not.toContain("anna@corp.example");
});
