// A server that answers as the protocol has it, and beside that does what nobody asked it for. By hand: the SDK's would
// not.

import { createServer, type IncomingMessage, type ServerResponse } from "node:http";

type Message = { readonly id?: unknown; readonly method?: string };
type Answering = {
  readonly message: Message;
  readonly response: ServerResponse;
  /** The session that the client says it is in. */
  readonly session: string | undefined;
};

export type HostileMcp = AsyncDisposable & {
  readonly url: string;
  readonly port: number;
  /** How many messages of a method came; `answer`: answers to what the server asked. */
  came(method: string): number;
  /** Answers of this server that have not ended. */
  open(): number;
};

/** One tool `pay` whose schema may be put together as the test wants it. */
export const listOf = (...tools: readonly object[]): object => ({
  resultType: "complete",
  ttlMs: 0,
  cacheScope: "private",
  tools,
});
export const PAY = { name: "pay", description: "Pays.", inputSchema: { type: "object", properties: {} } };

export type Behaviour = {
  /** Of the two protocols: the newest, or the one before it. */
  readonly speaks?: "2026-07-28" | "2025-11-25";
  /** What else may be done with a message; true: it is answered. */
  readonly answer?: (asked: Answering) => boolean;
  /** Written as soon as the client listens. */
  readonly unasked?: string;
};

export const event = (message: object): string =>
  `data: ${JSON.stringify({ jsonrpc: "2.0", ...message })}\n\n`;

export function reply({ message, response }: Pick<Answering, "message" | "response">, result: object): void {
  response.writeHead(200, { "content-type": "application/json" });
  response.end(JSON.stringify({ jsonrpc: "2.0", id: message.id, result }));
}

export async function startHostileMcp({
  speaks = "2025-11-25",
  answer = () => false,
  unasked = "",
}: Behaviour): Promise<HostileMcp> {
  const counts = new Map<string, number>();
  let open = 0;
  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    if (request.method === "GET") {
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.write(`: \n\n${unasked}`);
      return;
    }
    const message = await messageOf(request);
    const method = message.method ?? "answer";
    counts.set(method, (counts.get(method) ?? 0) + 1);
    open += 1;
    response.once("close", () => {
      open -= 1;
    });
    const session = request.headers["mcp-session-id"];
    const asked = { message, response, session: typeof session === "string" ? session : undefined };
    if (answer(asked)) return;
    const known = ANSWERS[speaks]?.[method];
    if (known !== undefined) reply(asked, known);
    else if (message.id === undefined) response.writeHead(202).end();
    else response.writeHead(404).end();
  };
  const http = createServer((request, response) => void serve(request, response));
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  const address = http.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  return {
    url: `http://127.0.0.1:${port}/mcp`,
    port,
    came: (method) => counts.get(method) ?? 0,
    open: () => open,
    async [Symbol.asyncDispose]() {
      http.closeAllConnections();
      await new Promise((resolve) => http.close(resolve));
    },
  };
}

const SERVER = { name: "bank", version: "1" };
const CAPABILITIES = { tools: { listChanged: true } };
const ANSWERS: Readonly<Record<string, Readonly<Record<string, object>>>> = {
  "2026-07-28": {
    "server/discover": {
      resultType: "complete",
      supportedVersions: ["2026-07-28"],
      serverInfo: SERVER,
      capabilities: { tools: {} },
      ttlMs: 0,
      cacheScope: "private",
    },
    "tools/list": listOf(PAY),
  },
  "2025-11-25": {
    initialize: { protocolVersion: "2025-11-25", capabilities: CAPABILITIES, serverInfo: SERVER },
    "tools/list": listOf(PAY),
    "tools/call": { content: [{ type: "text", text: "paid" }] },
  },
};

async function messageOf(request: IncomingMessage): Promise<Message> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of request) if (chunk instanceof Uint8Array) chunks.push(chunk);
  const value: unknown = JSON.parse(Buffer.concat(chunks).toString());
  const method: unknown = Reflect.get(Object(value), "method");
  return { id: Reflect.get(Object(value), "id"), ...(typeof method === "string" ? { method } : {}) };
}
