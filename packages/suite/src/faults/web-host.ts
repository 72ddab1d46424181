// A host of the suite's own: it counts who connects, keeps what is asked, and answers as it is told.

import { once } from "node:events";
import { createServer } from "node:http";
import type { Socket } from "node:net";

export type WebAnswer = {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly text?: string;
};

export type WebHost = {
  readonly port: number;
  /** Connections since the start, whether anything was asked over them or not. */
  connections(): number;
  /** Method and target of every request, oldest first. */
  requests(): readonly string[];
  /** From now on. */
  answerWith(answer: (target: string) => WebAnswer): void;
  stop(): Promise<void>;
};

const A_PAGE = (): WebAnswer => ({ status: 200, text: "A page." });

/** @param address 127.0.0.1, or 0.0.0.0 for all of this machine */
export async function startWebHost(address = "127.0.0.1"): Promise<WebHost> {
  const requests: string[] = [];
  const sockets = new Set<Socket>();
  let connections = 0;
  let answer: (target: string) => WebAnswer = A_PAGE;
  const server = createServer((message, response) => {
    const target = message.url ?? "";
    requests.push(`${message.method ?? ""} ${target}`);
    const { status, headers = {}, text = "" } = answer(target);
    response.writeHead(status, { "content-type": "text/plain", ...headers }).end(text);
  });
  server.on("connection", (socket) => {
    connections += 1;
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  server.listen(0, address);
  await once(server, "listening");
  const place = server.address();
  if (place === null || typeof place === "string") throw new Error("the host has no port");
  return {
    port: place.port,
    connections: () => connections,
    requests: () => requests,
    answerWith: (next) => {
      answer = next;
    },
    stop: async () => {
      if (!server.listening) return;
      const closed = once(server, "close");
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
