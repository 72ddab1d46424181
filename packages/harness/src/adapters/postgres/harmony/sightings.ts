// How often a question came up, and when last. Each time is a row of its own until there are many of them: who asks must
// not wait for whoever asks the same at the same moment, as they would if the count were a field that all of them change.

import type { Scope } from "../rows.ts";

/** Rows are put together into their record when there are so many, so that counting them costs the same for ever. */
export const SIGHTINGS_MAX = 64;

/** What is joined to a record: times that it was seen beside those that the record itself counts, and the last of them. */
export type Sightings = { readonly sightings: number; readonly sighted_at: string | null };

/** Joins {@link Sightings} to a row `r` of records with the column `id`; the first parameter is the tenant. */
export const WITH_SIGHTINGS = `left join lateral (
  select count(*)::int as sightings, max(s.at) as sighted_at from assent.harmony_sightings s
  where s.tenant_id = $1 and s.subject = r.id
) s on true`;

/** Counts one; the same moment once, so a retry adds nothing. */
export async function addSighting({ query, tenant }: Scope, subject: Buffer, at: string): Promise<void> {
  await query(
    "insert into assent.harmony_sightings (tenant_id, subject, at) values ($1, $2, $3) on conflict do nothing",
    [tenant, subject, at],
  );
}

/** Takes them away, for whoever holds the record's lock and writes them into it. */
export async function takeSightings({ query, tenant }: Scope, subject: Buffer): Promise<Sightings> {
  const rows = await query<{ at: string }>(
    "delete from assent.harmony_sightings where tenant_id = $1 and subject = $2 returning at",
    [tenant, subject],
  );
  const sorted = rows.map(({ at }) => at).toSorted();
  return { sightings: rows.length, sighted_at: sorted.at(-1) ?? null };
}

/** The later of two moments, either of which may be none. */
export const later = (stored: string, sighted: string | null): string =>
  sighted !== null && sighted > stored ? sighted : stored;
