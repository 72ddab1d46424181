// What ends a call from outside: the caller, the clock, a dead line. The provider sees it at once, and is asked once.

import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { openModels } from "../../../packages/harness/src/adapters/models/models.ts";
import { callOf, type Mode, MODES, modelOf, modelsAt, never, startFake } from "./wires.ts";

const cases = MODES.map((mode) => [`${mode.wire}, ${mode.streaming ? "streamed" : "whole"}`, mode] as const);
const REPLY = { text: "a rather long answer", calls: [] };

/** On a busy machine the shortest is over before anything was sent; then there is nothing that could be closed. */
const LIMITS_MS = [50, 1_000, 10_000];

type Fake = Awaited<ReturnType<typeof startFake>>;

async function untilItArrives(
  mode: Mode,
  fault: { readonly kind: "hang" } | { readonly kind: "stall"; readonly afterChunks: number },
  limit: "callMsMax" | "silenceMsMax",
  expected: object,
): Promise<Fake> {
  for (const ms of LIMITS_MS) {
    const fake = await startFake(mode.wire, [{ ...REPLY, fault }]);
    const models = modelsAt(fake.url, mode, { [limit]: ms });
    expect(await models.call(callOf(mode.wire), never())).toMatchObject(expected);
    if (fake.requests.length > 0) return fake;
    await fake[Symbol.asyncDispose]();
  }
  throw new Error(`no request arrived within ${String(LIMITS_MS.at(-1))} ms`);
}

describe.each(cases)("%s", (_name, mode: Mode) => {
  test.each([
    ["before the first byte", { kind: "hang" }],
    ["in the middle of the answer", { kind: "stall", afterChunks: 2 }],
  ] as const)("a call that is given up %s closes its connection", async (_when, fault) => {
    await using fake = await startFake(mode.wire, [{ ...REPLY, fault }]);
    const caller = new AbortController();
    const answer = modelsAt(fake.url, mode).call(callOf(mode.wire), caller.signal);
    const request = await fake.request(0);
    caller.abort();
    expect(await answer).toMatchObject({ ok: false, error: { code: "call_cancelled", transient: true } });
    expect(await request.closed).toBe("aborted");
    expect(fake.fired(fault.kind)).toBe(1);
    expect(fake.requests).toHaveLength(1);
  });

  test.each([
    ["never answers", { kind: "hang" }],
    ["stops in the middle", { kind: "stall", afterChunks: 2 }],
  ] as const)("a provider that %s is given up when its time is over", async (_what, fault) => {
    // The server never ends this by itself, so that only the time-out can, whatever its length.
    await using fake = await untilItArrives(mode, fault, "callMsMax", {
      ok: false,
      error: { code: "provider_timeout", transient: true, retryAfterMs: null },
    });
    expect(await (await fake.request(0)).closed).toBe("aborted");
    expect(fake.requests).toHaveLength(1);
  });

  test.each([
    ["never answers", { kind: "hang" }],
    ["stops in the middle", { kind: "stall", afterChunks: 2 }],
  ] as const)("a provider that %s is given up when it has been silent for too long", async (_what, fault) => {
    await using fake = await untilItArrives(mode, fault, "silenceMsMax", {
      ok: false,
      error: { code: "provider_timeout", transient: true },
    });
    expect(await (await fake.request(0)).closed).toBe("aborted");
  });

  test("a model that is not to be streamed is asked for one piece, whatever the others are", async () => {
    await using fake = await startFake(mode.wire, [REPLY]);
    const unstreamed = new Set([modelOf(mode.wire)]);
    const answer = await modelsAt(fake.url, mode, { streaming: true, unstreamed }).call(
      callOf(mode.wire),
      never(),
    );
    expect(answer).toMatchObject({ ok: true, value: { text: REPLY.text } });
    expect(JSON.parse(fake.requests[0]?.rawBody ?? "")).not.toMatchObject({ stream: true });
  });

  test("an answer that is refused unread closes its connection", async () => {
    const fault = { kind: "huge_delta", sizeBytes: 10 * 1024 * 1024 } as const;
    await using fake = await startFake(mode.wire, [{ fault }]);
    expect(await modelsAt(fake.url, mode).call(callOf(mode.wire), never())).toMatchObject({ ok: false });
    expect(await (await fake.request(0)).closed).toBe("aborted");
  });

  test("a call that was given up before it was made is never made", async () => {
    await using fake = await startFake(mode.wire, []);
    const answer = await modelsAt(fake.url, mode).call(callOf(mode.wire), AbortSignal.abort());
    expect(answer).toMatchObject({ ok: false, error: { code: "call_cancelled" } });
    expect(fake.requests).toHaveLength(0);
  });

  test("a closed port is a provider that cannot be reached", async () => {
    await using fake = await startFake(mode.wire, []);
    await fake.refuseConnections();
    expect(await modelsAt(fake.url, mode).call(callOf(mode.wire), never())).toMatchObject({
      ok: false,
      error: { code: "provider_unreachable", transient: true },
    });
  });

  test("a redirect is not followed, with or without the key", async () => {
    await using other = await startFake(mode.wire, [{ text: "from elsewhere" }]);
    const path = { anthropic: "messages", responses: "responses", chat: "chat/completions" };
    const to = `${other.url}/${mode.wire === "compatible" ? path.chat : path[mode.wire]}`;
    await using fake = await startFake(mode.wire, [{ fault: { kind: "redirect", to } }]);
    const answer = await modelsAt(fake.url, mode).call(callOf(mode.wire), never());
    expect(answer).toMatchObject({ ok: false, error: { code: "provider_redirected", transient: false } });
    expect(fake.fired("redirect")).toBe(1);
    expect(other.requests).toHaveLength(0);
    expect(other.violations).toEqual([]);
  });
});

test("an answer that comes slowly is not a silent one", async () => {
  const mode: Mode = { wire: "anthropic", streaming: true };
  const text = "a rather long answer that comes in many small pieces, one after another";
  await using fake = await startFake(mode.wire, [{ text, fault: { kind: "slow", pauseMs: 120 } }]);
  // Longer than any pause and shorter than all of them together.
  const models = modelsAt(fake.url, mode, { silenceMsMax: 1_500 });
  const startedMs = performance.now();
  expect(await models.call(callOf(mode.wire), never())).toMatchObject({ ok: true, value: { text } });
  expect(performance.now() - startedMs).toBeGreaterThan(1_500);
});

const broken = cases.flatMap(([name, mode]) =>
  mode.streaming ? [0, 2].map((afterChunks) => [name, afterChunks, mode] as const) : [],
);

test.each(broken)(
  "an error in the stream ends the call and its connection: %s after %s chunks",
  async (_name, afterChunks, mode) => {
    const fault = { kind: "error_in_stream", afterChunks, word: "api_error", holds: true } as const;
    await using fake = await startFake(mode.wire, [{ ...REPLY, fault }]);
    const answer = await modelsAt(fake.url, mode).call(callOf(mode.wire), never());
    expect(answer).toMatchObject({ ok: false, error: { code: "provider_unavailable" } });
    expect(await (await fake.request(0)).closed).toBe("aborted");
  },
);

describe("the environment", () => {
  beforeEach(() => {
    // Each of these is a name that the vendor's code looks for when it is not told.
    for (const name of ["ANTHROPIC_API_KEY", "OPENAI_API_KEY", "ANTHROPIC_AUTH_TOKEN"])
      vi.stubEnv(name, "sk-from-the-environment");
    for (const name of ["ANTHROPIC_BASE_URL", "OPENAI_BASE_URL"]) vi.stubEnv(name, "http://127.0.0.1:9/v1");
  });
  afterEach(() => {
    vi.unstubAllEnvs();
  });

  test.each(cases)("gives no key and no address: %s", async (_name, mode) => {
    await using fake = await startFake(mode.wire, [{ text: "ok" }]);
    expect(await modelsAt(fake.url, mode).call(callOf(mode.wire), never())).toMatchObject({ ok: true });
    expect(JSON.stringify(fake.requests[0]?.headers)).not.toContain("sk-from-the-environment");
  });

  test.each(["anthropic", "responses"] as const)(
    "gives no address where none is configured: %s",
    async (wire) => {
      const asked: string[] = [];
      const fetch: typeof globalThis.fetch = (input) => {
        asked.push(typeof input === "string" ? input : "not a string");
        return Promise.reject(new TypeError("no network in tests"));
      };
      const models = openModels({
        streaming: true,
        fetch,
        anthropic: { apiKey: "sk-given" },
        openai: { apiKey: "sk-given" },
      });
      expect(await models.call(callOf(wire), never())).toMatchObject({
        error: { code: "provider_unreachable" },
      });
      expect(asked).toEqual([
        wire === "anthropic"
          ? "https://api.anthropic.com/v1/messages"
          : "https://api.openai.com/v1/responses",
      ]);
    },
  );
});

test("nothing is sent without a key where none is configured", async () => {
  await using fake = await startFake("compatible", [{ text: "ok" }]);
  const models = openModels({ streaming: true, openaiCompatible: { baseUrl: fake.url } });
  expect(await models.call(callOf("compatible"), never())).toMatchObject({
    ok: false,
    error: { code: "provider_refused_credentials" },
  });
  expect(fake.requests[0]?.headers.authorization).toBeUndefined();
});

describe("check", () => {
  const models = openModels({ streaming: true, openaiCompatible: { baseUrl: "http://127.0.0.1:9/v1" } });

  test("names what is missing", () => {
    expect(models.check(modelOf("compatible"))).toEqual({ ok: true, value: null });
    expect(models.check("anthropic/x")).toEqual({
      ok: false,
      error: "The provider anthropic is not configured here. It needs ANTHROPIC_API_KEY.",
    });
    expect(models.check("acme/x")).toEqual({
      ok: false,
      error: "There is no provider acme. Configured: openai-compatible.",
    });
    expect(models.check("../x")).toMatchObject({ ok: false });
  });

  test("a call of a model that is not configured fails for good", async () => {
    expect(await models.call(callOf("anthropic"), never())).toMatchObject({
      ok: false,
      error: { code: "model_unknown", transient: false },
    });
  });

  test.each(["ftp://x/v1", "x", "http://user:pass@host/v1", "http://host/v1?key=1"])(
    "the base URL %s is refused",
    (baseUrl) => {
      expect(() => openModels({ streaming: true, openaiCompatible: { baseUrl } })).toThrow(/base URL/);
    },
  );
});
