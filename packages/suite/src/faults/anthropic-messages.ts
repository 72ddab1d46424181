// Anthropic's Messages, as the API itself behaves: requests are checked, answers written, streamed or whole.

import {
  checkConversation,
  checkTool,
  type Fields,
  isFields,
  listOf,
  textOf,
  type Turn,
  unknownField,
} from "./conversation.ts";
import type { Dialect } from "./provider-server.ts";
import { type Answer, type Finish, fragments, type RecordedRequest, sse } from "./script.ts";

const REQUEST_FIELDS: readonly string[] =
  "model messages system max_tokens tools tool_choice temperature top_p top_k stop_sequences stream metadata thinking service_tier".split(
    " ",
  );
const TOOL_FIELDS: readonly string[] =
  "name description input_schema type cache_control strict eager_input_streaming".split(" ");

/** What the API would say against a request's body, or null. */
export function checkMessagesRequest(body: unknown): string | null {
  if (!isFields(body)) return "the body is not a JSON object";
  const unknown = unknownField(body, REQUEST_FIELDS);
  if (unknown !== null) return `${unknown}: Extra inputs are not permitted`;
  if (textOf(body["model"]) === "") return "model: Field required";
  if (!Number.isInteger(body["max_tokens"])) return "max_tokens: Field required";
  for (const tool of listOf(body["tools"])) {
    if (!isFields(tool)) return "a tool is not an object";
    const extra = unknownField(tool, TOOL_FIELDS);
    if (extra !== null) return `tools.${extra}: Extra inputs are not permitted`;
    const wrong = checkTool(tool["name"], tool["input_schema"]);
    if (wrong !== null) return wrong;
  }
  return checkMessages(listOf(body["messages"]));
}

// The results of a turn's calls stand together at the head of the very next message, which is the user's.
function checkMessages(messages: readonly unknown[]): string | null {
  const turns: Turn[] = [];
  let lastRole = "";
  for (const message of messages) {
    if (!isFields(message)) return "a message is not an object";
    const extra = unknownField(message, ["role", "content"]);
    if (extra !== null) return `messages.${extra}: Extra inputs are not permitted`;
    const role = textOf(message["role"]);
    if (role !== "user" && role !== "assistant") return `unexpected role: ${role}`;
    if (role === lastRole) return "roles do not alternate";
    lastRole = role;
    const found = role === "assistant" ? assistantTurns(message) : userTurns(message);
    if (typeof found === "string") return found;
    turns.push(...found);
  }
  return checkConversation(turns);
}

const blocksOf = (message: Fields): readonly unknown[] =>
  typeof message["content"] === "string"
    ? [{ type: "text", text: message["content"] }]
    : listOf(message["content"]);

function assistantTurns(message: Fields): readonly Turn[] | string {
  const calls: string[] = [];
  const blocks = blocksOf(message);
  if (blocks.length === 0) return "an assistant message is empty";
  for (const block of blocks) {
    if (!isFields(block)) return "a block is not an object";
    if (block["type"] === "text") {
      if (textOf(block["text"]) === "") return "text content blocks must be non-empty";
      continue;
    }
    if (block["type"] !== "tool_use") return "an assistant's block is neither text nor tool_use";
    if (!/^[A-Za-z0-9_-]+$/.test(textOf(block["id"]))) return "tool_use.id: String should match pattern";
    if (!isFields(block["input"])) return "tool_use.input: Input should be a valid dictionary";
    calls.push(textOf(block["id"]));
  }
  return [{ kind: "assistant", calls }];
}

function userTurns(message: Fields): readonly Turn[] | string {
  const turns: Turn[] = [];
  const blocks = blocksOf(message);
  if (blocks.length === 0) return "a user message is empty";
  for (const block of blocks) {
    if (!isFields(block)) return "a block is not an object";
    if (block["type"] === "tool_result") {
      if (turns.some((turn) => turn.kind === "user")) return "tool_result blocks must come first";
      turns.push({ kind: "result", call: textOf(block["tool_use_id"]) });
      continue;
    }
    if (block["type"] !== "text") return "a user's block is neither text nor tool_result";
    if (textOf(block["text"]) === "") return "text content blocks must be non-empty";
    turns.push({ kind: "user" });
  }
  return turns;
}

const STOP: Readonly<Record<Finish, string>> = {
  stop: "end_turn",
  tool_calls: "tool_use",
  length: "max_tokens",
  filter: "refusal",
  unknown: "out_of_cheese",
};

const modelOf = (request: RecordedRequest): string =>
  isFields(request.body) ? textOf(request.body["model"]) : "";

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // In a whole body the input is a value, never text: what is no JSON can only arrive as a string.
    return text;
  }
}

function encodeBody(answer: Answer, request: RecordedRequest): Fields {
  return {
    id: `msg_${request.index}`,
    type: "message",
    role: "assistant",
    model: modelOf(request),
    content: [
      ...(answer.text === "" ? [] : [{ type: "text", text: answer.text }]),
      ...answer.calls.map((call) => ({
        type: "tool_use",
        id: call.id,
        name: call.tool,
        input: parse(call.arguments),
      })),
    ],
    stop_reason: STOP[answer.finish],
    stop_sequence: null,
    ...(answer.usage === null
      ? {}
      : { usage: { input_tokens: answer.usage.inputTokens, output_tokens: answer.usage.outputTokens } }),
  };
}

function encodeStream(answer: Answer, request: RecordedRequest): readonly string[] {
  const { usage } = answer;
  const message = {
    id: `msg_${request.index}`,
    type: "message",
    role: "assistant",
    model: modelOf(request),
    content: [],
    stop_reason: null,
    stop_sequence: null,
    ...(usage === null ? {} : { usage: { input_tokens: usage.inputTokens, output_tokens: 1 } }),
  };
  const events: Fields[] = [
    { type: "message_start", message },
    { type: "ping" },
    ...reorder(blockEvents(answer), answer),
    {
      type: "message_delta",
      delta: { stop_reason: STOP[answer.finish], stop_sequence: null },
      ...(usage === null ? {} : { usage: { output_tokens: usage.outputTokens } }),
    },
    { type: "message_stop" },
  ];
  return events.map((event) => sse(event, textOf(event["type"])));
}

function blockEvents(answer: Answer): readonly Fields[] {
  const texts = answer.text === "" ? [] : [answer.text];
  const blocks = [
    ...texts.map((text) => ({
      start: { type: "text", text: "" },
      deltas: fragments(text).map((piece) => ({ type: "text_delta", text: piece })),
    })),
    ...answer.calls.map((call) => ({
      start: { type: "tool_use", id: call.id, name: call.tool, input: {} },
      deltas: ["", ...fragments(call.arguments)].map((piece) => ({
        type: "input_json_delta",
        partial_json: piece,
      })),
    })),
  ];
  return blocks.flatMap(({ start, deltas }, at) => {
    const place = answer.index === "missing" ? {} : { index: answer.index === "duplicate" ? 0 : at };
    return [
      { type: "content_block_start", ...place, content_block: start },
      ...deltas.map((delta) => ({ type: "content_block_delta", ...place, delta })),
      { type: "content_block_stop", ...place },
    ];
  });
}

// A fragment that overtakes the end of its block.
function reorder(events: readonly Fields[], answer: Answer): readonly Fields[] {
  if (answer.index !== "reordered") return events;
  const stop = events.findIndex((event) => event["type"] === "content_block_stop");
  return events.toSpliced(stop - 1, 2, ...events.slice(stop - 1, stop + 1).toReversed());
}

export const messagesDialect: Omit<Dialect, "check"> = {
  isStreaming: (request) => isFields(request.body) && request.body["stream"] === true,
  encodeStream,
  encodeBody,
  encodeError: (word, message) => ({ type: "error", error: { type: word, message }, request_id: "req_0" }),
  errorEvent: (word, message) => sse({ type: "error", error: { type: word, message } }, "error"),
  pingEvent: sse({ type: "ping" }, "ping"),
  unknownEvent: sse({ type: "unheard_of", unheard_of: { a: 1 } }, "unheard_of"),
};
