// Names that tenants choose are asked of DNS by a resolver of its own. The system's waits in one of a few threads that a process has for
// such things: whoever runs a name's servers could leave all of them waiting, and no provider's name would be resolved any more.

import { Resolver } from "node:dns/promises";

/** For one server's answer; it is asked twice. */
const ANSWER_MS_MAX = 2_000;
const TRIES = 2;

export type DnsOptions = {
  /** With their ports; those of the system where they are left out. */
  readonly servers?: readonly string[];
  readonly answerMsMax?: number;
};

const isNoData = (reason: unknown): boolean =>
  reason instanceof Error && "code" in reason && reason.code === "ENODATA";

/**
 * All addresses of a name, of either kind; none where it has none. What the machine itself calls by name (its hosts file) is not known
 * to it.
 * @returns rejects with an error that has a code (`ENOTFOUND`, `ETIMEOUT`, ...) where nobody said
 */
export function dnsResolver(options: DnsOptions = {}): (host: string) => Promise<readonly string[]> {
  const resolver = new Resolver({ timeout: options.answerMsMax ?? ANSWER_MS_MAX, tries: TRIES });
  if (options.servers !== undefined) resolver.setServers([...options.servers]);
  return async (host) => {
    const answers = await Promise.allSettled([resolver.resolve4(host), resolver.resolve6(host)]);
    const found = answers.flatMap((answer) => (answer.status === "fulfilled" ? answer.value : []));
    if (found.length > 0) return found;
    const reasons = answers.flatMap((answer) => (answer.status === "rejected" ? [answer.reason] : []));
    const fault: unknown = reasons.find((reason) => !isNoData(reason));
    if (fault !== undefined) throw fault;
    return [];
  };
}
