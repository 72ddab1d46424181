// Principals all of whose requests must be signed: whatever their keys say, whichever server is asked, and tokens of an
// identity provider as well.

import { randomBytes } from "node:crypto";
import { startTokenIssuer, type TokenIssuer } from "@assent/suite";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type RequestSigningKey, signRequest } from "../../../packages/harness/src/client/gate.ts";
import { ask, bearer, type Edge, openEdge } from "./support.ts";

let edge: Edge;
let issuer: TokenIssuer;
let admin: string;
beforeAll(async () => {
  issuer = await startTokenIssuer(["submitters"]);
  edge = await openEdge({
    identityProviders: [
      {
        name: "corp",
        issuer: issuer.url,
        audience: issuer.audience,
        algorithms: ["ES256"],
        typ: "at+jwt",
        jwksUrl: null,
        tenant: "default",
        kind: "service",
        services: [],
        nameClaim: "sub",
        rolesClaim: "groups",
        roles: { submitters: ["requester"] },
        mustSign: false,
      },
    ],
  });
  admin = await edge.engine.newKey("admin", "default", { roles: ["admin"] });
});
afterAll(async () => {
  await edge[Symbol.asyncDispose]();
  await issuer.stop();
});

const PRINCIPALS = "/api/harness/principals";
const RUNS = "/api/harness/runs";

const demand = async (name: string, mustSign: boolean, key = admin): ReturnType<typeof ask> =>
  await ask(edge.urls[0], key, "POST", PRINCIPALS, {
    principal: { name, kind: "service" },
    must_sign: mustSign,
  });

async function newKey(name: string, grant: object = { roles: ["requester"] }): Promise<string> {
  const made = await ask(edge.urls[0], admin, "POST", "/api/harness/keys", {
    principal: { name, kind: "service" },
    scopes: [],
    ...grant,
  });
  return String(made.body["secret"]);
}

async function newSigningKey(name: string): Promise<RequestSigningKey> {
  const made = await ask(edge.urls[0], admin, "POST", "/api/harness/signing-keys", {
    principal: { name, kind: "service" },
    algorithm: "hmac-sha256",
  });
  return { id: String(made.body["id"]), algorithm: "hmac-sha256", secret: String(made.body["secret"]) };
}

async function readSigned(key: string, signing: RequestSigningKey): Promise<number> {
  const url = edge.urls[0] + RUNS;
  const headers = signRequest({ method: "GET", url, headers: {} }, signing, {
    now: edge.engine.clock.now(),
    nonce: randomBytes(16).toString("hex"),
  });
  return (await fetch(url, { headers: { ...headers, ...bearer(key) } })).status;
}

const unsigned = async (key: string, server: 0 | 1): Promise<unknown> =>
  (await ask(edge.urls[server], key, "GET", RUNS)).body["code"] ?? "let in";

test("what a principal must sign is let in signed only, by every key there is and will be, on every server", async () => {
  const before = await newKey("robot");
  const signing = await newSigningKey("robot");
  expect([await unsigned(before, 0), await unsigned(before, 1)]).toEqual(["let in", "let in"]);
  expect(await demand("robot", true)).toMatchObject({
    status: 200,
    body: { name: "robot", must_sign: true },
  });
  const after = await newKey("robot");
  for (const key of [before, after]) {
    expect([await unsigned(key, 0), await unsigned(key, 1)]).toEqual([
      "signature_missing",
      "signature_missing",
    ]);
    expect(await readSigned(key, signing)).toBe(200);
  }
  const signers = await ask(edge.urls[1], admin, "GET", PRINCIPALS);
  expect(signers.body["data"]).toEqual([expect.objectContaining({ name: "robot", must_sign: true })]);
  // Another of the same name is another.
  const human = await newKey("robot", { principal: { name: "robot", kind: "human" }, roles: ["requester"] });
  expect(await unsigned(human, 0)).toBe("let in");
});

test("only who may all that the principal's keys may takes the demand away", async () => {
  const key = await newKey("cook", { roles: ["approver"] });
  await demand("cook", true);
  const clerk = await newKey("clerk", { scopes: ["keys:admin"] });
  expect(await demand("cook", false, clerk)).toMatchObject({ status: 403, body: { code: "scope_missing" } });
  expect(await unsigned(key, 0)).toBe("signature_missing");
  expect((await demand("cook", false)).status).toBe(200);
  expect((await ask(edge.urls[1], key, "GET", RUNS)).status).toBe(200);
  const requester = await newKey("guest");
  expect((await demand("cook", true, requester)).status).toBe(403);
});

test("nobody locks themselves out", async () => {
  expect(await demand("admin", true)).toMatchObject({
    status: 400,
    body: { code: "invalid_request", errors: [{ pointer: "#/must_sign" }] },
  });
  expect((await ask(edge.urls[0], admin, "GET", PRINCIPALS)).status).toBe(200);
});

test("tokens of an identity provider are let in signed only as well, also of whoever was never here", async () => {
  expect((await demand("corp:robot", true)).status).toBe(200);
  expect(await unsigned(issuer.make(), 0)).toBe("signature_missing");
  expect(await unsigned(issuer.make({ claims: { sub: "other" } }), 0)).toBe("let in");
  expect((await demand("corp:robot", false)).status).toBe(200);
  expect(await unsigned(issuer.make(), 1)).toBe("let in");
});

test("a demand is recorded with who made it; made behind the service's back it is a fact all the same", async () => {
  await demand("walker", true);
  await demand("walker", true);
  const events = await ask(edge.urls[0], admin, "GET", "/api/harness/access-events");
  const data = Array.isArray(events.body["data"]) ? (events.body["data"] as unknown[]) : [];
  const own = data.filter((event) => JSON.stringify(event).includes("principal_changed"));
  expect(own[0]).toMatchObject({
    kind: "principal_changed",
    data: { must_sign: true },
    actor: { name: "admin" },
  });
  const owner = edge.engine.database.ownerPool();
  const facts = async (): Promise<number> => {
    const { rows } = await owner.query<{ data: { must_sign: boolean } }>(
      "select data from assent.audit_facts where kind = 'principal_changed' and subject like 'principal_%'",
    );
    return rows.length;
  };
  const before = await facts();
  await owner.query("update assent.principals set must_sign = false where name = 'walker'");
  expect(await facts()).toBe(before + 1);
});
