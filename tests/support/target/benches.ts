// What the failure drills and the scenarios of taking back need of Assent as a target.

import type { DrillBench, RollbackBench } from "@assent/suite";
import { approvalIdSchema, uuidOf } from "@assent/contract";
import type { Pool } from "pg";
import { ROLLBACK_STEPS_MAX } from "./installation.ts";

export const rollbackBench: RollbackBench = {
  stepsMax: ROLLBACK_STEPS_MAX,
  body: (steps) => ({ agent: `booker-${steps}`, task: "Book, and break off." }),
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
