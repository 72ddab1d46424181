// How personal fields of a payload are sealed. Each sealed text has a random key of its own, so that one can be destroyed
// and no other is touched. That key is kept wrapped for a key of the installation (X25519, as in RFC 9180), of which
// whoever seals needs the public half only. Chance is passed in.

import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  hkdfSync,
} from "node:crypto";
import type { TenantId } from "@assent/contract";
import { assert } from "../../base/assert.ts";

export const DATA_KEY_BYTES = 32;
export const SEALING_KEY_BYTES = 32;
const TAG_BYTES = 16;
/** The public half of a key that is used once, a tag, and the data key. */
export const WRAPPED_BYTES = SEALING_KEY_BYTES + TAG_BYTES + DATA_KEY_BYTES;

const ALGORITHM = "aes-256-gcm";
// Every key here encrypts one text in its life, so the nonce need not differ.
const NONCE = Buffer.alloc(12);

/**
 * What a sealed text belongs to, and cannot be moved from. Not the event's number: what is said of a document at its coming
 * and at its going is one text; all else that has sealed fields has one event.
 */
export const sealedPlace = (tenant: TenantId, subject: string): string =>
  `assent/sealed/v1\n${tenant}\n${subject}`;

/** Names a key without telling it. Stands in the sealed text, so that no other key can be said to open it. */
export const dataKeyId = (key: Uint8Array): Buffer =>
  createHash("sha256").update("assent/sealed-key/v1\n").update(key).digest();

const SEALED = /^v1\.([0-9a-f]{64})\.([A-Za-z0-9+/]+={0,2})$/;

/** @param key 32 random bytes that seal nothing else */
export function sealText(key: Uint8Array, place: string, text: string): string {
  assert(key.byteLength === DATA_KEY_BYTES, "a data key has 32 bytes");
  return `v1.${dataKeyId(key).toString("hex")}.${encrypt(key, place, Buffer.from(text)).toString("base64")}`;
}

/** Texts that are sealed have a multiple of so many bytes, so that their length tells little of a name. */
export const SEALED_STEP_BYTES = 64;

/** The JSON with spaces behind it, which every reader of JSON passes over. */
export function paddedJson(value: unknown): string {
  const text = JSON.stringify(value);
  const over = Buffer.byteLength(text) % SEALED_STEP_BYTES;
  return over === 0 ? text : text + " ".repeat(SEALED_STEP_BYTES - over);
}

/** The id of the key that opens a sealed text; null for what is none. */
export function keyOfSealed(sealed: string): Buffer | null {
  const id = SEALED.exec(sealed)?.[1];
  return id === undefined ? null : Buffer.from(id, "hex");
}

/** Null for another key, another place, and what was changed. */
export function openText(key: Uint8Array, place: string, sealed: string): string | null {
  const [, id, box] = SEALED.exec(sealed) ?? [];
  if (id === undefined || box === undefined || dataKeyId(key).toString("hex") !== id) return null;
  const bytes = Buffer.from(box, "base64");
  // One text has one spelling.
  if (bytes.toString("base64") !== box) return null;
  const opened = decrypt(key, place, bytes);
  const text = opened?.toString("utf8") ?? null;
  // What is no UTF-8 would be read as other characters than were sealed.
  return text !== null && opened !== null && Buffer.from(text).equals(opened) ? text : null;
}

/** Whose data key it is: a wrapped key in another tenant's row, or another key's, is none. */
const keyPlace = (tenant: TenantId, id: Uint8Array): string =>
  `assent/sealed-key/v1\n${tenant}\n${Buffer.from(id).toString("hex")}`;

/**
 * @param publicKey of the installation's sealing key
 * @param secret of the installation as well: neither it nor the sealing key opens anything alone
 * @param seed 32 random bytes that wrap nothing else
 */
export function wrapDataKey(
  given: { readonly publicKey: Uint8Array; readonly secret: Uint8Array; readonly seed: Uint8Array },
  tenant: TenantId,
  key: Uint8Array,
): Buffer {
  const once = privateKeyOf(given.seed);
  const own = publicBytes(once);
  const shared = diffieHellman({ privateKey: once, publicKey: publicKeyOf(given.publicKey) });
  const wrapping = wrappingKey(shared, given.secret, own, given.publicKey);
  return Buffer.concat([own, encrypt(wrapping, keyPlace(tenant, dataKeyId(key)), key)]);
}

/** @param id of the data key @returns null for another key, tenant or secret, and what was changed */
export function unwrapDataKey(
  given: { readonly privateKey: Uint8Array; readonly secret: Uint8Array },
  tenant: TenantId,
  id: Uint8Array,
  wrapped: Uint8Array,
): Buffer | null {
  if (wrapped.byteLength !== WRAPPED_BYTES) return null;
  const own = wrapped.subarray(0, SEALING_KEY_BYTES);
  const privateKey = privateKeyOf(given.privateKey);
  let shared: Buffer;
  try {
    shared = diffieHellman({ privateKey, publicKey: publicKeyOf(own) });
  } catch {
    // A point of low order, which nobody made by the rules.
    return null;
  }
  const wrapping = wrappingKey(shared, given.secret, own, publicBytes(privateKey));
  const key = decrypt(wrapping, keyPlace(tenant, id), Buffer.from(wrapped.subarray(SEALING_KEY_BYTES)));
  return key !== null && dataKeyId(key).equals(id) ? key : null;
}

/** The public half of a sealing key. @param seed 32 random bytes: the key itself */
export const sealingPublicKey = (seed: Uint8Array): Buffer => publicBytes(privateKeyOf(seed));

function wrappingKey(
  shared: Uint8Array,
  secret: Uint8Array,
  own: Uint8Array,
  publicKey: Uint8Array,
): Uint8Array {
  const info = Buffer.concat([Buffer.from("assent/sealed-wrap/v1\n"), own, publicKey]);
  return new Uint8Array(hkdfSync("sha256", shared, secret, info, DATA_KEY_BYTES));
}

type KeyObject = ReturnType<typeof createPublicKey>;

// RFC 8410: what stands before the 32 bytes.
const PRIVATE_PREFIX = Buffer.from("302e020100300506032b656e04220420", "hex");
const PUBLIC_PREFIX = Buffer.from("302a300506032b656e032100", "hex");

function privateKeyOf(seed: Uint8Array): KeyObject {
  assert(seed.byteLength === SEALING_KEY_BYTES, "a sealing key has 32 bytes");
  return createPrivateKey({ key: Buffer.concat([PRIVATE_PREFIX, seed]), format: "der", type: "pkcs8" });
}

function publicKeyOf(bytes: Uint8Array): KeyObject {
  assert(bytes.byteLength === SEALING_KEY_BYTES, "a public half has 32 bytes");
  return createPublicKey({ key: Buffer.concat([PUBLIC_PREFIX, bytes]), format: "der", type: "spki" });
}

const publicBytes = (privateKey: KeyObject): Buffer =>
  createPublicKey(privateKey).export({ format: "der", type: "spki" }).subarray(PUBLIC_PREFIX.byteLength);

function encrypt(key: Uint8Array, place: string, text: Uint8Array): Buffer {
  const cipher = createCipheriv(ALGORITHM, key, NONCE, { authTagLength: TAG_BYTES });
  cipher.setAAD(Buffer.from(place));
  const sealed = Buffer.concat([cipher.update(text), cipher.final()]);
  return Buffer.concat([cipher.getAuthTag(), sealed]);
}

function decrypt(key: Uint8Array, place: string, box: Buffer): Buffer | null {
  if (box.byteLength < TAG_BYTES) return null;
  const decipher = createDecipheriv(ALGORITHM, key, NONCE, { authTagLength: TAG_BYTES });
  decipher.setAAD(Buffer.from(place));
  decipher.setAuthTag(box.subarray(0, TAG_BYTES));
  try {
    return Buffer.concat([decipher.update(box.subarray(TAG_BYTES)), decipher.final()]);
  } catch {
    return null;
  }
}
