// Invariant 9, secrets stay out: a model that says the secrets it was not given, in every encoding and in pieces, and a
// process that breaks over one. Every sink of the real product is looked through for all of them.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import { text as readAll } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { auditLogListSchema, type Run, runSchema, runSummarySchema } from "@assent/contract";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createInProcessTarget } from "../../support/target/local-target.ts";
import { API_KEY } from "../../support/target/providers.ts";
import { until } from "../../support/until.ts";

/** Not registered anywhere: known by its form alone, so in the forms that its rule knows. */
const UNKNOWN = `ghp_${"aZ3kQ9xW2mL7pR5tY8bN4cV6dF1gH0jK".slice(0, 32)}Bq7e`;

const base64At = (secret: string, offset: number): string =>
  Buffer.from("\0".repeat(offset) + secret)
    .toString("base64")
    .slice(Math.ceil((offset * 4) / 3) + 1, -4);
const percent = (secret: string): string =>
  [...Buffer.from(secret)].map((byte) => `%${byte.toString(16).padStart(2, "0")}`).join("");

/** What must stand nowhere, by the name of its form. */
const FORMS: Readonly<Record<string, string>> = {
  raw: API_KEY,
  base64: base64At(API_KEY, 0),
  "base64, second alignment": base64At(API_KEY, 1),
  "base64, third alignment": base64At(API_KEY, 2),
  "percent-encoded": percent(API_KEY),
  hex: Buffer.from(API_KEY).toString("hex"),
  "of an unknown one": UNKNOWN,
};

const SAID = [
  API_KEY,
  Buffer.from(API_KEY).toString("base64"),
  Buffer.from(`x${API_KEY}`).toString("base64"),
  Buffer.from(`xx${API_KEY}`).toString("base64"),
  percent(API_KEY),
  Buffer.from(API_KEY).toString("hex"),
  UNKNOWN,
].join("\n");

const target = createInProcessTarget();
beforeAll(async () => {
  await target.start();
});
afterAll(async () => {
  await target.stop();
});

async function ask(
  role: "requester" | "approver" | "auditor",
  path: string,
  body?: unknown,
): Promise<Response> {
  return await fetch(`${target.endpoints()[0] ?? ""}${path}`, {
    method: body === undefined ? "GET" : "POST",
    headers: {
      authorization: `Bearer ${target.key(role) ?? ""}`,
      ...(body === undefined ? {} : { "content-type": "application/json" }),
      ...(path.endsWith("/run") ? { "idempotency-key": `sinks-${(asked += 1)}` } : {}),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
}
let asked = 0;

/** A run whose model answers so, to its end; whatever is asked is agreed to. */
async function runWith(...replies: readonly object[]): Promise<Run> {
  const { provider } = target;
  if (provider === undefined) throw new Error("the target has no provider");
  const before = provider.own.requests.length;
  provider.own.answerWith((request) => replies[request.index - before] ?? { text: "Done." });
  const { id } = runSummarySchema.parse(
    await (await ask("requester", "/api/harness/run", provider.body("Say it."))).json(),
  );
  return await until("the run ends", async () => {
    const run = runSchema.parse(await (await ask("requester", `/api/harness/runs/${id}`)).json());
    for (const { status, id: approval, action_digest } of run.approvals)
      if (status === "open")
        await ask("approver", "/api/harness/approve", {
          approval_id: approval,
          decision: "approve",
          action_digest,
        });
    return run.finished_at === null ? undefined : run;
  });
}

/** Everything that can be read of a run and of the installation, by the name of the sink. */
async function readSinks(run: Run): Promise<Readonly<Record<string, string>>> {
  const read = async (role: "requester" | "auditor", path: string, accept = "*/*"): Promise<string> =>
    await (
      await fetch(`${target.endpoints()[0] ?? ""}${path}`, {
        headers: { authorization: `Bearer ${target.key(role) ?? ""}`, accept },
      })
    ).text();
  const of = `/api/harness/runs/${run.id}`;
  const { data } = auditLogListSchema.parse(JSON.parse(await read("auditor", "/api/harness/audit/logs")));
  const epoch = data.at(-1)?.epoch ?? 1;
  const artifacts = await Promise.all(
    run.artifacts.map(async ({ id }) => await read("requester", `${of}/artifacts/${id}`)),
  );
  // A question is shown as it would be carried out: nobody should agree to what he cannot see (SECURITY.md).
  const view = { ...run, approvals: run.approvals.map(({ action: _a, preview: _p, ...rest }) => rest) };
  return {
    ...(await target.inspect?.readSinks?.()),
    view: JSON.stringify(view),
    list: await read("requester", "/api/harness/runs?limit=100"),
    page: await read("requester", `${of}/events`),
    stream: await read("requester", `${of}/events`, "text/event-stream"),
    artifacts: artifacts.join("\n"),
    export: await read("auditor", `/api/harness/audit/logs/${epoch}/entries?from=0&limit=100`),
    metrics: (await target.observation?.metrics())?.map(({ text }) => text).join("\n") ?? "",
  };
}

const leaksIn = (sinks: Readonly<Record<string, string>>): string[] =>
  Object.entries(sinks).flatMap(([name, text]) =>
    Object.entries(FORMS).flatMap(([form, secret]) =>
      text.toLowerCase().includes(secret.toLowerCase()) ? [`${name}: ${form}`] : [],
    ),
  );

test("what a model says of secrets stands in no sink, in no encoding, however it was cut", async () => {
  // What a provider says of its failures goes into the log.
  await runWith({ fault: { kind: "status", status: 503, word: SAID } });
  const run = await runWith(
    { text: SAID, calls: [{ tool: "write_file", arguments: { path: "NOTE.md", content: SAID } }] },
    // A tool's name is a span's name and a metric's label.
    {
      calls: [
        { tool: API_KEY, arguments: { path: SAID } },
        { tool: "tell_sink", arguments: { text: SAID } },
      ],
    },
    { text: SAID, fault: { kind: "one_byte_writes" } },
  );
  const sinks = await readSinks(run);
  for (const name of ["traces", "log", "events", "view", "list", "page", "stream", "export", "metrics"])
    expect([name, (sinks[name] ?? "").length > 100]).toEqual([name, true]);
  expect(leaksIn(sinks)).toEqual([]);
  // It was said: else nothing could have leaked.
  expect(sinks["metrics"]).toMatch(/assent_redactions_total\{[^}]*\} [1-9]/);
});

test("nor does the name of a tool that a driver's model made up", async () => {
  const tools = [{ name: "read", version: "1", input_schema: {}, effect: "none", harm: [] }];
  const submitted = await ask("requester", "/api/harness/run", {
    driver: "external",
    task: "Read.",
    tools,
    approver: "none",
  });
  const { id } = runSummarySchema.parse(await submitted.json());
  await ask("requester", `/api/harness/runs/${id}/actions`, { tool: API_KEY, arguments: {} });
  const finished = await ask("requester", `/api/harness/runs/${id}/finish`, { output: "Read." });
  expect(leaksIn(await readSinks(runSchema.parse(await finished.json())))).toEqual([]);
});

const PROGRAM = fileURLToPath(new URL("../../../packages/harness/bin/assent.mjs", import.meta.url));

/** Breaks the process as soon as it watches for that, or after a while where it never does. */
const breaker = (how: string): string =>
  `data:text/javascript,${encodeURIComponent(`
    const secret = process.env.ANTHROPIC_API_KEY;
    const text = ${JSON.stringify(FORMS["of an unknown one"])} + " " + [secret, btoa(secret), Buffer.from(secret).toString("hex")].join(" ");
    let looks = 0;
    const timer = setInterval(() => {
      looks += 1;
      if (process.listenerCount("uncaughtException") === 0 && looks < 500) return;
      clearInterval(timer);
      ${how}
    }, 10);`)}`;

async function crash(how: string): Promise<{ readonly code: number | null; readonly said: string }> {
  // It answers nobody, so the command waits.
  const silent = createServer(() => undefined);
  silent.listen(0, "127.0.0.1");
  await once(silent, "listening");
  const address = silent.address();
  const url = typeof address === "object" && address !== null ? `http://127.0.0.1:${address.port}` : "";
  const child = spawn(process.execPath, [`--import=${breaker(how)}`, PROGRAM, "runs", "--url", url], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { PATH: process.env["PATH"], ASSENT_TOKEN: `ask_${"A".repeat(43)}`, ANTHROPIC_API_KEY: API_KEY },
  });
  const [out, errors] = await Promise.all([
    readAll(child.stdout),
    readAll(child.stderr),
    once(child, "exit"),
  ]);
  silent.closeAllConnections();
  silent.close();
  return { code: child.exitCode, said: `${out}\n${errors}` };
}

test.each([
  ["an error that nobody caught", 'throw new Error("connecting with " + text);'],
  ["a rejection that nobody handled", 'void Promise.reject(new Error("connecting with " + text));'],
])("a process that breaks over %s says so, and not what it knows", async (_, how) => {
  const { code, said } = await crash(how);
  expect(code).toBe(70);
  expect(said).toContain("connecting with");
  expect(leaksIn({ crash: said })).toEqual([]);
});
