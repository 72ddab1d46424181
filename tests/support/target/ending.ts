// Holds up the end of a run in the target's database, at the two places where a process that dies leaves most undone.

import type { EndingBench, EndingPoint } from "@assent/suite";
import type { PoolClient } from "pg";
import { connectPool } from "../../../packages/harness/src/adapters/postgres/connect.ts";
import type { EmbeddedServer } from "../../../packages/harness/src/adapters/postgres/embedded/embedded.ts";

/** Advisory locks of this bench, of a class that nobody else has. */
const CLASS_ID = 0x454e_4421;
const LOCKS: Readonly<Record<EndingPoint, number>> = { stored: 1, recorded: 2 };

// Bytes are stored before the row is written; the state is written after it, in the same transaction.
const INSTALL = [
  `create or replace function assent.suite_hold_end() returns trigger language plpgsql as $$
   begin
     perform pg_advisory_xact_lock_shared(${CLASS_ID}, tg_argv[0]::integer);
     return new;
   end $$`,
  `create or replace trigger a_suite_stored before insert on assent.artifacts
    for each row execute function assent.suite_hold_end(${LOCKS.stored})`,
  `create or replace trigger z_suite_recorded after insert on assent.artifacts
    for each row execute function assent.suite_hold_end(${LOCKS.recorded})`,
] as const;

/** @param started ends its connections, and with them all that it holds */
export function endingBench(database: EmbeddedServer, started: AsyncDisposableStack): EndingBench {
  const pool = connectPool({ connection: database.connection("owner"), role: "owner", connectionsMax: 2 });
  started.defer(async () => {
    await pool.end();
  });
  let holder: PoolClient | null = null;
  const letGo = async (): Promise<void> => {
    await holder?.query("select pg_advisory_unlock_all()");
    holder?.release();
    holder = null;
  };
  return {
    holdAt: async (point) => {
      for (const statement of INSTALL) await pool.query(statement);
      await letGo();
      holder = await pool.connect();
      await holder.query("select pg_advisory_lock($1, $2)", [CLASS_ID, LOCKS[point]]);
    },
    held: async () => {
      const { rows } = await pool.query<{ held: number }>(
        `select count(*)::integer as held from pg_locks
         where locktype = 'advisory' and classid = $1 and not granted`,
        [CLASS_ID],
      );
      return rows[0]?.held ?? 0;
    },
    letGo,
  };
}
