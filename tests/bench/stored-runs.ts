// Finished runs, as many as a year leaves behind. Their triggers are passed over: it is the rows that count here.

import type { Pool } from "pg";

const BATCH = 50_000;
/** Of the first one. Checks of references are planned by what the table holds, so it is counted as it grows. */
const BATCH_AT_FIRST = 1_000;

/** Adds what is missing to so many. One run at least has to be there: they are made after it. */
export async function storeFinishedRuns(owner: Pool, count: number): Promise<void> {
  const { rows } = await owner.query<{ stored: number }>(
    "select count(*)::int as stored from assent.runs where agent = 'stored'",
  );
  let stored = rows[0]?.stored ?? 0;
  while (stored < count) {
    const batch = Math.min(BATCH, Math.max(BATCH_AT_FIRST, stored), count - stored);
    if ((await storeBatch(owner, batch)) === 0) throw new Error("there is no run to make others after");
    stored += batch;
    await owner.query("analyze assent.runs, assent.steps");
  }
}

/** @returns rows that it added */
async function storeBatch(owner: Pool, batch: number): Promise<number> {
  const client = await owner.connect();
  try {
    await client.query("begin");
    await client.query("alter table assent.runs disable trigger user");
    await client.query("alter table assent.steps disable trigger user");
    const { rowCount } = await client.query(
      `with made as (
         insert into assent.runs (tenant_id, id, state, version, agent, agent_version, task, model, labels,
           requested_by, wake_at, created_at, updated_at, finished_at, answer)
         select t.tenant_id, uuidv7(), 'succeeded', 12, 'stored', t.agent_version, 'Done long ago.', t.model, '{}',
           t.requested_by, now(), now() - g * interval '1 second', now(), now(), 'Done.'
         from (select tenant_id, agent_version, model, requested_by from assent.runs limit 1) t, generate_series(1, $1) g
         returning tenant_id, id)
       insert into assent.steps (tenant_id, run_id, seq, kind, name, state, effect, request, outcome, started_at, finished_at)
       select made.tenant_id, made.id, s, 'model', 'scripted/notary', 'succeeded', 'none',
         '{"kind":"model","promptDigest":"sha256:"}', '{"kind":"model"}', now(), now()
       from made, generate_series(1, 4) s`,
      [batch],
    );
    await client.query("alter table assent.runs enable trigger user");
    await client.query("alter table assent.steps enable trigger user");
    await client.query("commit");
    return rowCount ?? 0;
  } finally {
    client.release();
  }
}
