// Somebody who is told: a server on the loopback interface that keeps what it was sent and answers as it is told to.

import { createServer, type IncomingHttpHeaders, type ServerResponse } from "node:http";
import { setImmediate } from "node:timers/promises";
import { z } from "zod";
import { parseAllowlistEntry } from "../../packages/harness/src/core/egress/allowlist.ts";
import {
  createWebhookPost,
  type WebhookPostOptions,
} from "../../packages/harness/src/adapters/egress/webhook-post.ts";
import type { WebhookPost } from "../../packages/harness/src/ports.ts";

export type Received = {
  readonly id: string;
  readonly type: string;
  readonly headers: IncomingHttpHeaders;
  /** As it came. */
  readonly body: string;
};

/** A status, headers beside it; `hang`: no answer, for as long as the other side waits. */
export type Answer = number | "hang" | { readonly status: number; readonly headers: Record<string, string> };

export type Receiver = AsyncDisposable & {
  readonly url: string;
  readonly received: readonly Received[];
  /** Requests that are waiting for an answer. */
  readonly hanging: () => number;
  /** Answers everything that hangs. */
  release(status: number): void;
};

const typed = z.looseObject({ type: z.string() });

/** @param answer to a message; `nth` counts those with its id, from 1 */
export async function startReceiver(
  answer: (message: Received, nth: number) => Answer = () => 204,
): Promise<Receiver> {
  const received: Received[] = [];
  const hanging = new Set<ServerResponse>();
  const server = createServer((request, response) => {
    void (async () => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(Buffer.from(chunk));
      const body = Buffer.concat(chunks).toString();
      const id = String(request.headers["webhook-id"]);
      const message = { id, type: typed.parse(JSON.parse(body)).type, headers: request.headers, body };
      received.push(message);
      const said = answer(message, received.filter((other) => other.id === id).length);
      if (said === "hang") {
        hanging.add(response);
        response.once("close", () => hanging.delete(response));
        return;
      }
      const { status, headers } = typeof said === "number" ? { status: said, headers: {} } : said;
      response.writeHead(status, headers).end();
    })();
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("it listens on a port");
  return {
    url: `http://127.0.0.1:${address.port}/told`,
    received,
    hanging: () => hanging.size,
    release: (status) => {
      for (const response of hanging) response.writeHead(status).end();
    },
    async [Symbol.asyncDispose](): Promise<void> {
      server.closeAllConnections();
      server.close();
      await setImmediate();
    },
  };
}

/** Whose configuration names these receivers as its own. */
export function postTo(
  receivers: readonly Pick<Receiver, "url">[],
  options: Partial<WebhookPostOptions> = {},
): WebhookPost {
  const own = receivers.map(({ url }) => {
    const entry = parseAllowlistEntry(new URL(url).host);
    if (!entry.ok) throw new Error(entry.error);
    return entry.value;
  });
  return createWebhookPost({ allow: null, own, ...options });
}
