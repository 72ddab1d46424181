// A URL as it may leave the house, parsed once. Whoever checks one reading of a URL and fetches another is fooled
// ("A New Era of SSRF", Orange Tsai 2017), so what two parsers could read in two ways is refused, not repaired.

import { err, ok, type Result } from "../../base/result.ts";
import type { StepError } from "../run/journal.ts";
import { isAddress } from "./address.ts";

/** Longer ones carry data out rather than name a thing. */
export const URL_CHARS_MAX = 2_048;

export type EgressUrl = {
  /** WHATWG serialisation without fragment. */
  readonly href: string;
  readonly protocol: "http:" | "https:";
  /** Lower case; a name in its ASCII form (punycode), or an address without brackets. */
  readonly host: string;
  readonly isAddress: boolean;
  readonly port: number;
  /** Path and query, as they are sent. */
  readonly target: string;
};

const DEFAULT_PORTS = { "http:": 80, "https:": 443 } as const;

/** @param text what a model wrote; it is never repaired: no trimming, no missing scheme */
export function parseEgressUrl(text: string): Result<EgressUrl, StepError> {
  const wrong = wrongWithText(text);
  if (wrong !== null) return refuse(wrong);
  const authority = /^https?:\/\/(?<authority>[^/?#]+)/iu.exec(text)?.groups?.["authority"];
  if (authority === undefined) return refuse("it does not begin with http:// or https:// and a host");
  if (authority.includes("@")) return refuse("it holds a user name or password");
  if (authority.includes("%")) return refuse("its host is percent-encoded");
  const url = URL.parse(text);
  if (url === null) return refuse("it is no URL");
  const { protocol } = url;
  if (protocol !== "http:" && protocol !== "https:") return refuse("it is neither http nor https");
  const host = url.hostname.replace(/^\[(.*)\]$/u, "$1");
  const rawHost = authority.replace(/:\d*$/u, "");
  const wrongHost = wrongWithHost(host, rawHost);
  if (wrongHost !== null) return refuse(wrongHost);
  const port = url.port === "" ? DEFAULT_PORTS[protocol] : Number(url.port);
  if (port === 0) return refuse("its port is 0");
  url.hash = "";
  // What is no ASCII is sent as three characters for each of its bytes.
  if (url.href.length > URL_CHARS_MAX)
    return refuse(`it is longer than ${URL_CHARS_MAX} characters, written as it is sent`);
  return ok({
    href: url.href,
    protocol,
    host,
    isAddress: isAddress(host),
    port,
    target: `${url.pathname}${url.search}`,
  });
}

function wrongWithText(text: string): string | null {
  if (text.length > URL_CHARS_MAX) return `it is longer than ${URL_CHARS_MAX} characters`;
  if (!text.isWellFormed()) return "it is not well-formed Unicode";
  // WHATWG drops tabs and line ends anywhere and reads a backslash as a slash; others do not.
  if (/[\p{Cc}\p{Cf}\p{Default_Ignorable_Code_Point}\s\\]/u.test(text))
    return "it holds white space, an invisible character or a backslash";
  return null;
}

function wrongWithHost(host: string, rawHost: string): string | null {
  if (host === "") return "it has no host";
  if (host.endsWith(".")) return "its host ends in a dot";
  if (host.split(".").some((label) => label === "")) return "its host has an empty label";
  const raw = rawHost.replace(/^\[(.*)\]$/u, "$1").toLowerCase();
  // 2130706433, 0177.1 and 0x7f.1 are 127.0.0.1 to one reader and a name to another.
  if (isAddress(host) && !isAddress(raw)) return "its host is an address in an unusual form";
  if (!isAddress(host) && !/^[a-z0-9_-]+(?:\.[a-z0-9_-]+)*$/u.test(host)) return "its host is no name";
  // A name that ends in a number is an address to WHATWG, and fails there; here for whoever changes the parser.
  if (!isAddress(host) && /(?:^|\.)\d+$/u.test(host)) return "its host ends in a number";
  return null;
}

function refuse(because: string): Result<never, StepError> {
  return err({ code: "url_invalid", detail: `The URL is refused: ${because}.` });
}
