// A client that sends what it is told to. Not fetch: it refuses to send much of what has to be sent here.

import { request as httpRequest } from "node:http";
import { KEYS } from "./samples.ts";
import { type Fixture, bearer } from "./support.ts";

export type Sent = {
  readonly method?: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  readonly body?: string | Buffer;
};
export type Answered = { readonly status: number; readonly headers: Headers; readonly body: string };

/** With a key that may do everything. */
export async function send(api: Fixture, sent: Sent): Promise<Answered> {
  const headers: Record<string, string | string[]> = { ...bearer(KEYS.all) };
  for (const [name, value] of Object.entries(sent.headers ?? {}))
    headers[name] = typeof value === "string" ? value : [...value];
  const body = sent.body === undefined ? undefined : Buffer.from(sent.body);
  if (body !== undefined && !("content-length" in headers) && !("transfer-encoding" in headers))
    headers["content-length"] = String(body.length);
  return await new Promise((resolve, reject) => {
    const outgoing = httpRequest(
      {
        host: "127.0.0.1",
        port: api.port,
        method: sent.method ?? "GET",
        path: sent.path,
        headers,
        agent: false,
      },
      (answer) => {
        const chunks: Buffer[] = [];
        answer.on("data", (chunk: Buffer) => chunks.push(chunk));
        answer.on("error", reject);
        answer.on("end", () => {
          const received = new Headers();
          for (const [name, value] of Object.entries(answer.headers)) received.set(name, String(value));
          resolve({
            status: answer.statusCode ?? 0,
            headers: received,
            body: Buffer.concat(chunks).toString("utf8"),
          });
        });
      },
    );
    outgoing.on("error", reject);
    outgoing.end(body);
  });
}
