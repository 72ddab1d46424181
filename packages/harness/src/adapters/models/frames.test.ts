// One known wrong for each rule, so that no rule stands unguarded behind another.

import { describe, expect, test } from "vitest";
import {
  checkChatFrames,
  checkMessagesFrames,
  checkResponsesFrames,
  type FrameChecker,
  isUnknownMessagesEvent,
} from "./frames.ts";

/** What a checker says of the first event that it objects to; null when it objects to none. */
function objection(check: FrameChecker, events: readonly unknown[]): string | null {
  for (const event of events) {
    const wrong = check(event);
    if (wrong !== null) return wrong;
  }
  return null;
}

const chunk = (...calls: readonly unknown[]): unknown => ({ choices: [{ delta: { tool_calls: calls } }] });

describe("chat", () => {
  const start = { index: 0, id: "a", function: { name: "f", arguments: "" } };
  const more = { index: 0, function: { arguments: "{}" } };

  test.each([
    ["one after another", [chunk(start), chunk(more), chunk({ ...start, index: 1, id: "b" })]],
    ["interleaved", [chunk(start, { ...start, index: 1, id: "b" }), chunk({ ...more, index: 1 }, more)]],
    [
      "id and name repeated",
      [chunk(start), chunk({ ...more, id: "a", function: { name: "f", arguments: "1" } })],
    ],
    [
      "no call at all",
      [{ choices: [{ delta: { content: "x" } }] }, { choices: [] }, { usage: {} }, "[DONE]"],
    ],
  ])("takes %s", (_what, events) => {
    expect(objection(checkChatFrames(), events)).toBeNull();
  });

  test.each([
    [
      "a whole call without an index",
      [chunk({ ...start, index: undefined })],
      "a fragment of a tool call has no index",
    ],
    ["a fragment before its call", [chunk(more)], "a tool call does not begin with its id and name"],
    [
      "a call without an id",
      [chunk({ ...start, id: "" })],
      "a tool call does not begin with its id and name",
    ],
    [
      "another id at the index",
      [chunk(start), chunk({ ...start, id: "b" })],
      "two tool calls share an index",
    ],
    [
      "another name at the index",
      [chunk(start), chunk({ ...start, function: { name: "g" } })],
      "two tool calls share an index",
    ],
    ["an id at two indexes", [chunk(start), chunk({ ...start, index: 1 })], "two tool calls share an id"],
    ["a fragment that is none", [chunk("x")], "a fragment of a tool call is not an object"],
    ["two choices", [{ choices: [{ delta: {} }, { delta: {} }] }], "there is more than one choice"],
  ])("objects to %s", (_what, events, wrong) => {
    expect(objection(checkChatFrames(), events)).toBe(wrong);
  });
});

describe("responses", () => {
  const item = { type: "function_call", call_id: "a", name: "f", arguments: "" };
  const added = { type: "response.output_item.added", output_index: 0, item };
  const delta = { type: "response.function_call_arguments.delta", output_index: 0, delta: "{}" };
  const done = { type: "response.output_item.done", output_index: 0, item: { ...item, arguments: "{}" } };

  test.each([
    ["a call in fragments", [added, delta, done]],
    ["a call in one piece", [added, done]],
    ["rising numbers", [{ sequence_number: 1 }, { sequence_number: 2 }, { sequence_number: 9 }]],
    [
      "a message",
      [
        { ...added, item: { type: "message" } },
        { ...done, item: { type: "message" } },
      ],
    ],
  ])("takes %s", (_what, events) => {
    expect(objection(checkResponsesFrames(), events)).toBeNull();
  });

  test.each([
    [
      "a number said twice",
      [{ sequence_number: 1 }, { sequence_number: 1 }],
      "events are repeated or out of order",
    ],
    [
      "a number that falls",
      [{ sequence_number: 2 }, { sequence_number: 1 }],
      "events are repeated or out of order",
    ],
    ["two calls at an index", [added, added], "two tool calls share an index"],
    ["a fragment of no call", [delta], "a fragment belongs to no tool call"],
    ["an end without a beginning", [done], "a tool call ended that never began"],
    [
      "an end that says something else",
      [added, { ...delta, delta: "{" }, done],
      "a tool call's end contradicts its fragments",
    ],
  ])("objects to %s", (_what, events, wrong) => {
    expect(objection(checkResponsesFrames(), events)).toBe(wrong);
  });
});

const startAt = (index: unknown): unknown => ({
  type: "content_block_start",
  index,
  content_block: { type: "text" },
});
const deltaAt = (index: unknown): unknown => ({ type: "content_block_delta", index });
const stopAt = (index: unknown): unknown => ({ type: "content_block_stop", index });

describe("messages", () => {
  const end = { type: "message_stop" };

  test.each([
    ["blocks one after another", [startAt(0), deltaAt(0), stopAt(0), startAt(1), stopAt(1), end]],
    ["no block", [{ type: "message_start" }, { type: "ping" }, end]],
  ])("takes %s", (_what, events) => {
    expect(objection(checkMessagesFrames(), events)).toBeNull();
  });

  test.each([
    ["a block without an index", [startAt(undefined)], "blocks overlap or share an index"],
    ["a block inside another", [startAt(0), startAt(1)], "blocks overlap or share an index"],
    ["an index used again", [startAt(0), stopAt(0), startAt(0)], "blocks overlap or share an index"],
    [
      "a fragment after its block",
      [startAt(0), stopAt(0), deltaAt(0)],
      "a fragment belongs to no open block",
    ],
    ["a fragment of another block", [startAt(0), deltaAt(1)], "a fragment belongs to no open block"],
    ["an end of another block", [startAt(0), stopAt(1)], "a block ended that was not open"],
    ["an end inside a block", [startAt(0), end], "the message ended inside a block"],
  ])("objects to %s", (_what, events, wrong) => {
    expect(objection(checkMessagesFrames(), events)).toBe(wrong);
  });

  test.each([
    [{ type: "ping" }, false],
    [{ type: "error" }, false],
    [{ type: "unheard_of" }, true],
    [{}, false],
    ["text", false],
  ])("%j may be ignored: %s", (event, isUnknown) => {
    expect(isUnknownMessagesEvent(event)).toBe(isUnknown);
  });
});
