import { expect, test } from "vitest";
import { createRedactor, type Redactor } from "./redactor.ts";
import { STREAM_HELD_CHARS } from "./redact-stream.ts";

const SECRET = "zR8vK2mQ9xT4wL7pN3sB6yC1dF5gH0jA";
const TOKEN = `ghp_${"a8Kd02LmPq7RtZ3xWv5B".repeat(2).slice(0, 36)}`;

function redactorOf(...secrets: readonly string[]): Redactor {
  const redactor = createRedactor();
  for (const secret of secrets) redactor.register(secret, "provider_key");
  return redactor;
}

function streamed(redactor: Redactor, chunks: readonly string[]): string {
  const stream = redactor.redactStream();
  return chunks.map((chunk) => stream.push(chunk)).join("") + stream.flush();
}

test("a stream gives what the whole text would give, wherever it is cut in two", () => {
  const redactor = redactorOf(SECRET);
  const text = `start ${SECRET} then ${TOKEN}\npassword: "Tr0ub4dor&3"\n${encodeURIComponent(`${SECRET}=`)} end`;
  const whole = redactor.redactText(text).text;
  for (let at = 0; at <= text.length; at += 1)
    expect(streamed(redactor, [text.slice(0, at), text.slice(at)])).toBe(whole);
});

test("a long stream holds back a bounded part, and no secret passes at any of its borders", () => {
  const redactor = redactorOf(SECRET);
  const line = "2026-11-20 worker finished step 17 of run 3 in 12 ms\n";
  for (const size of [1, 7, 1_000, 5_000]) {
    for (let shift = 0; shift < 5; shift += 1) {
      const filler = line.repeat(170).slice(shift * 11);
      const text = `${filler}key ${SECRET} ${filler}token=${TOKEN}\n${filler}`;
      const chunks = text.match(new RegExp(`[^]{1,${size}}`, "g")) ?? [];
      const stream = redactor.redactStream();
      let given = "";
      let heldMax = 0;
      let taken = 0;
      for (const chunk of chunks) {
        taken += chunk.length;
        given += stream.push(chunk);
        heldMax = Math.max(heldMax, taken - given.length);
      }
      given += stream.flush();
      expect(given).toBe(redactor.redactText(text).text);
      expect(heldMax).toBeLessThanOrEqual(STREAM_HELD_CHARS * 2 + size + 1_000);
    }
  }
});

test("a key block longer than a stream may hold does not pass in parts", () => {
  const redactor = createRedactor();
  const body = Array.from({ length: 2_000 }, (_, n) =>
    Buffer.from(`line ${n * 7919} of a key that never ends`).toString("base64"),
  );
  const text = `-----BEGIN RSA PRIVATE KEY-----\n${body.join("\n")}`;
  const given = streamed(redactor, text.match(/[^]{1,900}/g) ?? []);
  const left = body.filter((piece) => given.includes(piece));
  expect(left).toEqual([]);
});
