// The one way by which a model's request leaves the house: a URL on the list, resolved once, every address checked,
// connected to exactly the checked address.

import type { IncomingMessage } from "node:http";
import { err, ok, type Result } from "../../base/result.ts";
import { type AllowlistEntry, isAllowed } from "../../core/egress/allowlist.ts";
import { type EgressUrl, parseEgressUrl } from "../../core/egress/url.ts";
import type { StepError } from "../../core/run/journal.ts";
import type { Answer, Fetcher } from "../../ports.ts";
import { abortable, systemCodeOf } from "./breaking-off.ts";
import { readBody } from "./body.ts";
import { checkedAddresses, type Resolving, sendChecked } from "./checked-request.ts";

/** From the look-up to the last byte. */
const FETCH_MS_MAX = 20_000;

/**
 * `permitAddress` is for tests alone, whose servers are on the loopback interface: no configuration leads there. So are
 * certificates of an own authority, and less patience.
 */
export type FetcherOptions = Resolving & {
  readonly allowlist: readonly AllowlistEntry[];
  readonly authority?: string;
  readonly timeoutMs?: number;
};

export function createFetcher(options: FetcherOptions): Fetcher {
  const check = (text: string): Result<EgressUrl, StepError> => {
    const url = parseEgressUrl(text);
    if (!url.ok || isAllowed(url.value, options.allowlist)) return url;
    return err({
      code: "egress_denied",
      detail: `${url.value.host} (port ${url.value.port}) is not on the operator's list of hosts.`,
    });
  };
  return {
    check,
    get: async (text, outer) => {
      const url = check(text);
      if (!url.ok) return url;
      const late = new AbortController();
      const clock = setTimeout(() => {
        late.abort();
      }, options.timeoutMs ?? FETCH_MS_MAX);
      const signal = AbortSignal.any([outer, late.signal]);
      try {
        signal.throwIfAborted();
        const addresses = await abortable(checkedAddresses(url.value, options), signal);
        if (!addresses.ok) return addresses;
        const { authority } = options;
        const request = {
          method: "GET",
          headers: HEADERS,
          signal,
          ...(authority === undefined ? {} : { authority }),
        };
        return await answerOf(await sendChecked(addresses.value, url.value, request), url.value);
      } catch (error) {
        if (!(error instanceof Error)) throw error;
        if (signal.aborted) return err(TOO_SLOW);
        const code = systemCodeOf(error);
        return err({
          code: "fetch_failed",
          detail: `The request failed${code === null ? "" : ` (${code})`}.`,
        });
      } finally {
        clearTimeout(clock);
      }
    },
  };
}

const TOO_SLOW: StepError = {
  code: "fetch_timed_out",
  detail: "The request took too long, or was called off.",
};

const HEADERS: Readonly<Record<string, string>> = {
  accept: "text/html, application/json, text/plain, */*;q=0.1",
  "accept-encoding": "gzip, br",
  "user-agent": "assent",
};

async function answerOf(response: IncomingMessage, url: EgressUrl): Promise<Result<Answer, StepError>> {
  const body = await readBody(response);
  if (!body.ok) return body;
  return ok({
    url,
    status: response.statusCode ?? 0,
    location: response.headers.location ?? null,
    retryAfter: response.headers["retry-after"] ?? null,
    date: response.headers.date ?? null,
    contentType: response.headers["content-type"] ?? "",
    body: body.value,
  });
}
