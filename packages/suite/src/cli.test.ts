import { once } from "node:events";
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from "vitest";
import { SCENARIOS } from "./catalogue.ts";
import { main } from "./cli.ts";
import type { Target } from "./target.ts";
import { VERSION } from "./version.ts";
import type { Bug } from "./toy/bugs.ts";
import { openDoors } from "./toy/toy-stranger.ts";
import { createToyTarget } from "./toy/toy-target.ts";

let output: string[] = [];
let folder: string;
beforeEach(() => {
  output = [];
  folder = mkdtempSync(join(tmpdir(), "assent-suite-"));
  for (const stream of ["log", "error"] as const)
    vi.spyOn(console, stream).mockImplementation((text: unknown) => {
      output.push(String(text));
    });
  vi.spyOn(process.stderr, "write").mockReturnValue(true);
  vi.spyOn(process.stdout, "write").mockReturnValue(true);
});
afterEach(() => {
  vi.restoreAllMocks();
  rmSync(folder, { recursive: true });
});

/** What is run where nothing is said of tiers. */
const TIER_1 = SCENARIOS.filter(({ tier }) => tier <= 1);

const BODY = JSON.stringify({ agent: "toy", task: "Write a note." });

async function proveToy(bugs: readonly Bug[], ...args: readonly string[]): Promise<number> {
  const target: Target = createToyTarget(bugs);
  await target.start();
  const token = target.key("requester") ?? "";
  try {
    const fixed = ["--token", token, "--run-body", BODY, "--hold-seconds", "0", "--wait-seconds", "2"];
    // The toy cannot be driven from outside.
    const without = ["--without", "external_runs,documents"];
    return await main([target.endpoints()[0] ?? "", ...fixed, ...without, ...args]);
  } finally {
    await target.stop();
  }
}

test("a harness that holds: 0, with a report and the seed", async () => {
  const file = join(folder, "junit.xml");
  expect(await proveToy([], "--seed", "7", "--report", `junit=${file}`)).toBe(0);
  // What a black box cannot show is skipped by name; the others are proved.
  const [, passed = "0", skipped = "0"] =
    /^(\d+) passed, 0 failed, (\d+) skipped$/.exec(output.at(-1) ?? "") ?? [];
  expect(Number(passed)).toBeGreaterThanOrEqual(4);
  expect(Number(passed) + Number(skipped)).toBe(TIER_1.length);
  expect(output[0]).toContain("seed 7");
  expect(readFileSync(file, "utf8")).toContain(
    `<testsuites tests="${TIER_1.length}" failures="0" errors="0" skipped="${skipped}"`,
  );
});

test("a harness with three endpoints and no more: 0, and what it does not offer is said", async () => {
  const toy = createToyTarget([]);
  await toy.start();
  try {
    const strange = { form: false, manner: false, occurrences: false, few: true, perSecond: null };
    await using doors = await openDoors(() => toy.endpoints(), strange);
    // That a run names an artifact and nobody can have it would be a fault.
    const token = ["--token", toy.key("requester") ?? "", "--without", "artifacts"];
    const args = [...token, "--run-body", BODY, "--hold-seconds", "0"];
    expect(await main([doors.urls[0] ?? "", ...args])).toBe(0);
  } finally {
    await toy.stop();
  }
  const said = output.flatMap((line) => /^not offered, and not looked at: (\w+)/.exec(line)?.[1] ?? []);
  expect(said.toSorted()).toEqual([
    "cancel",
    "documents",
    "escalations",
    "event_stream",
    "events",
    "external_runs",
    "list",
    "open_api",
    "plans",
    "precedents",
    "webhooks",
  ]);
  expect(output.at(-1)).toMatch(/^[3-9] passed, 0 failed, \d+ skipped$/);
});

test("a harness that does not: 1, with the reason", async () => {
  expect(await proveToy(["idem.race"], "--only", "harness_state/idempotency_duplicate_run_submission")).toBe(
    1,
  );
  expect(output.join("\n")).toContain("they all name one run");
  expect(output.at(-1)).toBe("0 passed, 1 failed");
});

test("what a harness logs and measures is held against it, where it is observed", async () => {
  const log = join(folder, "log");
  writeFileSync(log, "");
  const sarif = join(folder, "sarif.json");
  const only = ["--only", "harness_state/idempotency_duplicate_run_submission", "--observe", `log=${log}`];
  const report = ["--report", `sarif=${sarif}`];
  expect(await proveToy([], ...only, ...report)).toBe(0);
  expect(JSON.parse(readFileSync(sarif, "utf8"))).toMatchObject({ runs: [{ results: [] }] });
  // A line that comes while the scenario goes on, and is no record.
  const metrics = createServer((_request, response) => {
    appendFileSync(log, "Segmentation fault\n");
    response.end("a_total 1\n");
  }).listen(0, "127.0.0.1");
  await once(metrics, "listening");
  const address = metrics.address();
  const port = typeof address === "object" && address !== null ? address.port : expect.unreachable();
  try {
    const both = [...only, "--observe", `metrics=http://127.0.0.1:${port}/metrics`];
    expect(await proveToy([], ...both, ...report)).toBe(1);
  } finally {
    const closed = once(metrics, "close");
    metrics.close();
    metrics.closeAllConnections();
    await closed;
  }
  expect(output.join("\n")).toContain("every line of the log is one record");
  expect(JSON.parse(readFileSync(sarif, "utf8"))).toMatchObject({ runs: [{ results: [{ kind: "fail" }] }] });
});

test.each([
  ["no URL", ["not-a-url"]],
  ["a report of no known kind", ["http://127.0.0.1:9", "--report", "pdf=x"]],
  ["an observation of nothing known", ["http://127.0.0.1:9", "--observe", "logs=x"]],
  ["an observation on no port", ["http://127.0.0.1:9", "--observe", "otlp=70000"]],
  ["metrics without a URL", ["http://127.0.0.1:9", "--observe", "metrics=x"]],
  ["a set that there is not", ["http://127.0.0.1:9", "--profile", "tier9"]],
  ["a tier that there is not", ["http://127.0.0.1:9", "--tier", "9"]],
  ["an unknown scenario", ["http://127.0.0.1:9", "--only", "harness_state/none"]],
  ["an unknown capability", ["http://127.0.0.1:9", "--without", "flying"]],
  ["a body that is no JSON", ["http://127.0.0.1:9", "--run-body", "{"]],
  ["a body in a file that is not there", ["http://127.0.0.1:9", "--run-body", "@/nonexistent/body.json"]],
  [
    "a drill whose server is no array",
    ["drill", "http://127.0.0.1:9", "--run-body", "{}", "--server", '"up"'],
  ],
  ["a drill whose sink has no port", ["drill", "http://127.0.0.1:9", "--run-body", "{}", "--sink-port", "x"]],
  ["a drill without a run", ["drill", "http://127.0.0.1:9"]],
  ["an unknown option", ["http://127.0.0.1:9", "--frobnicate"]],
])("usage: 2 for %s", async (_, args) => {
  expect(await main(args)).toBe(2);
});

test("nobody there: 3", async () => {
  expect(await main(["http://127.0.0.1:9", "--token", "x"])).toBe(3);
});

test.each(["--token", "--approver-token", "--other-token", "--other-tenant-token", "--auditor-token"])(
  "a key that the harness refuses: 2, and the option is named: %s",
  async (option) => {
    expect(await proveToy([], option, "wrong")).toBe(2);
    expect(output).toEqual([expect.stringContaining(`refuses the key of ${option} (401`)]);
  },
);

test("a key that no header can hold: 2, without a word of it", async () => {
  expect(await proveToy([], "--token", "half of\nit")).toBe(2);
  expect(output).toEqual([expect.stringContaining("--token is no key")]);
  expect(output.join()).not.toContain("half");
});

test("a run that the harness refuses: 2, with what it says of it", async () => {
  expect(await proveToy([], "--run-body", '{"agent":"none of that name"}')).toBe(2);
  expect(output).toEqual([expect.stringMatching(/refuses the run of --run-body \(4\d\d: /)]);
});

async function listen(status: number, body = "<h1>Hello</h1>"): Promise<number> {
  const server = createServer((_request, response) => {
    response.writeHead(status, { "content-type": "text/html" }).end(body);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(async () => {
    const closed = once(server, "close");
    server.close();
    server.closeAllConnections();
    await closed;
  });
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : expect.unreachable();
}

test.each([200, 404, 405])("a server that is no harness, and answers %i to everything: 3", async (status) => {
  const url = `http://127.0.0.1:${await listen(status)}`;
  for (const args of [[url], ["drill", url, "--sink-port", "0"]])
    expect(await main([...args, "--token", "x", "--run-body", "{}"])).toBe(3);
  const said = expect.stringContaining("is no harness: POST /api/harness/run is answered");
  expect(output).toEqual([said, said]);
});

test("a harness whose ids are numbers is told so: 3", async () => {
  const run = JSON.stringify({ id: 7, status: "queued" });
  const url = `http://127.0.0.1:${await listen(202, run)}`;
  expect(await main([url, "--token", "x", "--run-body", "{}"])).toBe(3);
  expect(output).toEqual([
    expect.stringContaining('the id of a run is a number (7); ids are texts: have the harness say "7"'),
  ]);
});

test("a port, a metrics page or a report that cannot be had: 2, before any trial", async () => {
  const taken = await listen(404);
  expect(await proveToy([], "--observe", `otlp=${taken}`)).toBe(2);
  expect(output.at(-1)).toContain(`--observe otlp=${taken}: that port cannot be listened on (EADDRINUSE)`);
  expect(await proveToy([], "--observe", `metrics=http://127.0.0.1:${taken}/metrics`)).toBe(2);
  expect(output.at(-1)).toContain("there are no metrics at");
  expect(await proveToy([], "--report", "junit=/nonexistent/report.xml")).toBe(2);
  expect(await proveToy([], "--report", `junit=${folder}`)).toBe(2);
  expect(await proveToy([], "--observe", "log=/nonexistent/log")).toBe(2);
  expect(await main(["drill", "http://127.0.0.1:9", "--run-body", "{}", "--sink-port", `${taken}`])).toBe(2);
  expect(output.at(-1)).toContain(`--sink-port ${taken}`);
});

test("a drill whose server does not start, or would not be the one that answers: 2", async () => {
  const drill = async (url: string, server: unknown): Promise<number> =>
    await main(["drill", url, "--run-body", "{}", "--sink-port", "0", "--server", JSON.stringify(server)]);
  const nobody = "http://127.0.0.1:9";
  expect(await drill(nobody, ["/nonexistent/server"])).toBe(2);
  expect(output.at(-1)).toContain("/nonexistent/server cannot be started");
  expect(await drill(nobody, [process.execPath, "-e", "console.error('no disk'); process.exit(3)"])).toBe(2);
  expect(output.at(-1)).toMatch(/ended \(3\) before it answered at .*; it said: no disk/);
  expect(await drill(`http://127.0.0.1:${await listen(404)}`, [process.execPath, "-e", ""])).toBe(2);
  expect(output.at(-1)).toContain("already; end that server first");
});

test("nothing could be found out: 4", async () => {
  expect(await proveToy([], "--without", "submit,approve,cancel")).toBe(4);
  expect(output.at(-1)).toBe(`0 passed, 0 failed, ${TIER_1.length} skipped`);
});

test("skipped parts count under --require-complete: 4", async () => {
  expect(
    await proveToy([], "--only", "harness_state/idempotency_duplicate_run_submission", "--require-complete"),
  ).toBe(4);
});

test("the security regression set can be listed and run by its name", async () => {
  expect(await main(["list", "--profile", "security"])).toBe(0);
  for (const id of ["Sec1", "Sec2", "Sec3", "Sec4", "Sec5"]) expect(output.join("\n")).toContain(`${id}: `);
  expect(output.join("\n")).not.toContain("harness_e2e/full_run_happy_path");
  const listed = SCENARIOS.filter(({ id }) => output.some((line) => line.trim() === id));
  output = [];
  expect(await proveToy([], "--profile", "security")).toBe(0);
  expect(output[0]).toContain(`${listed.length} scenarios`);
  expect(listed.length).toBeGreaterThanOrEqual(8);
  expect(await main(["list", "--profile", "none"])).toBe(2);
});

test("list and explain name every scenario", async () => {
  expect(await main(["list"])).toBe(0);
  expect(output.join("\n")).toContain("harness_e2e/full_run_happy_path_with_human_approval");
  expect(await main(["explain", "harness_state/run_state_machine_invalid_transition"])).toBe(0);
  expect(output.join("\n")).toContain("why it matters:");
  expect(await main(["explain", "none"])).toBe(2);
});

test("says its version: 0", async () => {
  const written = vi.spyOn(process.stdout, "write").mockReturnValue(true);
  expect(await main(["--version"])).toBe(0);
  expect(written.mock.calls).toEqual([[`${VERSION}\n`]]);
});
