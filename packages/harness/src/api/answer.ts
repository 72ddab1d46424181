// Every answer that is not a success leaves through here, as a problem document (RFC 9457).

import { type Problem, type ProblemCode, problem } from "@assent/contract";
import type { FastifyReply } from "fastify";
import type { Refusal } from "../services/harness.ts";
import { RETRY_AFTER_SECONDS } from "./limits.ts";

declare module "fastify" {
  interface FastifyInstance {
    /** Takes secrets out of a refusal that quotes what it refuses. */
    showProblem(document: Problem): Problem;
  }
}

const PROBLEM_MEDIA_TYPE = "application/problem+json";

/**
 * On every answer. The API serves data to programs: nothing of it may be sniffed, framed, cached by a proxy, read by
 * a page of another origin, or run as a document.
 */
export const BASE_HEADERS: Readonly<Record<string, string>> = {
  "cache-control": "no-store",
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
};

/**
 * One sentence each for ids that name nothing this caller may see. They are said whether the id is malformed, unknown
 * or another tenant's, so that the answers cannot be told apart (invariant 8, tenant walls).
 */
const NOT_FOUND_DETAILS = {
  run_not_found: "There is no run with this id.",
  artifact_not_found: "The run has no artifact with this id.",
  action_not_found: "The run has no action with this id.",
  approval_not_found: "There is no approval with this id.",
  key_not_found: "There is no key with this id.",
  document_not_found: "There is no document with this id.",
  escalation_not_found: "There is no escalation with this id.",
  webhook_not_found: "There is no webhook with this id.",
  delivery_not_found: "There is no message with this id.",
  precedent_not_found: "There is no precedent with this id.",
} as const satisfies Readonly<Partial<Record<ProblemCode, string>>>;

type NotFoundCode = keyof typeof NOT_FOUND_DETAILS;

const isNotFoundCode = (code: ProblemCode): code is NotFoundCode => Object.hasOwn(NOT_FOUND_DETAILS, code);

export function sendProblem(
  reply: FastifyReply,
  document: Problem,
  headers: Readonly<Record<string, string>> = {},
): FastifyReply {
  const { id: requestId, traceId } = reply.request;
  // They speak of the answer that could not be given.
  for (const name of ["etag", "link", "content-disposition", "content-digest"]) reply.removeHeader(name);
  const shown = reply.server.showProblem(document);
  const ids = { request_id: requestId, ...(traceId === null ? {} : { trace_id: traceId }) };
  const body = Buffer.from(JSON.stringify({ ...shown, ...ids }));
  return (
    reply
      .code(document.status)
      .headers({ ...BASE_HEADERS, "x-request-id": requestId, ...headersOf(document.status), ...headers })
      .type(PROBLEM_MEDIA_TYPE)
      // Bytes, not an object: the media type has no charset parameter, and a route's response schema must not apply.
      .send(body)
  );
}

export function sendRefusal(reply: FastifyReply, refusal: Refusal): FastifyReply {
  const errors = refusal.errors?.map((fault) => ({ ...fault }));
  const { code, retryAfterSeconds } = refusal;
  const detail = isNotFoundCode(code) ? NOT_FOUND_DETAILS[code] : refusal.detail;
  return sendProblem(
    reply,
    problem(refusal.code, detail, errors === undefined ? {} : { errors }),
    retryAfterSeconds === undefined ? {} : { "retry-after": String(retryAfterSeconds) },
  );
}

export function sendNotFound(reply: FastifyReply, code: NotFoundCode): FastifyReply {
  return sendRefusal(reply, { code, detail: "" });
}

function headersOf(status: number): Record<string, string> {
  if (status === 401) return { "www-authenticate": 'Bearer realm="assent"' };
  if (status === 503 || status === 429) return { "retry-after": String(RETRY_AFTER_SECONDS) };
  return {};
}

/** The same as bytes on the wire, for when there is no request to answer: the parser refused what came in. */
export function rawProblem(code: ProblemCode, detail: string, requestId: string): string {
  const { status, title, headers, body } = lastProblem(code, detail, requestId);
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  return [`HTTP/1.1 ${status} ${title}`, ...lines, "", body].join("\r\n");
}

/** A problem that is the last answer of its connection, where there is no reply of the router's. */
export function lastProblem(
  code: ProblemCode,
  detail: string,
  requestId: string,
): {
  readonly status: number;
  readonly title: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
} {
  const document = problem(code, detail, { request_id: requestId });
  const body = JSON.stringify(document);
  const headers = {
    ...BASE_HEADERS,
    "x-request-id": requestId,
    "content-type": PROBLEM_MEDIA_TYPE,
    "content-length": String(Buffer.byteLength(body)),
    connection: "close",
  };
  return { status: document.status, title: document.title, headers, body };
}
