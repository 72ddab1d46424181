// A small, strict client. It follows nothing and keeps nothing, and repeats what was refused for a limit and nothing else:
// what a scenario sees is what the harness sent. Every exchange is recorded.

import { type Exchange, redactHeaders, shorten } from "./evidence.ts";
import { eventParser, type StreamEvent } from "./event-stream.ts";
import { type HttpAnswer, type HttpRequest, NoAnswer, openRequest, send, sendTogether } from "./http.ts";
import { askPatiently, type Patience, rest, secondsOfLimit } from "./patience.ts";
import type { Role } from "./target.ts";

export type Answer = HttpAnswer & {
  readonly text: string;
  /** The body as JSON; undefined where it is none. */
  readonly json: unknown;
};

export type StreamReading = {
  readonly status: number;
  readonly events: readonly StreamEvent[];
  /** Its media type is that of streams; what else is answered holds no events. */
  readonly isStream: boolean;
  /** The harness closed the stream or sent `event: end`; else the time was up. */
  readonly ended: boolean;
};

export type HarnessClient = {
  readonly role: Role;
  /** The key is sent as it stands; null leaves the header out. */
  submit(body: unknown, idempotencyKey: string | null): Promise<Answer>;
  getRun(id: string, ifNoneMatch?: string): Promise<Answer>;
  listRuns(query?: string): Promise<Answer>;
  approve(body: unknown): Promise<Answer>;
  cancel(id: string): Promise<Answer>;
  listEvents(id: string, after: number): Promise<Answer>;
  streamEvents(id: string, lastEventId?: string): Promise<StreamReading>;
  getArtifact(runId: string, artifactId: string): Promise<Answer>;
  /** A request as it stands, with nothing added but the bearer key. */
  request(request: HttpRequest): Promise<Answer>;
};

export type ClientOptions = {
  readonly role: Role;
  readonly baseUrl: string;
  readonly key: string;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  readonly record: (exchange: Exchange) => void;
  readonly redact: (text: string) => string;
  /** With limits of the harness; without it they are answers as any other. */
  readonly patience?: Patience;
  /** Told of every answer. */
  readonly seen?: (role: Role, request: HttpRequest, answer: Answer) => void;
};

function answerOf(answer: HttpAnswer): Answer {
  const text = Buffer.from(answer.bytes).toString("utf8");
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    json = undefined;
  }
  return { ...answer, text, json };
}

function recordExchange(
  options: ClientOptions,
  request: HttpRequest,
  outcome: { readonly answer: Omit<HttpAnswer, "elapsedMs"> } | { readonly failure: string },
): void {
  const answer = "answer" in outcome ? outcome.answer : null;
  const { redact } = options;
  options.record({
    as: options.role,
    method: request.method,
    url: redact(`${options.baseUrl}${request.path}`),
    requestHeaders: redactHeaders(request.headers, redact),
    requestBody: request.body === null ? null : redact(shorten(Buffer.from(request.body).toString("utf8"))),
    status: answer?.status ?? null,
    headers: redactHeaders(answer?.headers ?? {}, redact),
    body: answer === null ? "" : redact(shorten(Buffer.from(answer.bytes).toString("utf8"))),
    failure: "failure" in outcome ? redact(outcome.failure) : null,
  });
}

const authorized = (request: HttpRequest, key: string): HttpRequest => ({
  ...request,
  headers: { authorization: `Bearer ${key}`, ...request.headers },
});

function submission(body: unknown, idempotencyKey: string | null): HttpRequest {
  return {
    method: "POST",
    path: "/api/harness/run",
    headers: {
      accept: "application/json",
      "content-type": "application/json",
      ...(idempotencyKey === null ? {} : { "idempotency-key": idempotencyKey }),
    },
    body: JSON.stringify(body),
  };
}

function approval(body: unknown): HttpRequest {
  return {
    method: "POST",
    path: "/api/harness/approve",
    headers: { accept: "application/json", "content-type": "application/json" },
    body: JSON.stringify(body),
  };
}

const get = (path: string, headers: Readonly<Record<string, string>> = {}): HttpRequest => ({
  method: "GET",
  path,
  headers: { accept: "application/json", ...headers },
  body: null,
});

const runPath = (id: string): string => `/api/harness/runs/${encodeURIComponent(id)}`;

const exchange = async (options: ClientOptions, request: HttpRequest): Promise<Answer> =>
  await askPatiently(
    request,
    async () => await exchangeOnce(options, request),
    options.patience,
    options.signal,
  );

async function exchangeOnce(options: ClientOptions, request: HttpRequest): Promise<Answer> {
  const sent = authorized(request, options.key);
  try {
    const answer = answerOf(await send(options.baseUrl, sent, options));
    recordExchange(options, sent, { answer });
    options.seen?.(options.role, request, answer);
    return answer;
  } catch (error) {
    recordExchange(options, sent, { failure: error instanceof Error ? error.message : String(error) });
    throw error;
  }
}

async function readStream(options: ClientOptions, request: HttpRequest): Promise<StreamReading> {
  const attempt = async (): Promise<StreamReading & Pick<HttpAnswer, "headers">> =>
    await readStreamOnce(options, request);
  const { headers: _, ...reading } = await askPatiently(request, attempt, options.patience, options.signal);
  return reading;
}

async function readStreamOnce(
  options: ClientOptions,
  request: HttpRequest,
): Promise<StreamReading & Pick<HttpAnswer, "headers">> {
  const sent = authorized(request, options.key);
  const { outgoing, head } = openRequest(options.baseUrl, sent, options);
  outgoing.end();
  const message = await head;
  const parse = eventParser();
  const events: StreamEvent[] = [];
  const chunks: Uint8Array[] = [];
  let ended = true;
  const decoder = new TextDecoder();
  try {
    for await (const chunk of message as AsyncIterable<Uint8Array>) {
      chunks.push(chunk);
      events.push(...parse(decoder.decode(chunk, { stream: true })));
      if (events.at(-1)?.event === "end") break;
    }
  } catch (error) {
    // The limit or a broken connection: what came until then is the reading, and it says that it has no end.
    if (!(error instanceof Error)) throw error;
    ended = false;
  }
  outgoing.destroy();
  const status = message.statusCode ?? 0;
  const { "content-type": type = "", "retry-after": again, date } = message.headers;
  const headers = {
    "content-type": type,
    ...(again === undefined ? {} : { "retry-after": again }),
    ...(date === undefined ? {} : { date }),
  };
  recordExchange(options, sent, { answer: { status, headers, bytes: Buffer.concat(chunks) } });
  const isStream = /^text\/event-stream\s*(?:;|$)/iu.test(type);
  return { status, headers, isStream, events: events.filter(({ event }) => event !== "end"), ended };
}

export function createClient(options: ClientOptions): HarnessClient {
  const run = async (request: HttpRequest): Promise<Answer> => await exchange(options, request);
  return {
    role: options.role,
    submit: async (body, idempotencyKey) => await run(submission(body, idempotencyKey)),
    getRun: async (id, ifNoneMatch) =>
      await run(get(runPath(id), ifNoneMatch === undefined ? {} : { "if-none-match": ifNoneMatch })),
    listRuns: async (query = "") => await run(get(`/api/harness/runs${query === "" ? "" : `?${query}`}`)),
    approve: async (body) => await run(approval(body)),
    cancel: async (id) =>
      await run({
        method: "POST",
        path: `${runPath(id)}/cancel`,
        headers: { accept: "application/json" },
        body: null,
      }),
    listEvents: async (id, after) => await run(get(`${runPath(id)}/events?after=${after}`)),
    streamEvents: async (id, lastEventId) =>
      await readStream(
        options,
        get(`${runPath(id)}/events`, {
          accept: "text/event-stream",
          ...(lastEventId === undefined ? {} : { "last-event-id": lastEventId }),
        }),
      ),
    getArtifact: async (runId, artifactId) =>
      await run(get(`${runPath(runId)}/artifacts/${encodeURIComponent(artifactId)}`, { accept: "*/*" })),
    request: run,
  };
}

export type Racer =
  | { readonly client: ClientOptions; readonly submit: unknown; readonly idempotencyKey: string }
  | { readonly client: ClientOptions; readonly approve: unknown }
  /** As it stands; it may bring an Authorization of its own. */
  | { readonly client: ClientOptions; readonly request: HttpRequest };

function requestOf(entry: Racer): HttpRequest {
  if ("request" in entry) return entry.request;
  return "submit" in entry ? submission(entry.submit, entry.idempotencyKey) : approval(entry.approve);
}

/** Requests of any clients, complete at their servers in the same moment. Those that met a limit race again. */
export async function race(entries: readonly Racer[]): Promise<Answer[]> {
  const answers = await raceOnce(entries);
  const patience = entries[0]?.client.patience;
  if (patience === undefined) return answers;
  for (let waited = 0; ;) {
    const limited = answers.flatMap((answer, at) => {
      const entry = entries[at];
      const seconds = entry === undefined ? null : secondsOfLimit(requestOf(entry), answer);
      return entry === undefined || seconds === null ? [] : [{ at, entry, seconds }];
    });
    const [one] = limited;
    if (one === undefined) break;
    const seconds = Math.max(...limited.map((each) => each.seconds));
    waited = await rest(requestOf(one.entry), seconds, waited, patience, one.entry.client.signal);
    const again = await raceOnce(limited.map(({ entry }) => entry));
    for (const [index, answer] of again.entries()) answers[limited[index]?.at ?? 0] = answer;
  }
  return answers;
}

async function raceOnce(entries: readonly Racer[]): Promise<Answer[]> {
  const first = entries[0]?.client;
  if (first === undefined) return [];
  const requests = entries.map((entry) => ({
    options: entry.client,
    baseUrl: entry.client.baseUrl,
    request: authorized(requestOf(entry), entry.client.key),
  }));
  try {
    const answers = await sendTogether(requests, first);
    return answers.map((answer, index) => {
      const entry = requests[index];
      const read = answerOf(answer);
      if (entry === undefined) return read;
      if (answer.sentAgain !== undefined)
        recordExchange(entry.options, entry.request, { failure: `${answer.sentAgain}; sent once more` });
      recordExchange(entry.options, entry.request, { answer });
      entry.options.seen?.(entry.options.role, entry.request, read);
      return read;
    });
  } catch (error) {
    if (error instanceof NoAnswer)
      for (const { options, request } of requests)
        recordExchange(options, request, { failure: error.message });
    throw error;
  }
}
