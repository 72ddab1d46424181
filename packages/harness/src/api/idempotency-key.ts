// draft-ietf-httpapi-idempotency-key-header-07: a Structured Field string, `"8e03978e"`. Bare values are taken as well,
// as Stripe's clients send them; both spellings of one value are the same key.

import { type Problem, problem } from "@assent/contract";
import type { FastifyRequest } from "fastify";
import { IDEMPOTENCY_KEY_CHARS_MAX } from "../base/limits.ts";
import { type Result, err, ok } from "../base/result.ts";

/** The key that a request carries, null where it carries none. The error is the answer. */
export function readIdempotencyKey(request: Pick<FastifyRequest, "headers">): Result<string | null, Problem> {
  const header = request.headers["idempotency-key"];
  if (header === undefined) return ok(null);
  const key = parseIdempotencyKey(Array.isArray(header) ? header.join() : header);
  if (key.ok) return key;
  if (key.error === "missing")
    return err(problem("idempotency_key_missing", "The Idempotency-Key header is empty."));
  return err(
    problem(
      "invalid_request",
      `Idempotency-Key must be 1 to ${IDEMPOTENCY_KEY_CHARS_MAX} visible ASCII characters, bare or in quotes.`,
    ),
  );
}

type KeyFault = "missing" | "malformed";

// Visible ASCII; in quotes, a backslash escapes a quote or itself and nothing else (RFC 9651 section 3.3.3).
const QUOTED = /^"((?:[!#-[\]-~]|\\["\\])*)"$/;
const BARE = /^[!#-~]+$/;

/** Of the header's value, for the API document. */
export const IDEMPOTENCY_KEY_PATTERN: string = `${QUOTED.source}|${BARE.source}`;

/** @returns the key itself, without quotes and escapes: 1 to 255 characters */
function parseIdempotencyKey(header: string | undefined): Result<string, KeyFault> {
  const text = header?.trim() ?? "";
  if (text === "") return err("missing");
  const quoted = QUOTED.exec(text)?.[1];
  const key = quoted === undefined ? text : quoted.replaceAll(/\\(["\\])/g, "$1");
  if (quoted === undefined && !BARE.test(text)) return err("malformed");
  return key.length > 0 && key.length <= IDEMPOTENCY_KEY_CHARS_MAX ? ok(key) : err("malformed");
}
