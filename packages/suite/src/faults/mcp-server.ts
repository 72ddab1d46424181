// A server of tools that speaks the Model Context Protocol over HTTP (Streamable HTTP, JSON answers, an event stream
// where it has news), counts the calls that it carries out, and can say something else of its tool, and answer something
// else, from one moment to the next.

import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { fieldsOf, textOf } from "../run-reading.ts";

export type McpTool = {
  readonly name: string;
  readonly description: string;
  readonly inputSchema: Readonly<Record<string, unknown>>;
  readonly annotations?: Readonly<Record<string, boolean>>;
};

export type McpCall = { readonly tool: string; readonly arguments: unknown; readonly key: string };

/** What its tool says, or says went wrong. */
export type McpSaid = { readonly text: string; readonly isError?: boolean };

/** An answer of a server that cannot answer now; what was asked may have been done all the same. */
export type McpFailure = {
  readonly status: number;
  readonly retryAfterSeconds?: number;
  readonly isCarriedOut?: boolean;
};

export type McpDouble = {
  readonly url: string;
  readonly port: number;
  /** What it said of its tool when the operator agreed to it. */
  readonly tool: McpTool;
  /** From now on, in place of that; several of one name are possible. */
  say(tools: readonly McpTool[]): void;
  /** The next answer begins with the news that the tools are others now. */
  announce(): void;
  /** From now on its tool answers so; null: as usual. */
  answerWith(said: McpSaid | null): void;
  /** From now on each request is failed so, by its method; null: none is. */
  failWith(choose: ((method: string) => McpFailure | null) | null): void;
  /** Every request for a list or a call, also those that failed, and when it came (ms of the process). */
  asked(): readonly { readonly method: string; readonly key: string; readonly atMs: number }[];
  /** Every call that it carried out. */
  calls(): readonly McpCall[];
  /** From now on every request is answered by a redirect to there; null: by itself again. */
  redirectTo(url: string | null): void;
  stop(): Promise<void>;
};

/** One argument, `text`; whatever arrives has happened. */
export const MCP_TOOL: McpTool = {
  name: "pay",
  description: "Pays what the text says.",
  inputSchema: {
    type: "object",
    properties: { text: { type: "string" } },
    required: ["text"],
    additionalProperties: false,
  },
};

type Message = Readonly<Record<string, unknown>>;
type Answered = { readonly result: unknown } | { readonly error: unknown };

const METHOD_NOT_FOUND = { code: -32_601, message: "There is no such method." };

async function readJson(message: IncomingMessage): Promise<unknown> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of message as AsyncIterable<Uint8Array>) chunks.push(chunk);
  try {
    return JSON.parse(Buffer.concat(chunks).toString("utf8")) as unknown;
  } catch {
    return undefined;
  }
}

function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}

const NEWS = { jsonrpc: "2.0", method: "notifications/tools/list_changed" };

/** One answer may be a stream of messages, of which the last is the answer itself. */
function sendStream(response: ServerResponse, messages: readonly unknown[]): void {
  response.writeHead(200, { "content-type": "text/event-stream" });
  response.end(messages.map((message) => `event: message\ndata: ${JSON.stringify(message)}\n\n`).join(""));
}

/** What it says and does now. */
type Saying = {
  tools: readonly McpTool[];
  redirect: string | null;
  hasNews: boolean;
  said: McpSaid | null;
  failure: ((method: string) => McpFailure | null) | null;
  readonly calls: McpCall[];
  readonly asked: { readonly method: string; readonly key: string; readonly atMs: number }[];
};

const keyOf = (message: Message): string =>
  textOf(fieldsOf(fieldsOf(message["params"])["_meta"])["assent/idempotency-key"]);

function answerTo(message: Message, saying: Saying): Answered {
  const params = fieldsOf(message["params"]);
  if (message["method"] === "initialize")
    return {
      result: {
        protocolVersion: "2025-11-25",
        capabilities: { tools: { listChanged: true } },
        serverInfo: { name: "suite", version: "1" },
      },
    };
  if (message["method"] === "ping") return { result: {} };
  if (message["method"] === "tools/list") return { result: { tools: saying.tools } };
  if (message["method"] !== "tools/call") return { error: METHOD_NOT_FOUND };
  saying.calls.push({
    tool: textOf(params["name"]),
    arguments: params["arguments"],
    key: keyOf(message),
  });
  const { text, isError = false } = saying.said ?? { text: "Paid." };
  return { result: { content: [{ type: "text", text }], isError } };
}

async function take(incoming: IncomingMessage, response: ServerResponse, saying: Saying): Promise<void> {
  if (saying.redirect !== null) {
    response.writeHead(307, { location: saying.redirect }).end();
    return;
  }
  // It opens no stream of its own.
  if (incoming.method !== "POST") {
    response.writeHead(405, { allow: "POST" }).end();
    return;
  }
  const message = fieldsOf(await readJson(incoming));
  if (message["id"] === undefined) {
    response.writeHead(202).end();
    return;
  }
  const method = textOf(message["method"]);
  if (method.startsWith("tools/"))
    saying.asked.push({ method, key: keyOf(message), atMs: performance.now() });
  const failure = saying.failure?.(method) ?? null;
  if (failure !== null) {
    const { status, retryAfterSeconds, isCarriedOut = false } = failure;
    if (isCarriedOut) answerTo(message, saying);
    const headers = retryAfterSeconds === undefined ? {} : { "retry-after": String(retryAfterSeconds) };
    response.writeHead(status, headers).end();
    return;
  }
  const answered = { jsonrpc: "2.0", id: message["id"], ...answerTo(message, saying) };
  if (!saying.hasNews || !method.startsWith("tools/")) {
    sendJson(response, 200, answered);
    return;
  }
  saying.hasNews = false;
  sendStream(response, [NEWS, answered]);
}

/** Listens on the loopback interface. */
export async function startMcpServer(): Promise<McpDouble> {
  const saying: Saying = {
    tools: [MCP_TOOL],
    redirect: null,
    hasNews: false,
    said: null,
    failure: null,
    calls: [],
    asked: [],
  };
  const server = createServer((incoming, response) => {
    take(incoming, response, saying).catch((error: unknown) => {
      response.destroy(error instanceof Error ? error : undefined);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the MCP server has no port");
  return {
    url: `http://127.0.0.1:${address.port}/mcp`,
    port: address.port,
    tool: MCP_TOOL,
    say: (tools) => {
      saying.tools = tools;
    },
    announce: () => {
      saying.hasNews = true;
    },
    answerWith: (said) => {
      saying.said = said;
    },
    failWith: (choose) => {
      saying.failure = choose;
    },
    asked: () => saying.asked,
    calls: () => saying.calls,
    redirectTo: (url) => {
      saying.redirect = url;
    },
    stop: async () => {
      if (!server.listening) return;
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
