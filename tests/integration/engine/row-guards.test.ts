// What no row may say, whoever writes it: each rule is broken once, and refused under its own name.

import { uuidOf } from "@assent/contract";
import { DatabaseError } from "pg";
import { expect, test } from "vitest";
import { answering, countingTool, openEngine } from "../../support/engine.ts";

// The run waits for a person: a model has answered, a gate stands open.
const CHANGES: readonly (readonly [table: string, change: string, refusedBy: string])[] = [
  ["runs", "attempt = -1", "runs_attempt_check"],
  ["runs", "workspace_name = 'x'", "runs_check"],
  ["runs", "workspace_commit = 'x'", "runs_check"],
  ["runs", "finished_at = now()", "runs_check3"],
  ["runs", "state = 'cancelled', version = version + 1", "runs_check3"],
  ["runs", "lease_until = now()", "runs_lease"],
  ["runs", "lease_worker = 1", "runs_lease"],
  ["runs", "lease_until = now(), lease_worker = 1", "runs_lease"],
  ["runs", "message_version = 0", "runs_message_version_check"],
  ["runs", "traceparent = 'x'", "runs_traceparent_check"],
  ["runs", "version = version - 1", "AS002"],
  ["runs", "state = 'queued'", "AS002"],
  ["runs", "driver = 'external'", "AS005"],
  ["runs", "driver = 'other'", "AS004"],
  ["runs", "redrive_of = id", "AS004"],
  ["steps", "compensates = 1", "steps_compensates"],
  ["steps", "kind = 'tool', compensates = seq", "steps_compensates"],
  ["steps", "kind = 'tool', compensates = 0", "steps_compensates"],
  ["steps", "effect = 'twice'", "steps_effect_check"],
  ["steps", "kind = 'x'", "steps_kind_check"],
  ["steps", "seq = seq - 9", "steps_seq_check"],
  ["steps", "state = 'refused'", "AS001"],
  ["approvals", "action_digest = 'x'", "approvals_action_digest_check"],
  ["approvals", "subject = 'x'", "approvals_subject_check"],
  ["approvals", "state = 'spent'", "AS001"],
  ["budget_accounts", "account = 'x'", "budget_accounts_account_check"],
  ["budget_accounts", "account = 'total'", "budget_accounts_check"],
  ["budget_accounts", "run_id = null", "budget_accounts_check"],
  ...["input", "output", "microdollars"].flatMap((what) =>
    ["spent", "reserved"].map(
      (column) =>
        ["budget_accounts", `${what}_${column} = -1`, `budget_accounts_${what}_${column}_check`] as const,
    ),
  ),
];

const NEW_RUN =
  "gen_random_uuid(), agent, agent_version, task, model, labels, requested_by, now(), now(), now()";
const newRun = (columns: string, values: string): string =>
  `insert into assent.runs (tenant_id, id, agent, agent_version, task, model, labels, requested_by, wake_at, created_at,
     updated_at, ${columns}) select tenant_id, ${NEW_RUN}, ${values} from assent.runs`;

const INSERTS: readonly (readonly [sql: string, refusedBy: string])[] = [
  [newRun("state, version", "'queued', 0"), "runs_version_check"],
  [newRun("state, version, driver", "'queued', 1, 'other'"), "runs_driver_check"],
  [newRun("state, version, traceparent", "'queued', 1, 'x'"), "runs_traceparent_check"],
  [newRun("state, version, lease_until", "'queued', 1, now()"), "runs_lease"],
  [newRun("state, version", "'running', 1"), "AS001"],
  [newRun("state, version, redrive_of", "'queued', 1, id"), "AS004"],
  [
    `insert into assent.steps (tenant_id, run_id, seq, kind, name, state, effect, request, started_at)
     select tenant_id, run_id, 9, kind, name, 'succeeded', effect, request, started_at from assent.steps`,
    "AS001",
  ],
  [
    `insert into assent.approvals select (jsonb_populate_record(a,
       jsonb_build_object('id', gen_random_uuid(), 'state', 'approved'))).* from assent.approvals a`,
    "AS001",
  ],
];

test("each rule about a row is held by the database itself, for the service and for the owner", async () => {
  const call = { id: "c1", tool: "count", arguments: { amount: 10 } };
  await using engine = await openEngine({
    models: answering((turn) => (turn === 0 ? { calls: [call] } : { text: "Done." })),
    tools: [countingTool("count", "once")],
  });
  const worker = await engine.startWorker();
  const id = await engine.submit();
  await engine.reaches(id, "awaiting_approval");
  await worker.stop();
  const refusals: string[] = [];
  const wanted: string[] = [];
  const [app, owner] = [engine.database.appPool(), engine.database.ownerPool()];
  // What a trigger says is said by it alone; the rest also where none looks, as when a dump is restored.
  for (const [pool, untriggered] of [
    [app, false],
    [owner, false],
    [owner, true],
  ] as const) {
    const client = await pool.connect();
    const attempt = async (sql: string, refusedBy: string): Promise<void> => {
      if (untriggered && refusedBy.startsWith("AS")) return;
      await client.query("begin");
      if (untriggered)
        for (const table of ["runs", "steps", "approvals", "budget_accounts"])
          await client.query(`alter table assent.${table} disable trigger user`);
      await client.query("select set_config('assent.tenant', $1, true)", [uuidOf(engine.tenant)]);
      const outcome = await client.query(sql).then(
        () => "nobody",
        (error: unknown) =>
          error instanceof DatabaseError
            ? error.code === "23514"
              ? `${error.schema}.${error.table} ${error.constraint}`
              : (error.code ?? error.message)
            : String(error),
      );
      await client.query("rollback");
      const table = /^(?:update|insert into) (assent\.\w+)/u.exec(sql)?.[1];
      refusals.push(`${sql}: ${outcome}`);
      wanted.push(`${sql}: ${refusedBy.startsWith("AS") ? refusedBy : `${table} ${refusedBy}`}`);
    };
    for (const [table, change, refusedBy] of CHANGES)
      await attempt(`update assent.${table} set ${change}`, refusedBy);
    for (const [sql, refusedBy] of INSERTS) await attempt(sql, refusedBy);
    client.release();
  }
  expect(refusals).toEqual(wanted);
});
