// What the fake providers have in common: sockets, records, and the faults that lie in how an answer is sent.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import {
  type Answer,
  type Fault,
  type FaultKind,
  type RecordedRequest,
  type Reply,
  type Script,
  toAnswer,
} from "./script.ts";

/** What a request's checker says: null, or how the real API would refuse. */
export type Refusal = { readonly status: number; readonly word: string; readonly message: string };

/** One real wire: its paths, its rules for requests, its way to write answers. */
export type Dialect = {
  check(request: RecordedRequest): Refusal | null;
  isStreaming(request: RecordedRequest): boolean;
  /** The answer as events, each a chunk. */
  encodeStream(answer: Answer, request: RecordedRequest): readonly string[];
  /** The answer as one JSON value. */
  encodeBody(answer: Answer, request: RecordedRequest): Readonly<Record<string, unknown>>;
  encodeError(word: string, message: string): unknown;
  /** An error inside a stream. */
  errorEvent(word: string, message: string): string;
  pingEvent: string;
  unknownEvent: string;
};

export type FakeProviderOptions = {
  readonly script: Script;
  /** The only key that is accepted. */
  readonly apiKey: string;
};

export type FakeProvider = {
  /** The base URL for clients, with the version. */
  readonly url: string;
  readonly requests: readonly RecordedRequest[];
  /** What clients did that the real API would refuse; empty for a sound client. */
  readonly violations: readonly string[];
  /** Waits for the request with this index (from 0). */
  request(index: number): Promise<RecordedRequest>;
  /** How often a fault was really carried out. */
  fired(kind: FaultKind): number;
  /** From now on the port is closed: the kernel refuses every connection. */
  refuseConnections(): Promise<void>;
  /** Ends every connection at once, hanging ones too. Safe to call twice. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
};

type State = {
  readonly options: FakeProviderOptions;
  readonly requests: RecordedRequest[];
  readonly violations: string[];
  readonly fired: Map<FaultKind, number>;
  readonly waiting: { readonly index: number; readonly resolve: (request: RecordedRequest) => void }[];
};

/** Starts a server on a free loopback port. `route` finds the dialect of a path; `models` is served at /v1/models. */
export async function startProvider(
  options: FakeProviderOptions,
  route: (path: string) => Dialect | null,
  models: unknown,
  requestIdHeader: string,
): Promise<FakeProvider> {
  const state: State = { options, requests: [], violations: [], fired: new Map(), waiting: [] };
  const server = createServer((message, response) => {
    response.setHeader(requestIdHeader, `req_${state.requests.length}`);
    serve(state, route, models, message, response).catch((error: unknown) => {
      // A client may leave at any moment; everything else is a bug of ours that a test must see.
      if (!response.destroyed) state.violations.push(`the fake provider failed: ${String(error)}`);
      response.destroy();
    });
  });
  const port = await listen(server);
  return {
    url: `http://127.0.0.1:${port}/v1`,
    requests: state.requests,
    violations: state.violations,
    request: (index) => waitForRequest(state, index),
    fired: (kind) => state.fired.get(kind) ?? 0,
    refuseConnections: () => closeServer(server),
    close: () => closeServer(server),
    [Symbol.asyncDispose]: () => closeServer(server),
  };
}

function listen(server: Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      if (typeof address === "object" && address !== null) resolve(address.port);
      else reject(new Error("the server has no port"));
    });
  });
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

function waitForRequest(state: State, index: number): Promise<RecordedRequest> {
  const request = state.requests[index];
  if (request !== undefined) return Promise.resolve(request);
  return new Promise((resolve) => state.waiting.push({ index, resolve }));
}

async function serve(
  state: State,
  route: (path: string) => Dialect | null,
  models: unknown,
  message: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const rawBody = await readBody(message);
  const path = message.url ?? "";
  if (message.method === "GET" && path === "/v1/models") {
    sendJson(response, 200, models);
    return;
  }
  const dialect = message.method === "POST" ? route(path) : null;
  if (dialect === null) {
    state.violations.push(`nothing is served at ${message.method ?? ""} ${path}`);
    sendJson(response, 404, { error: { type: "not_found_error", message: "Not found" } });
    return;
  }
  const request = record(state, message, response, rawBody);
  const refusal = dialect.check(request);
  if (refusal !== null) {
    state.violations.push(refusal.message);
    sendJson(response, refusal.status, dialect.encodeError(refusal.word, refusal.message));
    return;
  }
  const reply = replyTo(state, request);
  await answer(state, dialect, request, reply, response);
}

async function readBody(message: IncomingMessage): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of message) if (chunk instanceof Uint8Array) chunks.push(chunk);
  return Buffer.concat(chunks).toString("utf8");
}

function record(
  state: State,
  message: IncomingMessage,
  response: ServerResponse,
  rawBody: string,
): RecordedRequest {
  const request: RecordedRequest = {
    index: state.requests.length,
    path: message.url ?? "",
    headers: message.headers,
    rawBody,
    body: parse(rawBody),
    closed: new Promise((resolve) => {
      response.once("close", () => resolve(response.writableFinished ? "finished" : "aborted"));
    }),
  };
  state.requests.push(request);
  for (const { index, resolve } of state.waiting) if (index === request.index) resolve(request);
  return request;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function replyTo(state: State, request: RecordedRequest): Reply {
  const { script } = state.options;
  if (typeof script === "function") return script(request, request.index);
  const reply = script[request.index];
  if (reply !== undefined) return reply;
  state.violations.push(`request ${request.index} is more than the script has replies for`);
  return { fault: { kind: "status", status: 500 } };
}

function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify(body));
}

async function answer(
  state: State,
  dialect: Dialect,
  request: RecordedRequest,
  reply: Reply,
  response: ServerResponse,
): Promise<void> {
  const { fault } = reply;
  const fire = (): void => {
    if (fault !== undefined) state.fired.set(fault.kind, (state.fired.get(fault.kind) ?? 0) + 1);
  };
  // Hostile on purpose: real providers quote keys and prompts in their messages.
  const message = `Refused. Your key is ${state.options.apiKey}. You sent: ${request.rawBody.slice(0, 2_000)}`;
  if (fault !== undefined && refuse(dialect, fault, message, response)) {
    fire();
    return;
  }
  const isStreaming = dialect.isStreaming(request);
  const sound = toAnswer(reply, request.index);
  const chunks = isStreaming
    ? dialect.encodeStream(sound, request)
    : bodyChunks(dialect.encodeBody(sound, request), fault);
  // A fault that is asked for and cannot happen would let a test pass for nothing.
  const isMissed = fault !== undefined && "afterChunks" in fault && fault.afterChunks >= chunks.length;
  if (isMissed && (isStreaming || fault.kind !== "error_in_stream"))
    throw new Error("the answer has no chunk where the fault is to happen");
  const type = isStreaming ? "text/event-stream; charset=utf-8" : "application/json";
  response.writeHead(200, { "content-type": fault?.kind === "content_type" ? fault.value : type });
  // An index exists in streams only; asked of a whole body this fault does nothing, and does not count as fired.
  if (fault?.kind !== "index" || isStreaming) fire();
  await send(response, withExtraChunks(dialect, isStreaming, chunks, fault, message), fault);
}

/** Faults that replace the whole answer. True when the exchange is settled. */
function refuse(dialect: Dialect, fault: Fault, message: string, response: ServerResponse): boolean {
  if (fault.kind === "hang") return true;
  if (fault.kind === "reset") {
    response.socket?.resetAndDestroy();
    return true;
  }
  if (fault.kind === "html") {
    response.writeHead(200, { "content-type": "text/html" });
    response.end("<!doctype html><title>Sign in to the network</title>");
    return true;
  }
  if (fault.kind === "redirect") {
    response.writeHead(307, { location: fault.to });
    response.end();
    return true;
  }
  if (fault.kind !== "status") return false;
  const isHtml = fault.html === true;
  const body = JSON.stringify(dialect.encodeError(fault.word ?? "api_error", message));
  response.writeHead(fault.status, {
    "content-type": isHtml ? "text/html" : "application/json",
    ...fault.headers,
  });
  response.end(isHtml ? "<html>Bad gateway</html>" : body);
  return true;
}

// A few pieces, so that a body too can stall, be cut or end in the middle.
function bodyChunks(body: Readonly<Record<string, unknown>>, fault: Fault | undefined): readonly string[] {
  const text = JSON.stringify(fault?.kind === "unknown_event" ? { ...body, unheard_of: { a: 1 } } : body);
  const size = Math.ceil(text.length / 4);
  return [0, 1, 2, 3].map((at) => text.slice(at * size, (at + 1) * size)).filter((chunk) => chunk !== "");
}

function withExtraChunks(
  dialect: Dialect,
  isStreaming: boolean,
  chunks: readonly string[],
  fault: Fault | undefined,
  message: string,
): readonly string[] {
  if (fault?.kind === "bad_frame")
    return chunks.toSpliced(fault.afterChunks, 0, isStreaming ? 'data: {"broken": \n\n' : '{"broken": ');
  if (fault?.kind === "error_in_stream")
    return isStreaming
      ? [...chunks.slice(0, fault.afterChunks), dialect.errorEvent(fault.word, message)]
      : [JSON.stringify(dialect.encodeError(fault.word, message))];
  if (fault?.kind === "unknown_event" && isStreaming) return chunks.toSpliced(1, 0, dialect.unknownEvent);
  if (fault?.kind !== "ping_flood") return chunks;
  // In a body, white space before the value: gateways keep a connection alive with it.
  return isStreaming
    ? chunks.toSpliced(1, 0, dialect.pingEvent.repeat(fault.count))
    : ["\n".repeat(fault.count), ...chunks];
}

async function send(
  response: ServerResponse,
  chunks: readonly string[],
  fault: Fault | undefined,
): Promise<void> {
  const breakAt = fault !== undefined && "afterChunks" in fault ? fault.afterChunks : chunks.length;
  for (const [at, chunk] of chunks.entries()) {
    if (at === breakAt && fault?.kind === "cut") {
      response.socket?.resetAndDestroy();
      return;
    }
    if (at === breakAt && fault?.kind === "stall") return;
    if (at === breakAt && fault?.kind === "end_early") break;
    if (fault?.kind === "slow") await pause(fault.pauseMs);
    if (fault?.kind === "one_byte_writes") {
      for (const byte of Buffer.from(chunk)) await write(response, Uint8Array.of(byte));
    } else await write(response, chunk);
  }
  if (fault?.kind === "error_in_stream" && fault.holds === true) return;
  response.end();
}

// Waits until the chunk has left, so that chunks are not joined, and ends with the connection.
function write(response: ServerResponse, chunk: string | Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    response.write(chunk, (error) => (error ? reject(error) : resolve()));
  });
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
