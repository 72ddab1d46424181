// Plain requests on sockets of their own. No connection is shared, because two requests on one connection are
// answered one after the other, and then they do not race.

import { Agent, type ClientRequest, type IncomingMessage, request as requestHttp } from "node:http";
import { Agent as TlsAgent, request as requestHttps } from "node:https";

export type HttpRequest = {
  readonly method: string;
  /** From the slash after the host; what the base URL has as path goes before it. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array | null;
};

export type HttpAnswer = {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly bytes: Uint8Array;
  /** From the last byte of the request to the last of the answer. */
  readonly elapsedMs: number;
};

/** The harness did not answer: refused, reset or silent past the limit. */
export class NoAnswer extends Error {
  override readonly name = "NoAnswer";
}

/** An answer larger than this is cut off by force: a harness must not be able to exhaust the suite's memory. */
const ANSWER_BYTES_MAX = 64 * 1024 * 1024;

export type SendOptions = {
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  /** Whose connections are used; a fresh one that is closed afterwards where there is none. */
  readonly agent?: Agent;
};

type Opened = {
  /** Resolves when all but the last byte is on its way; never rejects. */
  readonly ready: Promise<void>;
  readonly answer: Promise<HttpAnswer>;
  release(): void;
};

function headersOf(message: IncomingMessage): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(message.headers))
    if (value !== undefined) headers[name] = Array.isArray(value) ? value.join(", ") : value;
  return headers;
}

async function readAnswer(message: IncomingMessage): Promise<Omit<HttpAnswer, "elapsedMs">> {
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const chunk of message as AsyncIterable<Uint8Array>) {
    sizeBytes += chunk.byteLength;
    if (sizeBytes > ANSWER_BYTES_MAX) throw new NoAnswer(`the answer is over ${ANSWER_BYTES_MAX} bytes`);
    chunks.push(chunk);
  }
  return { status: message.statusCode ?? 0, headers: headersOf(message), bytes: Buffer.concat(chunks) };
}

/** The request without its body, and the promise of the answer's head. */
export function openRequest(
  baseUrl: string,
  request: HttpRequest,
  options: SendOptions,
): { readonly outgoing: ClientRequest; readonly head: Promise<IncomingMessage> } {
  const base = new URL(baseUrl);
  const outgoing = (base.protocol === "https:" ? requestHttps : requestHttp)({
    host: base.hostname.replace(/^\[|\]$/g, ""),
    port: base.port === "" ? (base.protocol === "https:" ? 443 : 80) : Number(base.port),
    method: request.method,
    path: `${base.pathname.replace(/\/$/, "")}${request.path}`,
    headers: { ...request.headers },
    agent: options.agent ?? false,
    signal: AbortSignal.any([options.signal, AbortSignal.timeout(options.timeoutMs)]),
  });
  outgoing.setNoDelay(true);
  const what = `${request.method} ${request.path}`;
  const head = new Promise<IncomingMessage>((resolve, reject) => {
    outgoing.once("response", resolve);
    outgoing.once("error", (error: Error) => {
      reject(new NoAnswer(`${what}: ${error.message}`, { cause: error }));
    });
  });
  return { outgoing, head };
}

function open(baseUrl: string, request: HttpRequest, options: SendOptions): Opened {
  const body = Buffer.from(request.body ?? "");
  const lengthGiven = Object.keys(request.headers).some((name) => name.toLowerCase() === "content-length");
  const headers =
    body.byteLength > 0 && !lengthGiven
      ? { ...request.headers, "content-length": String(body.byteLength) }
      : request.headers;
  const { outgoing, head } = openRequest(baseUrl, { ...request, headers }, options);
  let releasedAt = performance.now();
  const answer = head
    .then(async (message) => ({
      ...(await readAnswer(message)),
      elapsedMs: performance.now() - releasedAt,
    }))
    .catch((error: unknown) => {
      if (error instanceof NoAnswer) throw error;
      throw new NoAnswer(`${request.method} ${request.path}: the answer broke off`, { cause: error });
    });
  const ready = new Promise<void>((resolve) => {
    answer.then(
      () => resolve(),
      () => resolve(),
    );
    if (body.byteLength > 1)
      outgoing.write(body.subarray(0, -1), () => {
        resolve();
      });
    else outgoing.once("socket", () => resolve());
  });
  const release = (): void => {
    releasedAt = performance.now();
    outgoing.end(body.subarray(Math.max(0, body.byteLength - 1)));
  };
  return { ready, answer, release };
}

/** @throws NoAnswer; whatever status comes back is an answer */
export async function send(baseUrl: string, request: HttpRequest, options: SendOptions): Promise<HttpAnswer> {
  const opened = open(baseUrl, request, options);
  opened.release();
  return await opened.answer;
}

// A connection that stands is not yet one that the server has taken up: many take up one at a time, and would then
// take the requests one after the other too. An answered request shows that it has; after it the connection is kept.
async function warmUp(agent: Agent, baseUrl: string, count: number, options: SendOptions): Promise<void> {
  const request = { method: "GET", path: "/healthz", headers: {}, body: null };
  await Promise.all(
    Array.from({ length: count }, async () => await send(baseUrl, request, { ...options, agent })),
  );
}

/**
 * Sends all requests so that they are complete at the server at the same moment: each goes over a connection of its
 * own that the server has taken up, and is held back by its last byte until all others are there. This is how a race is
 * forced instead of hoped for.
 */
export async function sendTogether(
  requests: readonly { readonly baseUrl: string; readonly request: HttpRequest }[],
  options: SendOptions,
): Promise<HttpAnswer[]> {
  const tls = requests.some(({ baseUrl }) => baseUrl.startsWith("https:"));
  const agent = new (tls ? TlsAgent : Agent)({ keepAlive: true, maxSockets: requests.length });
  try {
    for (const baseUrl of new Set(requests.map((each) => each.baseUrl)))
      await warmUp(agent, baseUrl, requests.filter((each) => each.baseUrl === baseUrl).length, options);
    const opened = requests.map(({ baseUrl, request }) => open(baseUrl, request, { ...options, agent }));
    const answers = Promise.all(opened.map(async ({ answer }) => await answer));
    await Promise.race([Promise.all(opened.map(async ({ ready }) => await ready)), answers]);
    for (const each of opened) each.release();
    return await answers;
  } finally {
    agent.destroy();
  }
}
