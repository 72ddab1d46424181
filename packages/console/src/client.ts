// Requests to the harness that serves the page. The key goes along as a header and is kept nowhere but in this tab: there is
// no cookie that another site could ride on.

import type { Problem } from "@assent/contract";

/** The server answered, and said no. */
export class Refused extends Error {
  readonly problem: Pick<
    Problem,
    "code" | "detail" | "errors" | "remedy" | "status" | "title" | "request_id"
  >;

  constructor(problem: Refused["problem"]) {
    super(problem.detail);
    this.problem = problem;
  }
}

/** Nobody answered, so that nothing is known. */
export class Unreachable extends Error {}

export type Client = {
  get<T>(path: string, signal?: AbortSignal): Promise<T>;
  /** @param key makes a repeat of the same request the same request */
  post<T>(path: string, body: unknown, key: string): Promise<T>;
  /** @param key as of a post */
  remove(path: string, key: string): Promise<void>;
  blob(path: string): Promise<Blob>;
  /** Server-sent events until the stream or the signal ends. */
  events(path: string, after: number, onEvent: (data: unknown) => void, signal: AbortSignal): Promise<void>;
};

type Init = {
  readonly method?: string;
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string>>;
};

/** For one request and its repeats. By what a browser has also where the page came by plain HTTP: `randomUUID` is not there then. */
export const newIdempotencyKey = (): string =>
  Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join(
    "",
  );

/** An answer that does not come is a server that is away. */
const TIMEOUT_MS = 20_000;

/** @param onContact told of each answer, whatever it says */
export function createClient(key: string, onContact: () => void): Client {
  const send = async (path: string, init: Init, signal?: AbortSignal): Promise<Response> => {
    const limit = AbortSignal.timeout(TIMEOUT_MS);
    let response: Response;
    try {
      response = await fetch(path, {
        ...init,
        headers: { authorization: `Bearer ${key}`, accept: "application/json", ...init.headers },
        cache: "no-store",
        credentials: "omit",
        redirect: "error",
        signal: signal ?? limit,
      });
    } catch (error) {
      if (signal?.aborted === true) throw error;
      throw new Unreachable("The server does not answer.", { cause: error });
    }
    onContact();
    if (!response.ok) throw new Refused(await problemOf(response));
    return response;
  };
  return {
    get: async (path, signal) => await json(await send(path, {}, signal)),
    post: async (path, body, idempotencyKey) =>
      await json(
        await send(path, {
          method: "POST",
          headers: { "content-type": "application/json", "idempotency-key": idempotencyKey },
          body: JSON.stringify(body),
        }),
      ),
    remove: async (path, idempotencyKey) => {
      await send(path, { method: "DELETE", headers: { "idempotency-key": idempotencyKey } });
    },
    blob: async (path) => await (await send(path, { headers: { accept: "*/*" } })).blob(),
    events: async (path, after, onEvent, signal) => {
      const response = await send(
        path,
        { headers: { accept: "text/event-stream", "last-event-id": String(after) } },
        signal,
      );
      if (response.body !== null) await readEvents(response.body, onEvent, onContact);
    },
  };
}

async function json<T>(response: Response): Promise<T> {
  return await response.json();
}

async function problemOf(response: Response): Promise<Refused["problem"]> {
  const told: unknown = await response.json().catch(() => null);
  if (typeof told === "object" && told !== null && "code" in told && "detail" in told && "remedy" in told)
    // The server's own answers have this form, and its schemas see to it.
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion
    return told as Refused["problem"];
  return {
    code: "no_problem",
    title: "An answer that is none of Assent's",
    detail: `Something between here and the server answered ${response.status}.`,
    remedy: "Look at the proxy in between.",
    status: response.status,
  };
}

/** WHATWG HTML 9.2.6, as far as the server uses it: one `data` line an event. */
async function readEvents(
  body: ReadableStream<Uint8Array>,
  onEvent: (data: unknown) => void,
  onContact: () => void,
): Promise<void> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    onContact();
    const lines = `${rest}${decoder.decode(value, { stream: true })}`.split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) if (line.startsWith("data:")) onEvent(JSON.parse(line.slice("data:".length)));
  }
}
