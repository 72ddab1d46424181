// OpenAI's Chat Completions, as the API itself behaves: requests are checked, answers written, streamed or whole.

import {
  checkConversation,
  checkTool,
  type Fields,
  isFields,
  isObjectText,
  listOf,
  textOf,
  type Turn,
  unknownField,
} from "./conversation.ts";
import type { Dialect } from "./provider-server.ts";
import { type Answer, type Finish, fragments, type RecordedRequest, sse } from "./script.ts";

const REQUEST_FIELDS: readonly string[] = [
  ..."model messages tools tool_choice parallel_tool_calls max_tokens max_completion_tokens temperature".split(
    " ",
  ),
  ..."top_p seed stop stream stream_options store response_format user metadata n frequency_penalty".split(
    " ",
  ),
  ..."presence_penalty reasoning_effort verbosity service_tier prompt_cache_key safety_identifier".split(" "),
];
const MESSAGE_FIELDS: readonly string[] = [
  "role",
  "content",
  "name",
  "tool_calls",
  "tool_call_id",
  "refusal",
];

/** What the API would say against a request's body, or null. */
export function checkChatRequest(body: unknown): string | null {
  if (!isFields(body)) return "the body is not a JSON object";
  const unknown = unknownField(body, REQUEST_FIELDS);
  if (unknown !== null) return `unknown parameter: ${unknown}`;
  if (textOf(body["model"]) === "") return "there is no model";
  if (body["stream_options"] !== undefined && body["stream"] !== true) return "stream_options without stream";
  for (const tool of listOf(body["tools"])) {
    if (!isFields(tool) || tool["type"] !== "function" || !isFields(tool["function"]))
      return "a tool is not one";
    const wrong = checkTool(tool["function"]["name"], tool["function"]["parameters"]);
    if (wrong !== null) return wrong;
  }
  const turns: Turn[] = [];
  for (const message of listOf(body["messages"])) {
    const turn = isFields(message) ? turnOf(message) : "a message is not an object";
    if (typeof turn === "string") return turn;
    turns.push(turn);
  }
  return checkConversation(turns);
}

function turnOf(message: Fields): Turn | string {
  const unknown = unknownField(message, MESSAGE_FIELDS);
  if (unknown !== null) return `unknown parameter: messages.${unknown}`;
  const role = textOf(message["role"]);
  if (role === "system" || role === "developer") return { kind: "system" };
  if (role === "user") return hasContent(message) ? { kind: "user" } : "a user message is empty";
  if (role === "tool") {
    if (typeof message["content"] !== "string") return "a tool message has no content";
    return { kind: "result", call: textOf(message["tool_call_id"]) };
  }
  if (role !== "assistant") return `unknown role: ${role}`;
  const calls = listOf(message["tool_calls"]);
  if (calls.length === 0 && !hasContent(message)) return "an assistant message is empty";
  const ids: string[] = [];
  for (const call of calls) {
    if (!isFields(call) || call["type"] !== "function" || !isFields(call["function"]))
      return "a call is not one";
    if (!isObjectText(call["function"]["arguments"])) return "a call's arguments are no JSON object";
    if (textOf(call["id"]).length > 40) return "a call's id is too long";
    ids.push(textOf(call["id"]));
  }
  return { kind: "assistant", calls: ids };
}

const hasContent = (message: Fields): boolean =>
  textOf(message["content"]) !== "" || listOf(message["content"]).length > 0;

const FINISH: Readonly<Record<Finish, string>> = {
  stop: "stop",
  tool_calls: "tool_calls",
  length: "length",
  filter: "content_filter",
  unknown: "out_of_cheese",
};

function usageOf(usage: NonNullable<Answer["usage"]>): Fields {
  return {
    prompt_tokens: usage.inputTokens,
    completion_tokens: usage.outputTokens,
    total_tokens: usage.inputTokens + usage.outputTokens,
  };
}

const modelOf = (request: RecordedRequest): string =>
  isFields(request.body) ? textOf(request.body["model"]) : "";

function encodeBody(answer: Answer, request: RecordedRequest): Fields {
  return {
    id: `chatcmpl-${request.index}`,
    object: "chat.completion",
    created: 1_790_000_000,
    model: modelOf(request),
    choices: [
      {
        index: 0,
        message: {
          role: "assistant",
          content: answer.text === "" ? null : answer.text,
          ...(answer.calls.length === 0
            ? {}
            : {
                tool_calls: answer.calls.map((call) => ({
                  id: call.id,
                  type: "function",
                  function: { name: call.tool, arguments: call.arguments },
                })),
              }),
        },
        finish_reason: FINISH[answer.finish],
      },
    ],
    ...(answer.usage === null ? {} : { usage: usageOf(answer.usage) }),
  };
}

function encodeStream(answer: Answer, request: RecordedRequest): readonly string[] {
  const chunk = (choices: readonly unknown[], more: Fields = {}): string =>
    sse({
      id: `chatcmpl-${request.index}`,
      object: "chat.completion.chunk",
      created: 1_790_000_000,
      model: modelOf(request),
      choices,
      ...more,
    });
  const delta = (value: unknown, finish: string | null = null): string =>
    chunk([{ index: 0, delta: value, finish_reason: finish }]);
  const wantsUsage =
    isFields(request.body) &&
    isFields(request.body["stream_options"]) &&
    request.body["stream_options"]["include_usage"] === true;
  return [
    delta({ role: "assistant", content: "" }),
    ...fragments(answer.text).map((content) => delta({ content })),
    ...callDeltas(answer).map((call) => delta({ tool_calls: [call] })),
    delta({}, FINISH[answer.finish]),
    ...(answer.usage !== null && wantsUsage ? [chunk([], { usage: usageOf(answer.usage) })] : []),
    sse("[DONE]"),
  ];
}

// Id and name first, then the arguments in fragments that name the call by index only.
function callDeltas(answer: Answer): readonly Fields[] {
  const deltas = answer.calls.map((call, at) => {
    const index = answer.index === "duplicate" ? 0 : at;
    const start = { index, id: call.id, type: "function", function: { name: call.tool, arguments: "" } };
    const place = answer.index === "missing" ? {} : { index };
    const rest = fragments(call.arguments).map((text) => ({ ...place, function: { arguments: text } }));
    return [start, ...rest];
  });
  return (answer.index === "reordered" ? deltas.toReversed() : deltas).flat();
}

export const chatDialect: Omit<Dialect, "check"> = {
  isStreaming: (request) => isFields(request.body) && request.body["stream"] === true,
  encodeStream,
  encodeBody,
  encodeError: (word, message) => ({ error: { message, type: word, param: null, code: word } }),
  errorEvent: (word, message) => sse({ error: { message, type: word, param: null, code: word } }),
  pingEvent: ": ping\n\n",
  unknownEvent: sse(
    { object: "chat.completion.unheard_of", choices: [], unheard_of: { a: 1 } },
    "unheard_of",
  ),
};
