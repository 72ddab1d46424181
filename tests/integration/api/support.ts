// A real server on loopback before a harness in memory, and what every test here asks of an answer.

import { connect } from "node:net";
import { type Problem, problemSchema } from "@assent/contract";
import { expect } from "vitest";
import {
  type ApiServer,
  type ServerOptions,
  createServer,
} from "../../../packages/harness/src/api/server.ts";
import type { Harness } from "../../../packages/harness/src/services/harness.ts";
import { type TestHarness, createTestHarness } from "./memory-harness.ts";

export type LogRecord = {
  readonly level: string;
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
};

export type Fixture = {
  readonly url: string;
  readonly port: number;
  readonly harness: TestHarness;
  readonly server: ApiServer;
  readonly logs: LogRecord[];
  [Symbol.asyncDispose](): Promise<void>;
};

/** A real server on a free port of 127.0.0.1, before a harness in memory. */
export async function startApi(
  overrides: Partial<Harness> = {},
  options: Partial<ServerOptions> = {},
  host = "127.0.0.1",
): Promise<Fixture> {
  const harness = createTestHarness(overrides);
  const logs: LogRecord[] = [];
  const server = await createServer(harness, {
    log: (level, message, fields = {}) => {
      logs.push({ level, message, fields });
    },
    ...options,
  });
  const { url } = await server.listen(host, 0);
  return {
    url,
    port: Number(new URL(url).port),
    harness,
    server,
    logs,
    [Symbol.asyncDispose]: async () => await server.close(),
  };
}

/** Sends bytes as they are and returns all that comes back until the server ends the connection. */
export async function sendRaw(port: number, bytes: string | Uint8Array): Promise<string> {
  return await new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1", () => socket.write(bytes));
    const chunks: Buffer[] = [];
    socket.on("data", (chunk: Buffer) => chunks.push(chunk));
    socket.on("close", () => resolve(Buffer.concat(chunks).toString("latin1")));
    socket.on("error", (error: NodeJS.ErrnoException) => {
      // The server may hang up while we still send; what it said before counts.
      if (error.code !== "ECONNRESET" && error.code !== "EPIPE") reject(error);
    });
  });
}

export type RawAnswer = { readonly status: number; readonly headers: Headers; readonly body: string };

/** Reads the one HTTP answer that the text must be. */
export function parseRaw(text: string): RawAnswer {
  const end = text.indexOf("\r\n\r\n");
  const [line = "", ...fields] = text.slice(0, end).split("\r\n");
  const headers = new Headers();
  for (const field of fields)
    headers.append(field.slice(0, field.indexOf(":")), field.slice(field.indexOf(":") + 1));
  const body = text.slice(end + 4);
  const length = headers.get("content-length");
  if (length !== null)
    expect(Buffer.byteLength(body, "latin1"), "one answer and nothing after it").toBe(Number(length));
  return { status: Number(line.split(" ")[1]), headers, body };
}

type Answer = { readonly status: number; readonly headers: Headers };

/** Asserts all that every problem has in common, and returns it. */
export function expectProblem(answer: Answer, body: string): Problem {
  expect(answer.headers.get("content-type")).toBe("application/problem+json");
  const document = problemSchema.parse(JSON.parse(body));
  expect(document.status).toBe(answer.status);
  expect(document.type).toBe(`urn:assent:problem:${document.code}`);
  expect(document.request_id).toMatch(/^req_[0-9a-f]{32}$/);
  expect(answer.headers.get("x-request-id")).toBe(document.request_id);
  expect(answer.headers.get("cache-control")).toBe("no-store");
  expect(answer.headers.get("x-content-type-options")).toBe("nosniff");
  return document;
}

export function bearer(key: string): Record<string, string> {
  return { authorization: `Bearer ${key}` };
}
