import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { afterEach, beforeEach, expect, test } from "vitest";
import { NoAnswer, send, sendTogether } from "./http.ts";

let server: Server;
let url: string;
let together = 0;
let togetherMax = 0;

// Overlaps only with requests that are complete within the same turn of the event loop.
beforeEach(async () => {
  together = 0;
  togetherMax = 0;
  server = createServer((message, response) => {
    message.resume().once("end", () => {
      together += 1;
      togetherMax = Math.max(togetherMax, together);
      setImmediate(() => {
        together -= 1;
        response.end("x");
      });
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  url = typeof address === "object" ? `http://127.0.0.1:${address?.port ?? 0}` : "";
});
afterEach(async () => {
  const closed = once(server, "close");
  server.close();
  server.closeAllConnections();
  await closed;
});

const options = { timeoutMs: 10_000, signal: new AbortController().signal };

test("requests that are sent together overlap, and most of them do", async () => {
  const request = { method: "POST", path: "/race", headers: {}, body: "hello" };
  const answers = await sendTogether(
    Array.from({ length: 20 }, () => ({ baseUrl: url, request })),
    options,
  );
  expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 20 }, () => 200));
  expect(togetherMax).toBeGreaterThan(10);
});

test("a server that is not there is no answer, not an error of ours", async () => {
  const request = { method: "GET", path: "/", headers: {}, body: null };
  await expect(send("http://127.0.0.1:9", request, options)).rejects.toThrow(NoAnswer);
  await expect(sendTogether([{ baseUrl: "http://127.0.0.1:9", request }], options)).rejects.toThrow(NoAnswer);
});
