// Keys that callers sign their requests with, and what a signed request has to be (invariant 7, accepted once).

import { createHmac } from "node:crypto";
import {
  type AccessEventKind,
  type CreatedSigningKey,
  idFromUuid,
  type RotateSigningKey,
  type SigningKey,
  type SigningKeyId,
  signingKeyIdSchema,
  type SigningKeyRequest,
} from "@assent/contract";
import { assert } from "../base/assert.ts";
import { err, ok, type Result } from "../base/result.ts";
import type { SignedMessage } from "../core/signature/signature-base.ts";
import { isSigned, parseSignature, SIGNATURE_WINDOW_SECONDS } from "../core/signature/signature-input.ts";
import { isUsableKey, refuseSignature, type VerifyingKey } from "../core/signature/verify.ts";
import { uuidV7 } from "../core/uuid.ts";
import type {
  Admitted,
  Caller,
  Clock,
  FoundSigningKey,
  NewSigningKey,
  Random,
  Store,
  StoreTx,
} from "../ports.ts";
import type { Refusal } from "./harness.ts";
import { refuseEnded } from "./still-good.ts";

export type SigningPorts = {
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
  /** The secret of an hmac-sha256 key; it is derived, so that the database holds none. */
  readonly signingSecret: SigningSecret;
};

export type SigningSecret = (id: SigningKeyId) => Uint8Array;

export const signingSecrets =
  (secret: Uint8Array): SigningSecret =>
  (id) =>
    createHmac("sha256", secret).update(`assent/signing-key/v1\n${id}`).digest();

/** Which key a request names, so that it can be looked up with everything else. Null where none can be meant. */
export function namedSigningKey(fields: ReadonlyMap<string, string>): SigningKeyId | null {
  if (!isSigned(fields)) return null;
  const parsed = parseSignature(fields);
  const id = parsed.ok ? signingKeyIdSchema.safeParse(parsed.value.keyId) : null;
  return id?.success === true ? id.data : null;
}

/**
 * A refusal leaves an access event, with what was wrong and nothing of the request.
 * @returns the caller, and what the request was signed with
 */
export async function checkSignature(
  ports: SigningPorts,
  { caller, signingKey }: Pick<Admitted, "caller" | "signingKey">,
  message: SignedMessage,
): Promise<Result<Caller, Refusal>> {
  if (!isSigned(message.fields)) {
    if (!caller.mustSign) return ok(caller);
    const detail = "The key is good for signed requests only.";
    return await refuse(ports, caller, message, { code: "signature_missing", detail });
  }
  const checked = await verified(ports, caller, signingKey, message);
  if (checked.ok) return ok({ ...caller, signedWith: checked.value });
  return await refuse(ports, caller, message, { code: "signature_refused", detail: checked.error });
}

async function verified(
  ports: SigningPorts,
  caller: Caller,
  key: FoundSigningKey | null,
  message: SignedMessage,
): Promise<Result<SigningKeyId, string>> {
  const parsed = parseSignature(message.fields);
  if (!parsed.ok) return parsed;
  const signature = parsed.value;
  if (key?.id !== signature.keyId) return err("The signature names no key of this caller that is good.");
  const fault = refuseSignature(message, signature, verifyingKey(ports, key), ports.clock.now());
  if (fault !== null) return err(fault);
  // Only now: a nonce that anybody could use up would be a way to have others refused. It is kept for as long as any
  // server could take the signature, with room for clocks that differ.
  const until = new Date((signature.created + 2 * SIGNATURE_WINDOW_SECONDS) * 1_000);
  const isNew = await ports.store.takeNonce(caller.tenant, key.id, signature.nonce, until);
  return isNew ? ok(key.id) : err("The signature's nonce was used before, or its time is over.");
}

function verifyingKey(
  { signingSecret }: SigningPorts,
  { id, algorithm, publicKey }: FoundSigningKey,
): VerifyingKey {
  if (algorithm === "hmac-sha256") return { algorithm, secret: signingSecret(id) };
  assert(publicKey !== null, "an ed25519 key has its public key");
  return { algorithm, publicKey };
}

async function refuse(
  { store, clock }: SigningPorts,
  caller: Caller,
  { method, path }: SignedMessage,
  refusal: Refusal,
): Promise<Result<never, Refusal>> {
  const data = {
    code: refusal.code,
    detail: refusal.detail,
    method,
    path: path.slice(0, PATH_CHARS_MAX),
    by: caller.key,
  };
  await store.transaction(caller.tenant, async (tx) => {
    await tx.access.append({ at: clock.now(), kind: "signature_refused", actor: caller.actor, data });
  });
  return err(refusal);
}

/** Of a path in an event: our own are shorter. */
const PATH_CHARS_MAX = 300;

// --- the registry ------------------------------------------------------------------------------------------------

const NOT_FOUND: Refusal = { code: "key_not_found", detail: "There is no key with this id." };

export async function createSigningKey(
  ports: SigningPorts,
  caller: Caller,
  { principal, algorithm, public_key, expires_at }: SigningKeyRequest,
): Promise<Result<CreatedSigningKey, Refusal>> {
  const now = ports.clock.now();
  const key = readPublicKey(public_key);
  if (!key.ok) return key;
  const refusal = refusePast(expires_at, now);
  if (refusal !== null) return err(refusal);
  return await ports.store.transaction(caller.tenant, async (tx) => {
    const ended = await refuseEnded(tx, caller, now);
    if (ended !== null) return err(ended);
    const made = await makeKey(ports, tx, {
      principal,
      algorithm,
      publicKey: key.value,
      createdAt: now,
      expiresAt: expires_at === undefined ? null : new Date(expires_at),
    });
    await record(tx, caller, "signing_key_created", made, now);
    return ok(made);
  });
}

export async function rotateSigningKey(
  ports: SigningPorts,
  caller: Caller,
  id: SigningKeyId,
  { public_key, overlap_seconds, expires_at }: RotateSigningKey,
): Promise<Result<CreatedSigningKey, Refusal>> {
  const now = ports.clock.now();
  const key = readPublicKey(public_key);
  if (!key.ok) return key;
  return await ports.store.transaction(caller.tenant, async (tx) => {
    const old = await tx.signingKeys.find(id);
    if (old === null) return err(NOT_FOUND);
    const refusal =
      refusePast(expires_at, now) ?? refuseAlgorithm(old, key.value) ?? (await refuseEnded(tx, caller, now));
    if (refusal !== null) return err(refusal);
    const oldEnd = old.expires_at === null ? null : new Date(old.expires_at);
    if (old.revoked_at !== null || (oldEnd !== null && oldEnd <= now))
      return err({ code: "key_ended", detail: "A key that is good no more cannot be replaced." });
    const made = await makeKey(ports, tx, {
      principal: old.principal,
      algorithm: old.algorithm,
      publicKey: key.value,
      createdAt: now,
      expiresAt: expires_at === undefined ? oldEnd : new Date(expires_at),
    });
    const ended = await tx.signingKeys.endBy(id, new Date(now.getTime() + overlap_seconds * 1_000));
    // What became of the old one is said as well: `assent audit verify --db --state` holds its row against this.
    const replaced = { replaces: id, replaced_expires_at: ended?.expires_at ?? null };
    await record(tx, caller, "signing_key_rotated", made, now, replaced);
    return ok(made);
  });
}

export async function listSigningKeys(
  { store }: SigningPorts,
  caller: Caller,
): Promise<Result<readonly SigningKey[], Refusal>> {
  return ok(await store.transaction(caller.tenant, async (tx) => await tx.signingKeys.list()));
}

export async function revokeSigningKey(
  { store, clock }: SigningPorts,
  caller: Caller,
  id: SigningKeyId,
): Promise<Result<SigningKey, Refusal>> {
  const now = clock.now();
  return await store.transaction(caller.tenant, async (tx) => {
    const before = await tx.signingKeys.find(id);
    if (before === null) return err(NOT_FOUND);
    if (before.revoked_at !== null) return ok(before);
    const revoked = await tx.signingKeys.revoke(id, now);
    if (revoked === null) return err(NOT_FOUND);
    await record(tx, caller, "signing_key_revoked", revoked, now);
    return ok(revoked);
  });
}

async function makeKey(
  { random, signingSecret }: SigningPorts,
  tx: StoreTx,
  key: Omit<NewSigningKey, "id">,
): Promise<CreatedSigningKey> {
  const id = idFromUuid("sgk", uuidV7(key.createdAt, random.bytes(10)));
  const made = await tx.signingKeys.insert({ ...key, id });
  const secret = key.algorithm === "ed25519" ? null : Buffer.from(signingSecret(id)).toString("base64");
  return { ...made, secret };
}

async function record(
  tx: StoreTx,
  { actor, key: by }: Caller,
  kind: AccessEventKind,
  { id, principal, algorithm, public_key, expires_at }: SigningKey,
  at: Date,
  more: Readonly<Record<string, unknown>> = {},
): Promise<void> {
  const data = { key_id: id, principal_id: principal.id, algorithm, public_key, expires_at, by, ...more };
  await tx.access.append({ at, kind, actor, data });
}

const invalid = (pointer: string, detail: string): Refusal => ({
  code: "invalid_request",
  detail,
  errors: [{ pointer, detail }],
});

function readPublicKey(text: string | undefined): Result<Uint8Array | null, Refusal> {
  if (text === undefined) return ok(null);
  const bytes = Buffer.from(text, "base64url");
  return isUsableKey(bytes)
    ? ok(bytes)
    : err(invalid("#/public_key", "It is no Ed25519 key that could sign."));
}

function refusePast(expiresAt: string | undefined, now: Date): Refusal | null {
  return expiresAt === undefined || new Date(expiresAt) > now
    ? null
    : invalid("#/expires_at", "The expiry is in the past.");
}

function refuseAlgorithm({ algorithm }: SigningKey, publicKey: Uint8Array | null): Refusal | null {
  return (algorithm === "ed25519") === (publicKey !== null)
    ? null
    : invalid(
        "#/public_key",
        `The key is of ${algorithm}: a public key is given for ed25519, and for that alone.`,
      );
}
