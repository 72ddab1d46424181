// Real MCP servers of the SDK's own making, which count what they do and change their minds on command.

import { createServer, type IncomingMessage, type Server } from "node:http";
import { createMcpHandler, McpServer } from "@modelcontextprotocol/server";
import { z } from "zod";

export type Said = { readonly description: string; readonly hints?: object };

export type HttpMcp = AsyncDisposable & {
  readonly port: number;
  readonly url: string;
  /** Arguments and `_meta` of every call that was carried out. */
  readonly effects: { readonly amount: unknown; readonly key: unknown; readonly token: unknown }[];
  /** Connections that were made so far. */
  connections(): number;
  readonly authorizations: (string | undefined)[];
  /** What the tool `pay` says of itself from now on; null: there is no such tool. */
  say(now: Said | null): void;
  /** What the next call answers with. */
  answer(text: string, isError?: boolean): void;
};

export async function startHttpMcp(first: Said = { description: "Pays." }): Promise<HttpMcp> {
  const effects: HttpMcp["effects"] = [];
  const authorizations: (string | undefined)[] = [];
  let said: Said | null = first;
  let reply = { text: "paid", isError: false };
  const handler = createMcpHandler(() => {
    const server = new McpServer({ name: "bank", version: "1.0.0" });
    server.registerTool("balance", { description: "Tells.", inputSchema: z.object({}) }, () => ({
      content: [{ type: "text", text: "100" }],
    }));
    if (said !== null)
      server.registerTool(
        "pay",
        {
          description: said.description,
          inputSchema: z.object({ amount: z.number(), to: z.string() }),
          annotations: { ...said.hints },
        },
        ({ amount }, context) => {
          const meta: unknown = Reflect.get(context.mcpReq, "_meta");
          const [key, token] = ["idempotency-key", "fencing-token"].map((name): unknown =>
            Reflect.get(Object(meta), `assent/${name}`),
          );
          effects.push({ amount, key, token });
          return { content: [{ type: "text", text: reply.text }], isError: reply.isError };
        },
      );
    return server;
  });
  const http = createServer((request, response) => {
    void (async () => {
      authorizations.push(request.headers.authorization);
      const answer =
        request.url === "/refuse"
          ? new Response(null, { status: 401 })
          : await handler.fetch(await asRequest(request));
      response.writeHead(answer.status, Object.fromEntries(answer.headers));
      for await (const chunk of answer.body ?? []) response.write(chunk);
      response.end();
    })();
  });
  const connections = counted(http);
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  const address = http.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  return {
    port,
    url: `http://127.0.0.1:${port}/mcp`,
    effects,
    authorizations,
    connections,
    say(now) {
      said = now;
      handler.notify.toolsChanged();
    },
    answer(text, isError = false) {
      reply = { text, isError };
    },
    async [Symbol.asyncDispose]() {
      await handler.close();
      http.closeAllConnections();
      await new Promise((resolve) => http.close(resolve));
    },
  };
}

function counted(http: Server): () => number {
  let connections = 0;
  http.on("connection", () => {
    connections += 1;
  });
  return () => connections;
}

const asRequest = async (request: IncomingMessage): Promise<Request> =>
  new Request(`http://127.0.0.1${request.url ?? "/"}`, {
    method: request.method ?? "GET",
    headers: headersOf(request),
    ...(request.method === "POST" ? { body: await bodyOf(request) } : {}),
  });

const headersOf = (request: IncomingMessage): Headers => {
  const headers = new Headers();
  for (const [name, value] of Object.entries(request.headers))
    if (typeof value === "string") headers.set(name, value);
  return headers;
};

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of request) if (chunk instanceof Uint8Array) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}
