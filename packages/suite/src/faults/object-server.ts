// A bucket over real HTTP on the loopback interface: the part of the S3 protocol that a store of artifacts needs, with
// signatures checked, conditions honoured, checksums held against the bytes, and faults on cue.

import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { type ObjectKeys, refuseSignature } from "./object-signature.ts";

export type ObjectFault =
  /** Refuses before anything is stored; 503 is what S3 says when it is asked too often. */
  | { readonly do: "status"; readonly status: number }
  /** Resets the connection: before anything is stored, or after. */
  | { readonly do: "reset"; readonly when: "before" | "after" }
  /** Stores only so many bytes and says that all is well, as a broken store does. */
  | { readonly do: "truncate"; readonly toBytes: number };

export type ObjectServer = {
  /** With the bucket in its path. */
  readonly endpoint: string;
  readonly keys: ObjectKeys;
  /** What lies in the bucket; a test may damage it. */
  readonly objects: Map<string, { bytes: Buffer; storedAt: Date }>;
  /** `PUT 200 <name>` for each request answered or broken off, in order. */
  requests(): readonly string[];
  /** The next requests of that method meet these, in order. */
  cue(method: "GET" | "HEAD" | "PUT" | "DELETE", ...faults: readonly ObjectFault[]): void;
  /** Faults that were met. */
  fired(): number;
  stop(): Promise<void>;
};

const BUCKET = "artifacts";
const OBJECT_BYTES_MAX = 128 * 1024 * 1024;

type Inside = {
  readonly objects: ObjectServer["objects"];
  readonly keys: ObjectKeys;
  readonly pageSize: number;
  take(method: string): ObjectFault | undefined;
};
type Reply = { readonly status: number; readonly headers?: Record<string, string>; readonly body?: Buffer };

const xml = (text: string): string => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");

function refuse(status: number, code: string): Reply {
  const body = `<?xml version="1.0" encoding="UTF-8"?><Error><Code>${code}</Code><Message>${code}</Message></Error>`;
  return { status, headers: { "content-type": "application/xml" }, body: Buffer.from(body) };
}

async function readBody(request: IncomingMessage): Promise<Buffer | null> {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  try {
    for await (const chunk of request as AsyncIterable<Buffer>) {
      sizeBytes += chunk.byteLength;
      if (sizeBytes > OBJECT_BYTES_MAX) return null;
      chunks.push(chunk);
    }
  } catch {
    // The sender broke off: what arrived is no object.
    return null;
  }
  return Buffer.concat(chunks);
}

async function put(inside: Inside, request: IncomingMessage, name: string): Promise<Reply> {
  const declared = Number(request.headers["content-length"]);
  const body = await readBody(request);
  if (body === null || body.byteLength !== declared) return refuse(400, "IncompleteBody");
  const checksum = request.headers["x-amz-checksum-sha256"];
  if (checksum !== undefined && createHash("sha256").update(body).digest("base64") !== checksum)
    return refuse(400, "BadDigest");
  if (request.headers["if-none-match"] === "*" && inside.objects.has(name))
    return refuse(412, "PreconditionFailed");
  const fault = inside.take("PUT");
  if (fault?.do === "status") return refuse(fault.status, "SlowDown");
  if (fault?.do === "reset" && fault.when === "before") throw new Broken("reset");
  const bytes = fault?.do === "truncate" ? body.subarray(0, fault.toBytes) : body;
  inside.objects.set(name, { bytes, storedAt: new Date() });
  if (fault?.do === "reset") throw new Broken("reset");
  return { status: 200, headers: { etag: etagOf(bytes) } };
}

/** The connection is broken off without an answer. */
class Broken extends Error {
  override readonly name = "Broken";
}

const etagOf = (bytes: Buffer): string => `"${createHash("md5").update(bytes).digest("hex")}"`;

function read(inside: Inside, method: string, name: string): Reply {
  const fault = inside.take(method);
  if (fault?.do === "status") return refuse(fault.status, "SlowDown");
  if (fault?.do === "reset") throw new Broken("reset");
  const object = inside.objects.get(name);
  if (object === undefined) return refuse(404, "NoSuchKey");
  const headers = {
    etag: etagOf(object.bytes),
    "last-modified": object.storedAt.toUTCString(),
    "content-length": String(object.bytes.byteLength),
    "content-type": "application/octet-stream",
  };
  return method === "HEAD" ? { status: 200, headers } : { status: 200, headers, body: object.bytes };
}

function list(inside: Inside, query: URLSearchParams): Reply {
  const prefix = query.get("prefix") ?? "";
  const after = query.get("continuation-token") ?? "";
  const most = Math.min(Number(query.get("max-keys") ?? "1000"), inside.pageSize);
  const names = [...inside.objects.keys()].filter((name) => name.startsWith(prefix)).toSorted();
  const rest = names.filter((name) => name > after);
  const page = rest.slice(0, most);
  const more = rest.length > page.length;
  const contents = page.map((name) => {
    const object = inside.objects.get(name);
    return `<Contents><Key>${xml(name)}</Key><LastModified>${object?.storedAt.toISOString() ?? ""}</LastModified><ETag>${etagOf(object?.bytes ?? Buffer.alloc(0))}</ETag><Size>${object?.bytes.byteLength ?? 0}</Size><StorageClass>STANDARD</StorageClass></Contents>`;
  });
  const next = more ? `<NextContinuationToken>${xml(page.at(-1) ?? "")}</NextContinuationToken>` : "";
  const body = `<?xml version="1.0" encoding="UTF-8"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>${BUCKET}</Name><Prefix>${xml(prefix)}</Prefix><KeyCount>${page.length}</KeyCount><MaxKeys>${most}</MaxKeys><IsTruncated>${String(more)}</IsTruncated>${contents.join("")}${next}</ListBucketResult>`;
  return { status: 200, headers: { "content-type": "application/xml" }, body: Buffer.from(body) };
}

async function answer(inside: Inside, request: IncomingMessage): Promise<Reply> {
  const refused = refuseSignature(request, inside.keys, Date.now());
  if (refused !== null) return refuse(403, refused);
  const url = new URL(request.url ?? "/", "http://store");
  const [, bucket = "", ...rest] = url.pathname.split("/");
  if (bucket !== BUCKET) return refuse(404, "NoSuchBucket");
  const name = decodeURIComponent(rest.join("/"));
  const method = request.method ?? "";
  if (method === "PUT" && name !== "") return await put(inside, request, name);
  if (method === "GET" && name === "") return list(inside, url.searchParams);
  if (method === "GET" || method === "HEAD") return read(inside, method, name);
  if (method !== "DELETE") return refuse(405, "MethodNotAllowed");
  const fault = inside.take("DELETE");
  if (fault?.do === "status") return refuse(fault.status, "SlowDown");
  inside.objects.delete(name);
  return { status: 204 };
}

/** Listens on a free port of the loopback interface. @param pageSize of listings; small ones show whether they are continued */
export async function startObjectServer(pageSize: number = 1_000): Promise<ObjectServer> {
  const keys: ObjectKeys = {
    accessKeyId: "AKIDSUITE",
    secretAccessKey: "suite/secret+key",
    region: "us-east-1",
  };
  const objects: ObjectServer["objects"] = new Map();
  const cues = new Map<string, ObjectFault[]>();
  const requests: string[] = [];
  const sockets = new Set<Socket>();
  let fired = 0;
  const inside: Inside = {
    objects,
    keys,
    pageSize,
    take: (method) => {
      const fault = cues.get(method)?.shift();
      if (fault !== undefined) fired += 1;
      return fault;
    },
  };
  const server = createServer((request, response) => {
    const take = async (): Promise<void> => {
      const reply = await answer(inside, request);
      requests.push(`${request.method ?? ""} ${reply.status} ${request.url ?? ""}`);
      send(response, reply);
    };
    take().catch((error: unknown) => {
      requests.push(`${request.method ?? ""} broken ${request.url ?? ""}`);
      response.destroy(error instanceof Error ? error : undefined);
    });
  });
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the object server has no port");
  return {
    endpoint: `http://127.0.0.1:${address.port}/${BUCKET}`,
    keys,
    objects,
    requests: () => requests,
    cue: (method, ...faults) => {
      cues.set(method, [...(cues.get(method) ?? []), ...faults]);
    },
    fired: () => fired,
    stop: async () => {
      if (!server.listening) return;
      const closed = once(server, "close");
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

function send(response: ServerResponse, { status, headers = {}, body }: Reply): void {
  response.writeHead(status, headers);
  response.end(body);
}
