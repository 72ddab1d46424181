// What is wrong with a request before any route is asked: what HTTP forbids, what two parsers could read differently
// (request smuggling), what was sent to another name (DNS rebinding), what names no resource of ours.

import { type Problem, ROUTES, problem } from "@assent/contract";
import type { FastifyReply, FastifyRequest } from "fastify";
import { BASE_HEADERS, sendProblem } from "../answer.ts";
import { acceptQuality } from "./accept.ts";

/** Node keeps the first of these and drops the others; a proxy before us may have looked at the last. */
const SINGLE_HEADERS: readonly string[] = [
  "authorization",
  "content-digest",
  "content-length",
  "content-type",
  "content-encoding",
  "host",
  "idempotency-key",
  "last-event-id",
  "signature",
  "signature-input",
  "transfer-encoding",
];

export type Guard = {
  /** Names (without port, lower case) that a request may be sent to; null: any. */
  readonly hosts: () => ReadonlySet<string> | null;
  readonly closing: () => boolean;
};

/** Answers what must go no further. For the root's onRequest, so that it runs before the body is read. */
export function guardRequest(
  request: FastifyRequest,
  reply: FastifyReply,
  guard: Guard,
): FastifyReply | undefined {
  reply.headers({ ...BASE_HEADERS, "x-request-id": request.id });
  const wrong = faultOfConnection(request, guard) ?? faultOfHeaders(request);
  // Whoever breaks HTTP may disagree with us about where its message ends, so nothing more is read from it.
  if (wrong !== null) return sendProblem(reply, wrong, { connection: "close" });
  if (request.is404) return answerUnrouted(request, reply);
  const refused = faultOfContent(request);
  return refused === null ? undefined : sendProblem(reply, refused, { connection: "close" });
}

function faultOfConnection(request: FastifyRequest, guard: Guard): Problem | null {
  if (guard.closing()) return problem("not_ready", "The server is shutting down.");
  const host = request.headers.host;
  if (host === undefined) return problem("malformed_request", "The request has no Host header.");
  const allowed = guard.hosts();
  const name = hostName(host);
  if (name === null) return problem("malformed_request", "The Host header is not a host.");
  if (allowed !== null && !allowed.has(name))
    return problem("host_not_allowed", "The Host header names another server than this one.");
  return null;
}

/** The name or address of `host[:port]`, lower case and without a final dot; null when it is neither. */
export function hostName(host: string): string | null {
  const match = /^(\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9._-]{1,253})(?::[0-9]{1,5})?$/.exec(host);
  return match?.[1] === undefined ? null : match[1].toLowerCase().replace(/\.$/, "");
}

// Content-Length beside Transfer-Encoding, the classic of request smuggling, Node's parser refuses by itself.
function faultOfHeaders(request: FastifyRequest): Problem | null {
  const names = request.raw.rawHeaders
    .filter((_, index) => index % 2 === 0)
    .map((name) => name.toLowerCase());
  const twice = SINGLE_HEADERS.find((name) => names.indexOf(name) !== names.lastIndexOf(name));
  if (twice !== undefined)
    return problem("malformed_request", `The ${twice} header is there more than once.`);
  if (!request.raw.url?.startsWith("/") && request.raw.url !== "*")
    return problem("malformed_request", "The request target is not a path.");
  // The router would read on to another resource than whoever looks at the target as it stands (RFC 9112, 3.2: no
  // target has one).
  if (request.raw.url.includes("#"))
    return problem("malformed_request", "The request target has a fragment.");
  const encoding = request.headers["transfer-encoding"];
  if (encoding !== undefined && encoding.toLowerCase() !== "chunked")
    return problem("malformed_request", "Transfer-Encoding can only be chunked.");
  return null;
}

function faultOfContent(request: FastifyRequest): Problem | null {
  const content = request.headers["content-encoding"];
  if (content !== undefined && content.toLowerCase() !== "identity")
    return problem("unsupported_media_type", "The body must not be compressed.");
  const takesBody = request.method === "POST";
  if (bringsBody(request) && !takesBody) return problem("invalid_request", "This request takes no body.");
  return null;
}

const METHODS_BY_PATH: ReadonlyMap<
  string,
  { readonly pattern: RegExp; readonly methods: readonly string[] }
> = new Map(
  [...new Set(Object.values(ROUTES).map((row) => row.path))].map((path) => {
    const methods = Object.values(ROUTES)
      .filter((row) => row.path === path)
      .flatMap((row) => (row.method === "GET" ? ["GET", "HEAD"] : [row.method]));
    const pattern = new RegExp(`^${path.replaceAll(".", "\\.").replaceAll(/\{[a-z]+\}/g, "[^/]+")}$`);
    return [path, { pattern, methods: [...methods, "OPTIONS"] }];
  }),
);

/** No route has this method and path: the path is unknown (404), or its method is (405), or it asks for OPTIONS. */
function answerUnrouted(request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const path = request.raw.url?.split("?", 1)[0] ?? "";
  const known = [...METHODS_BY_PATH.values()].find(({ pattern }) => pattern.test(path));
  const headers = { connection: bringsBody(request) ? "close" : "keep-alive" };
  if (known === undefined && path !== "*")
    return sendProblem(reply, problem("route_not_found", "There is nothing at this path."), headers);
  const allow = (known?.methods ?? ["GET", "HEAD", "POST", "DELETE", "OPTIONS"]).join(", ");
  if (request.method === "OPTIONS")
    return reply
      .code(204)
      .headers({ allow, ...headers })
      .send();
  return sendProblem(reply, problem("method_not_allowed", `This resource answers to ${allow}.`), {
    allow,
    ...headers,
  });
}

function bringsBody(request: FastifyRequest): boolean {
  return (
    request.headers["transfer-encoding"] !== undefined || Number(request.headers["content-length"] ?? 0) > 0
  );
}

/** For routes that only speak JSON: whether the client can take it. Problems it gets either way. */
export function refuseUnacceptable(request: FastifyRequest, reply: FastifyReply): FastifyReply | undefined {
  const offered = request.routeOptions.config.offers ?? [];
  if (offered.length === 0 || offered.some((type) => acceptQuality(request.headers.accept, type) > 0))
    return undefined;
  return sendProblem(
    reply,
    problem("not_acceptable", `This resource is given as ${offered.join(" or ")}.`),
    bringsBody(request) ? { connection: "close" } : {},
  );
}
