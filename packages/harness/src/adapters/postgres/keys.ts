import {
  idFromUuid,
  type Key,
  type KeyId,
  type Role,
  type Scope as KeyScope,
  type SigningAlgorithm,
  type SigningKeyId,
  type TenantId,
  uuidOf,
} from "@assent/contract";
import { assert } from "../../base/assert.ts";
import type { TokenSubject } from "../../core/access/token-subject.ts";
import type { QuotaPolicy } from "../../core/access/quota.ts";
import { uuidV7 } from "../../core/uuid.ts";
import type { Admitted, Caller, Clock, NewKey, QuotaState, Random, StoreTx } from "../../ports.ts";
import { only, type Query, type Scope } from "./rows.ts";

type KeyRow = {
  id: string;
  prefix: string;
  scopes: KeyScope[];
  roles: Role[];
  must_sign: boolean;
  created_at: Date;
  expires_at: Date | null;
  revoked_at: Date | null;
  last_used_at: Date | null;
  principal_id: string;
  kind: "human" | "service" | "agent";
  name: string;
};

const SELECT = `
  select k.id, k.prefix, k.scopes, k.roles, k.must_sign, k.created_at, k.expires_at, k.revoked_at, k.last_used_at,
         p.id as principal_id, p.kind, p.name
  from assent.api_keys k
  join assent.principals p on p.tenant_id = k.tenant_id and p.id = k.principal_id
  where k.tenant_id = $1`;

const toKey = (row: KeyRow): Key => ({
  id: idFromUuid("key", row.id),
  prefix: row.prefix,
  principal: { id: idFromUuid("prn", row.principal_id), kind: row.kind, name: row.name },
  scopes: row.scopes,
  roles: row.roles,
  must_sign: row.must_sign,
  created_at: row.created_at.toISOString(),
  expires_at: row.expires_at?.toISOString() ?? null,
  revoked_at: row.revoked_at?.toISOString() ?? null,
  last_used_at: row.last_used_at?.toISOString() ?? null,
});

export function keyRows({ query, tenant }: Scope, ids: { clock: Clock; random: Random }): StoreTx["keys"] {
  const find = async (id: KeyId): Promise<Key | null> => {
    const [row] = await query<KeyRow>(`${SELECT} and k.id = $2`, [tenant, uuidOf(id)]);
    return row === undefined ? null : toKey(row);
  };
  return {
    async insert(key: NewKey): Promise<Key> {
      const principal = await putPrincipal(
        { query, tenant },
        key.principal,
        uuidV7(ids.clock.now(), ids.random.bytes(10)),
        key.createdAt,
      );
      await query(
        `insert into assent.api_keys (tenant_id, id, principal_id, hash, prefix, scopes, roles, must_sign, created_at,
                                      expires_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
        [
          tenant,
          uuidOf(key.id),
          principal,
          Buffer.from(key.hash),
          key.prefix,
          key.scopes,
          key.roles,
          key.mustSign,
          key.createdAt,
          key.expiresAt,
        ],
      );
      const inserted = await find(key.id);
      if (inserted === null) throw new Error("a key that was just inserted is there");
      return inserted;
    },
    async list(): Promise<readonly Key[]> {
      return (await query<KeyRow>(`${SELECT} order by k.created_at, k.id`, [tenant])).map(toKey);
    },
    find,
    async endBy(id: KeyId, at: Date): Promise<void> {
      await query(
        `update assent.api_keys set expires_at = least(expires_at, $3)
         where tenant_id = $1 and id = $2 and revoked_at is null`,
        [tenant, uuidOf(id), at],
      );
    },
    async revoke(id: KeyId, at: Date): Promise<Key | null> {
      await query(
        "update assent.api_keys set revoked_at = $3 where tenant_id = $1 and id = $2 and revoked_at is null",
        [tenant, uuidOf(id), at],
      );
      return await find(id);
    },
    async holdGood(caller, at): Promise<boolean> {
      const rows = await query<{ good: boolean }>(`select ${GOOD} as good`, goodValues(tenant, caller, at));
      return only(rows).good;
    },
  };
}

/**
 * Whether what the caller came in with is good, as an expression of {@link goodValues}. Shared locks: whoever ends one of
 * them waits for who holds it good, and whoever comes after sees that it has ended.
 */
export const GOOD = `(
  with named_key as (
    select from assent.api_keys
    where tenant_id = $1 and id = $2 and revoked_at is null and not is_over and (expires_at is null or expires_at > $5) for share
  ), signed_with as (
    select from assent.signing_keys
    where tenant_id = $1 and id = $3 and revoked_at is null and not is_over and (expires_at is null or expires_at > $5) for share
  ), unsigned as (
    select from assent.principals where tenant_id = $1 and id = $4 and not must_sign for share
  )
  select ($2::uuid is null or exists (select from named_key))
     and case when $3::uuid is null then exists (select from unsigned) else exists (select from signed_with) end)`;

export const goodValues = (
  tenant: string,
  { key, signedWith, actor }: Caller,
  at: Date,
): readonly unknown[] => [
  tenant,
  key === null ? null : uuidOf(key),
  signedWith === undefined ? null : uuidOf(signedWith),
  uuidOf(actor.id),
  at,
];

/** @returns the UUID of the principal of this kind and name, made now if there was none */
export async function putPrincipal(
  { query, tenant }: Scope,
  principal: { readonly name: string; readonly kind: "human" | "service" | "agent" },
  newId: string,
  now: Date,
): Promise<string> {
  await query(
    `insert into assent.principals (tenant_id, id, kind, name, created_at) values ($1, $2, $3, $4, $5)
     on conflict (tenant_id, kind, name) do nothing`,
    [tenant, newId, principal.kind, principal.name, now],
  );
  const row = only(
    await query<{ id: string }>(
      "select id from assent.principals where tenant_id = $1 and kind = $2 and name = $3",
      [tenant, principal.kind, principal.name],
    ),
  );
  return row.id;
}

type CallerRow = {
  tenant_id: string;
  key_id: string | null;
  scopes: KeyScope[];
  roles: Role[];
  must_sign: boolean;
  principal_id: string;
  principal_kind: "human" | "service" | "agent";
  principal_name: string;
};

type AdmittedRow = CallerRow & {
  taken: boolean;
  exceeded: number | null;
  remaining: number[];
  reset_seconds: number[];
  signing_algorithm: SigningAlgorithm | null;
  signing_public_key: Buffer | null;
};

export async function findCaller(query: Query, hash: Uint8Array, now: Date): Promise<Caller | null> {
  const [row] = await query<CallerRow>("select * from assent.find_caller($1, $2)", [Buffer.from(hash), now]);
  return row === undefined ? null : toCaller(row);
}

export async function admitKey(
  query: Query,
  hash: Uint8Array,
  now: Date,
  signingKey: SigningKeyId | null,
  policies: readonly QuotaPolicy[],
): Promise<Admitted | null> {
  const [row] = await query<AdmittedRow>("select * from assent.admit_key($1, $2, $3, $4, $5, $6)", [
    Buffer.from(hash),
    now,
    signingKey === null ? null : uuidOf(signingKey),
    ...quotaValues(policies),
  ]);
  return row === undefined ? null : toAdmitted(row, signingKey, policies);
}

export async function admitToken(
  query: Query,
  subject: TokenSubject,
  newId: string,
  now: Date,
  signingKey: SigningKeyId | null,
  policies: readonly QuotaPolicy[],
): Promise<Admitted | null> {
  const { kind, name } = subject.principal;
  const [row] = await query<Omit<AdmittedRow, "key_id" | "scopes" | "roles">>(
    "select * from assent.admit_token($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    [
      subject.tenant,
      kind,
      name,
      newId,
      now,
      signingKey === null ? null : uuidOf(signingKey),
      ...quotaValues(policies),
    ],
  );
  if (row === undefined) return null;
  const of = {
    key_id: null,
    scopes: [],
    roles: [...subject.roles],
    must_sign: subject.mustSign || row.must_sign,
  };
  const principal = { principal_kind: kind, principal_name: name };
  return toAdmitted({ ...row, ...of, ...principal }, signingKey, policies);
}

const quotaValues = (policies: readonly QuotaPolicy[]): unknown[] => [
  policies.map(({ name }) => name),
  policies.map(({ quota }) => quota.requests),
  policies.map(({ quota }) => quota.windowSeconds),
];

function toAdmitted(
  row: AdmittedRow,
  signingKey: SigningKeyId | null,
  policies: readonly QuotaPolicy[],
): Admitted {
  const quotas = row.remaining.map((remaining, index): QuotaState => {
    const policy = policies[index];
    assert(policy !== undefined, "the database answers for the quotas it was asked about");
    return { ...policy, remaining, resetSeconds: row.reset_seconds[index] ?? policy.quota.windowSeconds };
  });
  const found =
    signingKey === null || row.signing_algorithm === null
      ? null
      : { id: signingKey, algorithm: row.signing_algorithm, publicKey: row.signing_public_key };
  return {
    caller: toCaller(row),
    signingKey: found,
    quotas,
    exceeded: row.taken ? null : (quotas.at(-1) ?? null),
  };
}

function toCaller(row: CallerRow): Caller {
  const tenant: TenantId = idFromUuid("ten", row.tenant_id);
  return {
    tenant,
    key: row.key_id === null ? null : idFromUuid("key", row.key_id),
    scopes: row.scopes,
    roles: row.roles,
    mustSign: row.must_sign,
    actor: { id: idFromUuid("prn", row.principal_id), kind: row.principal_kind, name: row.principal_name },
  };
}
