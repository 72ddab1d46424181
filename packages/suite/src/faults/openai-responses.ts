// OpenAI's Responses, as the API itself behaves: requests are checked, answers written, streamed or whole.

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
import { type Answer, fragments, type RecordedRequest, sse } from "./script.ts";

const REQUEST_FIELDS: readonly string[] = [
  ..."model input instructions tools tool_choice parallel_tool_calls max_output_tokens temperature top_p".split(
    " ",
  ),
  ..."stream store include text reasoning metadata user truncation previous_response_id".split(" "),
  ..."service_tier prompt_cache_key safety_identifier max_tool_calls background".split(" "),
];

/** What the API would say against a request's body, or null. */
export function checkResponsesRequest(body: unknown): string | null {
  if (!isFields(body)) return "the body is not a JSON object";
  const unknown = unknownField(body, REQUEST_FIELDS);
  if (unknown !== null) return `unknown parameter: ${unknown}`;
  if (textOf(body["model"]) === "") return "there is no model";
  for (const tool of listOf(body["tools"])) {
    if (!isFields(tool) || tool["type"] !== "function") return "a tool is not one";
    const wrong = checkTool(tool["name"], tool["parameters"]);
    if (wrong !== null) return wrong;
  }
  const turns: Turn[] = [];
  for (const item of listOf(body["input"])) {
    const turn = isFields(item) ? turnOf(item) : "an input item is not an object";
    if (typeof turn === "string") return turn;
    const last = turns.at(-1);
    // One turn of the assistant is several items here: its text, and each of its calls.
    if (turn.kind === "assistant" && last?.kind === "assistant")
      turns[turns.length - 1] = { kind: "assistant", calls: [...last.calls, ...turn.calls] };
    else turns.push(turn);
  }
  return checkConversation(turns);
}

function turnOf(item: Fields): Turn | string {
  if (item["type"] === "function_call") {
    if (!isObjectText(item["arguments"])) return "a call's arguments are no JSON object";
    if (textOf(item["call_id"]).length > 64) return "a call's id is too long";
    return { kind: "assistant", calls: [textOf(item["call_id"])] };
  }
  if (item["type"] === "function_call_output") {
    if (typeof item["output"] !== "string" && !Array.isArray(item["output"])) return "a result has no output";
    return { kind: "result", call: textOf(item["call_id"]) };
  }
  if (item["type"] !== undefined && item["type"] !== "message")
    return `unknown input item: ${textOf(item["type"])}`;
  const role = textOf(item["role"]);
  const content = item["content"];
  if (textOf(content) === "" && listOf(content).length === 0) return "a message is empty";
  if (role === "system" || role === "developer") return { kind: "system" };
  if (role === "user") return { kind: "user" };
  return role === "assistant" ? { kind: "assistant", calls: [] } : `unknown role: ${role}`;
}

function responseOf(
  answer: Answer,
  request: RecordedRequest,
  output: readonly unknown[],
  done: boolean,
): Fields {
  const reasons: Readonly<Record<string, string>> = {
    length: "max_output_tokens",
    filter: "content_filter",
    unknown: "out_of_cheese",
  };
  const reason = done ? (reasons[answer.finish] ?? null) : null;
  const usage = answer.usage;
  return {
    id: `resp_${request.index}`,
    object: "response",
    created_at: 1_790_000_000,
    status: done ? (reason === null ? "completed" : "incomplete") : "in_progress",
    error: null,
    incomplete_details: reason === null ? null : { reason },
    model: isFields(request.body) ? textOf(request.body["model"]) : "",
    output,
    usage:
      usage === null || !done
        ? null
        : {
            input_tokens: usage.inputTokens,
            output_tokens: usage.outputTokens,
            total_tokens: usage.inputTokens + usage.outputTokens,
          },
  };
}

type Item = { readonly item: Fields; readonly events: readonly Fields[] };

function itemsOf(answer: Answer): readonly Item[] {
  const items: Item[] = [];
  if (answer.text !== "") {
    const part = { type: "output_text", text: answer.text, annotations: [] };
    const empty = { ...part, text: "" };
    items.push({
      item: { type: "message", id: "msg_0", status: "completed", role: "assistant", content: [part] },
      events: [
        { type: "response.content_part.added", item_id: "msg_0", content_index: 0, part: empty },
        ...fragments(answer.text).map((delta) => ({
          type: "response.output_text.delta",
          item_id: "msg_0",
          content_index: 0,
          delta,
        })),
        { type: "response.output_text.done", item_id: "msg_0", content_index: 0, text: answer.text },
        { type: "response.content_part.done", item_id: "msg_0", content_index: 0, part },
      ],
    });
  }
  for (const [at, call] of answer.calls.entries()) {
    const id = `fc_${at}`;
    const item = { type: "function_call", id, call_id: call.id, name: call.tool, status: "completed" };
    items.push({
      item: { ...item, arguments: call.arguments },
      events: [
        ...fragments(call.arguments).map((delta) => ({
          type: "response.function_call_arguments.delta",
          item_id: id,
          delta,
        })),
        { type: "response.function_call_arguments.done", item_id: id, arguments: call.arguments },
      ],
    });
  }
  return items;
}

function encodeStream(answer: Answer, request: RecordedRequest): readonly string[] {
  const items = itemsOf(answer);
  const output = items.map(({ item }) => item);
  const events: Fields[] = [
    { type: "response.created", response: responseOf(answer, request, [], false) },
    { type: "response.in_progress", response: responseOf(answer, request, [], false) },
  ];
  for (const [at, { item, events: inner }] of items.entries()) {
    const place = answer.index === "missing" ? {} : { output_index: answer.index === "duplicate" ? 0 : at };
    const begun =
      item["type"] === "message"
        ? { ...item, status: "in_progress", content: [] }
        : { ...item, status: "in_progress", arguments: "" };
    // The place of an item's begin and end is always said: what is lost on a bad day is that of its fragments.
    events.push({
      type: "response.output_item.added",
      ...place,
      output_index: place.output_index ?? at,
      item: begun,
    });
    events.push(...inner.map((event) => ({ ...event, ...place })));
    events.push({
      type: "response.output_item.done",
      ...place,
      output_index: place.output_index ?? at,
      item,
    });
  }
  const response = responseOf(answer, request, output, true);
  events.push({
    type: response["status"] === "completed" ? "response.completed" : "response.incomplete",
    response,
  });
  const numbered = events.map((event, at) => ({ ...event, sequence_number: at }));
  const last = numbered.findLastIndex((event) => "delta" in event);
  const sent =
    answer.index === "reordered"
      ? numbered.toSpliced(last - 1, 2, ...numbered.slice(last - 1, last + 1).toReversed())
      : numbered;
  return sent.map((event: Fields) => sse(event, textOf(event["type"])));
}

const failed = (word: string, message: string): Fields => ({ message, type: word, param: null, code: word });

export const responsesDialect: Omit<Dialect, "check"> = {
  isStreaming: (request) => isFields(request.body) && request.body["stream"] === true,
  encodeStream,
  encodeBody: (answer, request) =>
    responseOf(
      answer,
      request,
      itemsOf(answer).map(({ item }) => item),
      true,
    ),
  encodeError: (word, message) => ({ error: failed(word, message) }),
  errorEvent: (word, message) =>
    sse({ type: "error", code: word, message, param: null, sequence_number: 9_999 }, "error"),
  pingEvent: ": ping\n\n",
  unknownEvent: sse({ type: "response.unheard_of", unheard_of: { a: 1 } }, "response.unheard_of"),
};
