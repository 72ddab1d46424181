// Signed requests (RFC 9421 with RFC 9530, spec/conventions.md) as the suite makes them: with its own code, so that a
// mistake that a harness makes on both of its sides is not made here too.

import { createHash, createPrivateKey, sign } from "node:crypto";
import type { HttpRequest } from "./http.ts";

/** Ed25519. */
export type SuiteSigningKey = {
  /** `keyid`. */
  readonly id: string;
  /** PKCS 8, PEM. */
  readonly privateKey: string;
};

/** How long a signature says that it is good: the window of the profile. */
export const SIGNATURE_GOOD_SECONDS = 300;

/** What is covered where the request has it; the four derived components always are. */
const FIELDS = ["content-digest", "content-type", "idempotency-key"] as const;

export type SignatureMade = {
  /** `host:port`, as it is sent. */
  readonly authority: string;
  readonly nonce: string;
  /** Whole seconds since 1970. */
  readonly created: number;
};

export const contentDigest = (body: string | Uint8Array): string =>
  `sha-256=:${createHash("sha256").update(body).digest("base64")}:`;

/** The text that is signed. `parameters` is the member of Signature-Input, as it stands in the header. */
export function signedText(request: HttpRequest, authority: string, parameters: string): string {
  const url = new URL(request.path, "http://suite.invalid");
  const covered: readonly (readonly [string, string])[] = [
    ["@method", request.method],
    ["@authority", authority],
    ["@path", url.pathname],
    ["@query", url.search === "" ? "?" : url.search],
    ...fieldsOf(request.headers),
  ];
  const lines = covered.map(([name, value]) => `"${name}": ${value}`);
  return [...lines, `"@signature-params": ${parameters}`].join("\n");
}

const fieldsOf = (headers: HttpRequest["headers"]): readonly (readonly [string, string])[] =>
  FIELDS.flatMap((name) => {
    const value = headers[name];
    return value === undefined ? [] : [[name, value] as const];
  });

/** @returns the request with Host, Content-Digest, Signature-Input and Signature; names of headers in lower case */
export function signedRequest(request: HttpRequest, key: SuiteSigningKey, made: SignatureMade): HttpRequest {
  const headers = {
    ...request.headers,
    host: made.authority,
    ...(request.body === null ? {} : { "content-digest": contentDigest(request.body) }),
  };
  const names = ["@method", "@authority", "@path", "@query", ...fieldsOf(headers).map(([name]) => name)];
  const parameters =
    `(${names.map((name) => `"${name}"`).join(" ")});created=${made.created}` +
    `;expires=${made.created + SIGNATURE_GOOD_SECONDS};nonce="${made.nonce}";keyid="${key.id}"` +
    `;alg="ed25519";tag="assent-v1"`;
  const text = signedText({ ...request, headers }, made.authority, parameters);
  const signature = sign(null, Buffer.from(text, "latin1"), createPrivateKey(key.privateKey));
  return {
    ...request,
    headers: {
      ...headers,
      "signature-input": `sig1=${parameters}`,
      signature: `sig1=:${signature.toString("base64")}:`,
    },
  };
}
