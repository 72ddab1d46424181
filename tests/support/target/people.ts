// The keys of the people and services that scenarios act as. Those of the operator's tenant are made over the API, as
// an operator would; there is no API for another tenant, so that one is made by the harness's own set-up code.

import { generateKeyPairSync, randomBytes } from "node:crypto";
import { createdKeySchema, createdSigningKeySchema, type KeyRequest, uuidOf } from "@assent/contract";
import type { Role, SigningBench, TokenIssuer } from "@assent/suite";
import type { Pool } from "pg";
import { ensureKey, ensureTenant } from "../../../packages/harness/src/adapters/postgres/bootstrap.ts";
import { transaction } from "../../../packages/harness/src/adapters/postgres/connect.ts";
import { systemClock } from "../../../packages/harness/src/adapters/system/clock.ts";
import { systemRandom } from "../../../packages/harness/src/adapters/system/random.ts";
import { readSecrets } from "../../../packages/harness/src/home.ts";
import { keyHasher, keyPrefix, newKey } from "../../../packages/harness/src/services/keys.ts";

/** What tokens of the suite's issuer say of their holder, and the role that this gives. */
export const TOKEN_GROUP = "submitters";

export const providerConfig = ({ url, audience }: TokenIssuer): unknown => ({
  name: "suite",
  issuer: url,
  audience,
  algorithms: ["ES256"],
  kind: "service",
  roles_claim: "groups",
  roles: { [TOKEN_GROUP]: ["requester"] },
});

export type Keys = { readonly [R in Role]: string } & { readonly signing: SigningBench };

export async function createKey(url: string, operatorKey: string, request: KeyRequest): Promise<string> {
  const response = await fetch(`${url}/api/harness/keys`, {
    method: "POST",
    headers: { authorization: `Bearer ${operatorKey}`, "content-type": "application/json" },
    body: JSON.stringify(request),
  });
  if (response.status !== 201) throw new Error(`no key: ${response.status} ${await response.text()}`);
  return createdKeySchema.parse(await response.json()).secret;
}

// A service that must sign: its bearer key opens nothing by itself.
async function createSigner(url: string, operatorKey: string): Promise<SigningBench> {
  const principal = { name: "robot", kind: "service" } as const;
  const bearer = await createKey(url, operatorKey, {
    principal,
    scopes: ["runs:read", "runs:write"],
    must_sign: true,
  });
  const auditor = await createKey(url, operatorKey, {
    principal: { name: "keeper", kind: "human" },
    scopes: [],
    roles: ["auditor"],
  });
  const pair = generateKeyPairSync("ed25519");
  const response = await fetch(`${url}/api/harness/signing-keys`, {
    method: "POST",
    headers: { authorization: `Bearer ${operatorKey}`, "content-type": "application/json" },
    body: JSON.stringify({
      principal,
      algorithm: "ed25519",
      public_key: pair.publicKey.export({ format: "jwk" }).x,
    }),
  });
  if (response.status !== 201) throw new Error(`no key: ${response.status} ${await response.text()}`);
  const made: unknown = await response.json();
  const { id } = createdSigningKeySchema.parse(made);
  const privateKey = String(pair.privateKey.export({ type: "pkcs8", format: "pem" }));
  return { bearer, key: { id, privateKey }, auditor };
}

const FOREIGN: Pick<KeyRequest, "scopes" | "roles"> = {
  scopes: ["runs:read", "runs:write", "approvals:decide", "documents:read", "documents:write"],
};

const EVERYTHING = ["requester", "approver", "auditor", "admin"] as const;

const newTenant = (): string => `other-${randomBytes(4).toString("hex")}`;

/** A key of a tenant of its own, or of the one that is named. */
export async function createForeignKey(
  home: string,
  owner: Pool,
  { scopes, roles = [] }: Pick<KeyRequest, "scopes" | "roles"> = FOREIGN,
  name: string = newTenant(),
): Promise<string> {
  const secrets = readSecrets(home, undefined, systemRandom);
  if (!secrets.ok) throw new Error(secrets.error.detail);
  const key = newKey(systemRandom);
  await transaction(owner, async (client) => {
    const setup = { client, clock: systemClock, random: systemRandom };
    const tenant = await ensureTenant(setup, name);
    await ensureKey(setup, uuidOf(tenant), {
      principal: { name: "stranger", kind: "service" },
      hash: keyHasher(secrets.value.keys)(key),
      prefix: keyPrefix(key),
      scopes,
      roles,
    });
  });
  return key;
}

export async function createKeys(url: string, operatorKey: string, home: string, owner: Pool): Promise<Keys> {
  const other = newTenant();
  return {
    requester: await createKey(url, operatorKey, {
      principal: { name: "requester", kind: "service" },
      scopes: ["runs:read", "runs:write", "documents:read", "documents:write"],
    }),
    approver: await createKey(url, operatorKey, {
      principal: { name: "approver", kind: "human" },
      scopes: ["runs:read", "approvals:decide"],
    }),
    second_approver: await createKey(url, operatorKey, {
      principal: { name: "second-approver", kind: "human" },
      scopes: ["runs:read", "approvals:decide"],
    }),
    self_approver: await createKey(url, operatorKey, {
      principal: { name: "self-approver", kind: "human" },
      scopes: ["runs:read", "runs:write", "approvals:decide"],
    }),
    other_principal: await createKey(url, operatorKey, {
      principal: { name: "colleague", kind: "service" },
      scopes: ["runs:read", "runs:write"],
    }),
    auditor: await createKey(url, operatorKey, {
      principal: { name: "auditor", kind: "human" },
      scopes: ["audit:read"],
    }),
    admin: await createKey(url, operatorKey, {
      principal: { name: "administrator", kind: "human" },
      scopes: [],
      roles: [...EVERYTHING],
    }),
    other_tenant: await createForeignKey(home, owner, FOREIGN, other),
    other_admin: await createForeignKey(home, owner, { scopes: [], roles: [...EVERYTHING] }, other),
    other_auditor: await createForeignKey(home, owner, { scopes: ["audit:read"] }, other),
    signing: await createSigner(url, operatorKey),
  };
}
