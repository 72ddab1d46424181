// What the rules decided is found by the runs, however many of them hold nothing.

import { expect, test } from "vitest";
import { answering, countingTool, type Engine, openEngine, value } from "../../support/engine.ts";

const oneCall = answering((turn) =>
  turn === 0 ? { calls: [{ id: "c1", tool: "count", arguments: { id: "c1" } }] } : { text: "Counted." },
);

/** Runs that were submitted so many milliseconds after the newest one, one after the other, and decided nothing. */
async function storeIdleRuns({ database }: Engine, count: number): Promise<void> {
  await database.ownerPool().query(`alter table assent.runs disable trigger user;
    insert into assent.runs (tenant_id, id, state, version, agent, agent_version, task, model, labels, requested_by, wake_at,
        created_at, updated_at, finished_at, answer)
      select tenant_id, gen_random_uuid(), 'succeeded', 9, agent, agent_version, 'Idle.', model, '{}', requested_by, wake_at,
        created_at + at * interval '1 ms', updated_at, finished_at, 'Done.'
      from (select * from assent.runs order by created_at desc, id desc limit 1) newest, generate_series(1, ${count}) at;
    alter table assent.runs enable trigger user`);
}

async function pages(engine: Engine, since: Date): Promise<readonly (readonly string[])[]> {
  const all: string[][] = [];
  const listed = async (cursor: string | null): Promise<string | null> => {
    const page = value(await engine.harness.listDecisions(engine.caller, since, cursor));
    all.push(page.data.map(({ run_id, step }) => `${run_id} ${step}`));
    return page.next_cursor;
  };
  for (let cursor = await listed(null); cursor !== null;) cursor = await listed(cursor);
  return all;
}

test("decisions are listed run by run, the newest first, past any number of runs that hold none", async () => {
  await using engine = await openEngine({ models: oneCall, tools: [countingTool("count", "none")] });
  await engine.startWorker();
  const submitted = async (): Promise<string> => {
    const id = await engine.submit();
    await engine.reaches(id, "succeeded");
    return id;
  };
  const first = await submitted();
  const second = await submitted();
  expect(await pages(engine, new Date(0))).toEqual([[`${second} 2`, `${first} 2`]]);
  // More than are looked at at once, and then more than are looked at for a page.
  await storeIdleRuns(engine, 450);
  expect(await pages(engine, new Date(0))).toEqual([[`${second} 2`, `${first} 2`]]);
  await storeIdleRuns(engine, 4_000);
  expect(await pages(engine, new Date(0))).toEqual([[], [`${second} 2`, `${first} 2`]]);
  // Since the day of a decision, and not of its run.
  expect((await pages(engine, new Date(engine.clock.now().getTime() + 60_000))).flat()).toEqual([]);
  const owner = engine.database.ownerPool();
  const runsBefore = async (days: number): Promise<void> => {
    await owner.query(`alter table assent.runs disable trigger user;
      update assent.runs set created_at = date_trunc('milliseconds', now()) - interval '${days} days';
      alter table assent.runs enable trigger user`);
  };
  const dayBefore = new Date(engine.clock.now().getTime() - 86_400_000);
  await runsBefore(14);
  expect((await pages(engine, dayBefore)).flat().toSorted()).toEqual(
    [`${first} 2`, `${second} 2`].toSorted(),
  );
  await runsBefore(16);
  expect(await pages(engine, dayBefore)).toEqual([[]]);
  expect((await pages(engine, new Date(0))).flat()).toHaveLength(2);
});
