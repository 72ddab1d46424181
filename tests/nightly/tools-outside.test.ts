// Tools outside that fail, through the whole harness: the product, and a host and a server of tools of the suite's own,
// where what happened is counted. A breaker outlives the test that opened it: each test has a host or a tool of its own,
// and the tool that may be repeated is broken last.

import { type Run, runSchema, runSummarySchema } from "@assent/contract";
import { afterAll, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { REPEATABLE_TOOL } from "../support/target/deputy.ts";
import { createInProcessTarget } from "../support/target/local-target.ts";
import { until } from "../support/until.ts";

// `permitAddress` is there for tests, and no configuration leads to it.
vi.mock(import("../../packages/harness/src/adapters/egress/fetcher.ts"), async (importOriginal) => {
  const real = await importOriginal();
  return {
    ...real,
    createFetcher: (options) => real.createFetcher({ ...options, permitAddress: () => true }),
  };
});

const START_MS_MAX = 120_000;
/** How fast a refusal is that asks nobody: a row of the database, on a busy machine. */
const QUICK_MS_MAX = 1_000;

const target = createInProcessTarget({ openAddresses: ["127.0.0.2", "127.0.0.4"], repeatable: true });
beforeAll(async () => {
  await target.start();
}, START_MS_MAX);
afterAll(async () => {
  await target.stop();
}, START_MS_MAX);
beforeEach(() => {
  benches().server.failWith(null);
});

function benches() {
  const { deputy, egress, mcp } = target;
  if (deputy === undefined || egress === undefined || mcp === undefined) throw new Error("there is a deputy");
  return { deputy, host: egress.host, server: mcp.server, once: mcp.tool };
}

let asked = 0;
async function ask(role: "requester" | "approver", path: string, body?: unknown): Promise<unknown> {
  asked += 1;
  const answer = await fetch(`${target.endpoints()[0] ?? ""}/api/harness${path}`, {
    method: body === undefined ? "GET" : "POST",
    headers: {
      authorization: `Bearer ${target.key(role) ?? ""}`,
      "content-type": "application/json",
      "idempotency-key": `outside-${asked}`,
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return await answer.json();
}

type Call = { readonly tool: string; readonly arguments: Readonly<Record<string, unknown>> };

const pageOf = (name: string, path: string): Call => ({
  tool: "fetch_url",
  arguments: { url: `http://${name}:${benches().host.port}${path}` },
});
const payment = (tool: string, text: string): Call => ({ tool, arguments: { text } });

/**
 * A run whose model makes these calls, one a turn; a person agrees to each.
 * @returns it as it is when it has ended, or waits for what nobody but a person can know
 */
async function runCalls(...calls: readonly Call[]): Promise<Run> {
  const { deputy } = benches();
  const { board } = deputy;
  const before = board.requests.length;
  board.answerWith((request) => {
    const call = calls[request.index - before];
    return call === undefined ? { text: "Done." } : { calls: [call] };
  });
  const { id } = runSummarySchema.parse(await ask("requester", "/run", deputy.body("Do what is due.")));
  return await until("the run ends, or is in doubt", async () => {
    const run = runSchema.parse(await ask("requester", `/runs/${id}`));
    for (const gate of run.approvals.filter(({ status }) => status === "open")) {
      if (gate.subject === "in_doubt") return run;
      const yes = { approval_id: gate.id, decision: "approve", action_digest: gate.action_digest };
      await ask("approver", "/approve", yes);
    }
    return run.finished_at === null ? undefined : run;
  });
}

const toolSteps = (run: Run): readonly Run["steps"][number][] =>
  run.steps.filter(({ kind }) => kind === "tool");
const msOf = ({ started_at, finished_at }: Run["steps"][number]): number =>
  Date.parse(finished_at ?? "") - Date.parse(started_at);

const BUSY = { status: 503, headers: { "retry-after": "1" } } as const;

/** Answers a path as it is told, call by call; any other path is a page. @returns when each call came, in ms */
function answerAt(path: string, answer: (call: number) => { status: number; text?: string }): number[] {
  const came: number[] = [];
  benches().host.answerWith((url) => {
    if (url !== path) return { status: 200, text: "A page." };
    came.push(performance.now());
    return answer(came.length);
  });
  return came;
}

const gapsOf = (times: readonly number[]): readonly number[] =>
  times.slice(1).map((time, at) => time - (times[at] ?? 0));

test("a page that is not to be had twice, and says when to come again, is read", async () => {
  const came = answerAt("/flaky", (call) => (call < 3 ? BUSY : { status: 200, text: "the page at last" }));
  const run = await runCalls(pageOf("127.0.0.2", "/flaky"));
  expect(run.status).toBe("succeeded");
  expect(toolSteps(run).map(({ state, result }) => [state, result])).toEqual([
    ["succeeded", expect.stringContaining("the page at last")],
  ]);
  expect(came).toHaveLength(3);
  for (const gap of gapsOf(came)) expect(gap).toBeGreaterThanOrEqual(1_000);
});

test("a dead host is left alone: the next call is refused at once, and another host is still asked", async () => {
  const came = answerAt("/dead", () => ({ status: 503 }));
  const dead = pageOf("localhost", "/dead");
  const run = await runCalls(dead, dead, dead, pageOf("127.0.0.1", "/alive"));
  expect(run.status).toBe("succeeded");
  const [first, second, third, other] = toolSteps(run);
  expect(first).toMatchObject({ state: "failed", error: { code: "fetch_unavailable" } });
  expect(second).toMatchObject({ state: "failed", error: { code: "fetch_unavailable" } });
  expect(third).toMatchObject({ state: "failed", error: { code: "not_sent" } });
  expect(third && msOf(third)).toBeLessThan(QUICK_MS_MAX);
  expect(other).toMatchObject({ state: "succeeded", result: expect.stringContaining("A page.") });
  // Four of the first step, and one of the second, which opens it.
  expect(came).toHaveLength(5);
});

test("a server of tools that cannot answer twice carries a call out once", async () => {
  const { server } = benches();
  let failures = 0;
  server.failWith((method) =>
    method === "tools/call" && (failures += 1) < 3 ? { status: 503, retryAfterSeconds: 1 } : null,
  );
  const before = { asked: server.asked().length, calls: server.calls().length };
  const run = await runCalls(payment(REPEATABLE_TOOL, "pay once"));
  expect(run.status).toBe("succeeded");
  expect(toolSteps(run)).toMatchObject([{ state: "succeeded", result: "Paid." }]);
  const calls = server
    .asked()
    .slice(before.asked)
    .filter(({ method }) => method === "tools/call");
  expect(calls).toHaveLength(3);
  // One key, so that a server can tell that it is one call.
  expect(new Set(calls.map(({ key }) => key)).size).toBe(1);
  for (const gap of gapsOf(calls.map(({ atMs }) => atMs))) expect(gap).toBeGreaterThanOrEqual(1_000);
  expect(server.calls().slice(before.calls)).toHaveLength(1);
});

test("what a tool is, is asked again too, before anybody is asked about the call: also of one that runs once", async () => {
  const { server, once } = benches();
  let failures = 0;
  server.failWith((method) =>
    method === "tools/list" && (failures += 1) < 3 ? { status: 429, retryAfterSeconds: 1 } : null,
  );
  const before = server.calls().length;
  const run = await runCalls(payment(once, "after a busy list"));
  expect(run.status).toBe("succeeded");
  expect(toolSteps(run)).toMatchObject([{ state: "succeeded", result: "Paid." }]);
  expect(server.calls().slice(before)).toHaveLength(1);
});

test("a call that must happen once is not repeated when it may have happened: a person says", async () => {
  const { server, once } = benches();
  server.failWith((method) =>
    method === "tools/call" ? { status: 503, retryAfterSeconds: 0, isCarriedOut: true } : null,
  );
  const before = { asked: server.asked().length, calls: server.calls().length };
  const run = await runCalls(payment(once, "perhaps"));
  expect(run.status).toBe("awaiting_approval");
  const [step] = toolSteps(run);
  // The journal's words are code and detail, and nothing of the pause.
  expect(step?.state).toBe("in_doubt");
  expect(step?.error).toEqual({ code: "outcome_unknown", detail: expect.any(String) });
  const gate = run.approvals.find(({ status, subject }) => status === "open" && subject === "in_doubt");
  const word = {
    approval_id: gate?.id,
    decision: "confirm",
    action_digest: gate?.action_digest,
    comment: "Seen.",
  };
  expect(await ask("approver", "/approve", word)).toMatchObject({ id: gate?.id });
  const ended = await until("the run ends", async () => {
    const now = runSchema.parse(await ask("requester", `/runs/${run.id}`));
    return now.finished_at === null ? undefined : now;
  });
  expect(ended.status).toBe("succeeded");
  const calls = server.asked().slice(before.asked);
  expect(calls.filter(({ method }) => method === "tools/call")).toHaveLength(1);
  expect(server.calls().slice(before.calls)).toHaveLength(1);
});

test.each([500, 307])(
  "status %s of a server of tools is an answer: it is not asked again",
  async (status) => {
    const { server } = benches();
    server.failWith((method) => (method === "tools/call" ? { status } : null));
    const before = { asked: server.asked().length, calls: server.calls().length };
    const run = await runCalls(payment(REPEATABLE_TOOL, `answered with ${status}`));
    expect(run.status).toBe("succeeded");
    expect(toolSteps(run)).toMatchObject([{ state: "failed", error: { code: "outcome_unknown" } }]);
    const calls = server.asked().slice(before.asked);
    expect(calls.filter(({ method }) => method === "tools/call")).toHaveLength(1);
    expect(server.calls()).toHaveLength(before.calls);
  },
);

test("a dead server of tools is left alone: the next call is refused at once, before anybody is asked", async () => {
  const { server } = benches();
  server.failWith(() => ({ status: 503 }));
  const before = { asked: server.asked().length, calls: server.calls().length };
  const call = (text: string): Call => payment(REPEATABLE_TOOL, text);
  const run = await runCalls(call("one"), call("two"), call("three"));
  expect(run.status).toBe("succeeded");
  expect(run.approvals).toEqual([]);
  const steps = toolSteps(run);
  expect(steps.map(({ state, error }) => [state, error?.code])).toEqual([
    ["refused", "not_sent"],
    ["refused", "not_sent"],
    ["refused", "not_sent"],
  ]);
  expect(steps[2]?.error?.detail).toContain("left alone");
  expect(steps[2] && msOf(steps[2])).toBeLessThan(QUICK_MS_MAX);
  // Five failures open it, and what failed in the tests before counts.
  const came = server.asked().slice(before.asked).length;
  expect([came > 0, came <= 5]).toEqual([true, true]);
  expect(server.calls()).toHaveLength(before.calls);
});
