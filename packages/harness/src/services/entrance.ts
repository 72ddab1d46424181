// Who is calling, and may they call this often? Asked of every request, before anything of it is read.

import { policiesFor, type QuotaPolicy, type Quotas } from "../core/access/quota.ts";
import {
  type Admitted,
  type Caller,
  type Clock,
  ClockAstray,
  type ClockWatch,
  type Store,
  type Tokens,
} from "../ports.ts";
import type { Presented } from "./harness.ts";
import { type HashKey, isKey } from "./keys.ts";
import { namedSigningKey } from "./signing-keys.ts";

export type EntrancePorts = {
  readonly store: Store;
  readonly clock: Clock;
  readonly clockWatch: Pick<ClockWatch, "difference">;
  readonly hashKey: HashKey;
  readonly quotas: Quotas;
  readonly tokens: Tokens;
};

/** A JWS in its compact form; keys of ours have no dots. */
const TOKEN_FORM = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/;

/**
 * Null for unknown, expired and revoked credentials alike.
 * @throws ClockAstray: whether a credential, a signature or a kept answer is still good cannot be told
 */
export async function admit(
  ports: EntrancePorts,
  { credential, action, fields }: Presented,
): Promise<Admitted | null> {
  const { store, clock, hashKey, quotas } = ports;
  const difference = ports.clockWatch.difference();
  if (difference !== null) throw new ClockAstray(difference);
  if (!isKey(credential)) return await admitToken(ports, credential, fields, policiesFor(quotas, action));
  return await store.admitKey(
    hashKey(credential),
    clock.now(),
    namedSigningKey(fields),
    policiesFor(quotas, action),
  );
}

async function admitToken(
  { store, clock, tokens }: EntrancePorts,
  token: string,
  fields: Presented["fields"],
  policies: readonly QuotaPolicy[],
): Promise<Admitted | null> {
  const subject = TOKEN_FORM.test(token) ? await tokens.verify(token) : null;
  if (subject === null) return null;
  return await store.admitToken(subject, clock.now(), namedSigningKey(fields), policies);
}

/** Whether a credential is still good; takes from no quota. */
export async function authenticate(ports: EntrancePorts, credential: string): Promise<Caller | null> {
  const { store, clock, hashKey } = ports;
  if (!isKey(credential)) return (await admitToken(ports, credential, new Map(), []))?.caller ?? null;
  return await store.findCaller(hashKey(credential), clock.now());
}
