// Signs requests to a harness: RFC 9421 with RFC 9530, in the one profile that it speaks (docs/signatures.md). A repeat
// of a request is signed anew, with its own nonce, and keeps its Idempotency-Key.

import { createHash, createHmac, createPrivateKey, sign } from "node:crypto";
import { type InnerList, serializeDictionary, serializeInnerList } from "structured-headers";
import { signatureBase } from "../core/signature/signature-base.ts";
import { coverageOf, SIGNATURE_TAG, SIGNATURE_WINDOW_SECONDS } from "../core/signature/signature-input.ts";

export type RequestSigningKey = { readonly id: string } & (
  | {
      readonly algorithm: "ed25519";
      /** PKCS 8, PEM. */
      readonly privateKey: string;
    }
  | {
      readonly algorithm: "hmac-sha256";
      /** Base64, as the harness showed it. */
      readonly secret: string;
    }
);

export type RequestToSign = {
  readonly method: string;
  readonly url: string;
  /** With content-type and idempotency-key, where the request has them; names in any case. */
  readonly headers: Readonly<Record<string, string>>;
  /** The very bytes that are sent. */
  readonly body?: Uint8Array | string;
};

/** @returns the headers to add: Content-Digest (for a body), Signature-Input and Signature */
export function signRequest(
  request: RequestToSign,
  key: RequestSigningKey,
  made: { readonly now: Date; readonly nonce: string } = { now: new Date(), nonce: crypto.randomUUID() },
): Readonly<Record<string, string>> {
  const url = new URL(request.url);
  const body = Buffer.from(request.body ?? "");
  const digest =
    body.length === 0
      ? {}
      : { "content-digest": serializeDictionary({ "sha-256": createHash("sha256").update(body).digest() }) };
  const fields = new Map(
    Object.entries({ ...request.headers, ...digest }).map(([name, value]) => [
      name.toLowerCase(),
      value.trim(),
    ]),
  );
  const created = Math.floor(made.now.getTime() / 1_000);
  const input: InnerList = [
    coverageOf(fields).map((name) => [name, new Map()]),
    new Map<string, string | number>([
      ["created", created],
      ["expires", created + SIGNATURE_WINDOW_SECONDS],
      ["nonce", made.nonce],
      ["keyid", key.id],
      ["alg", key.algorithm],
      ["tag", SIGNATURE_TAG],
    ]),
  ];
  const message = {
    method: request.method,
    authority: url.host,
    path: url.pathname,
    query: url.search === "" ? "?" : url.search,
    fields,
    body,
  };
  const base = signatureBase(message, input);
  if (base === null) throw new TypeError("a header that is signed holds a line break");
  return {
    ...digest,
    "signature-input": `sig1=${serializeInnerList(input)}`,
    signature: serializeDictionary({ sig1: signBase(Buffer.from(base, "latin1"), key) }),
  };
}

function signBase(base: Buffer, key: RequestSigningKey): Uint8Array {
  return key.algorithm === "hmac-sha256"
    ? createHmac("sha256", Buffer.from(key.secret, "base64")).update(base).digest()
    : sign(null, base, createPrivateKey(key.privateKey));
}
