// The keys of the people and services that scenarios act as. Those of the operator's tenant are made over the API, as
// an operator would; there is no API for another tenant, so that one is made by the harness's own set-up code.

import { randomBytes } from "node:crypto";
import { createdKeySchema, type KeyRequest, uuidOf } from "@assent/contract";
import type { Role } from "@assent/suite";
import type { Pool } from "pg";
import { ensureKey, ensureTenant } from "../../../packages/harness/src/adapters/postgres/bootstrap.ts";
import { transaction } from "../../../packages/harness/src/adapters/postgres/connect.ts";
import { systemClock } from "../../../packages/harness/src/adapters/system/clock.ts";
import { systemRandom } from "../../../packages/harness/src/adapters/system/random.ts";
import { readSecrets } from "../../../packages/harness/src/home.ts";
import { keyHasher, keyPrefix, newKey } from "../../../packages/harness/src/services/keys.ts";

export type Keys = { readonly [R in Role]: string };

async function createKey(url: string, operatorKey: string, request: KeyRequest): Promise<string> {
  const response = await fetch(`${url}/api/harness/keys`, {
    method: "POST",
    headers: { authorization: `Bearer ${operatorKey}`, "content-type": "application/json" },
    body: JSON.stringify(request),
  });
  if (response.status !== 201) throw new Error(`no key: ${response.status} ${await response.text()}`);
  return createdKeySchema.parse(await response.json()).secret;
}

async function createForeignKey(home: string, owner: Pool): Promise<string> {
  const secrets = readSecrets(home, undefined, systemRandom);
  if (!secrets.ok) throw new Error(secrets.error.detail);
  const key = newKey(systemRandom);
  await transaction(owner, async (client) => {
    const setup = { client, clock: systemClock, random: systemRandom };
    const tenant = await ensureTenant(setup, `other-${randomBytes(4).toString("hex")}`);
    await ensureKey(setup, uuidOf(tenant), {
      principal: { name: "stranger", kind: "service" },
      hash: keyHasher(secrets.value.keys)(key),
      prefix: keyPrefix(key),
      scopes: ["runs:read", "runs:write", "approvals:decide", "documents:read", "documents:write"],
      roles: [],
    });
  });
  return key;
}

export async function createKeys(url: string, operatorKey: string, home: string, owner: Pool): Promise<Keys> {
  return {
    requester: await createKey(url, operatorKey, {
      principal: { name: "requester", kind: "service" },
      scopes: ["runs:read", "runs:write", "documents:read", "documents:write"],
    }),
    approver: await createKey(url, operatorKey, {
      principal: { name: "approver", kind: "human" },
      scopes: ["runs:read", "approvals:decide"],
    }),
    other_principal: await createKey(url, operatorKey, {
      principal: { name: "colleague", kind: "service" },
      scopes: ["runs:read", "runs:write"],
    }),
    auditor: await createKey(url, operatorKey, {
      principal: { name: "auditor", kind: "human" },
      scopes: ["audit:read"],
    }),
    other_tenant: await createForeignKey(home, owner),
  };
}
