// One request to a URL that was checked: the name resolved once, every address looked at, and the connection made to
// exactly a checked address. A name that answers differently the second time (DNS rebinding) is never asked again.

import { lookup as lookupName } from "node:dns/promises";
import {
  Agent as HttpAgent,
  type ClientRequest,
  type IncomingMessage,
  request as httpRequest,
} from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import { err, ok, type Result } from "../../base/result.ts";
import { classifyAddress } from "../../core/egress/address.ts";
import type { EgressUrl } from "../../core/egress/url.ts";
import type { StepError } from "../../core/run/journal.ts";
import { proveBeforeSending } from "./before-sending.ts";

/** Addresses of one name that are tried, one after another. */
const ADDRESSES_MAX = 4;
const HEADER_BYTES_MAX = 16 * 1024;
/** Interim answers (1xx) before the one that counts: whoever sends them without end keeps this process busy with reading them. */
const INTERIM_ANSWERS_MAX = 10;

export type Resolving = {
  /** All addresses of a name. The system's resolver by default. */
  readonly resolve?: (host: string) => Promise<readonly string[]>;
  /** An address of this machine or of a private network that may be reached all the same. */
  readonly permitAddress?: (address: string) => boolean;
};

export async function checkedAddresses(
  url: EgressUrl,
  options: Resolving,
): Promise<Result<readonly string[], StepError>> {
  const found = url.isAddress ? [url.host] : await (options.resolve ?? resolveByName)(url.host);
  if (found.length === 0) return err({ code: "not_resolved", detail: `${url.host} has no address.` });
  for (const address of found) {
    const { kind } = classifyAddress(address);
    // One bad address spoils the name: an attacker mixes a good one in, and we cannot know which is meant.
    if (kind === "special" && options.permitAddress?.(address) !== true)
      return err({
        code: "address_forbidden",
        detail: `${url.host} leads to an address that is not on the open Internet${
          // Who may permit one is an operator who did not, and forgot it more often than not.
          options.permitAddress === undefined ? "" : ', and its declaration has no "private_network": true'
        }.`,
      });
  }
  return ok(found.slice(0, ADDRESSES_MAX));
}

async function resolveByName(host: string): Promise<readonly string[]> {
  // Verbatim, and with neither mapped nor filtered addresses: what is checked must be what there is.
  const found = await lookupName(host, { all: true, order: "verbatim" });
  return found.map(({ address }) => address);
}

export type CheckedRequest = {
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  /** For tests alone: certificates of an own authority. */
  readonly authority?: string;
  readonly signal: AbortSignal;
  /** Called when the first byte of the request is about to be sent: what fails before has sent nothing. */
  readonly onBegin?: () => void;
};

/** The first answer of the addresses, tried in order; an address after the first only where nothing was sent. */
export async function sendChecked(
  addresses: readonly string[],
  url: EgressUrl,
  request: CheckedRequest,
): Promise<IncomingMessage> {
  let failure: unknown;
  for (const address of addresses) {
    try {
      return await send(address, url, request);
    } catch (error) {
      if (!neverConnected(error)) throw error;
      failure = error;
    }
  }
  throw failure;
}

/** Whether an error says that no connection was made, so that not one byte was sent. */
const neverConnected = (error: unknown): boolean =>
  error instanceof Error && "syscall" in error && error.syscall === "connect";

async function send(
  address: string,
  url: EgressUrl,
  { method, headers, body, authority, signal, onBegin }: CheckedRequest,
): Promise<IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const shared = {
    // An address, so that nothing is looked up again on the way.
    host: address,
    port: url.port,
    path: url.target,
    method,
    headers: { ...headers, host: hostHeader(url) },
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
          // Said here, since the environment could say otherwise (NODE_TLS_REJECT_UNAUTHORIZED).
          rejectUnauthorized: true,
          ...(authority === undefined ? {} : { ca: authority }),
        })
      : httpRequest({ ...shared, agent: new HttpAgent({ keepAlive: false }) });
  request.once("response", resolve);
  request.once("error", reject);
  refuseOddAnswers(request, reject);
  try {
    // What goes wrong on the way ends this wait, too.
    await Promise.race([connected(request, url.protocol), promise]);
    await proveBeforeSending();
  } catch (error) {
    request.destroy();
    throw error;
  }
  onBegin?.();
  request.end(body);
  return await promise;
}

/** Its code is shown to whoever asked, as the system's are. */
class OddAnswer extends Error {
  override readonly name = "OddAnswer";
  readonly code: string;
  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

/** What Node takes for an answer, or tells nobody of: unheard, a request would be waited for until the process ends. */
function refuseOddAnswers(request: ClientRequest, reject: (error: Error) => void): void {
  // Without somebody who listens the connection is closed, and neither an answer nor an error follows.
  request.once("upgrade", (_, socket) => {
    socket.destroy();
    reject(new OddAnswer("PROTOCOL_SWITCHED", "The answer is of another protocol."));
  });
  let interim = 0;
  request.on("information", () => {
    interim += 1;
    if (interim > INTERIM_ANSWERS_MAX)
      request.destroy(new OddAnswer("INTERIM_ANSWERS", "There are more interim answers than are read."));
  });
  // Whatever else ends without a word.
  request.once("close", () => {
    reject(new OddAnswer("NO_ANSWER", "The connection ended before there was an answer."));
  });
}

// Nothing goes out before the request is ended or written to.
async function connected(request: ClientRequest, protocol: EgressUrl["protocol"]): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  request.once("socket", (socket) => {
    socket.once(protocol === "https:" ? "secureConnect" : "connect", () => resolve());
  });
  await promise;
}

function hostHeader({ host, isAddress, port, protocol }: EgressUrl): string {
  const name = isAddress && host.includes(":") ? `[${host}]` : host;
  return port === (protocol === "https:" ? 443 : 80) ? name : `${name}:${port}`;
}
