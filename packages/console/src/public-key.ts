// The public half of an Ed25519 pair as people have it: the `x` of a JWK, or the PEM that openssl writes.

/** 32 bytes: of the last letter four bits count. */
const X = /^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/;
const PEM = /^-----BEGIN PUBLIC KEY-----([A-Za-z0-9+/=\s]+)-----END PUBLIC KEY-----$/;
/** What stands before the 32 bytes in an Ed25519 SubjectPublicKeyInfo (RFC 8410), in base64: whole groups of three bytes. */
const SPKI_PREFIX = "MCowBQYDK2VwAyEA";

/** @returns the 32 bytes in base64url, as the API takes them; null where it is neither */
export function publicKeyOf(text: string): string | null {
  const given = text.trim();
  if (X.test(given)) return given;
  const body = PEM.exec(given)?.[1]?.replaceAll(/\s/g, "");
  if (body?.startsWith(SPKI_PREFIX) !== true) return null;
  const key = body.slice(SPKI_PREFIX.length).replace(/=+$/, "").replaceAll("+", "-").replaceAll("/", "_");
  return X.test(key) ? key : null;
}
