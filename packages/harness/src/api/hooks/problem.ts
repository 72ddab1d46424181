// What went wrong inside the framework, told in our words. Nothing of the request and nothing of the inside is in
// them: messages of parsers and validators quote what they were given.

import { type Problem, type ProblemCode, problem } from "@assent/contract";
import type { FastifyReply, FastifyRequest } from "fastify";
import { hasZodFastifySchemaValidationErrors, isResponseSerializationError } from "fastify-type-provider-zod";
import { REQUEST_BODY_BYTES_MAX } from "../../base/limits.ts";
import { type Log, StoreUnavailable } from "../../ports.ts";
import { sendProblem } from "../answer.ts";
import { MalformedJson } from "../body.ts";
import { VALIDATION_ERRORS_MAX } from "../limits.ts";
import { knownMembers, knownPointer } from "../pointer.ts";

/** Fastify's own refusals (node_modules/fastify/lib/errors.js). Any other of its errors is a fault of ours. */
const FRAMEWORK_PROBLEMS: Readonly<Record<string, readonly [ProblemCode, string]>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: ["body_too_large", `A body can have ${REQUEST_BODY_BYTES_MAX} bytes.`],
  FST_ERR_CTP_INVALID_MEDIA_TYPE: ["unsupported_media_type", "The body must be `application/json` in UTF-8."],
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: [
    "malformed_request",
    "The body is not as long as Content-Length says.",
  ],
  FST_ERR_BAD_URL: ["malformed_request", "The path is not properly percent-encoded."],
  FST_ERR_MAX_PARAM_LENGTH: ["route_not_found", "There is nothing at this path."],
  // The client went away while it was sending: nobody reads this.
  ECONNRESET: ["malformed_request", "The body ended early."],
};

export function answerError(
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
  log: Log,
): FastifyReply {
  const refusal = refusalOf(error, request);
  if (refusal !== null) return sendProblem(reply, refusal);
  if (error instanceof StoreUnavailable) {
    log("warn", "a request was refused: the database cannot be used", {
      request_id: request.id,
      commit: error.commit,
      error: error.message,
    });
    return sendProblem(reply, problem("not_ready", UNAVAILABLE[error.commit]));
  }
  log("error", "a request failed", {
    request_id: request.id,
    route: request.routeOptions.url ?? null,
    method: request.method,
    ...describe(error),
  });
  return sendProblem(reply, problem("internal_error", "The server failed; the request may be repeated."));
}

const UNAVAILABLE = {
  none: "The database cannot be used right now. Nothing was done.",
  unknown:
    "The database was lost while it was committing. Repeat the request under the same idempotency key: it is done once.",
} as const;

function refusalOf(error: unknown, request: FastifyRequest): Problem | null {
  if (error instanceof MalformedJson) return problem("malformed_json", error.message);
  if (hasZodFastifySchemaValidationErrors(error)) return validationProblem(error, request);
  if (!(error instanceof Error) || !("code" in error) || typeof error.code !== "string") return null;
  const row = Object.hasOwn(FRAMEWORK_PROBLEMS, error.code) ? FRAMEWORK_PROBLEMS[error.code] : undefined;
  // ECONNRESET is also what a broken database connection says; only a broken request is the client's doing.
  if (error.code === "FST_ERR_CTP_BODY_TOO_LARGE")
    return problem("body_too_large", `A body can have ${request.routeOptions.bodyLimit} bytes here.`);
  if (row === undefined || (error.code === "ECONNRESET" && !request.raw.destroyed)) return null;
  return problem(...row);
}

type ValidationError = {
  readonly validation: readonly {
    readonly instancePath: string;
    readonly keyword?: string;
    readonly message?: string;
  }[];
  readonly validationContext?: string | undefined;
};

function validationProblem(error: ValidationError, request: FastifyRequest): Problem {
  const inQuery = error.validationContext === "querystring";
  const schema = request.routeOptions.schema?.[inQuery ? "querystring" : "body"];
  const errors = error.validation.slice(0, VALIDATION_ERRORS_MAX).map((fault) => {
    // Of the whole body or query it is a slash alone.
    const path = fault.instancePath.split("/").slice(fault.instancePath === "/" ? 2 : 1);
    // The one message of zod's that quotes its input: what there is says as much of a misspelt name.
    const detail =
      fault.keyword === "unrecognized_keys" ? unknownMembers(knownMembers(schema, path)) : fault.message;
    return { pointer: knownPointer(schema, path), detail: detail ?? "" };
  });
  const what = inQuery
    ? "The query parameters do not fit their schema."
    : "The body does not fit its schema.";
  return problem("invalid_request", what, { errors });
}

const unknownMembers = (known: readonly string[]): string =>
  `has members that the schema does not know${known.length === 0 ? "" : `; it knows ${known.join(", ")}`}`;

function describe(error: unknown): Record<string, unknown> {
  if (!(error instanceof Error)) return { error: typeof error };
  // Only where it was wrong, not what stood there: it may be the very secret that the schema kept from leaking.
  if (isResponseSerializationError(error)) return { error: error.name, cause: issuePaths(error.cause) };
  return { error: error.name, stack: error.stack };
}

function issuePaths(cause: unknown): unknown {
  if (typeof cause !== "object" || cause === null || !("issues" in cause) || !Array.isArray(cause.issues))
    return null;
  return cause.issues.map((issue: { code?: unknown; path?: unknown }) => ({
    code: issue.code,
    path: issue.path,
  }));
}
