// Who is calling, and may they call this often? Asked of every request, before anything of it is read.

import { policiesFor, type Quotas } from "../core/access/quota.ts";
import type { Admitted, Caller, Clock, Store } from "../ports.ts";
import type { Presented } from "./harness.ts";
import { type HashKey, isKey } from "./keys.ts";
import { namedSigningKey } from "./signing-keys.ts";

export type EntrancePorts = {
  readonly store: Store;
  readonly clock: Clock;
  readonly hashKey: HashKey;
  readonly quotas: Quotas;
};

/** Null for unknown, expired and revoked credentials alike. */
export async function admit(
  { store, clock, hashKey, quotas }: EntrancePorts,
  { credential, action, fields }: Presented,
): Promise<Admitted | null> {
  if (!isKey(credential)) return null;
  return await store.admitKey(
    hashKey(credential),
    clock.now(),
    namedSigningKey(fields),
    policiesFor(quotas, action),
  );
}

/** Whether a credential is still good; takes from no quota. */
export async function authenticate(
  { store, clock, hashKey }: EntrancePorts,
  credential: string,
): Promise<Caller | null> {
  if (!isKey(credential)) return null;
  return await store.findCaller(hashKey(credential), clock.now());
}
