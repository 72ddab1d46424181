// Against floods, before anything is looked up: how many requests an address may send in all. It holds for this process
// alone and forgets when it has to; what a caller may do is counted in the database (services/entrance.ts).

import type { QuotaState } from "../ports.ts";

/** Addresses remembered at once, about 10 MB; past it the longest known is forgotten, and begins anew. */
const ADDRESSES_MAX = 100_000;

type Window = { readonly since: number; used: number };

export type AddressGuard = {
  /** Null: go on. */
  take(address: string): QuotaState | null;
};

/** @param now milliseconds of any clock that only goes forward */
export function createAddressGuard(
  quota: QuotaState["quota"] | null,
  now: () => number = () => performance.now(),
  addressesMax: number = ADDRESSES_MAX,
): AddressGuard {
  if (quota === null) return { take: () => null };
  const windowMs = quota.windowSeconds * 1_000;
  // In the order of their beginnings, since one that begins anew is put at the end.
  const windows = new Map<string, Window>();
  return {
    take(address) {
      const network = networkOf(address);
      const at = now();
      const held = windows.get(network);
      if (held === undefined || held.since + windowMs <= at) {
        windows.delete(network);
        const [oldest] = windows.keys();
        if (oldest !== undefined && windows.size >= addressesMax) windows.delete(oldest);
        windows.set(network, { since: at, used: 1 });
        return null;
      }
      held.used += 1;
      if (held.used <= quota.requests) return null;
      const resetSeconds = Math.max(1, Math.ceil((held.since + windowMs - at) / 1_000));
      return { name: "address", quota, remaining: 0, resetSeconds };
    },
  };
}

/** One customer's IPv6 addresses are a /64 at least (RFC 6177): counted singly, a flood would have 2^64 of them. */
export function networkOf(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined) return mapped;
  if (!address.includes(":")) return address;
  const [head = "", tail] = (address.split("%", 1)[0] ?? "").toLowerCase().split("::");
  const before = groups(head);
  const after = groups(tail ?? "");
  const zeros =
    tail === undefined ? [] : Array<string>(Math.max(0, 8 - before.length - after.length)).fill("0");
  return [...before, ...zeros, ...after].slice(0, 4).join(":");
}

const groups = (text: string): string[] => (text === "" ? [] : text.split(":"));
