// API keys: shown once, kept as a keyed hash. The hash is fast on purpose: a key is 256 random bits, not a password,
// so there is nothing to slow down, and whoever reads the table still needs the installation's secret to test a guess.

import { createHmac } from "node:crypto";
import {
  type AccessEventId,
  type AccessEventKind,
  type CreatedKey,
  idFromUuid,
  type Key,
  type KeyId,
  type KeyRequest,
  type Role,
  type RotateKey,
  type Scope,
} from "@assent/contract";
import { PAGE_ROWS_MAX } from "../base/limits.ts";
import { err, ok, type Result } from "../base/result.ts";
import type { Access } from "../core/access/access-point.ts";
import { lackingOf } from "../core/access/lacking.ts";
import { uuidV7 } from "../core/uuid.ts";
import type { Caller, Clock, NewKey, Random, Store, StoreTx } from "../ports.ts";
import type { AccessEvents, Refusal } from "./harness.ts";
import { refuseEnded } from "./still-good.ts";

export type KeyPorts = {
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
  readonly hashKey: HashKey;
  readonly access: Access;
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

/** The form is public; a look-up by keyed hash takes the same time whether or not there is such a key. */
export const isKey = (credential: string): boolean => KEY_FORM.test(credential);

export async function createKey(
  ports: KeyPorts,
  caller: Caller,
  request: KeyRequest,
): Promise<Result<CreatedKey, Refusal>> {
  const now = ports.clock.now();
  const { scopes, roles = [], must_sign = false, principal } = request;
  const refusal = refuseLacking(ports, caller, { scopes, roles }) ?? refusePast(request.expires_at, now);
  if (refusal !== null) return err(refusal);
  const expiresAt = request.expires_at === undefined ? null : new Date(request.expires_at);
  return await ports.store.transaction(caller.tenant, async (tx) => {
    const ended = await refuseEnded(tx, caller, now);
    if (ended !== null) return err(ended);
    const made = await makeKey(ports, tx, {
      principal,
      scopes,
      roles,
      mustSign: must_sign,
      createdAt: now,
      expiresAt,
    });
    await recordKey(tx, caller, "key_created", made, now);
    return ok(made);
  });
}

/** A new key that may do the same, for the same principal; the old one ends now, or after the overlap. */
export async function rotateKey(
  ports: KeyPorts,
  caller: Caller,
  id: KeyId,
  request: RotateKey,
): Promise<Result<CreatedKey, Refusal>> {
  const now = ports.clock.now();
  return await ports.store.transaction(caller.tenant, async (tx) => {
    const old = await tx.keys.find(id);
    if (old === null) return err(NOT_FOUND);
    // Else who may replace keys would come by what any of them may do.
    const refusal =
      refuseLacking(ports, caller, old) ??
      refusePast(request.expires_at, now) ??
      (await refuseEnded(tx, caller, now));
    if (refusal !== null) return err(refusal);
    const oldEnd = old.expires_at === null ? null : new Date(old.expires_at);
    if (old.revoked_at !== null || (oldEnd !== null && oldEnd <= now))
      return err({ code: "key_ended", detail: "A key that is good no more cannot be replaced." });
    const made = await makeKey(ports, tx, {
      principal: old.principal,
      scopes: old.scopes,
      roles: old.roles,
      mustSign: old.must_sign,
      createdAt: now,
      expiresAt: request.expires_at === undefined ? oldEnd : new Date(request.expires_at),
    });
    await tx.keys.endBy(id, new Date(now.getTime() + request.overlap_seconds * 1_000));
    await recordKey(tx, caller, "key_rotated", made, now, { replaces: id });
    return ok(made);
  });
}

const NOT_FOUND: Refusal = { code: "key_not_found", detail: "There is no key with this id." };

async function makeKey(
  { random, hashKey }: KeyPorts,
  tx: StoreTx,
  key: Omit<NewKey, "id" | "hash" | "prefix">,
): Promise<CreatedKey> {
  const secret = newKey(random);
  const inserted = await tx.keys.insert({
    ...key,
    id: idFromUuid("key", uuidV7(key.createdAt, random.bytes(10))),
    hash: hashKey(secret),
    prefix: keyPrefix(secret),
  });
  return { ...inserted, secret };
}

async function recordKey(
  tx: StoreTx,
  { actor, key: by }: Caller,
  kind: AccessEventKind,
  { id, principal, scopes, roles, must_sign, expires_at }: Key,
  at: Date,
  more: Readonly<Record<string, unknown>> = {},
): Promise<void> {
  const data = { key_id: id, principal_id: principal.id, scopes, roles, must_sign, expires_at, by, ...more };
  await tx.access.append({ at, kind, actor, data });
}

function refuseLacking(
  { access }: KeyPorts,
  caller: Caller,
  wanted: { readonly scopes: readonly Scope[]; readonly roles: readonly Role[] },
): Refusal | null {
  const missing = lackingOf(access, caller, wanted);
  // Else a key that may make keys would be every key.
  return missing.length === 0
    ? null
    : { code: "scope_missing", detail: `A key cannot give what it lacks: ${missing.join(", ")}.` };
}

function refusePast(expiresAt: string | undefined, now: Date): Refusal | null {
  if (expiresAt === undefined || new Date(expiresAt) > now) return null;
  const detail = "The expiry is in the past.";
  return { code: "invalid_request", detail, errors: [{ pointer: "#/expires_at", detail }] };
}

export async function listKeys(
  { store }: KeyPorts,
  caller: Caller,
): Promise<Result<readonly Key[], Refusal>> {
  return ok(await store.transaction(caller.tenant, async (tx) => await tx.keys.list()));
}

/** In force with the next request on every process: nobody keeps a key once looked up. */
export async function revokeKey(ports: KeyPorts, caller: Caller, id: KeyId): Promise<Result<Key, Refusal>> {
  const now = ports.clock.now();
  return await ports.store.transaction(caller.tenant, async (tx) => {
    const before = await tx.keys.find(id);
    if (before === null) return err(NOT_FOUND);
    // Revoking again is no error and no news.
    if (before.revoked_at !== null) return ok(before);
    const revoked = await tx.keys.revoke(id, now);
    if (revoked === null) return err(NOT_FOUND);
    await recordKey(tx, caller, "key_revoked", revoked, now);
    return ok(revoked);
  });
}

export async function listAccessEvents(
  { store }: KeyPorts,
  caller: Caller,
  before: AccessEventId | null,
): Promise<Result<AccessEvents, Refusal>> {
  const found = await store.transaction(
    caller.tenant,
    async (tx) => await tx.access.list(before, PAGE_ROWS_MAX + 1),
  );
  const data = found.slice(0, PAGE_ROWS_MAX);
  return ok({ data, next: found.length > PAGE_ROWS_MAX ? (data.at(-1)?.id ?? null) : null });
}
