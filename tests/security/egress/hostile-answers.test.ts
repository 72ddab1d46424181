// Answers that are none, on a wire of their own: whoever asks is told so at once, by each of the three ways out of the house.

import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { createCheckedFetch } from "../../../packages/harness/src/adapters/egress/checked-fetch.ts";
import { createFetcher } from "../../../packages/harness/src/adapters/egress/fetcher.ts";
import { createWebhookPost } from "../../../packages/harness/src/adapters/egress/webhook-post.ts";

const NOW = new AbortController().signal;

/** Says this to whoever has asked something, and leaves the connection open. */
async function sayTo(say: (socket: Socket) => void): Promise<number> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    socket.once("close", () => sockets.delete(socket));
    socket.once("data", () => say(socket));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("it listens on a port");
  return address.port;
}

/** Each way out of the house, whose own clock is of no help. @returns what whoever asked is told */
function waysOut(port: number): Readonly<Record<string, () => Promise<string>>> {
  const url = `http://127.0.0.1:${port}/`;
  const host = [{ host: "127.0.0.1", wildcard: false, port }];
  const own = { permitAddress: () => true, timeoutMs: 500_000 };
  return {
    webhook: async () => {
      const post = createWebhookPost({ allow: null, own: host, timeoutMs: 500_000 });
      const told = await post.send(url, { "content-length": "2" }, "{}", NOW);
      return told.ok ? `status ${told.value.status}` : told.error;
    },
    page: async () => {
      const told = await createFetcher({ allowlist: host, ...own }).get(url, NOW);
      return told.ok ? `status ${told.value.status}` : told.error.detail;
    },
    tool: async () => {
      const ask = createCheckedFetch({ allowlist: host, answerBytesMax: 1_000, ...own });
      try {
        return `status ${(await ask(url)).status}`;
      } catch (error) {
        return error instanceof Error ? error.message : "unknown";
      }
    },
  };
}

const SWITCHED = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";

test("a protocol that nobody asked for is no answer", async () => {
  const port = await sayTo((socket) => void socket.write(SWITCHED));
  const ways = waysOut(port);
  expect(await ways["webhook"]?.()).toBe("not_reached: PROTOCOL_SWITCHED");
  expect(await ways["page"]?.()).toBe("The request failed (PROTOCOL_SWITCHED).");
  expect(await ways["tool"]?.()).toBe("The answer is of another protocol.");
});

test("who says for ever that there is more to come is broken off", async () => {
  let said = 0;
  const port = await sayTo((socket) => {
    const more = (): void => {
      said += 1;
      if (!socket.destroyed) socket.write("HTTP/1.1 102 Processing\r\n\r\n", () => setImmediate(more));
    };
    more();
  });
  for (const ask of Object.values(waysOut(port))) expect(await ask()).toMatch(/INTERIM_ANSWERS|interim/u);
  expect(said).toBeGreaterThan(30);
});

test("some words before the answer are passed over, and what comes after it is not read", async () => {
  const port = await sayTo(
    (socket) =>
      void socket.end(
        "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 410 Gone\r\n\r\n",
      ),
  );
  for (const ask of Object.values(waysOut(port))) expect(await ask()).toBe("status 200");
});

test("who has stopped already waits for no name to be resolved", async () => {
  const never = new Promise<readonly string[]>(() => undefined);
  const post = createWebhookPost({ allow: null, own: [], resolve: async () => await never });
  expect(await post.send("https://hooks.example.org/", {}, "{}", AbortSignal.abort())).toEqual({
    ok: false,
    error: "called_off",
  });
});
