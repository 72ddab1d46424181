// Bearer tokens of a real issuer on loopback: taken when all of them is right, and for no other reason.

import { createHmac, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { IdentityProvider } from "../../../packages/harness/src/core/access/token-subject.ts";
import { ask, type Edge, openEdge } from "./support.ts";

const GOOD = generateKeyPairSync("ec", { namedCurve: "P-256" });
const OTHER = generateKeyPairSync("ec", { namedCurve: "P-256" });
const AUDIENCE = "https://assent.example";

let edge: Edge;
let issuer: string;
let server: Server;
let keySetReads = 0;
let uselessReads = 0;

const DISCOVERY = "/.well-known/openid-configuration";
/** Answers with status 200 that are of no use, by where they stand. */
const USELESS: Readonly<Record<string, (origin: string) => string>> = {
  "/useless/no-json/keys": () => "<html>",
  "/useless/no-keys/keys": () => '{"error":"try again"}',
  "/useless/odd-keys/keys": () => '{"keys":["k1"]}',
  [`/useless/other-issuer${DISCOVERY}`]: (origin) =>
    JSON.stringify({ issuer: origin, jwks_uri: `${origin}/keys` }),
  [`/useless/far-keys${DISCOVERY}`]: (origin) =>
    JSON.stringify({ issuer: `${origin}/useless/far-keys`, jwks_uri: "http://keys.example/keys" }),
};
beforeAll(async () => {
  const jwk = { ...GOOD.publicKey.export({ format: "jwk" }), kid: "k1", alg: "ES256", use: "sig" };
  server = createServer((request, response) => {
    if (request.url === "/keys") keySetReads += 1;
    if (request.url?.startsWith("/useless/") === true) uselessReads += 1;
    const useless = USELESS[request.url ?? ""];
    if (useless !== undefined) {
      response.writeHead(200, { "content-type": "application/json" }).end(useless(issuer));
      return;
    }
    const found = request.url === "/keys" ? { keys: [jwk] } : { issuer, jwks_uri: `${issuer}/keys` };
    response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(found));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the issuer has no port");
  issuer = `http://127.0.0.1:${address.port}`;
  const provider: IdentityProvider = {
    name: "corp",
    issuer,
    audience: AUDIENCE,
    algorithms: ["ES256"],
    typ: "at+jwt",
    jwksUrl: null,
    tenant: "default",
    kind: "human",
    services: [],
    nameClaim: "sub",
    rolesClaim: "groups",
    roles: { approvers: ["approver"], ops: ["admin"] },
    mustSign: false,
  };
  const useless = Object.keys(USELESS).map((path, at): IdentityProvider => {
    const own = path.endsWith("/keys");
    const place = `${issuer}${path.slice(0, own ? -"/keys".length : -DISCOVERY.length)}`;
    return { ...provider, name: `useless${at}`, issuer: place, jwksUrl: own ? `${issuer}${path}` : null };
  });
  edge = await openEdge({ identityProviders: [provider, ...useless] });
});
afterAll(async () => {
  await edge[Symbol.asyncDispose]();
  server.close();
});

const nowSeconds = (): number => Math.floor(edge.engine.clock.now().getTime() / 1_000);

type Claims = Readonly<Record<string, unknown>>;

const claims = (change: Claims = {}): Claims => ({
  iss: issuer,
  aud: AUDIENCE,
  sub: "anna",
  exp: nowSeconds() + 300,
  iat: nowSeconds(),
  groups: ["approvers", "unknown"],
  ...change,
});

const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");

// By hand, and not by the library that the harness verifies with: half of these no library would make.
function token(change: Claims = {}, header: Claims = {}, key: KeyObject = GOOD.privateKey): string {
  const text = `${part({ alg: "ES256", kid: "k1", typ: "at+jwt", ...header })}.${part(claims(change))}`;
  const signature = sign("sha256", Buffer.from(text), { key, dsaEncoding: "ieee-p1363" });
  return `${text}.${signature.toString("base64url")}`;
}

const asks = async (bearer: string, path = "/openapi.json"): Promise<number> =>
  (await ask(edge.urls[0], bearer, "GET", path)).status;

test("a good token is its holder, with the roles that the configuration gives its claims and no others", async () => {
  const good = token();
  expect(await asks(good, "/api/harness/precedents")).toBe(200);
  expect(await asks(good, "/api/harness/keys")).toBe(403);
  expect(await asks(token({ groups: ["ops"] }), "/api/harness/keys")).toBe(200);
  expect(await asks(token({ groups: ["admin", "__proto__"] }), "/api/harness/runs")).toBe(403);
  const { rows } = await edge.engine.database
    .ownerPool()
    .query<{ name: string; kind: string }>(
      "select name, kind from assent.principals where name like 'corp:%'",
    );
  expect(rows).toEqual([{ name: "corp:anna", kind: "human" }]);
});

function hs256(): string {
  const text = `${part({ alg: "HS256", kid: "k1", typ: "at+jwt" })}.${part(claims())}`;
  const secret = GOOD.publicKey.export({ type: "spki", format: "pem" });
  return `${text}.${createHmac("sha256", secret).update(text).digest("base64url")}`;
}

const unsigned = (): string => `${part({ alg: "none", kid: "k1", typ: "at+jwt" })}.${part(claims())}.`;

test.each<[string, () => string]>([
  ["another audience", () => token({ aud: "https://other.example" })],
  ["no audience", () => token({ aud: [] })],
  ["another issuer", () => token({ iss: "https://issuer.example" })],
  ["an issuer with more behind it", () => token({ iss: `${issuer}/` })],
  ["no end", () => token({ exp: undefined })],
  ["an end that has passed", () => token({ exp: nowSeconds() - 60 })],
  ["a beginning that has not come", () => token({ nbf: nowSeconds() + 60 })],
  ["an ID token's type", () => token({}, { typ: "JWT" })],
  ["no subject", () => token({ sub: undefined })],
  ["a subject that cannot be seen", () => token({ sub: "anna\u200b" })],
  ["another key under the same id", () => token({}, {}, OTHER.privateKey)],
  ["a key that there is not", () => token({}, { kid: "k2" }, OTHER.privateKey)],
  ["alg none", unsigned],
  ["the public key as an HMAC secret", hs256],
  [
    "a changed payload",
    () =>
      token().replace(
        /\.[^.]+\./,
        `.${Buffer.from(JSON.stringify(claims({ sub: "eve" }))).toString("base64url")}.`,
      ),
  ],
])("a token with %s opens nothing", async (_name, make) => {
  const before = await edge.rows();
  expect(await asks(make())).toBe(401);
  expect(await edge.rows()).toEqual(before);
});

test("clocks may differ by half a minute", async () => {
  expect(await asks(token({ exp: nowSeconds() - 20 }))).toBe(200);
  expect(await asks(token({ nbf: nowSeconds() + 20 }))).toBe(200);
});

test("unknown keys do not make us ask the issuer again and again", async () => {
  await asks(token());
  const before = keySetReads;
  for (let at = 0; at < 20; at += 1) await asks(token({}, { kid: `x${at}` }, OTHER.privateKey));
  expect(keySetReads - before).toBeLessThanOrEqual(1);
});

test("an issuer whose answers are of no use is not asked again and again either", async () => {
  for (const path of Object.keys(USELESS)) {
    const before = uselessReads;
    const place = issuer + path.replace(/(?:\/keys|\/\.well-known.*)$/, "");
    for (let at = 0; at < 10; at += 1) expect(await asks(token({ iss: place }))).toBe(401);
    expect(`${path}: ${uselessReads - before}`).toBe(`${path}: 1`);
  }
});
