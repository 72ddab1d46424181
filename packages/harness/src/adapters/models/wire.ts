// The one way out to a provider: a fetch that follows nothing, bounds what it reads, and names every failure itself,
// so that none of it rests on what the vendor's code makes of an error.

import type { ModelFailure } from "../../ports.ts";
import { errorWord, failure, statusFailure, WireFailure } from "./failure.ts";
import { ERROR_BODY_BYTES_MAX, ERROR_BODY_MS_MAX, RETRY_AFTER_MS_MAX } from "./limits.ts";

export type Fetch = typeof globalThis.fetch;

export type Wire = {
  readonly fetch: Fetch;
  /** The first thing that went wrong below the vendor's code, if anything did. */
  failed(): ModelFailure | null;
};

/**
 * A wire for one call: one request, one answer of the given media type, at most so many bytes.
 * `signal` must end the call's time; when it is aborted, errors are the caller's to name. `onBytes` is told whenever
 * something has come.
 */
export function openWire(
  fetch: Fetch,
  mediaType: "application/json" | "text/event-stream",
  answerBytesMax: number,
  signal: AbortSignal,
  onBytes: () => void = () => undefined,
): Wire {
  let first: ModelFailure | null = null;
  let requests = 0;
  const fail = (failed: ModelFailure): WireFailure => {
    if (!signal.aborted) first ??= failed;
    return new WireFailure(failed);
  };
  const send: Fetch = async (input, init) => {
    requests += 1;
    // A second request would spend the budget twice for one journaled step.
    if (requests > 1) throw fail(failure("answer_invalid", "A second request was attempted."));
    let response: Response;
    try {
      // "manual" and not "error": both refuse to follow, but only this one lets a redirect be told from a dead line.
      response = await fetch(input, { ...init, redirect: "manual", signal });
    } catch {
      throw fail(failure("provider_unreachable", "The connection to the provider failed."));
    }
    const refused = await refusalOf(response, mediaType);
    if (refused !== null) {
      await response.body?.cancel().catch(() => undefined);
      throw fail(refused);
    }
    onBytes();
    return boundAnswer(response, answerBytesMax, fail, onBytes);
  };
  return { fetch: send, failed: () => first };
}

async function refusalOf(response: Response, mediaType: string): Promise<ModelFailure | null> {
  const { status, headers } = response;
  if (status === 0 || (status >= 300 && status < 400))
    return failure("provider_redirected", `The provider answered with a redirect (status ${status}).`);
  if (!response.ok) return statusFailure(status, await wordOf(response), retryAfterMs(headers));
  const given = (headers.get("content-type") ?? "").split(";")[0]?.trim().toLowerCase();
  if (given !== mediaType) return failure("answer_invalid", `The answer is not of the type ${mediaType}.`);
  return null;
}

async function wordOf(response: Response): Promise<string | null> {
  try {
    return errorWord(JSON.parse(await readSome(response, ERROR_BODY_BYTES_MAX)));
  } catch {
    // Not JSON, cut short or too long: the status alone says enough.
    return null;
  }
}

// What a refusal says in its body is worth little: one that drips must not hold back that it is one.
async function readSome(response: Response, bytesMax: number): Promise<string> {
  const reader = response.body?.getReader();
  if (reader === undefined) return "";
  const letGo = async (): Promise<void> => {
    await reader.cancel().catch(() => undefined);
  };
  const late = setTimeout(() => void letGo(), ERROR_BODY_MS_MAX);
  const chunks: Uint8Array[] = [];
  let size = 0;
  try {
    for (let part = await reader.read(); !part.done && size <= bytesMax; part = await reader.read()) {
      chunks.push(part.value);
      size += part.value.byteLength;
    }
  } finally {
    clearTimeout(late);
    await letGo();
  }
  return Buffer.concat(chunks).toString("utf8");
}

/**
 * How long the provider asks us to wait, in ms, from `retry-after-ms` (both vendors) or Retry-After (RFC 9110
 * 10.2.3: seconds or a date); null when it did not say, or not legibly.
 */
export function retryAfterMs(headers: Headers): number | null {
  const precise = parseAmount(headers.get("retry-after-ms"));
  if (precise !== null) return Math.min(Math.ceil(precise), RETRY_AFTER_MS_MAX);
  const value = headers.get("retry-after");
  const seconds = parseAmount(value);
  if (seconds !== null) return Math.min(Math.ceil(seconds * 1000), RETRY_AFTER_MS_MAX);
  const until = HTTP_DATE.test(value ?? "") ? Date.parse(value ?? "") : Number.NaN;
  if (Number.isNaN(until)) return null;
  // The provider's own clock, where it shows it: ours may be off by more than the pause.
  const stated = Date.parse(headers.get("date") ?? "");
  const now = Number.isNaN(stated) ? Date.now() : stated;
  return Math.min(Math.max(until - now, 0), RETRY_AFTER_MS_MAX);
}

// Date.parse takes "-5" for a day in May 2001; RFC 9110 5.6.7 has servers send this one form.
const HTTP_DATE = /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/;

function parseAmount(text: string | null): number | null {
  return text !== null && /^\d{1,20}(\.\d{1,6})?$/.test(text.trim()) ? Number(text) : null;
}

function boundAnswer(
  response: Response,
  bytesMax: number,
  fail: (failed: ModelFailure) => WireFailure,
  onBytes: () => void,
): Response {
  const source = response.body?.getReader();
  if (source === undefined) throw fail(failure("answer_incomplete", "The provider sent no answer."));
  let bytes = 0;
  const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
    async pull(controller) {
      try {
        const { done, value } = await source.read();
        if (done) {
          controller.close();
          return;
        }
        onBytes();
        bytes += value.byteLength;
        if (bytes <= bytesMax) {
          controller.enqueue(value);
          return;
        }
      } catch {
        controller.error(fail(failure("answer_incomplete", "The connection broke before the answer ended.")));
        return;
      }
      controller.error(fail(failure("answer_invalid", `The answer is longer than ${bytesMax} bytes.`)));
      await source.cancel().catch(() => undefined);
    },
    async cancel(reason) {
      await source.cancel(reason);
    },
  });
  return new Response(body, { status: response.status, headers: response.headers });
}
