// One model step in the whole engine: who is asked, after whom, at what price, and what becomes of a run that nobody
// answers. The models are fakes that note each call; store, ledgers, breakers, queue and worker are the real ones.

import type { Run } from "@assent/contract";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { ok, type Result } from "../../../packages/harness/src/base/result.ts";
import { budgetSettingsSchema } from "../../../packages/harness/src/core/budget/settings.ts";
import { providerSettingsSchema } from "../../../packages/harness/src/core/resilience/settings.ts";
import { modelSettingsSchema } from "../../../packages/harness/src/core/route/settings.ts";
import type { ModelOutcome } from "../../../packages/harness/src/core/run/journal.ts";
import type { AccountState, ModelFailure, Models } from "../../../packages/harness/src/ports.ts";
import type { Routing } from "../../../packages/harness/src/services/held.ts";
import { createGates } from "../../../packages/harness/src/services/models/gates.ts";
import { runAccount } from "../../../packages/harness/src/services/models/ledger.ts";
import { advanceRun, claimRun } from "../../../packages/harness/src/services/orchestrator.ts";
import { countingTool, type Engine, openEngine } from "../../support/engine.ts";
import { until } from "../../support/until.ts";

type Said =
  | ModelFailure
  | { readonly text: string; readonly calls?: ModelOutcome["toolCalls"]; readonly by?: string };
type Say = (turn: number, signal: AbortSignal) => Promise<Said> | Said;

const asked: string[] = [];
const says = new Map<string, Say>();

const fails = (code: string, transient: boolean, retryAfterMs: number | null = null): Say => {
  return () => ({ code, detail: `It says ${code}.`, transient, retryAfterMs });
};
const DOWN = fails("provider_unavailable", true);

const models: Models = {
  check: () => ok(null),
  async call(call, signal): Promise<Result<ModelOutcome, ModelFailure>> {
    asked.push(call.model);
    const turn = call.messages.filter(({ role }) => role === "assistant").length;
    const said = await (says.get(call.model) ?? DOWN)(turn, signal);
    if ("code" in said) return { ok: false, error: said };
    const toolCalls = said.calls ?? [];
    return ok({
      kind: "model",
      model: said.by ?? call.model,
      text: said.text,
      toolCalls,
      usage: { inputTokens: 100, outputTokens: 10 },
      finishReason: toolCalls.length > 0 ? "tool_calls" : "stop",
      warnings: [],
    });
  },
};

const price = { input_usd_per_million: 10, output_usd_per_million: 10 };
const routing: Routing = {
  models: modelSettingsSchema.parse({
    rules: [
      { id: "all", effect: "permit", models: ["*"] },
      { id: "keep-read", effect: "forbid", models: ["foreign/*"], data: ["untrusted"] },
      { id: "never", effect: "forbid", models: ["openai/never"] },
    ],
    catalogue: { "openai/own": { price }, "anthropic/other": { price } },
  }),
  budgets: budgetSettingsSchema.parse({
    tenants: {
      "acme-day": { day: { input_tokens_max: 2_500 } },
      "acme-cost": { total: { cost_usd_max: 0.01 } },
    },
  }),
  providers: providerSettingsSchema.parse({
    retries: { base_ms: 1, hold_ms_max: 3_000, step_calls_max: 4, provider_ratio: 10 },
    breaker: { failures: 100, open_ms: 60_000 },
    outage_ms_max: 600_000,
  }),
};

let engine: Engine;
beforeAll(async () => {
  engine = await openEngine({
    models,
    routing,
    tools: [countingTool("look", "none")],
    agent: { models: ["openai/own", "anthropic/other", "foreign/*", "foreign/x"], output_tokens_max: 100 },
  });
  await engine.startWorker();
});
afterAll(async () => {
  await engine[Symbol.asyncDispose]();
});
beforeEach(() => {
  asked.length = 0;
  says.clear();
});

const ENDS = ["succeeded", "failed", "dead_lettered"] as const;
const ended = async (model?: string): Promise<Run> => await engine.reaches(await submit(model), ...ENDS);

let sequence = 0;
async function submit(model?: string, caller = engine.caller): Promise<Run["id"]> {
  sequence += 1;
  const request = { agent: "tester", task: "Do it.", ...(model === undefined ? {} : { model }) };
  const submitted = await engine.harness.submitRun(caller, request, `asking-${sequence}`);
  if (!submitted.ok) throw new Error(submitted.error.detail);
  return submitted.value.runId;
}

async function accountOf(name: string, tenant = engine.tenant): Promise<AccountState | undefined> {
  return (await engine.store.transaction(tenant, async (tx) => await tx.budgets.read([name])))[0];
}

test("another model answers where the run's own cannot, and the record says who and why", async () => {
  for (const code of ["provider_unavailable", "provider_refused_credentials", "provider_quota_exhausted"]) {
    asked.length = 0;
    says.set("openai/own", fails(code, code === "provider_unavailable"));
    says.set("anthropic/other", () => ({ text: "Done." }));
    const run = await ended();
    expect([run.status, asked]).toEqual(["succeeded", ["openai/own", "anthropic/other"]]);
    const [step] = run.steps;
    expect(step?.name).toBe("anthropic/other");
    expect(step?.decision?.verdict).toBe("permit");
    const events = await engine.harness.listEvents(engine.caller, run.id, 0);
    const answered = events.ok
      ? events.value.events.find(({ kind }) => kind === "step_succeeded")
      : undefined;
    expect(answered?.data).toMatchObject({ tried: [{ model: "openai/own", error: code }] });
  }
});

test("what the run's own model declines nobody else is asked", async () => {
  says.set("openai/own", fails("answer_declined", false));
  says.set("anthropic/other", () => ({ text: "Done." }));
  const run = await ended();
  expect([run.status, run.reason?.code, asked]).toEqual(["failed", "answer_declined", ["openai/own"]]);
});

test("a model that the rules forbid is not asked, by whatever name it answers, nor once the run has read", async () => {
  says.set("anthropic/other", () => ({ text: "Done." }));
  says.set("openai/own", () => ({ text: "Done.", by: "openai/never-2026" }));
  const disguised = await ended();
  expect([disguised.status, asked]).toEqual(["succeeded", ["openai/own", "anthropic/other"]]);

  asked.length = 0;
  const look = [{ id: "c1", tool: "look", arguments: {} }];
  says.set("foreign/x", (turn) => (turn === 0 ? { text: "", calls: look } : { text: "Done." }));
  says.set("openai/own", () => ({ text: "Done." }));
  const read = await ended("foreign/x");
  expect([read.status, asked]).toEqual(["succeeded", ["foreign/x", "openai/own"]]);
  const codes = read.steps.flatMap(({ kind, decision }) =>
    kind === "model" ? [decision?.reasons.map(({ code, policy }) => `${code} ${policy ?? ""}`)] : [],
  );
  expect(codes[1]).toEqual(["model_forbidden keep-read", "model_permitted all", "model_permitted all"]);
});

test("where the rules leave no model the run ends with the rule that said so, and nobody is asked", async () => {
  const strict = await openEngine({
    models,
    agent: { models: ["openai/own"] },
    routing: {
      models: modelSettingsSchema.parse({ rules: [{ id: "x", effect: "permit", models: ["a/b"] }] }),
    },
  });
  try {
    await strict.startWorker();
    const run = await strict.reaches(await strict.submit(), "failed");
    expect([run.reason?.code, asked]).toEqual(["model_not_permitted", []]);
    expect(run.steps[0]).toMatchObject({ state: "refused", decision: { verdict: "deny" } });
  } finally {
    await strict[Symbol.asyncDispose]();
  }
});

test("a step is asked for so many times and no more, in this process or another, and then parked with its reason", async () => {
  const run = await ended();
  expect(run.status).toBe("dead_lettered");
  expect(run.reason).toMatchObject({
    code: "retries_exhausted",
    detail: expect.stringContaining("provider_unavailable"),
  });
  expect(asked).toHaveLength(4);
  const account = await accountOf(runAccount(run.id));
  expect(account).toMatchObject({
    calls: 4,
    retries: 3,
    reserved: { inputTokens: 0 },
    spent: { inputTokens: 0 },
  });
});

test("a long pause that a provider asks for holds no worker, and the run goes on when it is over", async () => {
  says.set("openai/own", fails("provider_overloaded", true, 30_000));
  says.set("anthropic/other", fails("provider_overloaded", true, 40_000));
  says.set("foreign/x", fails("provider_overloaded", true, 40_000));
  const id = await submit();
  const waiting = await until("it was given back", async () => {
    const run = await engine.run(id);
    return run.status === "queued" && run.reason !== null ? run : undefined;
  });
  expect(waiting.reason).toMatchObject({ code: "provider_overloaded" });
  expect(asked).toHaveLength(3);
  says.set("openai/own", () => ({ text: "Done." }));
  // Nobody asks before the pause is over, whichever run it is.
  const other = await submit();
  await until("the other one waits too", async () => (await engine.run(other)).reason !== null);
  expect(asked).toHaveLength(3);
  engine.clock.advance(120_000);
  await engine.sweep();
  expect((await engine.reaches(id, ...ENDS)).status).toBe("succeeded");
  expect((await engine.reaches(other, ...ENDS)).status).toBe("succeeded");
});

test("a tenant's day is one ledger for all its runs: past it nobody is asked, and the reason says so", async () => {
  const caller = await engine.newCaller("buyer", "acme-day");
  says.set("openai/own", () => ({ text: "Done." }));
  const ids = await Promise.all(Array.from({ length: 8 }, async () => await submit(undefined, caller)));
  const runs = await Promise.all(
    ids.map(
      async (id) =>
        await until(`${id} ends`, async () => {
          const run = await engine.harness.getRun(caller, id);
          return run.ok && ENDS.some((end) => end === run.value.status) ? run.value : undefined;
        }),
    ),
  );
  const refused = runs.filter(({ status }) => status === "failed");
  expect(refused.length).toBeGreaterThan(0);
  for (const run of refused) expect(run.reason?.code).toBe("budget_exhausted");
  expect(asked.filter((model) => model === "openai/own")).toHaveLength(runs.length - refused.length);
  const day = await accountOf(`day:${engine.clock.now().toISOString().slice(0, 10)}`, caller.tenant);
  expect(day?.reserved.inputTokens).toBe(0);
  expect(day?.spent.inputTokens).toBeLessThanOrEqual(2_500);
  expect(await engine.harness.getBudget(caller)).toMatchObject({
    tenant: "acme-day",
    data: [
      {
        account: "day",
        limits: { input_tokens: 2_500, cost_usd: null },
        spent: { input_tokens: day?.spent.inputTokens },
      },
    ],
  });
  const paid = runs.find(({ status }) => status === "succeeded");
  expect(paid?.usage.charged).toMatchObject({
    input_tokens: expect.any(Number),
    cost_usd: expect.any(Number),
  });
  expect(paid?.usage.charged?.cost_usd).toBeGreaterThan(0);
});

test("a limit on costs asks nobody whose price is unknown, and whom it can pay", async () => {
  const caller = await engine.newCaller("payer", "acme-cost");
  says.set("foreign/x", () => ({ text: "Done." }));
  const id = await submit("foreign/x", caller);
  const run = await until("it ends", async () => {
    const found = await engine.harness.getRun(caller, id);
    return found.ok && found.value.status === "failed" ? found.value : undefined;
  });
  expect([run.reason?.code, asked]).toEqual(["model_price_unknown", []]);
});

test("what a dead worker had set aside counts as spent, and nothing stays set aside", async () => {
  const never = new AbortController().signal;
  says.set("openai/own", async (_turn, signal) => {
    const { promise, resolve } = Promise.withResolvers<undefined>();
    signal.addEventListener("abort", () => resolve(undefined));
    await promise;
    return { code: "call_cancelled", detail: "cut off", transient: true, retryAfterMs: null };
  });
  const lonely = await openEngine({
    models,
    routing,
    agent: { models: ["openai/own"], output_tokens_max: 100 },
  });
  try {
    const id = await lonely.submit();
    const claim = await claimRun(lonely.ports, 1, lonely.tenant, id);
    if (claim === null) throw new Error("the run is there to be taken");
    const lost = new AbortController();
    const advanced = advanceRun(lonely.ports, claim, lost.signal, never);
    await until("it is asked", () => asked.length === 1);
    const read = async (): Promise<AccountState | undefined> =>
      (
        await lonely.store.transaction(lonely.tenant, async (tx) => await tx.budgets.read([runAccount(id)]))
      )[0];
    const before = await read();
    expect(before?.reserved.outputTokens).toBe(100);
    // No process shows worker 1 any more, so the sweeper gives its run to others.
    expect(await lonely.sweep()).toBe(1);
    lost.abort();
    await advanced;
    expect(await read()).toMatchObject({
      spent: before?.reserved,
      reserved: { inputTokens: 0, outputTokens: 0 },
    });
  } finally {
    await lonely[Symbol.asyncDispose]();
  }
});

test("another process knows within half a second that a provider is down, and a restart still knows", async () => {
  const { breakers } = engine.store;
  const ports = { breakers, clock: engine.clock, random: engine.ports.random, log: engine.ports.log };
  const settings = providerSettingsSchema.parse({
    breaker: { failures: 2, open_ms: 10_000 },
    retries: { hold_ms_max: 10 },
  });
  const one = createGates({ ...ports, settings });
  const two = createGates({ ...ports, settings });
  const signal = new AbortController().signal;
  const enter = async (gates: typeof one): Promise<string> => {
    const entered = await gates.enter("down", { who: "a", isRetry: false, signal });
    if (!entered.ok) return entered.error.code;
    await entered.value.leave({ ended: "failed", code: "provider_unavailable", retryAfterMs: null }, null);
    return "called";
  };
  expect([await enter(two), await enter(one)]).toEqual(["called", "called"]);
  engine.clock.advance(600);
  expect([await enter(one), await enter(two)]).toEqual(["provider_open", "provider_open"]);
  expect(await enter(createGates({ ...ports, settings }))).toBe("provider_open");
  engine.clock.advance(10_000);
  const probes = await Promise.all(
    [one, two, one, two].map(
      async (gates) => await gates.enter("down", { who: "a", isRetry: false, signal }),
    ),
  );
  expect(probes.filter((probe) => probe.ok)).toHaveLength(1);
  const shown = (await engine.harness.listProviders(engine.caller)).find(
    ({ provider }) => provider === "down",
  );
  expect(shown).toMatchObject({ state: "half_open", reason: "provider_unavailable" });
});
