// The vendor's code repairs broken streams by guessing: it drops fragments it cannot place, makes up ids, joins calls
// that share an index. A guessed call must never be acted on, so the raw events are held to their wire's rules here.
// A checker takes each event in turn and says what is wrong with it, or null.

import { isPlainObject } from "./text.ts";

export type FrameChecker = (event: unknown) => string | null;

type Fields = Readonly<Record<string, unknown>>;

const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
const isGiven = (value: unknown): boolean => value !== undefined && value !== null && value !== "";

/** Chat Completions: a call begins with id and name; later fragments name it by its index and nothing else. */
export function checkChatFrames(): FrameChecker {
  const calls = new Map<number, { readonly id: unknown; readonly name: unknown }>();
  const ids = new Set<unknown>();
  const checkDelta = (delta: Fields): string | null => {
    const { index, id } = delta;
    const name = isPlainObject(delta["function"]) ? delta["function"]["name"] : undefined;
    if (typeof index !== "number") return "a fragment of a tool call has no index";
    const known = calls.get(index);
    if (known !== undefined) {
      const isSame = (!isGiven(id) || id === known.id) && (!isGiven(name) || name === known.name);
      return isSame ? null : "two tool calls share an index";
    }
    if (!isGiven(id) || !isGiven(name)) return "a tool call does not begin with its id and name";
    if (ids.has(id)) return "two tool calls share an id";
    ids.add(id);
    calls.set(index, { id, name });
    return null;
  };
  return (event) => {
    if (!isPlainObject(event)) return null;
    const choices = listOf(event["choices"]);
    if (choices.length > 1) return "there is more than one choice";
    const choice = choices[0];
    if (!isPlainObject(choice) || !isPlainObject(choice["delta"])) return null;
    for (const delta of listOf(choice["delta"]["tool_calls"])) {
      const wrong = isPlainObject(delta) ? checkDelta(delta) : "a fragment of a tool call is not an object";
      if (wrong !== null) return wrong;
    }
    return null;
  };
}

/** Responses: numbered events in order; the finished call says the same as its fragments did. */
export function checkResponsesFrames(): FrameChecker {
  let last = -1;
  const fragments = new Map<unknown, string>();
  const checkItem = (event: Fields): string | null => {
    const item = event["item"];
    if (!isPlainObject(item) || item["type"] !== "function_call") return null;
    const index = event["output_index"];
    if (event["type"] === "response.output_item.added") {
      if (fragments.has(index)) return "two tool calls share an index";
      fragments.set(index, "");
      return null;
    }
    const joined = fragments.get(index);
    if (joined === undefined) return "a tool call ended that never began";
    return joined === "" || joined === item["arguments"]
      ? null
      : "a tool call's end contradicts its fragments";
  };
  return (event) => {
    if (!isPlainObject(event)) return null;
    const { type, sequence_number: number } = event;
    if (typeof number === "number") {
      if (number <= last) return "events are repeated or out of order";
      last = number;
    }
    if (type === "response.output_item.added" || type === "response.output_item.done")
      return checkItem(event);
    if (type !== "response.function_call_arguments.delta") return null;
    const joined = fragments.get(event["output_index"]);
    if (joined === undefined) return "a fragment belongs to no tool call";
    fragments.set(event["output_index"], joined + String(event["delta"]));
    return null;
  };
}

/** Messages: blocks open and close by index, one after another; nothing is open when the message stops. */
export function checkMessagesFrames(): FrameChecker {
  let open: unknown = null;
  const seen = new Set<unknown>();
  const start = (event: Fields): string | null => {
    const { index } = event;
    if (typeof index !== "number" || open !== null || seen.has(index))
      return "blocks overlap or share an index";
    open = index;
    seen.add(index);
    return null;
  };
  return (event) => {
    if (!isPlainObject(event)) return null;
    switch (event["type"]) {
      case "content_block_start":
        return start(event);
      case "content_block_delta":
        return open !== null && event["index"] === open ? null : "a fragment belongs to no open block";
      case "content_block_stop":
        if (open === null || event["index"] !== open) return "a block ended that was not open";
        open = null;
        return null;
      case "message_stop":
        return open === null ? null : "the message ended inside a block";
      default:
        return null;
    }
  };
}

const MESSAGES_EVENTS: ReadonlySet<unknown> = new Set([
  "message_start",
  "content_block_start",
  "content_block_delta",
  "content_block_stop",
  "message_delta",
  "message_stop",
  "ping",
  "error",
]);

/** Anthropic announces that new event types may come and must be ignored; the vendor's code takes them for errors. */
export function isUnknownMessagesEvent(event: unknown): boolean {
  return isPlainObject(event) && typeof event["type"] === "string" && !MESSAGES_EVENTS.has(event["type"]);
}
