// An operator moves a tool to another address and changes nothing else of it. A yes, a remembered answer and a call that
// was made are about the place that they were given for (invariant 5, assent is exact): two real places, each counting.

import type { Approval, Run, RunId } from "@assent/contract";
import { startToolSink, type ToolSink } from "@assent/suite";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import type { Manifest } from "../../../packages/harness/src/core/tool.ts";
import type { Caller, Models, Tool } from "../../../packages/harness/src/ports.ts";
import { advanceRun, claimRun } from "../../../packages/harness/src/services/orchestrator.ts";
import { createHttpTool, type HttpToolOptions } from "../../../packages/harness/src/services/tools/http.ts";
import { answering, type Engine, openEngine, policiesOf, value } from "../../support/engine.ts";
import { until } from "../../support/until.ts";

const manifest: Manifest = {
  name: "book",
  version: "1",
  description: "Books.",
  inputSchema: { type: "object", properties: { seat: { type: "string" } } },
  effect: "once",
  harm: ["write"],
  controlArguments: ["seat"],
  returns: "trusted",
  compensation: { effect: "idempotent", description: "The seat is free again." },
};

let here: ToolSink;
let there: ToolSink;
let engine: Engine;
let ann: Caller;
const tools: Tool[] = [];
/** Of a test's own: what its run asks for, and whether its model breaks off after the call. */
const own = { seat: "1a", breaksOff: false };

const at = (sink: ToolSink, more: Partial<HttpToolOptions> = {}): Tool =>
  createHttpTool({
    manifest,
    url: sink.url,
    checkUrl: sink.url.replace("/effect", "/check"),
    compensationUrl: sink.url.replace("/effect", "/undo"),
    timeoutMs: 10_000,
    fetch,
    ...more,
  });

/** As a program of before had it, which noted nowhere where a call goes. */
function unnoted(sink: ToolSink): Tool {
  const { destination: _, ...tool } = at(sink);
  return {
    ...tool,
    plan: async (args, context) => {
      const plan = await tool.plan(args, context);
      return plan.ok ? { ok: true, value: { ...plan.value, precondition: null } } : plan;
    },
  };
}

const script = answering((turn) =>
  turn === 0 ? { calls: [{ id: "c1", tool: "book", arguments: { seat: own.seat } }] } : { text: "Done." },
);
const models: Models = {
  check: (model) => script.check(model),
  call: async (call, signal) => {
    const isFirst = !call.messages.some(({ role }) => role === "assistant");
    if (isFirst || !own.breaksOff) return await script.call(call, signal);
    const error = { code: "provider_refused", detail: "No.", transient: false, retryAfterMs: null };
    return { ok: false, error };
  },
};

beforeAll(async () => {
  [here, there] = await Promise.all([startToolSink(), startToolSink()]);
  const policies = policiesOf({
    texts: {
      "test.cedar": `@id("act") permit (principal, action == Action::"call", resource);
        @id("ask") @needs_approval forbid (principal, action == Action::"call", resource);`,
    },
  });
  engine = await openEngine({ models, tools, policies, agent: { tools: ["book"] } });
  const { secret } = value(
    await engine.harness.createKey(engine.caller, {
      principal: { name: "ann", kind: "human" },
      scopes: ["approvals:decide"],
    }),
  );
  const known = await engine.harness.authenticate(secret);
  if (known === null) throw new Error("a new key is known");
  ann = known;
});
afterAll(async () => {
  await engine[Symbol.asyncDispose]();
  await Promise.all([here.stop(), there.stop()]);
});

let called = { here: 0, there: 0 };
beforeEach(() => {
  tools.splice(0, tools.length, at(here));
  Object.assign(own, { seat: "1a", breaksOff: false });
  called = { here: here.calls().length, there: there.calls().length };
});

const requests = (): { readonly here: number; readonly there: number } => ({
  here: here.calls().length - called.here,
  there: there.calls().length - called.there,
});

const never = new AbortController().signal;
let workers = 0;

/** Takes the run up until it waits or has ended. */
async function goOn(id: RunId): Promise<Run> {
  for (;;) {
    workers += 1;
    const claim = await claimRun(engine.ports, workers, engine.tenant, id);
    if (claim === null) return await engine.run(id);
    await advanceRun(engine.ports, claim, never, never);
  }
}

const openOf = (run: Run): Approval => {
  const open = run.approvals.find(({ status }) => status === "open");
  if (open === undefined) throw new Error(`nothing waits, the run is ${run.status}`);
  return open;
};

async function ask(): Promise<{ readonly id: RunId; readonly approval: Approval }> {
  const id = await engine.submit();
  return { id, approval: openOf(await goOn(id)) };
}

async function approve({ id, action_digest }: Approval, more: object = {}): Promise<void> {
  value(
    await engine.harness.decide(ann, {
      approval_id: id,
      decision: "approve",
      action_digest,
      ...more,
    }),
  );
}

const toolStep = (run: Run): unknown => run.steps.find(({ kind }) => kind === "tool");

async function plannedFor({ id }: Approval): Promise<unknown> {
  const { data } = value(await engine.harness.listWaiting(engine.caller, null));
  const found = data.find((call) => call.approval_id === id);
  return [found?.outcome, found?.reasons.map(({ code }) => code)];
}

test.each<readonly [string, () => Tool]>([
  ["another address", () => at(there)],
  ["another address of what looks", () => at(here, { checkUrl: there.url })],
  ["another address of what takes back", () => at(here, { compensationUrl: there.url })],
  ["another header", () => at(here, { headers: { "x-account": "b" } })],
  ["another credential", () => at(here, { credential: "TOKEN_OF_B" })],
])("a tool that has %s by now: its yes is withdrawn, and a person sees where", async (_what, move) => {
  const { id, approval } = await ask();
  tools[0] = move();
  expect(await plannedFor(approval)).toEqual(["asked_again", ["tool_moved"]]);
  await approve(approval);
  const again = openOf(await goOn(id));
  expect(requests()).toEqual({ here: 0, there: 0 });
  expect(again.decision.reasons.map(({ code }) => code)).toContain("tool_moved");
  expect(again.summary).toContain("asked again: its calls go elsewhere");
  expect(again.action_digest).not.toBe(approval.action_digest);
  await approve(again);
  expect(await goOn(id)).toMatchObject({ status: "succeeded" });
  const { here: sentHere, there: sentThere } = requests();
  expect(sentHere + sentThere).toBe(1);
});

test("what was asked before places were noted is asked again, and then goes on", async () => {
  tools[0] = unnoted(here);
  const { id, approval } = await ask();
  tools[0] = at(here);
  await approve(approval);
  await approve(openOf(await goOn(id)));
  expect(await goOn(id)).toMatchObject({ status: "succeeded" });
  expect(requests()).toEqual({ here: 1, there: 0 });
});

test("the same place spelt otherwise, and a new token of the same name, ask nobody again", async () => {
  tools[0] = at(here, { headers: { authorization: "Bearer a" }, credential: "TOKEN" });
  const { id, approval } = await ask();
  const url = here.url.replace("http://", "HTTP://");
  tools[0] = at(here, { url: `${url}#now`, headers: { Authorization: "Bearer b" }, credential: "TOKEN" });
  await approve(approval);
  expect(await goOn(id)).toMatchObject({ status: "succeeded" });
  expect(requests()).toEqual({ here: 1, there: 0 });
});

test("arguments are not edited for a place that the editor was not shown", async () => {
  const { id, approval } = await ask();
  tools[0] = at(there);
  const edit = {
    approval_id: approval.id,
    decision: "approve",
    action_digest: approval.action_digest,
    arguments: { seat: "2b" },
  } as const;
  expect(await engine.harness.decide(engine.caller, edit)).toMatchObject({
    ok: false,
    error: { code: "edit_refused" },
  });
  tools[0] = { ...at(here), manifest: { ...manifest, description: "Books, and tells everybody." } };
  expect(await engine.harness.decide(engine.caller, edit)).toMatchObject({
    ok: false,
    error: { code: "edit_refused" },
  });
  tools[0] = at(here);
  value(await engine.harness.decide(engine.caller, edit));
  expect(await goOn(id)).toMatchObject({ status: "succeeded" });
  expect(JSON.parse(here.calls().at(-1)?.body ?? "")).toMatchObject({ arguments: { seat: "2b" } });
});

/** Its worker dies while the call is under way: it has arrived, and nobody heard of it. */
async function dieInCall(): Promise<RunId> {
  const { id, approval } = await ask();
  await approve(approval);
  here.cue({ do: "hang" });
  const claim = await claimRun(engine.ports, 900_000 + workers, engine.tenant, id);
  if (claim === null) throw new Error("the run can be taken");
  const dead = new AbortController();
  const arrived = here.calls().length;
  const advancing = advanceRun(engine.ports, claim, dead.signal, never);
  await until("the call has arrived", () => here.calls().length > arrived);
  engine.clock.advance(60_000);
  await engine.sweep();
  dead.abort();
  await advancing;
  return id;
}

test.each<readonly [string, () => Tool]>([
  ["elsewhere", () => at(there)],
  ["asked elsewhere", () => at(here, { checkUrl: there.url })],
])("what became of a call is not asked of a tool that is %s by now: a person is", async (_what, move) => {
  const id = await dieInCall();
  tools[0] = move();
  expect(openOf(await goOn(id))).toMatchObject({ subject: "in_doubt" });
  expect(requests()).toEqual({ here: 1, there: 0 });
  // Nor is it tried again there, whoever said so of the call as it was.
  await approve(openOf(await engine.run(id)));
  expect(toolStep(await goOn(id))).toMatchObject({ state: "failed", error: { code: "tool_changed" } });
  expect(requests()).toEqual({ here: 1, there: 0 });
});

test("a call whose place was not noted is asked about by a person, and taken back where the tool is today", async () => {
  tools[0] = unnoted(here);
  const id = await dieInCall();
  tools[0] = at(there);
  own.breaksOff = true;
  const doubt = openOf(await goOn(id));
  expect(doubt).toMatchObject({ subject: "in_doubt" });
  expect(requests()).toEqual({ here: 1, there: 0 });
  value(
    await engine.harness.decide(engine.caller, {
      approval_id: doubt.id,
      decision: "confirm",
      action_digest: doubt.action_digest,
      comment: "Seen.",
    }),
  );
  const run = await goOn(id);
  expect(run).toMatchObject({ status: "failed", rollback: { left: [] } });
  expect(there.calls().at(-1)).toMatchObject({ path: "/undo" });
});

test("what was done in one place is not taken back in another: it is left to people, and told", async () => {
  const { id, approval } = await ask();
  await approve(approval);
  const claim = await claimRun(engine.ports, 800_000, engine.tenant, id);
  if (claim === null) throw new Error("the run can be taken");
  own.breaksOff = true;
  // The model breaks off after the call; by then the tool has moved.
  const moving: Models = {
    check: (model) => models.check(model),
    call: async (call, signal) => {
      tools[0] = at(there);
      return await models.call(call, signal);
    },
  };
  await advanceRun({ ...engine.ports, models: moving }, claim, never, never);
  expect(await goOn(id)).toMatchObject({
    status: "failed",
    rollback: { taken_back: [], left: [{ tool: "book", code: "tool_moved" }] },
  });
  expect(requests()).toEqual({ here: 1, there: 0 });
});

test("an answer that is given for good is given for the place that it was given for", async () => {
  // Of this one alone: from here on nobody is asked about it in the first place.
  own.seat = "9z";
  const { id, approval } = await ask();
  await approve(approval, { remember: true, comment: "Fine." });
  await goOn(id);
  const same = await engine.submit();
  expect((await goOn(same)).approvals).toEqual([]);
  tools[0] = at(there);
  const moved = await ask();
  expect(moved.approval.advice).toMatchObject([{ decision: "approve" }]);
  expect(requests()).toEqual({ here: 2, there: 0 });
});
