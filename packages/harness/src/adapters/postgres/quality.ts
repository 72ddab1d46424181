import { type Actor, idFromUuid } from "@assent/contract";
import type { DecidingCounts } from "../../ports.ts";
import type { Scope } from "./rows.ts";

type QualityRow = {
  who: string | null;
  kind: Actor["kind"] | null;
  name: string | null;
  answered: number;
  approved: number;
  median: number | null;
  reversed: number;
  unanswered: number;
  looked: number;
};

/** Runs looked at, the newest first: their approvals are found by them, and by nothing else. */
const QUALITY_RUNS_MAX = 50_000;
/** A run may ask so long after it was submitted before its questions are not counted any more. */
const RUN_DAYS_MAX = 14;

/**
 * A question about a call is answered by who decides it and, where several people have to agree, by each of them: the last of
 * them does both. What is told of what became of a call in doubt is no answer to a question about a call. An answer that was given for
 * good is found by the moment at which it was given first and by who gave it.
 */
const COUNTS = `
  -- The drivers are true of every run: without them their index would be of no use here (migration 0043).
  with looked as materialized (
    select r.id from assent.runs r
    where r.tenant_id = $1 and r.driver in ('assent', 'external') and r.created_at >= $2::timestamptz - make_interval(days => $3::int)
    order by r.created_at desc, r.id desc limit $4
  ), asked as materialized (
    select a.* from looked l cross join lateral (
      select a.id, a.state, a.requested_at, a.expires_at, a.decided_at, a.decided_by
      from assent.approvals a
      where a.run_id = l.id and a.tenant_id = $1 and a.subject = 'action'
      -- Run by run, by their index: never all approvals that there are.
      offset 0
    ) a
  ), answers as (
    select a.decided_by as who, a.state <> 'denied' as is_yes, a.requested_at, a.decided_at as at
    from asked a
    where a.decided_by is not null and a.decided_at >= $2 and not exists (
      select from assent.approval_votes v
      where v.tenant_id = $1 and v.approval_id = a.id and v.principal_id = a.decided_by and a.state <> 'denied')
    union all
    select v.principal_id, true, a.requested_at, v.at
    from asked a join assent.approval_votes v on v.tenant_id = $1 and v.approval_id = a.id
    where v.at >= $2
  ), reversed as materialized (
    select r.record ->> 'resolved_at' as at, r.record -> 'resolved_by' ->> 'principal_id' as name
    from assent.harmony_resolutions r
    where r.tenant_id = $1 and (r.revoked or r.record ->> 'overridden_count' <> '0')
  ), counted as (
    select n.who, p.kind, p.name, count(*)::int as answered, (count(*) filter (where n.is_yes))::int as approved,
      percentile_cont(0.5) within group (order by greatest(0, extract(epoch from n.at - n.requested_at)))::float8 as median,
      (count(*) filter (where exists (
        select from reversed r where r.name = p.name
          and r.at = to_char(n.at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"+00:00"'))))::int as reversed
    from answers n join assent.principals p on p.tenant_id = $1 and p.id = n.who
    group by n.who, p.kind, p.name
    order by answered desc, p.name, p.kind, n.who limit $5
  )
  select c.*, t.* from (
    select (select count(*)::int from looked) as looked,
      (select count(*)::int from asked a where a.state = 'expired' and a.expires_at >= $2) as unanswered
  ) t left join counted c on true
  order by c.answered desc, c.name, c.kind, c.who`;

/** @param limit of approvers */
export async function decidingCounts(
  { query, tenant }: Pick<Scope, "query" | "tenant">,
  since: Date,
  limit: number,
): Promise<DecidingCounts> {
  const rows = await query<QualityRow>(COUNTS, [tenant, since, RUN_DAYS_MAX, QUALITY_RUNS_MAX, limit]);
  return {
    approvers: rows.flatMap(({ who, kind, name, ...row }) =>
      who === null || kind === null || name === null
        ? []
        : [
            {
              approver: { id: idFromUuid("prn", who), kind, name },
              answered: row.answered,
              approved: row.approved,
              medianSeconds: row.median ?? 0,
              reversed: row.reversed,
            },
          ],
    ),
    unanswered: rows[0]?.unanswered ?? 0,
    isWhole: (rows[0]?.looked ?? 0) < QUALITY_RUNS_MAX,
  };
}
