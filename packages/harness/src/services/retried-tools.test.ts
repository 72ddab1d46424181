// What is repeated is counted at the server that is called, never by the tool.

import { once } from "node:events";
import { createServer, type Server, type ServerResponse } from "node:http";
import type { TenantId } from "@assent/contract";
import { afterEach, expect, test } from "vitest";
import { CLOSED, type Breaker } from "../core/resilience/breaker.ts";
import { DEFAULT_PROVIDER_SETTINGS } from "../core/resilience/settings.ts";
import { err, ok } from "../base/result.ts";
import type { PassingError } from "../core/resilience/passing.ts";
import type { Breakers, Clock, Tool, ToolContext } from "../ports.ts";
import { createGates, type Gates } from "./models/gates.ts";
import { createHttpTool } from "./tools/http.ts";
import { retriedTools } from "./retried-tools.ts";
import { ownBreakers } from "./tool-doors.ts";

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

async function serve(
  answer: (call: number, response: ServerResponse) => void,
): Promise<{ url: string; keys: string[] }> {
  const keys: string[] = [];
  const server = createServer((request, response) => {
    keys.push(String(request.headers["idempotency-key"]));
    request.resume();
    answer(keys.length, response);
  });
  servers.push(server);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  return {
    url: `http://127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}/`,
    keys,
  };
}

const status =
  (code: number, headers: Record<string, string> = {}) =>
  (response: ServerResponse): void => {
    response.writeHead(code, headers).end(`status ${code}`);
  };

/** Time that passes only where something sleeps. */
function sleepingClock(): Clock & { readonly slept: number[]; advance(ms: number): void } {
  let nowMs = Date.UTC(2026, 0, 1);
  const slept: number[] = [];
  return {
    slept,
    advance: (ms) => {
      nowMs += ms;
    },
    now: () => new Date(nowMs),
    sleep: async (ms) => {
      slept.push(ms);
      nowMs += ms;
    },
  };
}

function sharedBreakers(): Breakers {
  const rows = new Map<string, Breaker>();
  return {
    read: async (name) => rows.get(name) ?? CLOSED,
    list: async () => rows,
    change: async (name, next) => {
      const before = rows.get(name) ?? CLOSED;
      const after = next(before);
      if (after !== null) rows.set(name, after);
      return { breaker: after ?? before, changed: after !== null };
    },
  };
}

const tenantOf = (digit: number): TenantId => `ten_${String(digit).repeat(32)}`;
const effectId = `sha256:${"ab".repeat(32)}` as const;
const context = (signal = new AbortController().signal, tenant = tenantOf(1)): ToolContext => ({
  workspace: null,
  effectId,
  tenant,
  signal,
});

function toolAt(
  url: string,
  effect: "none" | "idempotent" | "once",
  breakers = sharedBreakers(),
): { tool: Tool; clock: ReturnType<typeof sleepingClock> } {
  const clock = sleepingClock();
  const random = { bytes: (count: number) => new Uint8Array(count).fill(128) };
  const gates = createGates({
    breakers,
    clock,
    random,
    log: () => undefined,
    settings: DEFAULT_PROVIDER_SETTINGS,
  });
  const ports = { gates, clock, random, settings: DEFAULT_PROVIDER_SETTINGS };
  const manifest = {
    name: "ask_server",
    version: "1",
    description: "Asks.",
    inputSchema: { type: "object", properties: {} },
    effect,
    harm: [],
    controlArguments: [],
    returns: "untrusted",
  } as const;
  const inner = createHttpTool({ manifest, url, timeoutMs: 5_000, fetch: globalThis.fetch });
  const tools = retriedTools({ get: () => inner, list: () => [inner] }, ports);
  const tool = tools.get("ask_server");
  if (tool === undefined) throw new Error("the tool is there");
  return { tool, clock };
}

test.each(["none", "idempotent"] as const)(
  "%s: what passes is tried again, under the same key, after a pause",
  async (effect) => {
    const { url, keys } = await serve((call, response) => {
      if (call < 3) status(503)(response);
      else status(200)(response);
    });
    const { tool, clock } = toolAt(url, effect);
    expect(await tool.execute({}, null, context())).toMatchObject({ ok: true });
    expect(keys).toEqual([effectId, effectId, effectId]);
    expect(clock.slept).toHaveLength(2);
    expect(clock.slept.every((ms) => ms > 0)).toBe(true);
  },
);

test("once: nothing is repeated, whatever it answered", async () => {
  const { url, keys } = await serve((_call, response) => {
    status(503, { "retry-after": "0" })(response);
  });
  const { tool } = toolAt(url, "once");
  const result = await tool.execute({}, null, context());
  expect(result).toMatchObject({ ok: false, error: { code: "outcome_unknown" } });
  expect(keys).toHaveLength(1);
});

test.each([400, 401, 403, 404, 409, 422, 307, 500])("a plain no is an answer: %s", async (code) => {
  const { url, keys } = await serve((_call, response) => {
    status(code)(response);
  });
  expect((await toolAt(url, "idempotent").tool.execute({}, null, context())).ok).toBe(false);
  expect(keys).toHaveLength(1);
});

test("Retry-After is waited for at least, and one that is too long is not waited for", async () => {
  const short = await serve((call, response) => {
    if (call === 1) status(429, { "retry-after": "2" })(response);
    else status(200)(response);
  });
  const patient = toolAt(short.url, "idempotent");
  expect((await patient.tool.execute({}, null, context())).ok).toBe(true);
  expect(patient.clock.slept.reduce((a, b) => a + b)).toBeGreaterThanOrEqual(2_000);
  const long = await serve((_call, response) => {
    status(429, { "retry-after": "600" })(response);
  });
  const told = await toolAt(long.url, "idempotent").tool.execute({}, null, context());
  // The error is the journal's: code and detail, and nothing of the pause.
  expect(told).toEqual({ ok: false, error: { code: "http_refused", detail: expect.any(String) } });
  expect(long.keys).toHaveLength(1);
});

test("a tool that keeps failing is left alone, by every process, and asked by one when the time has come", async () => {
  let well = false;
  const { url, keys } = await serve((_call, response) => {
    status(well ? 200 : 503)(response);
  });
  const breakers = sharedBreakers();
  const first = toolAt(url, "idempotent", breakers);
  for (let step = 0; step < 8; step += 1) await first.tool.execute({}, null, context());
  const called = keys.length;
  expect(called).toBeLessThan(8 * 4);
  const second = toolAt(url, "idempotent", breakers);
  expect(await second.tool.execute({}, null, context())).toMatchObject({
    ok: false,
    error: { code: "not_sent" },
  });
  expect(keys).toHaveLength(called);
  well = true;
  second.clock.advance(DEFAULT_PROVIDER_SETTINGS.breaker.open_ms_max + 60_000);
  expect(await second.tool.execute({}, null, context())).toMatchObject({ ok: true });
  expect(keys).toHaveLength(called + 1);
});

test("an answer that is lost on the way is asked for again", async () => {
  const { url, keys } = await serve((call, response) => {
    if (call === 1) response.destroy();
    else status(200)(response);
  });
  expect((await toolAt(url, "none").tool.execute({}, null, context())).ok).toBe(true);
  expect(keys).toHaveLength(2);
});

test("a call that is called off is not repeated", async () => {
  const off = new AbortController();
  const { url, keys } = await serve((_call, response) => {
    off.abort();
    response.destroy();
  });
  expect((await toolAt(url, "idempotent").tool.execute({}, null, context(off.signal))).ok).toBe(false);
  expect(keys).toHaveLength(1);
});

test("a run that was called off in the pause finds no second request made, before any signal tells of it", async () => {
  let isOurs = true;
  const { url, keys } = await serve((_call, response) => {
    isOurs = false;
    status(503)(response);
  });
  const { tool } = toolAt(url, "idempotent");
  const held = { ...context(), isStillHeld: async () => await Promise.resolve(isOurs) };
  expect(await tool.execute({}, null, held)).toMatchObject({ ok: false, error: { code: "outcome_unknown" } });
  expect(keys).toHaveLength(1);
});

/** A tool of several peers, which answers as it is told; it asks nobody when it is planned, or does. */
function toolOf(options: {
  readonly effect: "none" | "once";
  readonly asksToPlan?: true;
  readonly answer: (peer: string) => "well" | "failed";
}): { readonly tool: Tool; readonly called: string[]; readonly gates: Gates } {
  const called: string[] = [];
  const clock = sleepingClock();
  const random = { bytes: (count: number) => new Uint8Array(count).fill(128) };
  const gates = createGates({
    breakers: sharedBreakers(),
    clock,
    random,
    log: () => undefined,
    settings: DEFAULT_PROVIDER_SETTINGS,
  });
  const ports = { gates, clock, random, settings: DEFAULT_PROVIDER_SETTINGS };
  const ask = (what: string, peer: string) => {
    called.push(`${what} ${peer}`);
    const passing: PassingError = { code: "not_sent", detail: "No.", passes: { retryAfterMs: null } };
    return options.answer(peer) === "well" ? ok(null) : err(passing);
  };
  const inner: Tool = {
    scope: "world",
    ...(options.asksToPlan === undefined ? {} : { asksToPlan: options.asksToPlan }),
    manifest: {
      name: "ask_many",
      version: "1",
      description: "Asks.",
      inputSchema: { type: "object" },
      effect: options.effect,
      harm: [],
      controlArguments: [],
      returns: "untrusted",
    },
    peerOf: ({ peer }) => String(peer),
    plan: async ({ peer }) => {
      const answered = ask("plan", String(peer));
      return answered.ok ? ok({ summary: "Ask", preview: null, precondition: null }) : answered;
    },
    execute: async ({ peer }) => {
      const answered = ask("call", String(peer));
      return answered.ok ? ok({ output: "well", label: "untrusted" }) : answered;
    },
  };
  const tools = retriedTools({ get: () => inner, list: () => [inner] }, ports);
  const tool = tools.get("ask_many");
  if (tool === undefined) throw new Error("the tool is there");
  return { tool, called, gates };
}

test("one peer that fails is left alone by itself: another is still asked", async () => {
  const { tool, called } = toolOf({
    effect: "none",
    answer: (peer) => (peer === "dead" ? "failed" : "well"),
  });
  for (let step = 0; step < 6; step += 1) await tool.execute({ peer: "dead" }, null, context());
  const before = called.length;
  expect((await tool.execute({ peer: "dead" }, null, context())).ok).toBe(false);
  expect(called).toHaveLength(before);
  expect((await tool.execute({ peer: "well" }, null, context())).ok).toBe(true);
});

test("what a tool asks when it is planned is asked again, also where the call itself never is", async () => {
  let plans = 0;
  const { tool, called } = toolOf({
    effect: "once",
    asksToPlan: true,
    answer: () => ((plans += 1) < 3 ? "failed" : "well"),
  });
  expect((await tool.plan({ peer: "a" }, context())).ok).toBe(true);
  expect(called).toEqual(["plan a", "plan a", "plan a"]);
  const failing = toolOf({ effect: "once", asksToPlan: true, answer: () => "failed" });
  // The journal's words alone: nothing of the pause.
  const told = { ok: false, error: { code: "not_sent", detail: "No." } };
  expect(await failing.tool.execute({ peer: "a" }, null, context())).toEqual(told);
  expect(failing.called).toEqual(["call a"]);
  expect(await failing.tool.plan({ peer: "a" }, context())).toEqual(told);
});

test("a plan that asks nobody says nothing of how the tool is", async () => {
  const { tool, called } = toolOf({ effect: "none", answer: () => "failed" });
  expect((await tool.plan({ peer: "a" }, context())).ok).toBe(false);
  expect(called).toEqual(["plan a"]);
});

test.each(["999999", "1000000000000"])(
  "a tool that asks for a pause of %s seconds is called again a minute later",
  async (seconds) => {
    const { url, keys } = await serve((call, response) => {
      if (call === 1) status(503, { "retry-after": seconds })(response);
      else status(200)(response);
    });
    const { tool, clock } = toolAt(url, "idempotent");
    expect(await tool.execute({}, null, context())).toMatchObject({ ok: false });
    expect(await tool.execute({}, null, context())).toMatchObject({ ok: false, error: { code: "not_sent" } });
    expect(keys).toHaveLength(1);
    clock.advance(60_001);
    expect(await tool.execute({}, null, context())).toMatchObject({ ok: true });
  },
);

/** A tool that fails for some tenants, as it answers by what it is asked; and how often it was asked. */
async function failingFor(tenants: Set<TenantId>): Promise<{
  readonly ask: (tenant: TenantId) => Promise<boolean>;
  readonly asked: () => number;
  readonly advance: (ms: number) => void;
}> {
  let failing = false;
  const { url, keys } = await serve((_call, response) => {
    status(failing ? 503 : 200, { "retry-after": "60" })(response);
  });
  const { tool, clock } = toolAt(url, "idempotent");
  return {
    ask: async (tenant) => {
      failing = tenants.has(tenant);
      return (await tool.execute({}, null, context(undefined, tenant))).ok;
    },
    asked: () => keys.length,
    advance: (ms) => {
      clock.advance(ms);
    },
  };
}

test("who makes a tool fail, or ask for a pause, shuts it for its own tenant and for nobody else", async () => {
  const [hostile, other] = [tenantOf(1), tenantOf(2)];
  const { ask, asked, advance } = await failingFor(new Set([hostile]));
  for (let step = 0; step < 20; step += 1) {
    expect(await ask(hostile)).toBe(false);
    advance(60_001);
  }
  expect(await ask(hostile)).toBe(false);
  const before = asked();
  expect(await ask(hostile)).toBe(false);
  expect(asked()).toBe(before);
  expect(await ask(other)).toBe(true);
});

test("a tool that fails two tenants is left alone for all, and one answer opens it for those it never failed", async () => {
  const [one, two, third] = [tenantOf(1), tenantOf(2), tenantOf(3)];
  const { ask, asked, advance } = await failingFor(new Set([one, two]));
  // Each until its own has opened; the pause that is asked for lies between the calls.
  for (let step = 0; step < 5; step += 1) {
    advance(60_001);
    await ask(one);
    await ask(two);
  }
  const before = asked();
  expect(await ask(third)).toBe(false);
  expect(asked()).toBe(before);
  advance(60_001);
  expect(await ask(third)).toBe(true);
});

test("a tool that breaks off leaves its place to others", async () => {
  const { tool, gates } = toolOf({
    effect: "none",
    answer: () => {
      throw new Error("a bug");
    },
  });
  for (let step = 0; step < 3; step += 1)
    await expect(tool.execute({ peer: "a" }, null, context())).rejects.toThrow("a bug");
  const own = await gates.list(ownBreakers(tenantOf(1)));
  expect(own.map(({ inFlight }) => inFlight)).toContain(0);
  expect(own.every(({ inFlight }) => inFlight === 0)).toBe(true);
});
