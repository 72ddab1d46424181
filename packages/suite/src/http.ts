// Plain requests on sockets of their own. No connection is shared, because two requests on one connection are
// answered one after the other, and then they do not race.

import { Agent, type ClientRequest, type IncomingMessage, request as requestHttp } from "node:http";
import { Agent as TlsAgent, request as requestHttps } from "node:https";
import { PreconditionMissing } from "./precondition.ts";
import { nextTurn } from "./wait.ts";

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
  /** Why it was sent a second time, where it was. */
  readonly sentAgain?: string;
};

/** The harness did not answer: refused, reset or silent past the limit. */
export class NoAnswer extends Error {
  override readonly name = "NoAnswer";
}

/**
 * A connection that had been kept after an earlier answer was closed by the other side, before any byte of an answer to this
 * request. Whoever closes an idle connection does so without knowing what is on its way to them (RFC 9112, 9.3.1): no fault.
 */
class KeptConnectionClosed extends NoAnswer {}

/** An answer larger than this is cut off by force: a harness must not be able to exhaust the suite's memory. */
const ANSWER_BYTES_MAX = 64 * 1024 * 1024;

export type SendOptions = {
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  /** Whose connections are used; a fresh one that is closed afterwards where there is none. */
  readonly agent?: Agent;
};

type Opened = {
  /** Resolves when all but the last byte is on its way, or no more of it can be; never rejects. */
  readonly ready: Promise<void>;
  /** Whether its connection was closed under it by now. */
  isClosed(): boolean;
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
  let bytesBefore = 0;
  outgoing.once("socket", ({ bytesRead }) => {
    bytesBefore = bytesRead;
  });
  const head = new Promise<IncomingMessage>((resolve, reject) => {
    outgoing.once("response", resolve);
    outgoing.once("error", (error: NodeJS.ErrnoException) => {
      const isCut = error.code === "ECONNRESET" || error.code === "EPIPE";
      const isKept = isCut && outgoing.reusedSocket && outgoing.socket?.bytesRead === bytesBefore;
      const Failure = isKept ? KeptConnectionClosed : NoAnswer;
      reject(new Failure(`${what}: ${error.message}`, { cause: error }));
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
  let isClosed = false;
  const ready = new Promise<void>((resolve) => {
    answer.then(
      () => resolve(),
      (error: unknown) => {
        isClosed = error instanceof KeptConnectionClosed;
        resolve();
      },
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
  return { ready, answer, release, isClosed: () => isClosed };
}

/** @throws NoAnswer; whatever status comes back is an answer */
export async function send(baseUrl: string, request: HttpRequest, options: SendOptions): Promise<HttpAnswer> {
  const opened = open(baseUrl, request, options);
  opened.release();
  return await opened.answer;
}

const HEALTH: HttpRequest = { method: "GET", path: "/healthz", headers: {}, body: null };

// A connection that stands is not yet one that the server has taken up: many take up one at a time, and would then
// take the requests one after the other too. An answered request shows that it has; after it the connection is kept.
type Placed = { readonly baseUrl: string; readonly request: HttpRequest };
type Kept = SendOptions & { readonly agent: Agent };

const placesOf = (requests: readonly Placed[]): ReadonlySet<string> =>
  new Set(requests.map(({ baseUrl }) => baseUrl));

async function warmUpAll(requests: readonly Placed[], options: Kept): Promise<void> {
  for (const baseUrl of placesOf(requests)) {
    const there = requests.filter((each) => each.baseUrl === baseUrl);
    await Promise.all(there.map(async () => await send(baseUrl, HEALTH, options)));
  }
}

/** Doors that close again and again while the others wait. */
const REOPENED_MAX = 3;

/** All of them but their last bytes. What nobody can have taken, since it was not all there, goes over a new connection. */
async function openAll(requests: readonly Placed[], options: Kept): Promise<Opened[]> {
  const { agent: _, ...bare } = options;
  const opened = requests.map(({ baseUrl, request }) => open(baseUrl, request, options));
  for (let round = 0; round <= REOPENED_MAX; round += 1) {
    await Promise.all(opened.map(async ({ ready }) => await ready));
    // Once this is answered, a door that was closing as the requests came has shown it.
    for (const baseUrl of placesOf(requests)) await send(baseUrl, HEALTH, bare);
    await nextTurn();
    const closed = requests
      .map((placed, at) => ({ ...placed, at }))
      .filter(({ at }) => opened[at]?.isClosed());
    if (closed.length === 0 || round === REOPENED_MAX) break;
    await warmUpAll(closed, options);
    for (const { at, baseUrl, request } of closed) opened[at] = open(baseUrl, request, options);
  }
  return opened;
}

/** Whether twice is as good as once. The bytes of a signed request are good for once. */
function mayBeSentTwice({ method, headers }: HttpRequest): boolean {
  const names = new Set(Object.keys(headers).map((name) => name.toLowerCase()));
  if (names.has("signature")) return false;
  return method === "GET" || method === "HEAD" || names.has("idempotency-key");
}

/**
 * The answer to what was complete when its kept connection was closed: asked for once more, on a connection of its own.
 * @throws PreconditionMissing where nobody can say whether it was taken, and it may not be sent twice
 */
async function answerAnew(
  { baseUrl, request }: Placed,
  error: unknown,
  options: SendOptions,
): Promise<HttpAnswer> {
  if (!(error instanceof KeptConnectionClosed)) throw error;
  const { message } = error;
  if (mayBeSentTwice(request)) return { ...(await send(baseUrl, request, options)), sentAgain: message };
  // Whoever is gone altogether has closed more than an idle connection.
  await send(baseUrl, HEALTH, options);
  throw new PreconditionMissing(
    `${message}: the harness closed a connection that it had kept, as the request went out on it; whether it took it nobody ` +
      "can say, and without an idempotency key it may not be sent twice: have it keep idle connections for longer",
  );
}

/**
 * Sends all requests so that they are complete at the server at the same moment: each goes over a connection of its
 * own that the server has taken up, and is held back by its last byte until all others are there. This is how a race is
 * forced instead of hoped for.
 */
export async function sendTogether(requests: readonly Placed[], options: SendOptions): Promise<HttpAnswer[]> {
  const tls = requests.some(({ baseUrl }) => baseUrl.startsWith("https:"));
  const agent = new (tls ? TlsAgent : Agent)({ keepAlive: true, maxSockets: requests.length });
  try {
    await warmUpAll(requests, { ...options, agent });
    const opened = await openAll(requests, { ...options, agent });
    for (const each of opened) each.release();
    const answers = requests.map(async (placed, at) => {
      const answer = opened[at]?.answer ?? Promise.reject(new Error("unreachable: each was opened"));
      return await answer.catch(async (error: unknown) => await answerAnew(placed, error, options));
    });
    return await Promise.all(answers);
  } finally {
    agent.destroy();
  }
}
