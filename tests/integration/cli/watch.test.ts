import { auditEventSchema, runSchema } from "@assent/contract";
import { afterEach, beforeEach, expect, test } from "vitest";
import { run } from "../../../packages/harness/src/cli/main.ts";
import { assent, createDeps, jsonLines, makeFolder, member } from "./support/command.ts";
import { type FakeHarness, sendProblem, startFakeHarness } from "./support/fake-harness.ts";
import { makeApproval, makeRun, makeTrail, runId } from "./support/records.ts";
import { openTerminal } from "./support/terminal.ts";

let fake: FakeHarness;
beforeEach(async () => void (fake = await startFakeHarness()));
afterEach(async () => await fake.close());

const ID = runId(1);
const KINDS = ["run_queued", "run_leased", "step_intended", "step_succeeded", "run_succeeded"] as const;
const streams = (): unknown[] =>
  fake.received.filter(({ path }) => path.endsWith("/events")).map(({ headers }) => headers["last-event-id"]);

function addEnded(): void {
  fake.add(makeRun(1, { status: "succeeded", version: KINDS.length }), makeTrail(ID, KINDS));
}

test("prints every event once, then the run, and leaves with its exit code", async () => {
  addEnded();
  const done = await assent(fake, ["watch", ID]);
  expect(done.code).toBe(0);
  const lines = done.terminal.stdout().split("\n");
  expect(lines.slice(0, 5).map((line) => line.trim().split("  ")[2])).toEqual([
    "run queued",
    "run leased",
    "step intended",
    "step succeeded",
    "run succeeded",
  ]);
  expect(done.terminal.stdout()).toContain(`Run ${ID}: succeeded`);
});

test("after each cut it goes on behind the last event it has seen: none twice, none lost", async () => {
  addEnded();
  fake.cuts.push(2, 0, 1);
  const done = await assent(fake, ["watch", ID, "--json"]);
  expect(done.code).toBe(0);
  expect(streams()).toEqual([undefined, "2", "2", "3"]);
  const lines = jsonLines(done);
  const events = lines.filter((line) => member(line, "event") === "audit_event");
  expect(events.map((line) => auditEventSchema.parse(member(line, "audit_event")).version)).toEqual([
    1, 2, 3, 4, 5,
  ]);
  expect(lines.filter((line) => member(line, "event") === "reconnecting")).toHaveLength(3);
  expect(runSchema.parse(member(lines.at(-1), "run")).status).toBe("succeeded");
});

test("a connection torn in the middle of an event loses nothing", async () => {
  addEnded();
  const [first, second] = makeTrail(ID, KINDS);
  fake.intercept(
    "GET",
    /events$/,
    (response) => {
      response.write(`id: 1\nevent: run_queued\ndata: ${JSON.stringify(first)}\n\n`);
      response.write(`id: 2\nevent: run_leased\ndata: ${JSON.stringify(second).slice(0, 40)}`, () =>
        response.destroy(),
      );
    },
    3,
  );
  const done = await assent(fake, ["watch", ID, "--json"]);
  expect(done.code).toBe(0);
  const events = jsonLines(done).filter((line) => member(line, "event") === "audit_event");
  expect(events.map((line) => auditEventSchema.parse(member(line, "audit_event")).version)).toEqual([
    1, 2, 3, 4, 5,
  ]);
  expect(streams()).toHaveLength(4);
});

test("a server that starts over is not told twice", async () => {
  addEnded();
  fake.cuts.push(3);
  const send = (response: { write(text: string): void; end(text: string): void }): void => {
    for (const event of makeTrail(ID, KINDS))
      response.write(`id: ${event.version}\nevent: ${event.kind}\ndata: ${JSON.stringify(event)}\n\n`);
    response.end("event: end\ndata: {}\n\n");
  };
  fake.intercept("GET", /events$/, (response) => {
    fake.intercept("GET", /events$/, send);
    response.destroy();
  });
  const done = await assent(fake, ["watch", ID, "--json"]);
  expect(jsonLines(done).filter((line) => member(line, "event") === "audit_event")).toHaveLength(5);
});

test("events that come later are shown as they come, until the run ends", async () => {
  fake.add(makeRun(1, { status: "running" }), makeTrail(ID, KINDS.slice(0, 2)));
  const terminal = openTerminal();
  const deps = createDeps(await makeFolder(), {
    environment: { url: fake.url, token: fake.key, signingKey: null, noColor: false },
  });
  const code = run(["watch", ID], terminal, deps);
  await terminal.seen("run leased");
  expect(terminal.stdout()).not.toContain("step intended");
  fake.append(ID, "step_intended");
  await terminal.seen("step intended");
  fake.append(ID, "run_failed", { status: "failed", reason: { code: "x", detail: "It broke." } });
  expect(await code).toBe(1);
  expect(terminal.stdout()).toContain("It broke. (x)");
});

test("a gate on the way is pointed out with the command to look at it", async () => {
  const approval = makeApproval(1, ID);
  fake.add(
    makeRun(1, { status: "awaiting_approval", approvals: [approval] }),
    makeTrail(ID, ["run_queued", "run_leased", "run_parked"]),
  );
  const terminal = openTerminal();
  const deps = createDeps(await makeFolder(), {
    environment: { url: fake.url, token: fake.key, signingKey: null, noColor: false },
  });
  const code = run(["watch", ID], terminal, deps);
  await terminal.seen(`npx assent approve ${approval.id}`);
  fake.append(ID, "run_cancelled", { status: "cancelled" });
  expect(await code).toBe(1);
});

test("Ctrl-C ends watching, not the run", async () => {
  fake.add(makeRun(1, { status: "running" }), makeTrail(ID, KINDS.slice(0, 2)));
  const terminal = openTerminal();
  const deps = createDeps(await makeFolder(), {
    environment: { url: fake.url, token: fake.key, signingKey: null, noColor: false },
  });
  const code = run(["watch", ID], terminal, deps);
  await terminal.seen("run leased");
  terminal.signal("SIGINT");
  expect(await code).toBe(130);
  expect(terminal.listeners()).toBe(0);
  expect(fake.received.every(({ method }) => method === "GET")).toBe(true);
});

test("a server that is full is asked again, one that refuses is not", async () => {
  addEnded();
  fake.intercept("GET", /events$/, (response) => sendProblem(response, "not_ready", "It starts."), 2);
  expect((await assent(fake, ["watch", ID])).code).toBe(0);
  expect(streams()).toHaveLength(3);
  const done = await assent(fake, ["watch", runId(2)]);
  expect(done.code).toBe(4);
  expect(done.terminal.stderr()).toContain("(run_not_found)");
  expect(streams()).toHaveLength(4);
});

test("a stream that never holds a byte is given up, and so is one that lies", async () => {
  addEnded();
  fake.intercept("GET", /events$/, (response) => response.destroy(), 100);
  const cut = await assent(fake, ["watch", ID]);
  expect(cut.code).toBe(3);
  expect(streams()).toHaveLength(9);
  await fake.close();
  fake = await startFakeHarness();
  addEnded();
  fake.intercept("GET", /events$/, (response) => response.end("event: run_queued\ndata: {}\n\n"));
  const lie = await assent(fake, ["watch", ID]);
  expect(lie.code).toBe(3);
  expect(lie.terminal.stderr()).toContain("(answer_unexpected)");
});

test("a stream that is cut again and again, but lives in between, is followed for as long as it takes", async () => {
  addEnded();
  fake.cuts.push(...Array.from({ length: 12 }, () => 0));
  expect((await assent(fake, ["watch", ID])).code).toBe(0);
  expect(streams()).toHaveLength(13);
});

test("an end that the run does not confirm is no end", async () => {
  fake.add(makeRun(1, { status: "running" }), makeTrail(ID, KINDS.slice(0, 2)));
  fake.intercept("GET", /events$/, (response) => response.end("event: end\ndata: {}\n\n"));
  const done = await assent(fake, ["watch", ID]);
  expect(done.code).toBe(3);
  expect(done.terminal.stderr()).toContain("(answer_unexpected)");
});

test("204 means that everything was told", async () => {
  addEnded();
  fake.intercept("GET", /events$/, (response) => response.writeHead(204).end());
  expect((await assent(fake, ["watch", ID])).code).toBe(0);
});
