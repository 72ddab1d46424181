import type { Pool } from "pg";
import { assert } from "../../base/assert.ts";
import { type Breaker, CLOSED } from "../../core/resilience/breaker.ts";
import { type Breakers, OWN_BREAKERS } from "../../ports.ts";
import { transaction } from "./connect.ts";
import type { Query } from "./rows.ts";

type BreakerRow = {
  provider: string;
  state: Breaker["state"];
  failures: number;
  openings: number;
  open_until: Date | null;
  probe_by: string | null;
  probe_until: Date | null;
  paused_until: Date | null;
  since: Date | null;
  reason: string | null;
  voice: string | null;
};

const CHANGE_ATTEMPTS_MAX = 5;

/** @param queryOn gives the way to ask on the pool, or on one of its connections */
export function breakerRows(
  pool: Pool,
  queryOn: (on: Pool | Parameters<Parameters<typeof transaction>[1]>[0]) => Query,
): Breakers {
  const onPool = queryOn(pool);
  return {
    async read(provider) {
      const [row] = await onPool<BreakerRow>("select * from assent.provider_breakers where provider = $1", [
        provider,
      ]);
      return row === undefined ? CLOSED : toBreaker(row);
    },
    async list(own = null) {
      const rows = await onPool<BreakerRow>(
        `select * from assent.provider_breakers
         where not starts_with(provider, $1) or starts_with(provider, $2) order by provider`,
        [OWN_BREAKERS, own],
      );
      return new Map(rows.map((row) => [row.provider, toBreaker(row)]));
    },
    async change(provider, change) {
      return await transaction(
        pool,
        async (client) => {
          const query = queryOn(client);
          // One that was there may be swept before it is locked; the second time it is this transaction's own.
          const before = (await lockRow(query, provider)) ?? (await lockRow(query, provider));
          assert(before !== null, "a row that was just made is there");
          const after = change(before);
          if (after === null || after === before) return { breaker: before, changed: false };
          await query(UPDATE, valuesOf(provider, after));
          return { breaker: after, changed: true };
        },
        { attemptsMax: CHANGE_ATTEMPTS_MAX },
      );
    },
  };
}

async function lockRow(query: Query, provider: string): Promise<Breaker | null> {
  await query(
    `insert into assent.provider_breakers (provider, state, failures, openings)
     values ($1, 'closed', 0, 0) on conflict do nothing`,
    [provider],
  );
  const [row] = await query<BreakerRow>(
    "select * from assent.provider_breakers where provider = $1 for update",
    [provider],
  );
  return row === undefined ? null : toBreaker(row);
}

const UPDATE = `
  update assent.provider_breakers set state = $2, failures = $3, openings = $4, open_until = $5, probe_by = $6,
    probe_until = $7, paused_until = $8, reason = $9, since = $10, voice = $11
  where provider = $1`;

const valuesOf = (provider: string, breaker: Breaker): readonly unknown[] => [
  provider,
  breaker.state,
  breaker.failures,
  breaker.openings,
  breaker.openUntil,
  breaker.probe?.by ?? null,
  breaker.probe?.until ?? null,
  breaker.pausedUntil,
  breaker.reason,
  breaker.since,
  breaker.voice,
];

const toBreaker = (row: BreakerRow): Breaker => ({
  state: row.state,
  failures: row.failures,
  openings: row.openings,
  openUntil: row.open_until,
  probe:
    row.probe_by === null || row.probe_until === null ? null : { by: row.probe_by, until: row.probe_until },
  pausedUntil: row.paused_until,
  since: row.since,
  reason: row.reason,
  voice: row.voice,
});
