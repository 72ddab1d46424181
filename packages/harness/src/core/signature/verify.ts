// Verifies a request's signature under the key that it names. The key says which algorithm it is: a header that could
// choose would turn a public key into a shared secret.

import { createHash, createHmac, createPublicKey, timingSafeEqual, verify } from "node:crypto";
import { parseDictionary } from "structured-headers";
import { signatureBase, type SignedMessage } from "./signature-base.ts";
import { type RequestSignature, SIGNATURE_WINDOW_SECONDS } from "./signature-input.ts";

export type VerifyingKey =
  /** 32 bytes, RFC 8032. */
  | { readonly algorithm: "ed25519"; readonly publicKey: Uint8Array }
  | { readonly algorithm: "hmac-sha256"; readonly secret: Uint8Array };

const ED25519_SIGNATURE_BYTES = 64;
const ED25519_KEY_BYTES = 32;

/** Null: it is right. Else a sentence that may be shown. */
export function refuseSignature(
  message: SignedMessage,
  signature: RequestSignature,
  key: VerifyingKey,
  now: Date,
): string | null {
  if (signature.algorithm !== null && signature.algorithm !== key.algorithm)
    return "The signature's alg is not that of its key.";
  return (
    refuseTime(signature, now) ??
    refuseDigest(message) ??
    (isRight(message, signature, key) ? null : "The signature does not fit the request.")
  );
}

function refuseTime({ created, expires }: RequestSignature, now: Date): string | null {
  const seconds = now.getTime() / 1_000;
  if (Math.abs(seconds - created) > SIGNATURE_WINDOW_SECONDS)
    return `The signature was not made within ${SIGNATURE_WINDOW_SECONDS} seconds of now.`;
  if (expires <= seconds || expires <= created) return "The signature has expired.";
  return null;
}

// RFC 9530, over the bytes as they came: what a parser makes of them is another matter.
function refuseDigest({ fields, body }: SignedMessage): string | null {
  const field = fields.get("content-digest");
  if (field === undefined)
    return body.length === 0 ? null : "A signed request with a body needs a Content-Digest.";
  let given: unknown;
  try {
    given = parseDictionary(field).get("sha-256")?.[0];
  } catch {
    given = undefined;
  }
  if (!(given instanceof ArrayBuffer)) return "The Content-Digest must have a sha-256.";
  const wanted = createHash("sha256").update(body).digest();
  const bytes = Buffer.from(given);
  return bytes.length === wanted.length && timingSafeEqual(bytes, wanted)
    ? null
    : "The Content-Digest is not that of the body.";
}

function isRight(message: SignedMessage, { input, signature }: RequestSignature, key: VerifyingKey): boolean {
  const base = signatureBase(message, input);
  return base !== null && verifyBase(base, signature, key);
}

/** Whether the signature fits the text. */
export function verifyBase(base: string, signature: Uint8Array, key: VerifyingKey): boolean {
  const text = Buffer.from(base, "latin1");
  if (key.algorithm === "hmac-sha256") {
    const wanted = createHmac("sha256", key.secret).update(text).digest();
    return signature.length === wanted.length && timingSafeEqual(signature, wanted);
  }
  if (signature.length !== ED25519_SIGNATURE_BYTES || !isUsableKey(key.publicKey)) return false;
  const x = Buffer.from(key.publicKey).toString("base64url");
  const publicKey = createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x }, format: "jwk" });
  return verify(null, text, publicKey, signature);
}

// Points of small order, for which one signature fits every text (libsodium, ge25519_has_small_order): the y
// coordinates without the sign bit.
const SMALL_ORDER: ReadonlySet<string> = new Set([
  "0000000000000000000000000000000000000000000000000000000000000000",
  "0100000000000000000000000000000000000000000000000000000000000000",
  "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
  "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
  "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
]);

/** Whether 32 bytes can be an Ed25519 key that binds a signature to its text. */
export function isUsableKey(publicKey: Uint8Array): boolean {
  if (publicKey.length !== ED25519_KEY_BYTES) return false;
  const y = Buffer.from(publicKey);
  y[31] = (y[31] ?? 0) & 0x7f;
  return !SMALL_ORDER.has(y.toString("hex"));
}
