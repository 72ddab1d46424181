// API keys: shown once, kept as a keyed hash. The hash is fast on purpose: a key is 256 random bits, not a password,
// so there is nothing to slow down, and whoever reads the table still needs the installation's secret to test a guess.

import { createHmac } from "node:crypto";
import { type CreatedKey, idFromUuid, type Key, type KeyId, type KeyRequest } from "@assent/contract";
import { err, ok, type Result } from "../base/result.ts";
import { uuidV7 } from "../core/uuid.ts";
import type { Caller, Clock, Random, Store } from "../ports.ts";
import type { Refusal } from "./harness.ts";

export type KeyPorts = {
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
  readonly hashKey: HashKey;
};

export type HashKey = (key: string) => Uint8Array;

export const keyHasher =
  (secret: Uint8Array): HashKey =>
  (key) =>
    createHmac("sha256", secret).update("assent/key/v1\n").update(key).digest();

const KEY_FORM = /^ask_[A-Za-z0-9_-]{43}$/;
const PREFIX_CHARS = 12;

/** A new key: `ask_` and 256 random bits in base64url. */
export const newKey = (random: Random): string =>
  `ask_${Buffer.from(random.bytes(32)).toString("base64url")}`;

export const keyPrefix = (key: string): string => key.slice(0, PREFIX_CHARS);

export async function authenticate(ports: KeyPorts, key: string): Promise<Caller | null> {
  // The form is public; a look-up by keyed hash takes the same time whether or not there is such a key.
  if (!KEY_FORM.test(key)) return null;
  return await ports.store.findCaller(ports.hashKey(key), ports.clock.now());
}

export async function createKey(
  ports: KeyPorts,
  caller: Caller,
  request: KeyRequest,
): Promise<Result<CreatedKey, Refusal>> {
  const now = ports.clock.now();
  const missing = request.scopes.filter((scope) => !caller.scopes.includes(scope));
  // Else a key that may make keys would be every key.
  if (missing.length > 0)
    return err({ code: "scope_missing", detail: `A key cannot give what it lacks: ${missing.join(", ")}.` });
  const expiresAt = request.expires_at === undefined ? null : new Date(request.expires_at);
  if (expiresAt !== null && expiresAt <= now) {
    const detail = "The expiry is in the past.";
    return err({ code: "invalid_request", detail, errors: [{ pointer: "#/expires_at", detail }] });
  }
  const secret = newKey(ports.random);
  const key = await ports.store.transaction(
    caller.tenant,
    async (tx) =>
      await tx.keys.insert({
        id: idFromUuid("key", uuidV7(now, ports.random.bytes(10))),
        hash: ports.hashKey(secret),
        prefix: keyPrefix(secret),
        principal: request.principal,
        scopes: request.scopes,
        createdAt: now,
        expiresAt,
      }),
  );
  return ok({ ...key, secret });
}

export async function listKeys(
  { store }: KeyPorts,
  caller: Caller,
): Promise<Result<readonly Key[], Refusal>> {
  return ok(await store.transaction(caller.tenant, async (tx) => await tx.keys.list()));
}

export async function revokeKey(ports: KeyPorts, caller: Caller, id: KeyId): Promise<Result<Key, Refusal>> {
  const now = ports.clock.now();
  const key = await ports.store.transaction(caller.tenant, async (tx) => await tx.keys.revoke(id, now));
  return key === null ? err({ code: "key_not_found", detail: "There is no key with this id." }) : ok(key);
}
