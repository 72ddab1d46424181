// Where requests may go. An entry is a host, with `*.` for every name below it, and optionally a port.

import { err, ok, type Result } from "../../base/result.ts";
import { isAddress } from "./address.ts";
import { type EgressUrl, parseEgressUrl } from "./url.ts";

export type AllowlistEntry = {
  /** ASCII, lower case; for a wildcard the part below which all names are meant. */
  readonly host: string;
  readonly wildcard: boolean;
  /** Null: the default port of http or https. */
  readonly port: number | null;
};

const DEFAULT_PORTS: readonly number[] = [80, 443];

/**
 * @param text `example.org`, `*.example.org`, `example.org:8443`, `[2001:db8::1]`; Unicode names become punycode
 * @returns the entry, or what is wrong with it
 */
export function parseAllowlistEntry(text: string): Result<AllowlistEntry, string> {
  const wildcard = text.startsWith("*.");
  const rest = wildcard ? text.slice(2) : text;
  if (/[/?#@*]/u.test(rest)) return err(`${JSON.stringify(text)} is not a host with an optional port`);
  const parsed = parseEgressUrl(`http://${rest}/`);
  if (!parsed.ok) return err(`${JSON.stringify(text)}: ${parsed.error.detail}`);
  const { host } = parsed.value;
  if (wildcard && (isAddress(host) || !host.includes(".")))
    return err(`${JSON.stringify(text)} would let through a whole top-level domain, or parts of an address`);
  const port = /:(?<port>\d+)$/u.exec(rest.replace(/^\[.*\]/u, ""))?.groups?.["port"];
  return ok({ host, wildcard, port: port === undefined ? null : Number(port) });
}

export function isAllowed(url: EgressUrl, allowlist: readonly AllowlistEntry[]): boolean {
  return allowlist.some(
    ({ host, wildcard, port }) =>
      (port === null ? DEFAULT_PORTS.includes(url.port) : port === url.port) &&
      // The dot is the border of a label: evil-example.org is not below example.org.
      (wildcard ? !url.isAddress && url.host.endsWith(`.${host}`) : url.host === host),
  );
}
