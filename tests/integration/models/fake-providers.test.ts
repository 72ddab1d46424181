// The fakes are only worth something if they notice a broken client. Each wrong here is one that a real API refuses.

import { describe, expect, test } from "vitest";
import { API_KEY, startFake, type WireName } from "./wires.ts";

type Body = Record<string, unknown>;

const PATHS = {
  anthropic: "/messages",
  responses: "/responses",
  chat: "/chat/completions",
  compatible: "/chat/completions",
};
const tool = (name: string): Body => ({ name, input_schema: { type: "object" } });
const SOUND: Record<"anthropic" | "responses" | "chat", Body> = {
  anthropic: { model: "m", max_tokens: 5, messages: [{ role: "user", content: "hi" }], tools: [tool("a")] },
  responses: { model: "m", input: [{ role: "user", content: "hi" }] },
  chat: { model: "m", messages: [{ role: "user", content: "hi" }] },
};

async function post(wire: WireName, body: unknown, headers: Record<string, string> = {}): Promise<number> {
  await using fake = await startFake(wire, [{ text: "ok" }]);
  const auth: Record<string, string> =
    wire === "anthropic"
      ? { "x-api-key": API_KEY, "anthropic-version": "2023-06-01" }
      : { authorization: `Bearer ${API_KEY}` };
  const response = await fetch(fake.url + PATHS[wire], {
    method: "POST",
    headers: { "content-type": "application/json", ...auth, ...headers },
    body: typeof body === "string" ? body : JSON.stringify(body),
  });
  expect(fake.violations).toHaveLength(response.ok ? 0 : 1);
  expect(fake.requests[0]?.rawBody).toBe(typeof body === "string" ? body : JSON.stringify(body));
  await response.text();
  return response.status;
}

test.each(["anthropic", "responses", "chat"] as const)(
  "%s takes a sound request and no other",
  async (wire) => {
    const sound = SOUND[wire];
    expect(await post(wire, sound)).toBe(200);
    expect(await post(wire, { ...sound, unheard_of: 1 })).toBe(400);
    expect(await post(wire, { ...sound, model: "" })).toBe(400);
    expect(await post(wire, { ...sound, input: [], messages: [] })).toBe(400);
    expect(await post(wire, "{")).toBe(400);
    expect(await post(wire, sound, { "content-type": "text/plain" })).toBe(400);
    expect(await post(wire, sound, { "x-api-key": "wrong", authorization: "Bearer wrong" })).toBe(401);
  },
);

const messagesUser = (content: unknown): Body => ({ role: "user", content });
const messagesCalls = (...ids: readonly string[]): Body => ({
  role: "assistant",
  content: ids.map((id) => ({ type: "tool_use", id, name: "a", input: {} })),
});
const messagesResult = (id: string): Body => ({ type: "tool_result", tool_use_id: id, content: "x" });
const messagesText = { type: "text", text: "x" };

describe("anthropic", () => {
  test.each([
    ["two turns of one role", [messagesUser("a"), messagesUser("b")]],
    ["the assistant first", [messagesCalls("c1"), messagesUser([messagesResult("c1")])]],
    ["a call without its result", [messagesUser("a"), messagesCalls("c1"), messagesUser("b")]],
    [
      "one of two results missing",
      [messagesUser("a"), messagesCalls("c1", "c2"), messagesUser([messagesResult("c1")])],
    ],
    [
      "a result of no call",
      [messagesUser("a"), messagesCalls("c1"), messagesUser([messagesResult("c1"), messagesResult("c9")])],
    ],
    [
      "a result after text",
      [messagesUser("a"), messagesCalls("c1"), messagesUser([messagesText, messagesResult("c1")])],
    ],
    [
      "a call's id with a dot",
      [messagesUser("a"), messagesCalls("c.1"), messagesUser([messagesResult("c.1")])],
    ],
    [
      "a call's id used twice",
      [messagesUser("a"), messagesCalls("c1", "c1"), messagesUser([messagesResult("c1")])],
    ],
    ["an empty text", [messagesUser([{ type: "text", text: "" }])]],
    ["a system message among the others", [{ role: "system", content: "s" }, messagesUser("a")]],
    ["an unknown field of a message", [{ ...messagesUser("a"), name: "x" }]],
  ])("refuses %s", async (_what, messages) => {
    expect(await post("anthropic", { ...SOUND.anthropic, messages })).toBe(400);
  });

  test("refuses a request without max_tokens, or without the version", async () => {
    expect(await post("anthropic", { ...SOUND.anthropic, max_tokens: undefined })).toBe(400);
    expect(await post("anthropic", SOUND.anthropic, { "anthropic-version": "2020-01-01" })).toBe(400);
    expect(await post("anthropic", { ...SOUND.anthropic, tools: [tool("a b")] })).toBe(400);
  });

  test("takes a call with its result", async () => {
    const messages = [
      messagesUser("a"),
      messagesCalls("c1", "c2"),
      messagesUser([messagesResult("c2"), messagesResult("c1"), messagesText]),
    ];
    expect(await post("anthropic", { ...SOUND.anthropic, messages })).toBe(200);
  });
});

const chatUser = { role: "user", content: "a" };
const chatCall = (id: string, args = "{}"): Body => ({
  id,
  type: "function",
  function: { name: "a", arguments: args },
});
const chatResult = { role: "tool", tool_call_id: "c1", content: "x" };
const chatAssistant = (...tool_calls: readonly Body[]): Body => ({
  role: "assistant",
  content: null,
  tool_calls,
});

describe("chat", () => {
  test.each([
    ["a call without its result", [chatUser, chatAssistant(chatCall("c1")), chatUser]],
    ["a result of no call", [chatUser, chatResult]],
    ["arguments that are no object", [chatUser, chatAssistant(chatCall("c1", "[")), chatResult]],
    [
      "an id of 41 characters",
      [chatUser, chatAssistant(chatCall("c".repeat(41))), { ...chatResult, tool_call_id: "c".repeat(41) }],
    ],
    ["an empty assistant", [chatUser, { role: "assistant", content: "" }]],
    ["a system message at the end", [chatUser, { role: "system", content: "s" }]],
  ])("refuses %s", async (_what, messages) => {
    expect(await post("chat", { model: "m", messages })).toBe(400);
  });

  test("takes a call with its result", async () => {
    expect(
      await post("chat", { model: "m", messages: [chatUser, chatAssistant(chatCall("c1")), chatResult] }),
    ).toBe(200);
  });

  test("refuses stream_options without stream", async () => {
    expect(await post("chat", { ...SOUND.chat, stream_options: {} })).toBe(400);
  });
});

describe("responses", () => {
  const user = { role: "user", content: "a" };
  const call = { type: "function_call", call_id: "c1", name: "a", arguments: "{}" };
  const result = { type: "function_call_output", call_id: "c1", output: "x" };

  test.each([
    ["a call without its result", [user, call]],
    ["a result of no call", [user, result]],
    ["arguments that are no object", [user, { ...call, arguments: "7" }, result]],
    ["an unknown item", [user, { type: "telepathy" }]],
  ])("refuses %s", async (_what, input) => {
    expect(await post("responses", { model: "m", input })).toBe(400);
  });

  test("takes a call with its result", async () => {
    expect(await post("responses", { model: "m", input: [user, call, result] })).toBe(200);
  });
});

test.each(["anthropic", "chat"] as const)("%s lists its models and ends at once", async (wire) => {
  const fake = await startFake(wire, [{ fault: { kind: "hang" } }]);
  const models: unknown = await (await fetch(`${fake.url}/models`)).json();
  expect(models).toMatchObject({ data: [{ id: "fake-1" }] });
  const hanging = fetch(fake.url + PATHS[wire], {
    method: "POST",
    headers: {
      "content-type": "application/json",
      authorization: `Bearer ${API_KEY}`,
      "x-api-key": API_KEY,
      "anthropic-version": "2023-06-01",
    },
    body: JSON.stringify(SOUND[wire]),
  });
  const outcome = hanging.then(
    () => "answered",
    () => "broken off",
  );
  const request = await fake.request(0);
  await fake.close();
  expect(await outcome).toBe("broken off");
  expect(await request.closed).toBe("aborted");
});

test("a script that is used up is a violation, not an answer", async () => {
  await using fake = await startFake("chat", []);
  const response = await fetch(fake.url + PATHS.chat, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${API_KEY}` },
    body: JSON.stringify(SOUND.chat),
  });
  expect(response.status).toBe(500);
  expect(fake.violations).toEqual(["request 0 is more than the script has replies for"]);
});
