// Done as the owner, at start: a tenant, and its first principal with a key.

import { idFromUuid, type Role, type Scope as KeyScope, type TenantId } from "@assent/contract";
import type { PoolClient } from "pg";
import { uuidV7 } from "../../core/uuid.ts";
import type { Clock, Random } from "../../ports.ts";
import { putPrincipal } from "./keys.ts";
import { only } from "./rows.ts";
import { queryOn } from "./store.ts";

export type Setup = { readonly client: PoolClient; readonly clock: Clock; readonly random: Random };

const newId = ({ clock, random }: Setup): string => uuidV7(clock.now(), random.bytes(10));

/** @returns the tenant with this short name, made now if there was none; safe when several processes ask at once */
export async function ensureTenant(setup: Setup, slug: string): Promise<TenantId> {
  const query = queryOn(setup.client);
  await query(
    "insert into assent.tenants (id, slug, created_at) values ($1, $2, $3) on conflict (slug) do nothing",
    [newId(setup), slug, setup.clock.now()],
  );
  const row = only(await query<{ id: string }>("select id from assent.tenants where slug = $1", [slug]));
  return idFromUuid("ten", row.id);
}

/** Stores a key by its hash; a hash that is there already is left as it is. */
export async function ensureKey(
  setup: Setup,
  tenant: string,
  key: {
    readonly principal: { readonly name: string; readonly kind: "human" | "service" };
    readonly hash: Uint8Array;
    readonly prefix: string;
    readonly scopes: readonly KeyScope[];
    readonly roles: readonly Role[];
  },
): Promise<void> {
  const query = queryOn(setup.client);
  const now = setup.clock.now();
  const principal = await putPrincipal({ query, tenant }, key.principal, newId(setup), now);
  await query(
    `insert into assent.api_keys (tenant_id, id, principal_id, hash, prefix, scopes, roles, created_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict (hash) do nothing`,
    [tenant, newId(setup), principal, Buffer.from(key.hash), key.prefix, key.scopes, key.roles, now],
  );
}

/** False when this installation was set up with another secret: every key would be unknown. */
export async function matchesInstallation(setup: Setup, secretCheck: Uint8Array): Promise<boolean> {
  const query = queryOn(setup.client);
  await query("insert into assent.installation (secret_check) values ($1) on conflict do nothing", [
    Buffer.from(secretCheck),
  ]);
  const row = only(await query<{ secret_check: Buffer }>("select secret_check from assent.installation", []));
  return row.secret_check.equals(secretCheck);
}
