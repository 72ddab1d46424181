// Keys and signatures as others have published them. What has no room here is run by scripts/foreign-vectors.ts.

import { expect, test } from "vitest";
import { SIGNATURE_TYPES, signerKey, verifierKey } from "./keys.ts";
import { RFC8032, RFC9881_SEED, readRfc9881 } from "./testing/published.ts";

test.each(RFC8032)("RFC 8032, section 7.1, test %i", (_, seed, key, message, signature) => {
  const signer = signerKey("published", SIGNATURE_TYPES.ed25519, Buffer.from(seed, "hex"));
  expect(Buffer.from(signer.publicKey).toString("hex")).toBe(key);
  const bytes = Buffer.from(message, "hex");
  expect(Buffer.from(signer.sign(bytes)).toString("hex")).toBe(signature);
  const verifier = verifierKey("published", SIGNATURE_TYPES.ed25519, Buffer.from(key, "hex"));
  expect(verifier.verify(bytes, Buffer.from(signature, "hex"))).toBe(true);
  expect(verifier.verify(Buffer.concat([bytes, Buffer.of(0)]), Buffer.from(signature, "hex"))).toBe(false);
});

test("RFC 9881, appendix C: the key of ML-DSA-44 is the one of its seed, and has signed its certificate", () => {
  const { key, message, signature } = readRfc9881();
  const made = signerKey("published", SIGNATURE_TYPES.mldsa, RFC9881_SEED).publicKey;
  expect(Buffer.from(made).equals(key)).toBe(true);
  const verifier = verifierKey("published", SIGNATURE_TYPES.mldsa, key);
  expect(verifier.verify(message, signature)).toBe(true);
  for (const [of, at] of [
    [message, 100],
    [signature, 0],
    [signature, 1_000],
    [signature, signature.byteLength - 1],
  ] as const) {
    const other = Buffer.from(of);
    other[at] = (other[at] ?? 0) ^ 1;
    expect(verifier.verify(of === message ? other : message, of === message ? signature : other)).toBe(false);
  }
});
