// Every way a provider can fail, over every wire, streamed and whole. Whatever happens: one request, one result, no
// tool call out of a broken answer, and neither the key nor the prompt in what is reported.

import { expect, test } from "vitest";
import { canonicalJson } from "../../../packages/harness/src/base/canonical-json.ts";
import type { Result } from "../../../packages/harness/src/base/result.ts";
import type { ModelOutcome } from "../../../packages/harness/src/core/run/journal.ts";
import type { ModelFailure } from "../../../packages/harness/src/ports.ts";
import type { FakeProvider } from "../../../packages/suite/src/faults/provider-server.ts";
import type { Fault, Reply } from "../../../packages/suite/src/faults/script.ts";
import { API_KEY, callOf, type Mode, MODES, modelsAt, never, PROMPT_CANARY, startFake } from "./wires.ts";

type Outcome = Result<ModelOutcome, ModelFailure>;
type Expected =
  | { readonly fails: string; readonly transient: boolean; readonly retryAfterMs?: number | null }
  | { readonly gives: Partial<ModelOutcome> };
type Case = {
  readonly name: string;
  readonly fault: Fault;
  readonly reply?: Reply;
  /** Where the fault exists; everywhere unless said. */
  readonly where?: (mode: Mode) => boolean;
  readonly expected: Expected | ((mode: Mode) => Expected);
};

const CALL = { id: "call_a", tool: "read_file", arguments: { path: "README.md" } };
const SOUND: Reply = { text: "Grüße 世界", calls: [CALL] };
const SOUND_CALLS = { toolCalls: [CALL], text: "Grüße 世界" };

const refused: Expected = { fails: "provider_refused", transient: false };
const unavailable: Expected = { fails: "provider_unavailable", transient: true };
const overloaded: Expected = { fails: "provider_overloaded", transient: true };
const incomplete: Expected = { fails: "answer_incomplete", transient: true };
const invalid: Expected = { fails: "answer_invalid", transient: true };
const credentials: Expected = { fails: "provider_refused_credentials", transient: false };
const streamed = ({ streaming }: Mode): boolean => streaming;

const status = (
  code: number,
  expected: Expected,
  more: Partial<Extract<Fault, { kind: "status" }>> = {},
): Case => ({
  name: `status ${code} ${JSON.stringify(more)}`,
  fault: { kind: "status", status: code, ...more },
  expected,
});

const STATUSES: readonly Case[] = [
  status(400, refused, { word: "invalid_request_error" }),
  status(401, credentials),
  status(403, credentials, { word: "permission_error" }),
  status(404, refused),
  status(408, unavailable),
  status(422, refused),
  status(429, overloaded),
  status(429, { ...overloaded, retryAfterMs: 7_000 }, { headers: { "retry-after": "7" } }),
  status(
    429,
    { ...overloaded, retryAfterMs: 250 },
    { headers: { "retry-after": "9", "retry-after-ms": "250" } },
  ),
  status(429, { fails: "provider_quota_exhausted", transient: false }, { word: "insufficient_quota" }),
  status(500, unavailable),
  status(502, unavailable, { html: true }),
  status(
    503,
    { ...unavailable, retryAfterMs: 30_000 },
    {
      headers: { date: "Fri, 20 Nov 2026 10:00:00 GMT", "retry-after": "Fri, 20 Nov 2026 10:00:30 GMT" },
    },
  ),
  status(503, { ...unavailable, retryAfterMs: null }, { headers: { "retry-after": "soon" } }),
  status(529, overloaded, { word: "overloaded_error" }),
];

const BROKEN: readonly Case[] = [
  {
    name: "reset before headers",
    fault: { kind: "reset" },
    expected: { fails: "provider_unreachable", transient: true },
  },
  ...[1, 3].map((afterChunks): Case => ({
    name: `cut after ${afterChunks}`,
    fault: { kind: "cut", afterChunks },
    expected: incomplete,
  })),
  ...[1, 3, 5].map((afterChunks): Case => ({
    name: `clean end after ${afterChunks}`,
    fault: { kind: "end_early", afterChunks },
    where: (mode) => mode.streaming || afterChunks < 4,
    // A body that ends in the middle is no JSON; a stream's end is missed.
    expected: (mode) => (mode.streaming ? incomplete : invalid),
  })),
  ...[1, 3].map((afterChunks): Case => ({
    name: `bad frame after ${afterChunks}`,
    fault: { kind: "bad_frame", afterChunks },
    expected: invalid,
  })),
  ...[0, 2, 5].map((afterChunks): Case => ({
    name: `overloaded in the stream after ${afterChunks}`,
    fault: { kind: "error_in_stream", afterChunks, word: "overloaded_error" },
    // The vendor's reader of whole Responses bodies finds no answer, and no word either.
    expected: ({ wire, streaming }) => (wire === "responses" && !streaming ? invalid : overloaded),
  })),
  { name: "HTML with status 200", fault: { kind: "html" }, expected: invalid },
  { name: "wrong content type", fault: { kind: "content_type", value: "text/plain" }, expected: invalid },
  {
    name: "redirect",
    fault: { kind: "redirect", to: "http://127.0.0.1:9/" },
    expected: { fails: "provider_redirected", transient: false },
  },
  {
    name: "10 MB in one delta",
    fault: { kind: "huge_delta", sizeBytes: 10 * 1024 * 1024 },
    expected: invalid,
  },
  { name: "33 calls", fault: { kind: "many_calls", count: 33 }, expected: invalid },
  { name: "two calls with one id", fault: { kind: "same_call_ids" }, expected: invalid },
  {
    name: "index duplicate",
    fault: { kind: "index", variant: "duplicate" },
    where: streamed,
    expected: invalid,
  },
  { name: "index missing", fault: { kind: "index", variant: "missing" }, where: streamed, expected: invalid },
  {
    name: "index reordered",
    fault: { kind: "index", variant: "reordered" },
    where: streamed,
    // In Chat Completions the index alone says where a fragment belongs, so that their order is free.
    expected: ({ wire }) =>
      wire === "chat" || wire === "compatible" ? { gives: { finishReason: "tool_calls" } } : invalid,
  },
  {
    name: "filtered",
    fault: { kind: "finish", reason: "filter" },
    reply: { text: "I cannot" },
    expected: { fails: "answer_declined", transient: false },
  },
  {
    name: "calls that end for an unknown reason",
    fault: { kind: "finish", reason: "unknown" },
    expected: invalid,
  },
  {
    name: "calls in an answer that says it stopped",
    fault: { kind: "finish", reason: "stop" },
    // Responses has no reason of its own: a finished answer with calls in it asks for them.
    expected: ({ wire }) => (wire === "responses" ? { gives: SOUND_CALLS } : invalid),
  },
  {
    name: "no calls in an answer that announces them",
    fault: { kind: "finish", reason: "tool_calls" },
    reply: { text: "I call nothing." },
    expected: ({ wire }) => (wire === "responses" ? { gives: { finishReason: "stop" } } : invalid),
  },
];

const UNFIT: readonly Case[] = [
  ...["read file", "a\nb", "x".repeat(129)].map((tool): Case => ({
    name: `a tool named ${JSON.stringify(tool).slice(0, 20)}`,
    fault: { kind: "unknown_tool", tool },
    expected: invalid,
  })),
  ...["a b", "é", "x".repeat(257)].map((id): Case => ({
    name: `a call with the id ${id.slice(0, 20)}`,
    fault: { kind: "slow", pauseMs: 0 },
    reply: { calls: [{ ...CALL, id }] },
    expected: invalid,
  })),
];

const args = (text: string): Case => ({
  name: `arguments ${text.slice(0, 40)}`,
  fault: { kind: "arguments", text },
  expected: { gives: { toolCalls: [{ ...CALL, arguments: null }], finishReason: "tool_calls" } },
});

const HARMLESS: readonly Case[] = [
  { name: "slow", fault: { kind: "slow", pauseMs: 1 }, expected: { gives: SOUND_CALLS } },
  { name: "one byte a write", fault: { kind: "one_byte_writes" }, expected: { gives: SOUND_CALLS } },
  { name: "ping flood", fault: { kind: "ping_flood", count: 5_000 }, expected: { gives: SOUND_CALLS } },
  { name: "unknown event", fault: { kind: "unknown_event" }, expected: { gives: SOUND_CALLS } },
  {
    name: "unknown tool",
    fault: { kind: "unknown_tool", tool: "launch_missiles" },
    expected: { gives: { toolCalls: [{ ...CALL, tool: "launch_missiles" }] } },
  },
  {
    name: "two calls at once",
    fault: { kind: "two_calls" },
    expected: {
      gives: {
        toolCalls: [
          { id: "call_0_0", tool: "read_file", arguments: { path: "README.md" } },
          { id: "call_0_1", tool: "list_files", arguments: { path: "docs" } },
        ],
      },
    },
  },
  {
    name: "32 calls",
    fault: { kind: "many_calls", count: 32 },
    expected: { gives: { finishReason: "tool_calls" } },
  },
  {
    name: "wrong types in the arguments",
    fault: { kind: "arguments", text: '{"path":7}' },
    expected: { gives: { toolCalls: [{ ...CALL, arguments: { path: 7 } }] } },
  },
  ...['{"path":', "[1,2]", '"README.md"', "null", "7", "README.md"].map(args),
  ...['{"path":"a\\u0000b"}', '{"path":"\\ud800"}'].map(args),
  {
    ...args('{"__proto__":{}}'),
    expected: ({ wire, streaming }) =>
      // In a whole Messages body this is part of the body, which the vendor's code then refuses as a whole.
      wire === "anthropic" && !streaming ? invalid : { gives: { toolCalls: [{ ...CALL, arguments: null }] } },
  },
  ...[`{"a":${"[".repeat(40)}${"]".repeat(40)}}`].map(args),
  // A whole Messages body holds the arguments as a value, which no fake can make infinite.
  { ...args('{"n":1e999}'), where: ({ wire, streaming }) => wire !== "anthropic" || streaming },
  {
    name: "cut off by its length",
    fault: { kind: "finish", reason: "length" },
    expected: { gives: { toolCalls: [], finishReason: "length" } },
  },
  {
    name: "usage of zero",
    fault: { kind: "usage", variant: "zero" },
    expected: { gives: { usage: { inputTokens: 0, outputTokens: 0 }, warnings: [] } },
  },
  {
    name: "usage missing",
    fault: { kind: "usage", variant: "missing" },
    expected: ({ wire }) =>
      wire === "anthropic" ? invalid : { gives: { usage: { inputTokens: 0, outputTokens: 0 } } },
  },
  ...(["negative", "huge"] as const).map((variant): Case => ({
    name: `usage ${variant}`,
    fault: { kind: "usage", variant },
    expected: { gives: { usage: { inputTokens: 0, outputTokens: 0 } } },
  })),
];

const CASES = [...STATUSES, ...BROKEN, ...UNFIT, ...HARMLESS].flatMap((given) =>
  MODES.filter((mode) => given.where?.(mode) ?? true).map((mode) => {
    const title = `${mode.wire}, ${mode.streaming ? "streamed" : "whole"}: ${given.name}`;
    return [title, given, mode] as const;
  }),
);

test.each(CASES)("%s", async (_title, given, mode) => {
  await using fake = await startFake(mode.wire, [{ ...(given.reply ?? SOUND), fault: given.fault }]);
  const answer = await modelsAt(fake.url, mode).call(callOf(mode.wire), never());
  const expected = typeof given.expected === "function" ? given.expected(mode) : given.expected;
  if ("fails" in expected) {
    const { fails: code, ...more } = expected;
    expect(answer).toMatchObject({ ok: false, error: { code, ...more } });
  } else expect(answer).toMatchObject({ ok: true, value: expected.gives });
  expectSafe(answer);
  expectOneRequest(fake, given.fault);
});

function expectSafe(answer: Outcome): void {
  // The journal refuses what has no canonical form, and then the step would be lost.
  const text = canonicalJson(answer);
  expect(text).not.toContain(API_KEY);
  expect(text).not.toContain(PROMPT_CANARY);
  expect(text).not.toContain("<html");
  if (!answer.ok)
    expect(Object.keys(answer.error).toSorted()).toEqual(["code", "detail", "retryAfterMs", "transient"]);
}

function expectOneRequest(fake: FakeProvider, fault: Fault): void {
  expect(fake.requests).toHaveLength(1);
  expect(fake.violations).toEqual([]);
  expect(fake.fired(fault.kind)).toBe(1);
}

test("every unusable count of tokens is said to be one", async () => {
  for (const mode of MODES) {
    await using fake = await startFake(mode.wire, [
      { text: "ok", fault: { kind: "usage", variant: "negative" } },
    ]);
    const answer = await modelsAt(fake.url, mode).call(callOf(mode.wire), never());
    expect(answer).toMatchObject({
      ok: true,
      value: {
        warnings: [
          "The provider gave no usable count of input tokens; it is taken as 0.",
          "The provider gave no usable count of output tokens; it is taken as 0.",
        ],
      },
    });
  }
});

const STREAMED = MODES.filter(streamed);
const BREAKS = ["cut", "end_early", "bad_frame", "error_in_stream"] as const;

// The k-th fault loop (DESIGN.md section 6): the stream is broken at its first chunk, at its second, and so on.
test.each(STREAMED.flatMap(({ wire }) => BREAKS.map((kind) => [wire, kind] as const)))(
  "%s, %s at every chunk: all of the answer or none of it",
  async (wire, kind) => {
    let answered = 0;
    let failed = 0;
    for (let afterChunks = 0; ; afterChunks += 1) {
      const fault: Fault =
        kind === "error_in_stream" ? { kind, afterChunks, word: "api_error" } : { kind, afterChunks };
      await using fake = await startFake(wire, [{ ...SOUND, fault }]);
      const answer = await modelsAt(fake.url, { wire, streaming: true }).call(callOf(wire), never());
      // The fake says so when the answer has no such chunk to break at.
      if (fake.violations.length > 0) break;
      expectSafe(answer);
      expect(fake.requests).toHaveLength(1);
      if (answer.ok) expect(answer.value).toMatchObject({ ...SOUND_CALLS, finishReason: "tool_calls" });
      if (answer.ok) answered += 1;
      else failed += 1;
    }
    expect(failed).toBeGreaterThan(8);
    // Chat Completions is complete with its finish reason: usage and [DONE] follow, and may be lost.
    const isChat = wire === "chat" || wire === "compatible";
    expect(answered).toBe(isChat && kind === "end_early" ? 2 : 0);
  },
);
