// `fetch` for the servers that an operator declared: on the list of hosts, resolved once, every address checked, no
// redirect, no decompression, and no more of an answer than fits.

import { Readable } from "node:stream";
import { type AllowlistEntry, isAllowed } from "../../core/egress/allowlist.ts";
import { parseEgressUrl } from "../../core/egress/url.ts";
import { checkedAddresses, type Resolving, sendChecked } from "./checked-request.ts";

/** Nothing was sent: the host is not listed, has no address that may be reached, or does not answer. */
export class NotSent extends Error {
  override readonly name = "NotSent";
}

/** It was answered by what nobody here takes for an answer, and would be again. */
export class UnusableAnswer extends Error {
  override readonly name = "UnusableAnswer";
}

export type CheckedFetchOptions = Resolving & {
  readonly allowlist: readonly AllowlistEntry[];
  /** Of one answer, in bytes; a longer one breaks off. */
  readonly answerBytesMax: number;
  /** Until the answer's head is there. */
  readonly timeoutMs: number;
};

export type CheckedFetch = (url: string | URL, init?: RequestInit) => Promise<Response>;

/** @throws NotSent, or whatever broke the exchange off once it had begun */
export function createCheckedFetch(options: CheckedFetchOptions): CheckedFetch {
  return async (target, init = {}) => {
    const url = parseEgressUrl(String(target));
    if (!url.ok) throw new NotSent(url.error.detail);
    if (!isAllowed(url.value, options.allowlist))
      throw new NotSent(`${url.value.host} (port ${url.value.port}) is not on the operator's list of hosts.`);
    const { body = null, method = "GET" } = init;
    if (body !== null && typeof body !== "string") throw new NotSent("Only text is sent.");
    const headers = Object.fromEntries(new Headers(init.headers));
    const head = new AbortController();
    const clock = setTimeout(() => {
      head.abort();
    }, options.timeoutMs);
    const signal = AbortSignal.any([head.signal, ...(init.signal == null ? [] : [init.signal])]);
    let isBegun = false;
    try {
      const addresses = await resolving(checkedAddresses(url.value, options));
      if (!addresses.ok) throw new NotSent(addresses.error.detail);
      const length: Record<string, string> =
        body === null ? {} : { "content-length": String(Buffer.byteLength(body)) };
      const answer = await sendChecked(addresses.value, url.value, {
        method,
        headers: { ...headers, ...length, "accept-encoding": "identity", "user-agent": "assent" },
        signal,
        ...(body === null ? {} : { body }),
        onBegin: () => {
          isBegun = true;
        },
      });
      return responseOf(answer, options.answerBytesMax);
    } catch (error) {
      // Also a handshake that failed, and a wait for one that was given up.
      if (isBegun || error instanceof NotSent) throw error;
      throw new NotSent("The server could not be reached.", { cause: error });
    } finally {
      clearTimeout(clock);
    }
  };
}

async function resolving<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw new NotSent("The host's name could not be resolved.", { cause: error });
  }
}

type Incoming = Awaited<ReturnType<typeof sendChecked>>;

function responseOf(answer: Incoming, bytesMax: number): Response {
  const status = answer.statusCode ?? 0;
  const encoding = answer.headers["content-encoding"] ?? "identity";
  // Whoever follows one, follows it to where nobody looked. And the body of a redirect is nobody's.
  if ((status >= 300 && status < 400) || encoding !== "identity" || status < 200) {
    answer.destroy();
    throw new UnusableAnswer(`The answer is a redirect, compressed, or none (status ${status}).`);
  }
  const headers = new Headers();
  for (const [name, value] of Object.entries(answer.headers))
    if (typeof value === "string") headers.set(name, value);
  if (status === 204 || status === 205) {
    answer.resume();
    return new Response(null, { status, headers });
  }
  const body = Readable.from(limited(answer, bytesMax), { objectMode: false });
  body.once("close", () => {
    answer.destroy();
  });
  return new Response(Readable.toWeb(body), { status, headers });
}

async function* limited(source: AsyncIterable<Uint8Array>, bytesMax: number): AsyncGenerator<Uint8Array> {
  let bytes = 0;
  for await (const chunk of source) {
    bytes += chunk.byteLength;
    if (bytes > bytesMax) throw new Error(`The answer is longer than ${bytesMax} bytes.`);
    yield chunk;
  }
}
