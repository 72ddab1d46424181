// The one way by which a model's request leaves the house: a URL on the list, resolved once, every address checked,
// connected to exactly the checked address. A name that answers differently the second time (DNS rebinding) is never
// asked a second time.

import { lookup as lookupName } from "node:dns/promises";
import { Agent as HttpAgent, type IncomingMessage, request as httpRequest } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import { err, ok, type Result } from "../../base/result.ts";
import { classifyAddress } from "../../core/egress/address.ts";
import { type AllowlistEntry, isAllowed } from "../../core/egress/allowlist.ts";
import { type EgressUrl, parseEgressUrl } from "../../core/egress/url.ts";
import type { StepError } from "../../core/run/journal.ts";
import type { Answer, Fetcher } from "../../ports.ts";
import { readBody } from "./body.ts";

/** From the look-up to the last byte. */
const FETCH_MS_MAX = 20_000;
/** Addresses of one name that are tried, one after another. */
const ADDRESSES_MAX = 4;
const HEADER_BYTES_MAX = 16 * 1024;

export type FetcherOptions = {
  readonly allowlist: readonly AllowlistEntry[];
  /** All addresses of a name. The system's resolver by default. */
  readonly resolve?: (host: string) => Promise<readonly string[]>;
  /**
   * For tests alone, whose servers are on the loopback interface: an address that would be refused otherwise. No
   * configuration leads here.
   */
  readonly permitAddress?: (address: string) => boolean;
  /** For tests alone: certificates of an own authority, and less patience. */
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
      const signal = AbortSignal.any([outer, AbortSignal.timeout(options.timeoutMs ?? FETCH_MS_MAX)]);
      try {
        signal.throwIfAborted();
        const addresses = await abortable(addressesOf(url.value, options), signal);
        return addresses.ok ? await getFrom(addresses.value, url.value, options, signal) : addresses;
      } catch (error) {
        if (!(error instanceof Error)) throw error;
        if (signal.aborted) return err(TOO_SLOW);
        return err({ code: "fetch_failed", detail: `The request failed${codeOf(error)}.` });
      }
    },
  };
}

const TOO_SLOW: StepError = {
  code: "fetch_timed_out",
  detail: "The request took too long, or was called off.",
};

function codeOf(error: Error): string {
  const code = "code" in error && typeof error.code === "string" ? error.code : "";
  return /^[A-Z][A-Z0-9_]{1,50}$/u.test(code) ? ` (${code})` : "";
}

async function addressesOf(
  url: EgressUrl,
  options: FetcherOptions,
): Promise<Result<readonly string[], StepError>> {
  const found = url.isAddress ? [url.host] : await (options.resolve ?? resolveByName)(url.host);
  if (found.length === 0) return err({ code: "not_resolved", detail: `${url.host} has no address.` });
  for (const address of found) {
    const { kind } = classifyAddress(address);
    // One bad address spoils the name: an attacker mixes a good one in, and we cannot know which is meant.
    if (kind === "special" && options.permitAddress?.(address) !== true)
      return err({
        code: "address_forbidden",
        detail: `${url.host} leads to an address that is not on the open Internet.`,
      });
  }
  return ok(found.slice(0, ADDRESSES_MAX));
}

async function resolveByName(host: string): Promise<readonly string[]> {
  // Verbatim, and with neither mapped nor filtered addresses: what is checked must be what there is.
  const found = await lookupName(host, { all: true, order: "verbatim" });
  return found.map(({ address }) => address);
}

async function abortable<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const abort = (): void => {
    reject(new Error("aborted"));
  };
  signal.addEventListener("abort", abort, { once: true });
  try {
    return await Promise.race([work, promise]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}

async function getFrom(
  addresses: readonly string[],
  url: EgressUrl,
  options: FetcherOptions,
  signal: AbortSignal,
): Promise<Result<Answer, StepError>> {
  let failure: unknown;
  for (const address of addresses) {
    try {
      const response = await send(address, url, options, signal);
      return await answerOf(response, url);
    } catch (error) {
      if (!neverConnected(error)) throw error;
      failure = error;
    }
  }
  throw failure;
}

const neverConnected = (error: unknown): boolean =>
  error instanceof Error && "syscall" in error && error.syscall === "connect";

const HEADERS: Readonly<Record<string, string>> = {
  accept: "text/html, application/json, text/plain, */*;q=0.1",
  "accept-encoding": "gzip, br",
  "user-agent": "assent",
};

async function send(
  address: string,
  url: EgressUrl,
  { authority }: FetcherOptions,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const shared = {
    // An address, so that nothing is looked up again on the way.
    host: address,
    port: url.port,
    path: url.target,
    method: "GET",
    headers: { ...HEADERS, host: hostHeader(url) },
    maxHeaderSize: HEADER_BYTES_MAX,
    signal,
  };
  // Agents of our own: the global ones may be told by the environment to go through a proxy, which resolves anew.
  const request =
    url.protocol === "https:"
      ? httpsRequest({
          ...shared,
          agent: new HttpsAgent({ keepAlive: false }),
          // The certificate is held against the name that was asked for, not the address.
          servername: url.isAddress ? "" : url.host,
          ...(authority === undefined ? {} : { ca: authority }),
        })
      : httpRequest({ ...shared, agent: new HttpAgent({ keepAlive: false }) });
  request.once("response", resolve);
  request.once("error", reject);
  request.end();
  return await promise;
}

function hostHeader({ host, isAddress, port, protocol }: EgressUrl): string {
  const name = isAddress && host.includes(":") ? `[${host}]` : host;
  return port === (protocol === "https:" ? 443 : 80) ? name : `${name}:${port}`;
}

async function answerOf(response: IncomingMessage, url: EgressUrl): Promise<Result<Answer, StepError>> {
  const body = await readBody(response);
  if (!body.ok) return body;
  return ok({
    url,
    status: response.statusCode ?? 0,
    location: response.headers.location ?? null,
    contentType: response.headers["content-type"] ?? "",
    body: body.value,
  });
}
