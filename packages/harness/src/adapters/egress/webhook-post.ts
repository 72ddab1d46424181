// The one way by which a message to a webhook leaves the house. Whoever may make a webhook may name any URL, so it must not lead where
// only this machine can go (server-side request forgery): https, resolved anew each time, every address looked at, and connected
// to exactly the checked one. No redirect is followed, and nothing of an answer is read but its status and when to come again.

import { err, ok, type Result } from "../../base/result.ts";
import { classifyAddress } from "../../core/egress/address.ts";
import { type AllowlistEntry, isAllowed } from "../../core/egress/allowlist.ts";
import { type EgressUrl, parseEgressUrl } from "../../core/egress/url.ts";
import type { WebhookAnswer, WebhookPost } from "../../ports.ts";
import { abortable, systemCodeOf } from "./breaking-off.ts";
import { checkedAddresses, sendChecked } from "./checked-request.ts";
import { dnsResolver } from "./dns.ts";

/** From the look-up to the answer's head; what Standard Webhooks advises at least. */
const SEND_MS_MAX = 15_000;
/** Of a name that is not there and of one that leads into our own network alike: what names stand there is not for tenants to learn. */
const NO_PUBLIC_ADDRESS = "no_public_address";

export type WebhookPostOptions = {
  /** All addresses of a name that is not among the own ones; by DNS where it is left out. */
  readonly resolve?: (host: string) => Promise<readonly string[]>;
  /** Null: every host on the open Internet. */
  readonly allow: readonly AllowlistEntry[] | null;
  /** Hosts of the operator's own network: these may be asked without TLS, and on whatever address they have. */
  readonly own: readonly AllowlistEntry[];
  /** For tests alone: certificates of an own authority. */
  readonly authority?: string;
  readonly timeoutMs?: number;
};

type Hosts = Pick<WebhookPostOptions, "allow" | "own">;

function parse(text: string, { allow, own }: Hosts): Result<EgressUrl, string> {
  const url = parseEgressUrl(text);
  if (!url.ok) return err(url.error.detail);
  if (isAllowed(url.value, own)) return url;
  const { host, port, protocol } = url.value;
  if (protocol !== "https:")
    return err(
      "Messages are sent by https, but to hosts that the operator's configuration names as its own.",
    );
  if (allow !== null && !isAllowed(url.value, allow))
    return err(`${host} (port ${port}) is not on the operator's list of hosts that webhooks may be at.`);
  return url;
}

function check(text: string, hosts: Hosts): Result<string, string> {
  const url = parse(text, hosts);
  if (!url.ok) return url;
  const { host, isAddress, href } = url.value;
  // A name is resolved when something is sent; of an address it can be said at once.
  return isAddress && classifyAddress(host).kind === "special" && !isAllowed(url.value, hosts.own)
    ? err(`${host} is not an address on the open Internet.`)
    : ok(href);
}

export function createWebhookPost(options: WebhookPostOptions): WebhookPost {
  const { own, authority, resolve: resolveByDns = dnsResolver() } = options;
  const resolve = async (host: string): Promise<readonly string[]> => {
    try {
      return await resolveByDns(host);
    } catch (error) {
      if (error instanceof Error && systemCodeOf(error) === "ENOTFOUND") return [];
      throw error;
    }
  };
  const send = async (
    url: EgressUrl,
    headers: Readonly<Record<string, string>>,
    body: string,
    signal: AbortSignal,
  ): Promise<Result<WebhookAnswer, string>> => {
    // A host of the operator's own may stand in no DNS at all, and whoever runs the servers of its name is no stranger.
    const resolving = isAllowed(url, own) ? { permitAddress: () => true } : { resolve };
    const addresses = await abortable(checkedAddresses(url, resolving), signal);
    if (!addresses.ok) return err(NO_PUBLIC_ADDRESS);
    const request = {
      method: "POST",
      headers,
      body,
      signal,
      ...(authority === undefined ? {} : { authority }),
    };
    const answer = await sendChecked(addresses.value, url, request);
    // Whatever more there is to come is not wanted.
    answer.destroy();
    return ok({
      status: answer.statusCode ?? 0,
      retryAfter: answer.headers["retry-after"] ?? null,
      date: answer.headers.date ?? null,
    });
  };
  return {
    check: (text) => check(text, options),
    send: async (text, headers, body, outer) => {
      const url = parse(text, options);
      if (!url.ok) return err("url_refused");
      const late = new AbortController();
      const clock = setTimeout(() => {
        late.abort();
      }, options.timeoutMs ?? SEND_MS_MAX);
      const signal = AbortSignal.any([outer, late.signal]);
      try {
        return await send(url.value, headers, body, signal);
      } catch (error) {
        if (!(error instanceof Error)) throw error;
        if (outer.aborted) return err("called_off");
        if (late.signal.aborted) return err("timed_out");
        const code = systemCodeOf(error);
        return err(code === null ? "not_reached" : `not_reached: ${code}`);
      } finally {
        clearTimeout(clock);
      }
    },
  };
}
