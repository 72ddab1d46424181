// What the failure drills and the scenarios of taking back need of Assent as a target.

import type { DeadLetterBench, DrillBench, RollbackBench } from "@assent/suite";
import { approvalIdSchema, runIdSchema, uuidOf } from "@assent/contract";
import type { Pool } from "pg";
import { RUN_ATTEMPTS_MAX } from "../../../packages/harness/src/base/limits.ts";
import { ROLLBACK_STEPS_MAX } from "./installation.ts";

export const rollbackBench: RollbackBench = {
  stepsMax: ROLLBACK_STEPS_MAX,
  body: (steps) => ({ agent: `booker-${steps}`, task: "Book, and break off." }),
  ownTool: "book_sink",
  irreversible: { agent: "irreversible", task: "Tell, and break off." },
};

/** @param owner of the schema: who changes what is stored behind the harness's back has every right there */
export function drillBench(owner: () => Pool): DrillBench {
  return {
    effectFirst: { agent: "teller", task: "Tell the sink, then write the note.", workspace: "notes" },
    changeStoredArguments: async (approvalId, canary) => {
      const { rowCount } = await owner().query(
        `update assent.approvals set action = jsonb_set(action::jsonb, '{arguments,text}', to_jsonb($2::text))::json
         where id = $1 and state = 'open' and action ->> 'tool' = 'tell_sink'`,
        [uuidOf(approvalIdSchema.parse(approvalId)), canary],
      );
      return rowCount === 1;
    },
  };
}

// The harness reads a row that says so. It runs as the schema's owner, because the harness may not look at the table.
const USE_UP = [
  `create table if not exists assent.used_up (id uuid primary key, attempt integer not null)`,
  `create or replace function assent.use_up_attempts() returns trigger language plpgsql security definer as $$
   begin
     new.attempt := coalesce((select attempt from assent.used_up where id = new.id), new.attempt);
     return new;
   end $$`,
  `create or replace trigger runs_attempts_used_up before update on assent.runs for each row
   when (old.state = 'awaiting_approval' and new.state = 'queued') execute function assent.use_up_attempts()`,
] as const;

/** Twenty real crashes, with the pauses between them, take hours. */
export function deadLetterBench(owner: () => Pool): DeadLetterBench {
  return {
    exhaust: async (runId) => {
      for (const statement of USE_UP) await owner().query(statement);
      const run = uuidOf(runIdSchema.parse(runId));
      await owner().query("insert into assent.used_up (id, attempt) values ($1, $2)", [
        run,
        RUN_ATTEMPTS_MAX,
      ]);
    },
  };
}
