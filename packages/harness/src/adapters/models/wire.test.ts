import { expect, test } from "vitest";
import { errorWord, failure } from "./failure.ts";
import { openWire, retryAfterMs } from "./wire.ts";

const HOUR_MS = 3_600_000;
const DATE = "Fri, 20 Nov 2026 10:00:00 GMT";

test.each([
  [{}, null],
  [{ "retry-after": "0" }, 0],
  [{ "retry-after": "12" }, 12_000],
  [{ "retry-after": "1.5" }, 1_500],
  [{ "retry-after": "99999999" }, HOUR_MS],
  [{ "retry-after": "1000000000000" }, HOUR_MS],
  [{ "retry-after": "-5" }, null],
  [{ "retry-after": "later" }, null],
  [{ "retry-after-ms": "40.2", "retry-after": "9" }, 41],
  [{ "retry-after-ms": "x", "retry-after": "9" }, 9_000],
  [{ date: DATE, "retry-after": "Fri, 20 Nov 2026 10:00:20 GMT" }, 20_000],
  [{ date: DATE, "retry-after": "Fri, 20 Nov 2026 09:00:00 GMT" }, 0],
  [{ date: DATE, "retry-after": "Sat, 21 Nov 2026 10:00:00 GMT" }, HOUR_MS],
])("%j asks for a pause of %s ms", (headers, expected) => {
  expect(retryAfterMs(new Headers(Object.entries(headers)))).toBe(expected);
});

test.each([
  [{ error: { type: "overloaded_error", message: "m" }, type: "error" }, "overloaded_error"],
  [{ error: { type: "x", code: "rate_limit_exceeded" } }, "rate_limit_exceeded"],
  [{ error: { type: "server_error", code: null } }, "server_error"],
  [{ type: "error" }, null],
  [{ error: { type: "Your key is sk-123 and more" } }, null],
  [{ error: { type: "x".repeat(65) } }, null],
  [{ error: "text" }, null],
  ["text", null],
  [null, null],
])("the short word of %j is %s", (body, word) => {
  expect(errorWord(body)).toBe(word);
});

test("one wire carries one request, whatever its user tries", async () => {
  let sent = 0;
  const fetch: typeof globalThis.fetch = () => {
    sent += 1;
    return Promise.resolve(Response.json({}));
  };
  const wire = openWire(fetch, "application/json", 100, new AbortController().signal);
  expect((await wire.fetch("http://127.0.0.1/")).status).toBe(200);
  await expect(wire.fetch("http://127.0.0.1/")).rejects.toThrow("answer_invalid");
  expect(sent).toBe(1);
  expect(wire.failed()).toEqual(failure("answer_invalid", "A second request was attempted."));
});

const hundredBytes: typeof globalThis.fetch = () =>
  Promise.resolve(new Response("x".repeat(100), { headers: { "content-type": "application/json" } }));

test.each([
  [100, true],
  [99, false],
])("an answer of 100 bytes within %s bytes", async (bytesMax, isTaken) => {
  const wire = openWire(hundredBytes, "application/json", bytesMax, new AbortController().signal);
  const text = (await wire.fetch("http://127.0.0.1/")).text();
  if (isTaken) expect(await text).toHaveLength(100);
  else await expect(text).rejects.toThrow("answer_invalid");
  expect(wire.failed() === null).toBe(isTaken);
});

test("a refusal whose body never ends is a refusal within a second, and its body is let go", async () => {
  let isLetGo = false;
  const dripping = new ReadableStream<Uint8Array>({
    start: (controller) => {
      controller.enqueue(Buffer.from(" "));
    },
    cancel: () => {
      isLetGo = true;
    },
  });
  const answer = async (): Promise<Response> =>
    await Promise.resolve(new Response(dripping, { status: 503, headers: { "retry-after": "7" } }));
  const wire = openWire(answer, "application/json", 1_000, AbortSignal.timeout(20_000));
  await expect(wire.fetch("http://x.example/")).rejects.toThrow("provider_unavailable");
  expect(wire.failed()).toMatchObject({ code: "provider_unavailable", retryAfterMs: 7_000 });
  expect(isLetGo).toBe(true);
});
