// Keys of signed notes: their names, ids and text forms. https://c2sp.org/signed-note, https://c2sp.org/tlog-cosignature

import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
  verify,
} from "node:crypto";
import { sha256 } from "./hash.ts";
import { fail, ok, type Result } from "./result.ts";
import { decodeBase64, encodeBase64, encodeUtf8 } from "./text.ts";

/** Signature types of the specification, by their identifier byte. */
export const SIGNATURE_TYPES: {
  readonly ed25519: 0x01;
  readonly cosignature: 0x04;
  readonly mldsa: 0x06;
} = { ed25519: 0x01, cosignature: 0x04, mldsa: 0x06 };

export type SignatureType = (typeof SIGNATURE_TYPES)[keyof typeof SIGNATURE_TYPES];

/** Bytes of a bare public key and of a bare signature. A key of a type has one length, so no key fits two types. */
const FORMS: { readonly [T in SignatureType]: { readonly key: number; readonly signature: number } } = {
  0x01: { key: 32, signature: 64 },
  0x04: { key: 32, signature: 64 },
  0x06: { key: 1312, signature: 2420 },
};

export type VerifierKey = {
  readonly name: string;
  /** First four bytes of SHA-256(name || 0x0A || type || public key). An identifier, not a fingerprint. */
  readonly id: number;
  readonly type: SignatureType;
  readonly publicKey: Uint8Array;
  /** `<name>+<id in hex>+base64(<type> || <public key>)` */
  readonly vkey: string;
  /** Whether the bare signature is this key's over the message. */
  readonly verify: (message: Uint8Array, signature: Uint8Array) => boolean;
};

export type SignerKey = VerifierKey & { readonly sign: (message: Uint8Array) => Uint8Array };

/** Not empty, and free of spaces of Unicode, of plus signs and of control characters. */
export const isKeyName = (name: string): boolean => name.isWellFormed() && KEY_NAME.test(name);

// eslint-disable-next-line no-control-regex
const KEY_NAME = /^[^\s+\u0085\u0000-\u001F\u007F]+$/u;

export function keyId(name: string, type: SignatureType, publicKey: Uint8Array): number {
  const digest = sha256(Buffer.concat([encodeUtf8(`${name}\n`), Uint8Array.of(type), publicKey]));
  return Buffer.from(digest).readUInt32BE(0);
}

/** @throws RangeError for a name that notes cannot carry, or a public key of the wrong length */
export function verifierKey(name: string, type: SignatureType, publicKey: Uint8Array): VerifierKey {
  if (!isKeyName(name)) throw new RangeError("a key's name has no spaces and no plus sign");
  if (publicKey.byteLength !== FORMS[type].key) throw new RangeError("the public key has another length");
  const id = keyId(name, type, publicKey);
  const key = importPublicKey(type, publicKey);
  return {
    name,
    id,
    type,
    publicKey,
    vkey: `${name}+${hexOfId(id)}+${encodeBase64(Buffer.concat([Uint8Array.of(type), publicKey]))}`,
    verify: (message, signature) =>
      key !== null && signature.byteLength === FORMS[type].signature && verify(null, message, key, signature),
  };
}

export const hexOfId = (id: number): string => id.toString(16).padStart(8, "0");

// Null for a point that is not on the curve: such a key verifies nothing.
function importPublicKey(type: SignatureType, bytes: Uint8Array): KeyObject | null {
  const raw = Buffer.from(bytes).toString("base64url");
  const jwk =
    type === SIGNATURE_TYPES.mldsa
      ? { kty: "AKP", alg: "ML-DSA-44", pub: raw }
      : { kty: "OKP", crv: "Ed25519", x: raw };
  try {
    return createPublicKey({ key: jwk, format: "jwk" });
  } catch (error) {
    if (error instanceof Error) return null;
    throw error;
  }
}

/** Reads a vkey; its id must be the one that its name and key give. */
export function parseVerifierKey(text: string): Result<VerifierKey> {
  const parts = /^([^+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)$/u.exec(text);
  const [, name, id, material] = parts ?? [];
  if (name === undefined || id === undefined || material === undefined || !isKeyName(name))
    return fail("not a verifier key: expected name+id+key");
  const bytes = decodeBase64(material);
  const [code] = bytes ?? [];
  const type = Object.values(SIGNATURE_TYPES).find((known) => known === code);
  if (bytes === null || type === undefined) return fail("the key is of a type that is not known here");
  const publicKey = bytes.subarray(1);
  if (publicKey.byteLength !== FORMS[type].key)
    return fail("the public key has another length than its type has");
  const key = verifierKey(name, type, publicKey);
  return hexOfId(key.id) === id ? ok(key) : fail("the id is not the one of this name and key");
}

const SEED_BYTES = 32;
// RFC 8410: the fixed beginning of a PKCS #8 private key of Ed25519; its 32-byte seed follows.
const ED25519_PKCS8 = Buffer.from("302e020100300506032b657004220420", "hex");

/** A key pair from its 32-byte seed. The same seed must not serve two types (the specification forbids it). */
export function signerKey(name: string, type: SignatureType, seed: Uint8Array): SignerKey {
  if (seed.byteLength !== SEED_BYTES) throw new RangeError("a seed has 32 bytes");
  const privateKey = type === SIGNATURE_TYPES.mldsa ? mldsaFromSeed(seed) : ed25519FromSeed(seed);
  const jwk = createPublicKey(privateKey).export({ format: "jwk" });
  const raw: unknown = type === SIGNATURE_TYPES.mldsa ? Reflect.get(jwk, "pub") : jwk.x;
  if (typeof raw !== "string") throw new RangeError("the platform gives no public key for this type");
  const key = verifierKey(name, type, Buffer.from(raw, "base64url"));
  return { ...key, sign: (message) => sign(null, message, privateKey) };
}

const ed25519FromSeed = (seed: Uint8Array): KeyObject =>
  createPrivateKey({ key: Buffer.concat([ED25519_PKCS8, seed]), format: "der", type: "pkcs8" });

// RFC 9881: the fixed beginning of a PKCS #8 private key of ML-DSA-44 in its seed form.
const MLDSA44_PKCS8 = Buffer.from("3034020100300b060960864801650304031104228020", "hex");

const mldsaFromSeed = (seed: Uint8Array): KeyObject =>
  createPrivateKey({ key: Buffer.concat([MLDSA44_PKCS8, seed]), format: "der", type: "pkcs8" });

/** A fresh Ed25519 seed from the system's randomness. */
export function newSeed(): Uint8Array {
  const { privateKey } = generateKeyPairSync("ed25519");
  return new Uint8Array(privateKey.export({ format: "der", type: "pkcs8" }).subarray(-SEED_BYTES));
}
