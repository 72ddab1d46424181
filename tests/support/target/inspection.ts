// Puts transitions to the harness's own code and, around it, to its database.

import type { RunState } from "@assent/contract";
import type { StateMachineInspection, TransitionAttempt } from "@assent/suite";
import { DatabaseError, type Pool, type PoolClient } from "pg";
import { RUN_EVENTS, type RunEvent, transition } from "../../../packages/harness/src/core/run/run.ts";

const isRunEvent = (event: string): event is RunEvent => RUN_EVENTS.some((known) => known === event);

/** How a run legally gets into a state, from `queued`. */
const WAY_TO: { readonly [S in RunState]: readonly RunState[] } = {
  queued: [],
  running: ["running"],
  awaiting_approval: ["running", "awaiting_approval"],
  succeeded: ["running", "succeeded"],
  failed: ["running", "failed"],
  cancelled: ["cancelled"],
  dead_lettered: ["dead_lettered"],
};

// A copy of any run, under an id of its own and as new as can be. It is never committed.
const COPY_RUN = `
  insert into assent.runs
  select (jsonb_populate_record(null::assent.runs, to_jsonb(r) || jsonb_build_object('id', gen_random_uuid(),
    'state', 'queued', 'version', 1, 'attempt', 0, 'finished_at', null, 'lease_until', null,
    'lease_worker', null))).*
  from (select * from assent.runs limit 1) r
  returning tenant_id, id`;

// All that the table's other checks want is set along, so that only the transition itself can be refused.
const MOVE_RUN = `
  update assent.runs set state = $3, version = version + 1,
    lease_until = case when $3 = 'running' then now() end,
    lease_worker = case when $3 = 'running' then 1 end,
    finished_at = case when $3 in ('succeeded', 'failed', 'cancelled', 'dead_lettered') then now() end
  where tenant_id = $1 and id = $2`;

async function attemptStored(client: PoolClient, from: RunState, to: RunState): Promise<TransitionAttempt> {
  const { rows } = await client.query<{ tenant_id: string; id: string }>(COPY_RUN);
  const row = rows[0];
  if (row === undefined) throw new Error("there is no run to copy; submit one before");
  const move = async (state: RunState): Promise<void> => {
    await client.query(MOVE_RUN, [row.tenant_id, row.id, state]);
  };
  for (const state of WAY_TO[from]) await move(state);
  try {
    await move(to);
  } catch (error) {
    if (error instanceof DatabaseError)
      return { accepted: false, to: null, detail: `${error.code ?? ""} ${error.message}` };
    throw error;
  }
  return { accepted: true, to, detail: "" };
}

/** @param owner a pool of the role that owns the schema: row-level security must not be what refuses */
export function inspectStateMachine(owner: () => Pool): StateMachineInspection {
  return {
    events: RUN_EVENTS,
    attemptTransition: async (from, event) => {
      if (!isRunEvent(event)) throw new Error(`not an event: ${event}`);
      const outcome = transition(from, event);
      return await Promise.resolve(
        outcome.ok
          ? { accepted: true, to: outcome.value, detail: "" }
          : { accepted: false, to: null, detail: outcome.error.reason },
      );
    },
    attemptStoredTransition: async (from, to) => {
      const client = await owner().connect();
      try {
        await client.query("begin");
        return await attemptStored(client, from, to);
      } finally {
        await client.query("rollback");
        client.release();
      }
    },
  };
}
