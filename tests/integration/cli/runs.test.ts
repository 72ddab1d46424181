import { runSchema, runSummarySchema } from "@assent/contract";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { assent, elements, json, member } from "./support/command.ts";
import { type FakeHarness, sendJson, sendProblem, startFakeHarness } from "./support/fake-harness.ts";
import { approvalId, makeApproval, makeRun, makeTrail, runId, summaryOf } from "./support/records.ts";

let fake: FakeHarness;
beforeEach(async () => void (fake = await startFakeHarness()));
afterEach(async () => await fake.close());

describe("run", () => {
  const words = [
    "run",
    "maintainer",
    "Write",
    "an",
    "entry",
    "--workspace",
    "assent",
    "--label",
    "team=core",
  ];

  test("submits exactly the task that was given, under a key", async () => {
    const done = await assent(fake, [...words, "--key", "my-key"]);
    expect(done.code).toBe(0);
    expect(done.terminal.stdout()).toContain(`Run ${runId(1)}: queued.`);
    expect(done.terminal.stderr()).toBe("");
    const [request] = fake.received;
    expect(request?.headers["idempotency-key"]).toBe("my-key");
    expect(request?.body).toEqual({
      agent: "maintainer",
      task: "Write an entry",
      workspace: "assent",
      labels: { team: "core" },
    });
  });

  test("prints the RunSummary with --json and nothing else", async () => {
    const done = await assent(fake, [...words, "--json"]);
    expect(runSummarySchema.parse(json(done)).id).toBe(runId(1));
    expect(done.terminal.stderr()).toBe("");
  });

  test.each(["", "two words", "line\nbreak", "ü", "x".repeat(256)])(
    "the key %j cannot stand in a header and is refused before anything is sent",
    async (key) => {
      const done = await assent(fake, [...words, "--key", key]);
      expect(done.code).toBe(2);
      expect(fake.received).toEqual([]);
    },
  );

  test("sends nothing that the contract refuses", async () => {
    const done = await assent(fake, ["run", "Not An Agent", "task"]);
    expect(done.code).toBe(2);
    expect(done.terminal.stderr()).toMatch(/^assent: agent: .* \(invalid_request\)\. .*\n$/);
    expect(fake.received).toEqual([]);
  });

  test("--wait comes back with 5 at a gate, and shows what waits", async () => {
    const done = await assent(fake, [...words, "--wait"]);
    expect(done.code).toBe(5);
    expect(done.terminal.stdout()).toContain("+- The first entry");
    expect(done.terminal.stdout()).toContain(`npx assent approve ${approvalId(1)} --yes`);
    expect(done.terminal.listeners()).toBe(0);
  });

  test("--wait --json prints the parked Run as the only value on standard output", async () => {
    const done = await assent(fake, [...words, "--wait", "--json"]);
    expect(done.code).toBe(5);
    expect(runSchema.parse(json(done)).status).toBe("awaiting_approval");
    expect(done.terminal.stderr()).toContain("run parked");
  });

  test("an answer lost on the way names the key that makes repeating safe", async () => {
    fake.intercept("POST", /run$/, (response) => response.destroy());
    const done = await assent(fake, words);
    expect(done.code).toBe(3);
    expect(done.terminal.stderr()).toMatch(/\(server_unreachable\)\. .*--key key-1\.\n$/);
  });
});

describe("runs", () => {
  test("one line a run, states as words", async () => {
    fake.add(makeRun(1, { status: "awaiting_approval", task: "first\nsecond line" }));
    fake.add(makeRun(2, { status: "dead_lettered" }));
    const done = await assent(fake, ["runs"]);
    expect(done.code).toBe(0);
    const lines = done.terminal.stdout().trimEnd().split("\n");
    expect(lines).toHaveLength(3);
    expect(lines[1]).toMatch(
      /^run_0+1 {2}awaiting approval {2}maintainer {2}3 minutes ago {2}first⏎second line$/,
    );
    expect(lines[2]).toContain("dead lettered");
  });

  test("filters and cursor reach the server, and --json gives the page", async () => {
    for (let n = 1; n <= 3; n += 1) fake.add(makeRun(n, { labels: { team: "core" } }));
    const words = ["runs", "--status", "queued,running", "--agent", "maintainer", "--label", "team=core"];
    const done = await assent(fake, [...words, "--limit", "2", "--json"]);
    const page = json(done);
    expect(elements(member(page, "data")).map((one) => runSummarySchema.parse(one).id)).toEqual([
      runId(1),
      runId(2),
    ]);
    expect(member(page, "next_cursor")).toBe("2");
    const query = fake.received[0]?.query;
    expect(query?.getAll("status")).toEqual(["queued", "running"]);
    expect(query?.get("agent")).toBe("maintainer");
    expect(query?.get("label")).toBe("team:core");
    const rest = await assent(fake, [...words, "--limit", "2", "--cursor", "2"]);
    expect(rest.terminal.stdout()).toContain(runId(3));
    expect(rest.terminal.stdout()).not.toContain(runId(1));
  });

  test("a second label is refused, not ignored", async () => {
    const done = await assent(fake, ["runs", "--label", "a=1", "--label", "b=2"]);
    expect(done.code).toBe(2);
    expect(fake.received).toEqual([]);
  });

  test.each([
    ["--limit", "0"],
    ["--limit", "1e1"],
    ["--status", "sleeping"],
    ["--label", "team"],
  ])("refuses %s %s before anything is sent", async (name, value) => {
    const done = await assent(fake, ["runs", name, value]);
    expect(done.code).toBe(2);
    expect(done.terminal.stderr().trimEnd().split("\n")).toHaveLength(1);
    expect(fake.received).toEqual([]);
  });
});

describe("show and cancel", () => {
  test("show prints every part of the run", async () => {
    const approval = makeApproval(1, runId(1));
    fake.add(
      makeRun(1, {
        status: "failed",
        reason: { code: "step_limit", detail: "The run took 200 steps." },
        approvals: [approval],
      }),
    );
    const done = await assent(fake, ["show", runId(1)]);
    expect(done.code).toBe(0);
    for (const part of ["failed", "The run took 200 steps. (step_limit)", "12 in, 3 out", approval.id])
      expect(done.terminal.stdout()).toContain(part);
  });

  test("show --json prints the Run as the server gave it", async () => {
    const run = makeRun(1, { task: "über \u202E\u0007" });
    fake.add(run);
    const done = await assent(fake, ["show", runId(1), "--json"]);
    expect(json(done)).toEqual(run);
    expect(done.terminal.stdout()).toContain(String.raw`\u202e\u0007`);
  });

  test("cancel posts and prints the new state", async () => {
    fake.add(makeRun(1), makeTrail(runId(1), ["run_queued"]));
    const done = await assent(fake, ["cancel", runId(1)]);
    expect(done.terminal.stdout()).toBe(`Run ${runId(1)}: cancelled.\n`);
    expect(fake.received.map(({ method, path }) => `${method} ${path}`)).toEqual([
      `POST /api/harness/runs/${runId(1)}/cancel`,
    ]);
  });

  test("cancel of a run that has to take something back says that it goes on", async () => {
    fake.intercept("POST", /cancel$/, (response) => {
      sendJson(response, 200, summaryOf(makeRun(1)));
    });
    const done = await assent(fake, ["cancel", runId(1)]);
    expect(done.terminal.stdout()).toBe(
      `Run ${runId(1)} is called off. It ends once its work has stopped and what it did outside is taken back:\n` +
        `  npx assent watch ${runId(1)}\n`,
    );
  });
});

describe("refusals", () => {
  test("a problem becomes one line with its code and remedy, and exit 4", async () => {
    const done = await assent(fake, ["show", runId(9)]);
    expect(done.code).toBe(4);
    expect(done.terminal.stdout()).toBe("");
    expect(done.terminal.stderr()).toBe(
      "assent: There is none of this id (run_not_found). Check the id; a run of another tenant is not visible to this key.\n",
    );
  });

  test("with --json the problem is an object on standard output too", async () => {
    const done = await assent(fake, ["show", runId(9), "--json"]);
    expect(done.code).toBe(4);
    expect(json(done)).toEqual({
      error: {
        code: "run_not_found",
        detail: "There is none of this id.",
        remedy: "Check the id; a run of another tenant is not visible to this key.",
        exit_code: 4,
      },
    });
  });

  test("a server that cannot be reached is exit 3 for every command", async () => {
    await fake.close();
    const { id } = makeApproval(1, runId(1));
    for (const words of [
      ["run", "maintainer", "x"],
      ["runs"],
      ["show", runId(1)],
      ["watch", runId(1)],
      ["cancel", runId(1)],
      ["approve", id, "--yes"],
      ["deny", id, "--reason", "no"],
      ["confirm", id, "--comment", "seen", "--yes"],
      ["artifacts", runId(1)],
      ["keys", "list"],
      ["keys", "create", "bob", "--scope", "runs:read"],
      ["audit", "verify", runId(1)],
    ]) {
      const done = await assent(fake, words);
      expect([words[0], done.code]).toEqual([words[0], 3]);
      expect(done.terminal.stderr()).toContain("(server_unreachable). Start it with `assent up`");
    }
    fake = await startFakeHarness();
  });

  test.each([
    ["not JSON", "<html>"],
    ["JSON outside the contract", '{"data":[{"id":"run_1"}],"next_cursor":null}'],
  ])("an answer that is %s is exit 3, never a guess", async (_, body) => {
    fake.intercept("GET", /runs$/, (response) => response.end(body));
    const done = await assent(fake, ["runs"]);
    expect(done.code).toBe(3);
    expect(done.terminal.stderr()).toContain("(answer_unexpected)");
  });

  test("a redirect is not followed, for the key would go along", async () => {
    const other = await startFakeHarness();
    fake.intercept("GET", /runs$/, (response) =>
      response.writeHead(307, { location: `${other.url}/api/harness/runs` }).end(),
    );
    const done = await assent(fake, ["runs"]);
    expect(done.code).toBe(3);
    expect(other.received).toEqual([]);
    await other.close();
  });

  test("extension members of a problem do not hide what it says", async () => {
    fake.intercept("GET", /runs$/, (response) => {
      const body = {
        type: "urn:x",
        title: "t",
        status: 429,
        detail: "Slow down.",
        remedy: "Wait.",
        code: "quota",
      };
      response
        .writeHead(429, { "content-type": "application/problem+json" })
        .end(JSON.stringify({ ...body, "violated-policies": ["run"] }));
    });
    const done = await assent(fake, ["runs"]);
    expect(done.code).toBe(4);
    expect(done.terminal.stderr()).toBe("assent: Slow down (quota). Wait.\n");
  });

  test("a refusal names the places that are wrong", async () => {
    fake.intercept("GET", /runs$/, (response) =>
      sendProblem(response, "invalid_request", "It does not fit."),
    );
    const done = await assent(fake, ["runs"]);
    expect(done.terminal.stderr()).toContain("It does not fit (invalid_request).");
  });
});

describe("dlq redrive", () => {
  const dead = [1, 2, 3, 4].map((n) => runId(n));
  const redriven = (n: number) => makeRun(10 + n, { status: "queued" });

  function answers(...each: readonly ("redriven" | "refused" | "lost" | "html")[]): void {
    for (const [at, kind] of each.entries())
      fake.intercept(
        "POST",
        new RegExp(`^/api/harness/runs/${dead[at]}/redrive$`, "u"),
        (response) => {
          if (kind === "redriven") sendJson(response, 202, summaryOf(redriven(at)));
          else if (kind === "refused") sendProblem(response, "run_driven", "It was driven from outside.");
          else if (kind === "lost") response.destroy();
          else response.writeHead(200, { "content-type": "text/html" }).end("<p>Login</p>");
        },
        100,
      );
  }

  test.each(["lost", "html"] as const)(
    "a server that is %s midway: what was done is said, what is not known, and what was not asked",
    async (kind) => {
      answers("redriven", "refused", kind, "redriven");
      const done = await assent(fake, ["dlq", "redrive", ...dead]);
      expect(done.code).toBe(3);
      expect(done.terminal.stdout().trimEnd().split("\n")).toEqual([
        `${dead[0]} is redriven by ${redriven(0).id}.`,
        `${dead[1]} is left: It was driven from outside.`,
        `${dead[2]} may be redriven or not: there was no answer.`,
        `${dead[3]} was not asked for.`,
      ]);
      expect(done.terminal.stderr()).toContain("1 of 4 dead letters are redriven, 1 left");
      expect(done.terminal.stderr()).toContain("no dead letter is redriven twice");
      expect(fake.received.some(({ path }) => path.includes(dead[3] ?? ""))).toBe(false);
    },
  );

  test("as JSON: first what was done, then why it broke off", async () => {
    answers("redriven", "lost");
    const done = await assent(fake, ["dlq", "redrive", ...dead.slice(0, 2), "--json"]);
    expect(done.code).toBe(3);
    const [said, why] = done.terminal
      .stdout()
      .trimEnd()
      .split(/\n(?=\{"error)/u);
    expect(JSON.parse(said ?? "")).toMatchObject({
      redriven: [{ dead_letter: dead[0] }],
      left: [],
      unknown: dead[1],
      not_asked: [],
    });
    expect(JSON.parse(why ?? "")).toMatchObject({ error: { code: "server_unreachable", exit_code: 3 } });
  });

  test("what is left ends in 1, and nothing is called unknown", async () => {
    answers("redriven", "refused");
    const done = await assent(fake, ["dlq", "redrive", ...dead.slice(0, 2)]);
    expect([done.code, done.terminal.stdout().includes("may be")]).toEqual([1, false]);
  });
});
