// An identity provider of the suite's own: a real issuer on loopback, and tokens made by hand, for half of those that a
// scenario needs no library would make.

import { createHmac, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";

export type TokenChange = {
  /** Instead of what a good token has; undefined leaves a claim out. */
  readonly claims?: Readonly<Record<string, unknown>>;
  readonly header?: Readonly<Record<string, unknown>>;
  /** `own` where it is not said. `secret`: HMAC, with the public key for a secret; `nothing`: no signature at all. */
  readonly signedBy?: "own" | "stranger" | "secret" | "nothing";
  /** Put in the place of the claims once they are signed. */
  readonly forged?: Readonly<Record<string, unknown>>;
};

export type TokenIssuer = {
  readonly url: string;
  readonly audience: string;
  make(change?: TokenChange): string;
  stop(): Promise<void>;
};

/** How long a good token is good. */
const LIFE_SECONDS = 600;

const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");

/** @param groups of whoever the tokens name, in the claim `groups` */
export async function startTokenIssuer(groups: readonly string[]): Promise<TokenIssuer> {
  const own = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const stranger = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const jwk = { ...own.publicKey.export({ format: "jwk" }), kid: "k1", alg: "ES256", use: "sig" };
  const server = createServer((message, response) => {
    const body = message.url === "/keys" ? { keys: [jwk] } : { issuer: url, jwks_uri: `${url}/keys` };
    response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(body));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the issuer has no port");
  const url = `http://127.0.0.1:${address.port}`;
  const audience = "https://assent.example";
  const keys = { own: own.privateKey, stranger: stranger.privateKey };
  return {
    url,
    audience,
    make: (change = {}) => {
      const now = Math.floor(Date.now() / 1_000);
      const claims = { iss: url, aud: audience, sub: "robot", groups, iat: now, exp: now + LIFE_SECONDS };
      return tokenOf({ ...claims, ...change.claims }, change, keys, own.publicKey);
    },
    stop: async () => {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

function tokenOf(
  claims: object,
  { header, signedBy = "own", forged }: TokenChange,
  keys: { readonly own: KeyObject; readonly stranger: KeyObject },
  publicKey: KeyObject,
): string {
  const head = part({ alg: "ES256", kid: "k1", typ: "at+jwt", ...header });
  const text = `${head}.${part(claims)}`;
  const told = forged === undefined ? text : `${head}.${part({ ...claims, ...forged })}`;
  if (signedBy === "nothing") return `${told}.`;
  if (signedBy === "secret") {
    const secret = publicKey.export({ type: "spki", format: "pem" });
    return `${told}.${createHmac("sha256", secret).update(text).digest("base64url")}`;
  }
  const signature = sign("sha256", Buffer.from(text), { key: keys[signedBy], dsaEncoding: "ieee-p1363" });
  return `${told}.${signature.toString("base64url")}`;
}
