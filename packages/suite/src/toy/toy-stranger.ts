// A toy behind a door that changes everything which the contract leaves free: whatever passes on the toy passes here as well. It holds
// no guard and no bug, and knows nothing of what is asked.

import { createHash, randomUUID } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { canonicalJson } from "../canonical-json.ts";
import { type HttpAnswer, send } from "../http.ts";
import { fieldsOf } from "../run-reading.ts";

export type Strange = {
  /** Bare UUIDs, times with an offset, members of its own in another order, digests without what the contract puts before them. */
  readonly form: boolean;
  /** No ETag, places with a host, media types in another case, answers in pieces on connections that end. */
  readonly manner: boolean;
  /** Every problem names its own occurrence. */
  readonly occurrences: boolean;
  /** Nothing but the three endpoints, and runs that it carries out itself. */
  readonly few: boolean;
  /** Requests of one key in a second; past them a 429 with the date to come again at. */
  readonly perSecond: number | null;
};

const ID = /\b(?:run|apr|art|prn)_([0-9a-f]{8})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{12})\b/gu;
const UUID = /\b([0-9a-f]{8})-([0-9a-f]{4})-([0-9a-f]{4})-([0-9a-f]{4})-([0-9a-f]{12})\b/gu;
const NEVER = new AbortController().signal;
const ANSWER_MS_MAX = 30_000;
const PIECE_BYTES = 97;

const bare = (text: string): string => text.replaceAll(ID, "$1-$2-$3-$4-$5");

/** What the toy named so, or a run that it never named. */
function knownBy(text: string, named: ReadonlySet<string>): string {
  return text.replaceAll(UUID, (uuid) => {
    const hex = uuid.replaceAll("-", "");
    return ["run", "apr", "art"].map((kind) => `${kind}_${hex}`).find((id) => named.has(id)) ?? `run_${hex}`;
  });
}

function dressed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(dressed);
  if (typeof value === "string")
    return /^\d{4}-\d\d-\d\dT[\d:.]+Z$/u.test(value)
      ? value.replace(/\.\d+Z$/u, ".123456+00:00")
      : bare(value);
  if (typeof value !== "object" || value === null) return value;
  const members = Object.entries(value).map(([name, item]) => [name, dressed(item)] as const);
  const isThing = "id" in value || ("run_id" in value && "kind" in value);
  const { digest, ...rest } = Object.fromEntries([
    ...members.toReversed(),
    ...(isThing ? [["x_of_ours", { note: "more" }] as const] : []),
  ]);
  if (digest === undefined) return rest;
  return { ...rest, digest: `sha256:${createHash("sha256").update(canonicalJson(rest)).digest("hex")}` };
}

type Door = {
  readonly to: () => string;
  readonly strange: Strange;
  readonly named: Set<string>;
  /** Times of the newest requests, by key. */
  readonly asked: Map<string, number[]>;
};

const THREE =
  /^(?:POST \/api\/harness\/(?:run|approve)|GET \/api\/harness\/runs\/[^/?]+|GET \/(?:healthz|readyz))$/u;

const BROKEN_OFF = { status: 502, headers: {}, bytes: new Uint8Array() };

async function answer(message: IncomingMessage, response: ServerResponse, door: Door): Promise<void> {
  const { strange, named } = door;
  const chunks: Uint8Array[] = [];
  for await (const chunk of message as AsyncIterable<Uint8Array>) chunks.push(chunk);
  if (isOverLimit(message, door)) return refuse(response);
  const asked = `${message.method ?? ""} ${message.url ?? ""}`;
  if (strange.few && !THREE.test(asked)) return void response.writeHead(404).end("<h1>Not here</h1>");
  const { host: _, "content-length": _l, connection: _c, ...kept } = message.headers;
  const headers = Object.fromEntries(
    Object.entries(kept).flatMap(([name, value]) => (typeof value === "string" ? [[name, value]] : [])),
  );
  const body = Buffer.concat(chunks).toString("utf8");
  if (strange.few && body.includes('"driver"')) return refuseBody(response);
  const told = await send(
    door.to(),
    {
      method: message.method ?? "",
      path: strange.form ? knownBy(message.url ?? "/", named) : (message.url ?? "/"),
      headers,
      body: body === "" ? null : strange.form ? knownBy(body, named) : body,
    },
    { timeoutMs: ANSWER_MS_MAX, signal: NEVER },
  ).catch(() => BROKEN_OFF);
  for (const [id] of Buffer.from(told.bytes).toString("utf8").matchAll(ID)) named.add(id);
  say(message, response, told, strange);
}

/** Of the one door or the other: a limit is its caller's. */
function isOverLimit({ headers, url }: IncomingMessage, { strange, asked }: Door): boolean {
  if (strange.perSecond === null || url === "/healthz") return false;
  const key = headers.authorization ?? "";
  const since = (asked.get(key) ?? []).filter((at) => at > Date.now() - 1_000);
  asked.set(key, since);
  if (since.length >= strange.perSecond) return true;
  since.push(Date.now());
  return false;
}

const PROBLEM = "application/problem+json";

function refuse(response: ServerResponse): void {
  const again = new Date(Date.now() + 1_000).toUTCString();
  response
    .writeHead(429, { "content-type": PROBLEM, "retry-after": again })
    .end(JSON.stringify({ title: "Too many requests", status: 429 }));
}

function refuseBody(response: ServerResponse): void {
  response
    .writeHead(400, { "content-type": PROBLEM })
    .end(JSON.stringify({ title: "The body does not fit", status: 400 }));
}

function say(
  { headers: { host } }: IncomingMessage,
  response: ServerResponse,
  { status, headers, bytes }: Pick<HttpAnswer, "status" | "headers" | "bytes">,
  { form, manner, occurrences }: Strange,
): void {
  const { "content-type": type = "", location, etag, "idempotent-replayed": replayed } = headers;
  const place = form ? bare(location ?? "") : location;
  const shown = {
    ...(type === ""
      ? {}
      : { "content-type": manner ? type.replace(PROBLEM, "Application/Problem+JSON; v=1") : type }),
    ...(location === undefined
      ? {}
      : { location: manner ? `http://${host ?? ""}${place ?? ""}` : (place ?? "") }),
    ...(etag === undefined || manner ? {} : { etag }),
    ...(replayed === undefined ? {} : { "Idempotent-Replayed": replayed }),
    ...(manner ? { Connection: "close" } : {}),
  };
  response.writeHead(status, shown);
  const text = Buffer.from(bytes).toString("utf8");
  const isJson = type.includes("json") && text !== "";
  if (!isJson) {
    const isStream = manner && type.includes("event-stream");
    return void response.end(isStream ? `: hello\r\n\r\n${text.replaceAll("\n", "\r\n")}` : bytes);
  }
  const json: unknown = JSON.parse(text);
  const occurrence = { instance: `urn:uuid:${randomUUID()}`, at: new Date().toISOString() };
  const own = occurrences && type.includes("problem") ? { ...fieldsOf(json), ...occurrence } : json;
  const sent = Buffer.from(JSON.stringify(form ? dressed(own) : own));
  const pieces = manner ? Math.ceil(sent.byteLength / PIECE_BYTES) : 0;
  for (let piece = 0; piece < pieces; piece += 1)
    response.write(sent.subarray(piece * PIECE_BYTES, (piece + 1) * PIECE_BYTES));
  response.end(manner ? undefined : sent);
}

/** Doors to as many servers, on free ports of the loopback interface. @param to the servers as they are by then */
export async function openDoors(
  to: () => readonly string[],
  strange: Strange,
): Promise<AsyncDisposable & { readonly urls: readonly string[] }> {
  const [named, asked] = [new Set<string>(), new Map<string, number[]>()];
  await using opening = new AsyncDisposableStack();
  const urls: string[] = [];
  for (const at of to().keys()) {
    const door: Door = { to: () => to()[at] ?? "", strange, named, asked };
    const server = createServer((message, response) => {
      answer(message, response, door).catch(() => {
        response.destroy();
      });
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    opening.defer(async () => {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    });
    const address = server.address();
    if (address === null || typeof address === "string") throw new Error("a door has no port");
    urls.push(`http://127.0.0.1:${address.port}`);
  }
  const opened = opening.move();
  return { urls, [Symbol.asyncDispose]: async () => await opened.disposeAsync() };
}
