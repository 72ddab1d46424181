// Keys to the API and whose they are, against what was recorded of them: a role that somebody wrote into a row is a way in that no event
// tells of, and a program that was made a person in its row gives people's words.
// And the keys that requests are signed with, beside what the events say of them.

import { idFromUuid } from "@assent/contract";
import type {
  ChangedKey,
  ChangedPrincipal,
  ReviewedKeys,
  ReviewedSigningKey,
  ReviewTx,
  SigningKeyEvent,
} from "../../ports.ts";
import { only, type Query } from "./rows.ts";

// Its newest event took a digest of the row; of one that was pruned there is none any more. Where the payload was erased, the digest stays.
/** @param of `rows`: what there is, by id; `image`: what takes the digest of one of them */
const changedRows = (of: {
  readonly prefix: string;
  readonly rows: string;
  readonly image: string;
}): string => `
  with newest as (
    select distinct on (f.subject) substr(f.subject, ${of.prefix.length + 1})::uuid as id, f.event_id
    from assent.audit_facts f
    where f.tenant_id = $1 and f.subject ~ '^${of.prefix}[0-9a-f]{32}$'
    order by f.subject, f.version desc
  ), known as (
    select n.id, coalesce(i.state, decode(convert_from(l.leaf, 'UTF8')::json ->> 'state', 'hex')) as recorded
    from newest n
    left join lateral (
      select w.states[array_position(w.event_ids, n.event_id)] as state from assent.audit_inbox w
      where w.tenant_id = $1 and n.event_id = any (w.event_ids)
    ) i on true
    left join lateral assent.audit_place($1, n.event_id) l on true
  ), held as (
    select coalesce(k.id, n.id) as id,
      case
        when n.id is null then 'unrecorded'
        when k.id is null then 'removed'
        when n.recorded <> ${of.image}($1, k.id) then 'altered'
      end as what
    from (select id from ${of.rows} where tenant_id = $1) k full join known n on n.id = k.id
  )
  select id, what from held where what is not null order by id limit $2`;

const KEYS = changedRows({ prefix: "key_", rows: "assent.api_keys", image: "assent.audit_key_image" });
const PRINCIPALS = changedRows({
  prefix: "principal_",
  rows: "assent.principals",
  image: "assent.audit_principal_image",
});

// Who made a key by a request is an event beside the database's own; of what was erased or pruned it may have been one of that very time.
const KEYS_OF_NOBODY = `
  with made as (
    select f.data ->> 'key_id' as id, case when f.data::text in ('{"erased":true}', '{"pruned":true}') then f.at end as at
    from assent.audit_facts f where f.tenant_id = $1 and f.kind in ('key_created', 'key_rotated')
  )
  select k.id, count(*) over ()::integer as of_nobody from assent.api_keys k
  where k.tenant_id = $1
    and not exists (select from made m where m.id = 'key_' || assent.audit_hex(k.id))
    and not exists (select from made m where m.at = k.created_at)
  order by k.created_at, k.id limit $2`;

const SIGNING_KEYS = `
  select id, principal_id, algorithm, public_key, extract(epoch from created_at)::text as created_at,
    extract(epoch from expires_at)::text as expires_at, extract(epoch from revoked_at)::text as revoked_at
  from assent.signing_keys where tenant_id = $1 order by created_at, id`;

const SIGNING_KEY_EVENTS = `
  select kind, extract(epoch from at)::text as at,
    case when data::text not in ('{"erased":true}', '{"pruned":true}') then data end as data
  from assent.audit_facts
  where tenant_id = $1 and kind in ('signing_key_created', 'signing_key_rotated', 'signing_key_revoked')
  order by event_id`;

type SigningKeyRow = {
  id: string;
  principal_id: string;
  algorithm: string;
  public_key: Buffer | null;
  created_at: string;
  expires_at: string | null;
  revoked_at: string | null;
};

const toSigningKey = (row: SigningKeyRow): ReviewedSigningKey => ({
  id: idFromUuid("sgk", row.id),
  principal: idFromUuid("prn", row.principal_id),
  algorithm: row.algorithm,
  publicKey: row.public_key?.toString("base64url") ?? null,
  createdAt: row.created_at,
  expiresAt: row.expires_at,
  revokedAt: row.revoked_at,
});

type Keys = "changedKeys" | "keys" | "changedPrincipals" | "signingKeys" | "signingKeyEvents";

export const reviewKeys = (query: Query): Pick<ReviewTx, Keys> => ({
  async changedKeys(tenant, limit): Promise<readonly ChangedKey[]> {
    const rows = await query<{ id: string; what: ChangedKey["what"] }>(KEYS, [tenant, limit]);
    return rows.map(({ id, what }) => ({ id: idFromUuid("key", id), what }));
  },
  async keys(tenant, limit): Promise<ReviewedKeys> {
    const { held } = only(
      await query<{ held: number }>(
        "select count(*)::integer as held from assent.api_keys where tenant_id = $1",
        [tenant],
      ),
    );
    const rows = await query<{ id: string; of_nobody: number }>(KEYS_OF_NOBODY, [tenant, limit]);
    return {
      held,
      ofNobody: rows[0]?.of_nobody ?? 0,
      ids: rows.map(({ id }) => idFromUuid("key", id)),
    };
  },
  async changedPrincipals(tenant, limit): Promise<readonly ChangedPrincipal[]> {
    const rows = await query<{ id: string; what: ChangedKey["what"] }>(PRINCIPALS, [tenant, limit]);
    return rows.map(({ id, what }) => ({ id: idFromUuid("prn", id), what }));
  },
  signingKeys: async (tenant) => (await query<SigningKeyRow>(SIGNING_KEYS, [tenant])).map(toSigningKey),
  signingKeyEvents: async (tenant) => await query<SigningKeyEvent>(SIGNING_KEY_EVENTS, [tenant]),
});
