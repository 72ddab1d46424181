import { expect, test } from "vitest";
import { publicKeyOf } from "./public-key.ts";

const pairOf = async (algorithm: "Ed25519" | "X25519"): Promise<CryptoKeyPair> => {
  const uses = algorithm === "Ed25519" ? (["sign", "verify"] as const) : (["deriveBits"] as const);
  const made = await crypto.subtle.generateKey({ name: algorithm }, true, uses);
  if (!("privateKey" in made)) throw new Error("it is a pair");
  return made;
};

async function pemOf(name: "PUBLIC KEY" | "PRIVATE KEY", key: CryptoKey): Promise<string> {
  const bytes = await crypto.subtle.exportKey(name === "PUBLIC KEY" ? "spki" : "pkcs8", key);
  const text = btoa(String.fromCodePoint(...new Uint8Array(bytes)));
  return `-----BEGIN ${name}-----\n${text.replaceAll(/.{64}/g, "$&\n")}\n-----END ${name}-----\n`;
}

test("a public key is taken as a JWK has it, and as openssl writes it", async () => {
  for (let n = 0; n < 50; n += 1) {
    const { publicKey } = await pairOf("Ed25519");
    const { x = "" } = await crypto.subtle.exportKey("jwk", publicKey);
    const pem = await pemOf("PUBLIC KEY", publicKey);
    const taken = [publicKeyOf(` ${x}\n`), publicKeyOf(pem), publicKeyOf(pem.replaceAll("\n", "\r\n"))];
    expect(taken).toEqual([x, x, x]);
  }
});

test("no other key is taken for one, and no private half", async () => {
  const { privateKey } = await pairOf("Ed25519");
  const other = await pairOf("X25519");
  const pems = [await pemOf("PRIVATE KEY", privateKey), await pemOf("PUBLIC KEY", other.publicKey)];
  for (const text of ["", "short", "A".repeat(42), `${"A".repeat(42)}B`, ...pems])
    expect(publicKeyOf(text)).toBeNull();
});
