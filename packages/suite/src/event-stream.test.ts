import { expect, test } from "vitest";
import { eventParser } from "./event-stream.ts";

const STREAM =
  ": welcome\n\nid: 1\nevent: run_queued\ndata: {\ndata: }\n\nid:2\r\ndata: x\r\n\r\nretry: 5\n\nevent: end\n\ndata: cut off";

test("events are what the standard makes of the text", () => {
  expect(eventParser()(STREAM)).toEqual([
    { id: "1", event: "run_queued", data: "{\n}" },
    { id: "2", event: "message", data: "x" },
    { id: "2", event: "end", data: "" },
  ]);
});

test("it does not matter where the text is cut", () => {
  const whole = eventParser()(STREAM);
  for (let cut = 1; cut < STREAM.length; cut += 1) {
    const parse = eventParser();
    expect([...parse(STREAM.slice(0, cut)), ...parse(STREAM.slice(cut))]).toEqual(whole);
  }
});
