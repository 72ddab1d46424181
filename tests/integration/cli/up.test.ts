import { readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { runSchema } from "@assent/contract";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { run } from "../../../packages/harness/src/cli/main.ts";
import type { StartHarness, StartOptions } from "../../../packages/harness/src/cli/start.ts";
import { createDeps, jsonLines, makeFolder, member } from "./support/command.ts";
import { type FakeHarness, sendProblem, startFakeHarness } from "./support/fake-harness.ts";
import { until } from "../../support/until.ts";
import { approvalId, NOW, runId } from "./support/records.ts";
import { openTerminal, type Terminal, type TerminalOptions } from "./support/terminal.ts";

let fake: FakeHarness;
let cwd: string;
let started: StartOptions[];
let stops: number;
let consoleUrl: string | null;
beforeEach(async () => {
  fake = await startFakeHarness();
  cwd = await makeFolder();
  started = [];
  stops = 0;
  consoleUrl = null;
});
afterEach(async () => await fake.close());

const startHarness: StartHarness = async (options, onProgress) => {
  started.push(options);
  onProgress("Starting the database");
  return await Promise.resolve({
    ok: true,
    value: {
      url: fake.url,
      consoleUrl,
      home: options.home,
      adminKey: fake.key,
      firstStart: started.length === 1,
      stop: async () => {
        stops += 1;
        await Promise.resolve();
      },
    },
  });
};

function up(
  words: string[],
  options: TerminalOptions = {},
  start = startHarness,
): [Terminal, Promise<number>] {
  const terminal = openTerminal(options);
  return [terminal, run(["up", ...words], terminal, createDeps(cwd, { startHarness: start }))];
}

const record = async (): Promise<unknown> =>
  JSON.parse(await readFile(join(cwd, ".assent", "demo.json"), "utf8"));
const submissions = (): unknown[] => fake.received.filter(({ path }) => path.endsWith("/run"));

describe("up", () => {
  test("hands its options on, prints where it serves, and stops cleanly on a signal", async () => {
    const [terminal, code] = up([
      "--port",
      "0",
      "--host",
      "0.0.0.0",
      "--config",
      "my.json",
      "--model",
      "scripted/x",
    ]);
    await terminal.seen("Assent serves at");
    expect(started).toEqual([
      {
        home: join(cwd, ".assent"),
        host: "0.0.0.0",
        port: 0,
        configFile: join(cwd, "my.json"),
        model: "scripted/x",
        announce: true,
        role: "all",
      },
    ]);
    expect(stops).toBe(0);
    terminal.signal("SIGTERM");
    expect(await code).toBe(0);
    expect(stops).toBe(1);
    expect(terminal.exits).toEqual([]);
    expect(terminal.listeners()).toBe(0);
    expect(terminal.stdout()).toContain("SIGTERM: stopping cleanly.");
    expect(fake.received).toEqual([]);
  });

  test("a second signal exits at once, though the clean end has not come", async () => {
    const gate = Promise.withResolvers<void>();
    const [terminal, code] = up([], {}, async (options, onProgress) => {
      const running = await startHarness(options, onProgress);
      return running.ok
        ? { ok: true, value: { ...running.value, stop: async () => await gate.promise } }
        : running;
    });
    await terminal.seen("Assent serves at");
    terminal.signal("SIGINT");
    expect(terminal.exits).toEqual([]);
    terminal.signal("SIGINT");
    expect(terminal.exits).toEqual([130]);
    gate.resolve();
    await code;
  });

  test.each([
    ["in time", []],
    ["late", [130]],
  ])(
    "a signal while it starts stops it as soon as it has, or is given up where that is %s",
    async (when, exits) => {
      const [gate, grace] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
      const terminal = openTerminal({});
      const paused: number[] = [];
      const deps = createDeps(cwd, {
        startHarness: async (options, onProgress) => {
          await gate.promise;
          return await startHarness(options, onProgress);
        },
        clock: {
          now: () => NOW,
          sleep: async (ms, signal) => {
            paused.push(ms);
            signal.addEventListener("abort", () => grace.resolve());
            await grace.promise;
          },
        },
      });
      const code = run(["up", "--demo"], terminal, deps);
      terminal.signal("SIGINT");
      if (when === "late") {
        grace.resolve();
        await until("it is given up", () => terminal.exits.length > 0);
      }
      gate.resolve();
      expect(await code).toBe(0);
      expect([stops, paused, terminal.exits]).toEqual([1, [10_000], exits]);
      expect(submissions()).toEqual([]);
    },
  );

  test("what keeps it from starting is one line and exit 6", async () => {
    const refusal = {
      code: "port_taken",
      detail: "Port 4200 is taken.",
      remedy: "Name another with --port.",
    };
    const refuse: StartHarness = async () => await Promise.resolve({ ok: false, error: refusal });
    const [terminal, code] = up([], {}, refuse);
    expect(await code).toBe(6);
    expect(terminal.stderr()).toBe("assent: Port 4200 is taken (port_taken). Name another with --port.\n");
    const [machine, machineCode] = up(["--json"], {}, refuse);
    expect(await machineCode).toBe(6);
    expect(JSON.parse(machine.stdout())).toEqual({ error: { ...refusal, exit_code: 6 } });
  });

  test("--json prints one event a line", async () => {
    const [terminal, code] = up(["--demo", "--json"]);
    await terminal.seen("approval_waiting");
    terminal.signal("SIGINT");
    await code;
    const lines = jsonLines({ code: 0, terminal });
    expect(lines.map((line) => member(line, "event"))).toEqual([
      "progress",
      "listening",
      "approval_waiting",
      "stopping",
      "stopped",
    ]);
    expect(lines[1]).toEqual({
      event: "listening",
      url: fake.url,
      console: null,
      home: join(cwd, ".assent"),
      pid: 4711,
    });
  });

  test("says where the web console is, and nothing of it where there is none", async () => {
    for (const [served, says] of [
      [`${fake.url}/console`, `The web console is at ${fake.url}/console.`],
      [null, null],
    ] as const) {
      consoleUrl = served;
      const [[terminal, code], [machine, machineCode]] = [up([]), up(["--json"])];
      await terminal.seen("Assent serves at");
      await machine.seen("listening");
      terminal.signal("SIGINT");
      machine.signal("SIGINT");
      await Promise.all([code, machineCode]);
      expect(terminal.stdout().includes("web console")).toBe(says !== null);
      expect(terminal.stdout()).toContain(says ?? "Assent serves at");
      expect(jsonLines({ code: 0, terminal: machine })[1]).toMatchObject({ console: served });
    }
  });
});

describe("up --demo", () => {
  test("stops at the gate and prints what waits, the diff, the URL and the one command", async () => {
    const [terminal, code] = up(["--demo"]);
    await terminal.seen("--yes");
    for (const part of [
      "+- The first entry",
      `npx assent show ${runId(1)}`,
      `npx assent approve ${approvalId(1)} --yes`,
    ])
      expect(terminal.stdout()).toContain(part);
    expect(terminal.questions).toEqual([]);
    terminal.signal("SIGINT");
    expect(await code).toBe(0);
    expect((await stat(join(cwd, ".assent", "demo.json"))).mode & 0o777).toBe(0o600);
  });

  test("the next start continues the same run and submits no other; once it ended there is no more demo, which is said", async () => {
    const [first, firstCode] = up(["--demo"]);
    await first.seen("--yes");
    first.signal("SIGINT");
    await firstCode;
    const [second, secondCode] = up(["--demo"], { interactive: true, answers: ["y"] });
    await second.seen("Its results:");
    second.signal("SIGINT");
    await secondCode;
    expect(second.stdout()).toContain(`Continuing the demo run ${runId(1)}`);
    expect(fake.runs.get(runId(1))?.run.status).toBe("succeeded");
    expect(await record()).toMatchObject({ run_id: runId(1), finished: true });
    const [third, thirdCode] = up(["--demo"]);
    await third.seen(`This home has had its demo (${runId(1)}).`);
    third.signal("SIGINT");
    await thirdCode;
    expect(submissions()).toHaveLength(1);
  });

  test("a demo that was refused is none: the next start, with what was missing, has one", async () => {
    const [first, firstCode] = up(["--demo"]);
    await first.seen("--yes");
    first.signal("SIGINT");
    await firstCode;
    await writeFile(
      join(cwd, ".assent", "demo.json"),
      JSON.stringify(Object.assign({}, await record(), { run_id: null, finished: true })),
    );
    const [second, secondCode] = up(["--demo"]);
    await until("it says something of the demo", () =>
      Promise.resolve(/--yes|has had its demo/.test(second.stdout())),
    );
    second.signal("SIGINT");
    await secondCode;
    expect(submissions()).toHaveLength(2);
  });

  test("a process killed between submitting and noting the run finds it again", async () => {
    const [first, firstCode] = up(["--demo"]);
    await first.seen("--yes");
    first.signal("SIGINT");
    await firstCode;
    await writeFile(
      join(cwd, ".assent", "demo.json"),
      JSON.stringify(Object.assign({}, await record(), { run_id: null })),
    );
    const [second, secondCode] = up(["--demo"]);
    await second.seen("--yes");
    second.signal("SIGINT");
    await secondCode;
    expect(submissions()).toHaveLength(1);
    expect(await record()).toMatchObject({ run_id: runId(1), finished: false });
  });

  test("asks on a terminal; n denies with a reason, and the run's end is told", async () => {
    const [terminal, code] = up(["--demo"], { interactive: true, answers: ["n"] });
    await terminal.seen("Its results:");
    terminal.signal("SIGINT");
    expect(await code).toBe(0);
    expect(terminal.questions).toEqual(["Approve? y = yes, n = deny, Enter = later: "]);
    expect(fake.runs.get(runId(1))?.run.approvals[0]).toMatchObject({
      status: "denied",
      comment: "Denied at the prompt of `assent up`.",
    });
    expect(terminal.stdout()).toContain("The change was denied.");
  });

  test("Enter decides nothing", async () => {
    const [terminal, code] = up(["--demo"], { interactive: true, answers: [""] });
    await terminal.seen("It waits. Decide with one of the commands above.");
    expect(fake.runs.get(runId(1))?.run.status).toBe("awaiting_approval");
    terminal.signal("SIGINT");
    await code;
  });

  test("a decision made elsewhere withdraws the question, though the run goes on", async () => {
    const [terminal, code] = up(["--demo"], { interactive: true, answers: [null] });
    await terminal.seen("--yes");
    expect(terminal.stderr()).toBe("");
    fake.append(runId(1), "approval_approved");
    await terminal.seen("(withdrawn)");
    expect(terminal.stdout()).not.toContain("Its results:");
    fake.append(runId(1), "run_resumed", { status: "queued" });
    fake.append(runId(1), "run_cancelled", { status: "cancelled" });
    await terminal.seen("Its results:");
    terminal.signal("SIGINT");
    expect(await code).toBe(0);
  });

  test("a demo that is refused is said, is no reason to stop serving, and is not tried for ever", async () => {
    fake.intercept("POST", /run$/, (response) =>
      sendProblem(response, "agent_unknown", "There is no maintainer."),
    );
    const [terminal, code] = up(["--demo", "--json"]);
    await terminal.seen("(agent_unknown)");
    expect(stops).toBe(0);
    terminal.signal("SIGINT");
    expect(await code).toBe(0);
    expect(terminal.stdout()).toContain('"event":"demo_failed"');
    expect(await record()).toMatchObject({ finished: true });
  });

  test("the end of the run is an event with the Run under --json", async () => {
    const [terminal, code] = up(["--demo", "--json"], { interactive: true, answers: ["yes"] });
    await terminal.seen("demo_ended");
    terminal.signal("SIGINT");
    await code;
    const end = jsonLines({ code: 0, terminal }).find((line) => member(line, "event") === "demo_ended");
    expect(runSchema.parse(member(end, "run")).status).toBe("succeeded");
  });
});
