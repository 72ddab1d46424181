// One HTTP exchange with the harness. Everything that can go wrong on the way comes back as a ClientFailure.

import { problemSchema } from "@assent/contract";
import { z } from "zod";
import { err, ok, type Result } from "../base/result.ts";
import { readBody } from "./body.ts";
import type { ClientFailure } from "./failure.ts";
import { type RequestSigningKey, signRequest } from "./sign.ts";
import { ANSWER_BYTES_MAX, REQUEST_TIMEOUT_MS } from "./limits.ts";

export type Connection = {
  /** Where the server is, without a path. */
  readonly url: string;
  readonly key: string;
  readonly fetch: typeof globalThis.fetch;
  /** Requests are signed with it, where there is one. */
  readonly signing?: RequestSigningKey | null;
};

export type Exchange = {
  readonly method: "GET" | "POST" | "DELETE";
  /** From the root, with its query; every part that is not ours is percent-encoded by the caller. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  readonly signal?: AbortSignal;
  /** Null: the answer may take as long as it likes (event streams). */
  readonly timeoutMs?: number | null;
};

// Extension members are welcome (RFC 9457 section 3.2), whatever else our own contract says of problems.
const receivedProblemSchema = z.looseObject(problemSchema.shape);

/** @returns the successful answer, its body not read yet */
export async function exchange(
  connection: Connection,
  request: Exchange,
): Promise<Result<Response, ClientFailure>> {
  const timeoutMs = request.timeoutMs === undefined ? REQUEST_TIMEOUT_MS : request.timeoutMs;
  const signals = [
    ...(request.signal === undefined ? [] : [request.signal]),
    ...(timeoutMs === null ? [] : [AbortSignal.timeout(timeoutMs)]),
  ];
  try {
    const response = await connection.fetch(`${connection.url}${request.path}`, {
      method: request.method,
      headers: headersOf(connection, request),
      // A redirect would carry the key to wherever the answer says.
      redirect: "error",
      signal: AbortSignal.any(signals),
      ...(request.body === undefined ? {} : { body: JSON.stringify(request.body) }),
    });
    return response.ok ? ok(response) : err(await failureOf(response));
  } catch (error) {
    return err(failureOfThrown(error, connection, request.signal));
  }
}

function headersOf({ url, key, signing }: Connection, request: Exchange): Record<string, string> {
  const headers = {
    ...(request.body === undefined ? {} : { "content-type": "application/json" }),
    ...request.headers,
  };
  const body = request.body === undefined ? {} : { body: JSON.stringify(request.body) };
  const signed =
    signing === undefined || signing === null
      ? {}
      : signRequest({ method: request.method, url: `${url}${request.path}`, headers, ...body }, signing);
  return { accept: "application/json", authorization: `Bearer ${key}`, ...headers, ...signed };
}

/** An exchange whose answer is JSON that fits the schema. */
export async function exchangeJson<T>(
  connection: Connection,
  request: Exchange,
  schema: z.ZodType<T>,
): Promise<Result<T, ClientFailure>> {
  const response = await exchange(connection, request);
  if (!response.ok) return response;
  const json = await readJson(response.value, connection, request.signal);
  if (!json.ok) return json;
  const parsed = schema.safeParse(json.value);
  if (parsed.success) return ok(parsed.data);
  const issue = parsed.error.issues[0];
  const place = issue === undefined ? "" : ` at /${issue.path.join("/")}: ${issue.message}`;
  return err({
    kind: "unexpected",
    detail: `${request.method} ${request.path} brought an answer outside the contract${place}`,
  });
}

export async function readBytes(
  response: Response,
  bytesMax: number,
  connection: Connection,
  signal?: AbortSignal,
): Promise<Result<Uint8Array<ArrayBuffer>, ClientFailure>> {
  try {
    const bytes = await readBody(response, bytesMax);
    if (bytes.ok) return bytes;
    return err({ kind: "unexpected", detail: `the answer is longer than ${bytesMax} bytes` });
  } catch (error) {
    return err(failureOfThrown(error, connection, signal));
  }
}

async function readJson(
  response: Response,
  connection: Connection,
  signal: AbortSignal | undefined,
): Promise<Result<unknown, ClientFailure>> {
  const bytes = await readBytes(response, ANSWER_BYTES_MAX, connection, signal);
  if (!bytes.ok) return bytes;
  try {
    return ok(JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes.value)));
  } catch {
    return err({ kind: "unexpected", detail: "the answer is not JSON" });
  }
}

async function failureOf(response: Response): Promise<ClientFailure> {
  const bytes = await readBody(response, ANSWER_BYTES_MAX);
  const foreign: ClientFailure = {
    kind: "unexpected",
    detail: `status ${response.status} without a problem document: is this an Assent server?`,
  };
  if (!bytes.ok) return foreign;
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder().decode(bytes.value));
  } catch {
    return foreign;
  }
  const problem = receivedProblemSchema.safeParse(json);
  if (!problem.success) return foreign;
  return { kind: "refused", problem: problem.data, retryAfterMs: retryAfterMs(response) };
}

function retryAfterMs(response: Response): number | null {
  const value = response.headers.get("retry-after");
  return value !== null && /^\d{1,6}$/.test(value) ? Number(value) * 1_000 : null;
}

export function failureOfThrown(
  error: unknown,
  connection: Connection,
  signal: AbortSignal | undefined,
): ClientFailure {
  if (signal?.aborted === true) return { kind: "aborted" };
  return { kind: "unreachable", url: connection.url, detail: causeOf(error) };
}

// fetch says only "fetch failed"; the reason is a cause or two further down.
function causeOf(error: unknown): string {
  if (!(error instanceof Error)) return "the connection failed";
  if (error.name === "TimeoutError") return "no answer in time";
  if ("code" in error && typeof error.code === "string") return error.code;
  return error.cause === undefined ? error.message : causeOf(error.cause);
}
