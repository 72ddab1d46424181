import { afterEach, beforeEach, expect, test } from "vitest";
import { NoAnswer, send } from "./http.ts";
import { startToolSink, type ToolSink } from "./tool-sink.ts";

let sink: ToolSink;
beforeEach(async () => {
  sink = await startToolSink();
});
afterEach(async () => {
  await sink.stop();
});

const HANG_MS = 200;

async function call(key: string | null, body: string, timeoutMs = 5_000): Promise<number> {
  const headers: Record<string, string> = key === null ? {} : { "idempotency-key": key };
  const request = { method: "POST", path: "", headers, body };
  return (await send(sink.url, request, { timeoutMs, signal: new AbortController().signal })).status;
}

test("a key that comes again is counted and has no new effect", async () => {
  await call("a", "1");
  await call('"a"', "1");
  await call("b", "1");
  expect([...sink.effects()]).toEqual([
    ["a", 2],
    ["b", 1],
  ]);
  expect(sink.calls().map(({ outcome }) => outcome)).toEqual(["applied", "repeated", "applied"]);
});

test("without a key the body tells effects apart", async () => {
  await call(null, "1");
  await call(null, "2");
  expect(sink.effects().size).toBe(2);
});

test("what comes again without a key is another effect: no tool could know better", async () => {
  await call(null, "1");
  await call(null, "1");
  expect(sink.calls().map(({ outcome }) => outcome)).toEqual(["applied", "applied"]);
  expect([...sink.effects()]).toEqual([["body:1", 2]]);
});

test("a failure on cue has no effect", async () => {
  sink.cue({ do: "fail", status: 503 });
  expect(await call("a", "1")).toBe(503);
  expect(sink.effects().size).toBe(0);
  expect(await call("a", "1")).toBe(200);
});

test("a cue that was taken back befalls nobody", async () => {
  sink.cue({ do: "fail", status: 503 });
  sink.uncue();
  expect(await call("a", "1")).toBe(200);
});

test("a hang on cue has taken the effect", async () => {
  sink.cue({ do: "hang" });
  await expect(call("a", "1", HANG_MS)).rejects.toThrow(NoAnswer);
  expect([...sink.effects()]).toEqual([["a", 1]]);
});

test("the hook runs after the effect and before the answer", async () => {
  const seen: number[] = [];
  sink.cue({
    do: "apply_then",
    hook: async () => {
      await Promise.resolve(seen.push(sink.effects().size));
    },
  });
  await call("a", "1");
  expect(seen).toEqual([1]);
});

test("canaries are recognised in their encodings, and only those that came", async () => {
  await call("a", Buffer.from("canary-1").toString("base64"));
  await call("b", Buffer.from("canary-2").toString("hex"));
  await call("canary-3", "x");
  expect(sink.seen(["canary-1", "canary-2", "canary-3", "canary-4"])).toEqual([
    "canary-1",
    "canary-2",
    "canary-3",
  ]);
});

test.each(["", "a", "ab", "abc"])(
  "a canary is recognised in the base64 of a longer text: %j",
  async (before) => {
    for (const [at, after] of ["", "x", "xy"].entries()) {
      const canary = `canary-${before.length}-${at}`;
      await call("a", Buffer.from(`${before}${canary}${after}`).toString("base64"));
      expect(sink.seen([canary])).toEqual([canary]);
    }
  },
);

test("an answer lost on cue leaves the effect", async () => {
  sink.cue({ do: "apply_then_drop" }, { do: "apply_then_fail", status: 500 });
  await expect(call("a", "1")).rejects.toThrow(NoAnswer);
  expect(await call("b", "2")).toBe(500);
  expect([...sink.effects()]).toEqual([
    ["a", 1],
    ["b", 1],
  ]);
});
