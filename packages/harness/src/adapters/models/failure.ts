// What a provider can do to us, as stable names. A detail holds a status and the provider's own short word for the
// error, never its message or body: those can quote the prompt or the key.

import type { ModelFailure } from "../../ports.ts";

const TRANSIENT = {
  /** The credentials are wrong or may not do this. */
  provider_refused_credentials: false,
  /** The request is wrong for this provider or model. */
  provider_refused: false,
  /** The account is out of money or quota: waiting a moment does not help. */
  provider_quota_exhausted: false,
  /** It points elsewhere. We never follow: the prompt would go to an origin nobody configured. */
  provider_redirected: false,
  provider_overloaded: true,
  provider_unavailable: true,
  provider_unreachable: true,
  provider_timeout: true,
  /** The answer ended before it said that it was complete. */
  answer_incomplete: true,
  /** Not what this wire promises, or nothing that a run can go on with. Another attempt may well be sound. */
  answer_invalid: true,
  /** The model or its provider's filter declined to answer. */
  answer_declined: false,
  /** Our own caller gave up; says nothing about the provider. */
  call_cancelled: true,
  model_unknown: false,
  transcript_invalid: false,
  transcript_mismatch: false,
} as const;

export type FailureCode = keyof typeof TRANSIENT;

export function failure(code: FailureCode, detail: string, retryAfterMs: number | null = null): ModelFailure {
  return { code, detail, transient: TRANSIENT[code], retryAfterMs };
}

/** Carries a failure through the vendor's code, which passes unknown errors on or wraps them as a cause. */
export class WireFailure extends Error {
  override readonly name = "WireFailure";
  readonly failure: ModelFailure;

  constructor(failed: ModelFailure) {
    super(failed.code);
    this.failure = failed;
  }
}

// Only words of this shape are repeated: a sentence could hold anything.
const SHORT_WORD = /^[a-z][a-z0-9_.-]{0,63}$/i;

/** The provider's own short word for an error, out of whatever shape its wire gives it; null when there is none. */
export function errorWord(value: unknown, depth: number = 0): string | null {
  if (typeof value !== "object" || value === null || depth > 3) return null;
  const record: { readonly [key: string]: unknown } = { ...value };
  for (const nested of [record["data"], record["error"]]) {
    const word = errorWord(nested, depth + 1);
    if (word !== null) return word;
  }
  // OpenAI's `code` says more than its `type`; Anthropic has only `type`, and an envelope's is just "error".
  for (const word of [record["code"], record["type"]]) {
    if (typeof word === "string" && SHORT_WORD.test(word) && word !== "error") return word;
  }
  return null;
}

/**
 * A refusal by status code (RFC 9110, plus Anthropic's 529).
 * `word` is the provider's short error word, `retryAfterMs` what it asked for.
 */
export function statusFailure(
  status: number,
  word: string | null,
  retryAfterMs: number | null,
): ModelFailure {
  const detail = `The provider answered with status ${status}${word === null ? "" : ` (${word})`}.`;
  return failure(codeOfStatus(status, word), detail, retryAfterMs);
}

function codeOfStatus(status: number, word: string | null): FailureCode {
  if (word === "insufficient_quota") return "provider_quota_exhausted";
  if (status === 401 || status === 403) return "provider_refused_credentials";
  if (status === 429 || status === 529) return "provider_overloaded";
  if (status === 408 || status === 409 || status >= 500) return "provider_unavailable";
  return "provider_refused";
}

/** An error that the provider sent inside an answer that had begun with status 200. */
export function streamFailure(error: unknown): ModelFailure {
  const word = errorWord(error);
  const suffix = word === null ? "" : ` (${word})`;
  return failure(codeOfWord(word), `The provider broke its answer off with an error${suffix}.`);
}

// The words of both wires: OpenAI's error types and codes, Anthropic's error types.
function codeOfWord(word: string | null): FailureCode {
  if (word === null) return "answer_invalid";
  if (word === "insufficient_quota" || word === "billing_error") return "provider_quota_exhausted";
  if (/overloaded|rate_limit/.test(word)) return "provider_overloaded";
  if (/authentication|permission|api_key/.test(word)) return "provider_refused_credentials";
  if (/invalid|not_found|too_large|context_length/.test(word)) return "provider_refused";
  return "provider_unavailable";
}
