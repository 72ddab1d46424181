import {
  idFromUuid,
  type SigningAlgorithm,
  type SigningKey,
  type SigningKeyId,
  type TenantId,
  uuidOf,
} from "@assent/contract";
import { uuidV7 } from "../../core/uuid.ts";
import type { Clock, Random, StoreTx } from "../../ports.ts";
import { putPrincipal } from "./keys.ts";
import { only, type Query, type Scope } from "./rows.ts";

type SigningKeyRow = {
  id: string;
  algorithm: SigningAlgorithm;
  public_key: Buffer | null;
  created_at: Date;
  expires_at: Date | null;
  revoked_at: Date | null;
  principal_id: string;
  kind: "human" | "service" | "agent";
  name: string;
};

const SELECT = `
  select k.id, k.algorithm, k.public_key, k.created_at, k.expires_at, k.revoked_at, p.id as principal_id, p.kind, p.name
  from assent.signing_keys k
  join assent.principals p on p.tenant_id = k.tenant_id and p.id = k.principal_id
  where k.tenant_id = $1`;

const toSigningKey = (row: SigningKeyRow): SigningKey => ({
  id: idFromUuid("sgk", row.id),
  principal: { id: idFromUuid("prn", row.principal_id), kind: row.kind, name: row.name },
  algorithm: row.algorithm,
  public_key: row.public_key?.toString("base64url") ?? null,
  created_at: row.created_at.toISOString(),
  expires_at: row.expires_at?.toISOString() ?? null,
  revoked_at: row.revoked_at?.toISOString() ?? null,
});

export function signingKeyRows(
  { query, tenant }: Scope,
  ids: { clock: Clock; random: Random },
): StoreTx["signingKeys"] {
  const find = async (id: SigningKeyId): Promise<SigningKey | null> => {
    const [row] = await query<SigningKeyRow>(`${SELECT} and k.id = $2`, [tenant, uuidOf(id)]);
    return row === undefined ? null : toSigningKey(row);
  };
  return {
    find,
    async insert({ id, principal, algorithm, publicKey, createdAt, expiresAt }): Promise<SigningKey> {
      const newPrincipal = uuidV7(ids.clock.now(), ids.random.bytes(10));
      const of = await putPrincipal({ query, tenant }, principal, newPrincipal, createdAt);
      await query(
        `insert into assent.signing_keys (tenant_id, id, principal_id, algorithm, public_key, created_at, expires_at)
         values ($1, $2, $3, $4, $5, $6, $7)`,
        [
          tenant,
          uuidOf(id),
          of,
          algorithm,
          publicKey === null ? null : Buffer.from(publicKey),
          createdAt,
          expiresAt,
        ],
      );
      const inserted = await find(id);
      if (inserted === null) throw new Error("a signing key that was just inserted is there");
      return inserted;
    },
    async list(): Promise<readonly SigningKey[]> {
      return (await query<SigningKeyRow>(`${SELECT} order by k.created_at, k.id`, [tenant])).map(
        toSigningKey,
      );
    },
    async revoke(id, at): Promise<SigningKey | null> {
      await query(
        `update assent.signing_keys set revoked_at = $3
         where tenant_id = $1 and id = $2 and revoked_at is null`,
        [tenant, uuidOf(id), at],
      );
      return await find(id);
    },
    async endBy(id, at): Promise<SigningKey | null> {
      await query(
        `update assent.signing_keys set expires_at = least(expires_at, $3)
         where tenant_id = $1 and id = $2 and revoked_at is null`,
        [tenant, uuidOf(id), at],
      );
      return await find(id);
    },
  };
}

export async function takeNonce(
  query: Query,
  tenant: TenantId,
  key: SigningKeyId,
  nonce: string,
  until: Date,
): Promise<boolean> {
  const rows = await query<{ taken: boolean }>("select assent.take_nonce($1, $2, $3, $4) as taken", [
    uuidOf(tenant),
    uuidOf(key),
    nonce,
    until,
  ]);
  return only(rows).taken;
}
