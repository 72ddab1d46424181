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
  let start = "0/0";
  return {
    begin: async () => {
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
      return rows.map(
        ({ name, record, n, bytes, images }) =>
          `  ${name.padEnd(36)} ${n.toFixed(1).padStart(6)} records ${bytes.toFixed(0).padStart(7)} B, ${images.toFixed(0).padStart(6)} B of them page images  ${record}`,
      );
    },
  };
}

/** Lines: how often each statement was sent, per run. */
export const statementsBy = (
  before: Readonly<Record<string, number>>,
  after: Readonly<Record<string, number>>,
  runs: number,
): readonly string[] =>
  Object.entries(after)
    .map(([text, count]) => ({ text, each: (count - (before[text] ?? 0)) / runs }))
    .filter(({ each }) => each >= 0.01)
    .toSorted((a, b) => b.each - a.each)
    .map(({ text, each }) => `  ${each.toFixed(2).padStart(6)} x ${text}`);
