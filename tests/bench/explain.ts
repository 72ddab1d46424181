// What a measurement wrote to the write-ahead log, by table or index, in the words of the log itself.

import type { Pool } from "pg";

/** Reads the log between two places. */
export type Explanation = {
  begin(): Promise<void>;
  /** Lines: the share of each relation in what was written since {@link Explanation.begin}, per run. */
  end(runs: number): Promise<readonly string[]>;
};

/** Needs a superuser's connection and the extension `pg_walinspect`, which the embedded Postgres carries. */
export async function createExplanation(owner: Pool): Promise<Explanation> {
  await owner.query("create extension if not exists pg_walinspect");
  // Times of functions, triggers among them, are counted by sessions that begin or reload from now on.
  await owner.query("alter system set track_functions = 'all'");
  await owner.query("select pg_reload_conf()");
  let start = "0/0";
  return {
    begin: async () => {
      await owner.query("select pg_stat_reset()");
      const { rows } = await owner.query<{ at: string }>("select pg_current_wal_insert_lsn()::text as at");
      start = rows[0]?.at ?? start;
    },
    end: async (runs) => {
      const { rows } = await owner.query<{
        name: string;
        record: string;
        n: number;
        bytes: number;
        images: number;
      }>(
        `select coalesce(c.relname, b.relfilenode::text) as name, string_agg(distinct b.record_type, ',') as record,
           count(*)::float8 / $2::float8 as n,
           sum(b.record_length::float8 / greatest(1, b.parts)) / $2::float8 as bytes,
           sum(b.block_fpi_length)::float8 / $2::float8 as images
         from (
           select i.*, count(*) over (partition by i.start_lsn) as parts
           from pg_get_wal_block_info($1::pg_lsn, pg_current_wal_flush_lsn()) i
         ) b left join pg_class c on pg_relation_filenode(c.oid) = b.relfilenode
         group by 1 order by 4 desc limit 40`,
        [start, runs],
      );
      const functions = await owner.query<{ name: string; calls: number; total: number; self: number }>(
        `select schemaname || '.' || funcname as name, calls::float8 / $1 as calls, total_time / $1 as total,
           self_time / $1 as self
         from pg_stat_user_functions where calls >= $1 / 10 order by self_time desc limit 40`,
        [runs],
      );
      return [
        ...rows.map(
          ({ name, record, n, bytes, images }) =>
            `  ${name.padEnd(36)} ${n.toFixed(1).padStart(6)} records ${bytes.toFixed(0).padStart(7)} B, ${images.toFixed(0).padStart(6)} B of them page images  ${record}`,
        ),
        ...functions.rows.map(
          ({ name, calls, total, self }) =>
            `  ${calls.toFixed(1).padStart(6)} calls ${total.toFixed(2).padStart(7)} ms, ${self.toFixed(2).padStart(6)} ms in itself  ${name}`,
        ),
      ];
    },
  };
}

/** Statements by the beginning of their text: how often they were sent, and how long all of them took. */
export type Texts = Readonly<Record<string, { readonly count: number; readonly ms: number }>>;

/** Lines: how often each statement was sent, per run, and how long one took until its answer was read. */
export const statementsBy = (before: Texts, after: Texts, runs: number): readonly string[] =>
  Object.entries(after)
    .map(([text, { count, ms }]) => {
      const sent = count - (before[text]?.count ?? 0);
      return { text, each: sent / runs, ms: sent === 0 ? 0 : (ms - (before[text]?.ms ?? 0)) / sent };
    })
    .filter(({ each }) => each >= 0.01)
    .toSorted((a, b) => b.each * b.ms - a.each * a.ms)
    .map(
      ({ text, each, ms }) => `  ${each.toFixed(2).padStart(6)} x ${ms.toFixed(1).padStart(6)} ms  ${text}`,
    );

/** Lines: between which of a run's events how much time went by, on average, of the newest `runs` runs. */
export async function timesBetweenEvents(owner: Pool, runs: number): Promise<readonly string[]> {
  const { rows } = await owner.query<{ name: string; n: number; ms: number; most: number }>(
    `with newest as (
       select tenant_id, id from assent.runs where state = 'succeeded' order by created_at desc, id desc limit $1
     ), told as (
       select e.kind, e.version, e.at, lag(e.kind) over run as earlier, lag(e.at) over run as earlier_at
       from assent.audit_events e join newest n on n.tenant_id = e.tenant_id and n.id = e.run_id
       window run as (partition by e.run_id order by e.version)
     )
     select earlier || ' to ' || kind as name, count(*)::float8 / $1 as n, max(version)::int as place,
       (sum(extract(epoch from at - earlier_at)) * 1000 / $1)::float8 as ms,
       (max(extract(epoch from at - earlier_at)) * 1000)::float8 as most
     from told where earlier is not null group by 1 order by min(version)`,
    [runs],
  );
  return rows.map(
    ({ name, n, ms, most }) =>
      `  ${ms.toFixed(1).padStart(7)} ms (at most ${most.toFixed(0)}) in ${n.toFixed(1)} x ${name}`,
  );
}
