// Sealing keys and what is wrapped for them, as rows (migration 0035).

import { idFromUuid, uuidOf } from "@assent/contract";
import type { Pool } from "pg";
import type { SealedKey, SealedStanding, SealingStore } from "../../ports.ts";
import { transaction } from "./connect.ts";
import { only } from "./rows.ts";
import { generationsOn } from "./sealing-generations.ts";
import { queryOn } from "./store.ts";

/** A statement that waited in vain for those who are sealing is repeated this often. */
const ATTEMPTS_MAX = 10;

export function postgresSealingStore(pool: Pool): SealingStore {
  return {
    ...generationsIn(pool),
    async take(tenant, after, limit): Promise<readonly SealedKey[]> {
      return await transaction(
        pool,
        async (client) =>
          await queryOn(client)<SealedKey>(
            `select id, generation, wrapped from assent.sealed_keys
             where tenant_id = $1 and wrapped is not null and ($2::bytea is null or id > $2)
               and generation in (select k.generation from assent.sealing_keys k
                 where k.retired_at is not null and k.destroyed_at is null)
             order by id limit $3`,
            [uuidOf(tenant), after, limit],
          ),
        { tenant: uuidOf(tenant), attemptsMax: ATTEMPTS_MAX },
      );
    },
    async rewrap(tenant, keys, generation): Promise<void> {
      await transaction(
        pool,
        async (client) =>
          await queryOn(client)(
            `update assent.sealed_keys s set generation = $2, wrapped = u.wrapped
             from unnest($3::bytea[], $4::bytea[], $5::bytea[]) u (id, before, wrapped)
             where s.tenant_id = $1 and s.id = u.id and s.wrapped = u.before`,
            [
              uuidOf(tenant),
              generation,
              keys.map(({ before }) => before.id),
              keys.map(({ before }) => before.wrapped),
              keys.map(({ wrapped }) => wrapped),
            ],
          ),
        { tenant: uuidOf(tenant), attemptsMax: ATTEMPTS_MAX },
      );
    },
    async standing(tenant): Promise<SealedStanding> {
      return await transaction(
        pool,
        async (client) => {
          const row = only(
            await queryOn(client)<{ kept: string; erased: string; uncovered: string; since: Date | null }>(
              `select count(*) filter (where s.wrapped is not null) as kept, count(s.erased_at) as erased,
                 count(s.erased_at) filter (where s.generation >= l.generation) as uncovered,
                 min(s.erased_at) filter (where s.generation >= l.generation) as since
               from assent.sealed_keys s,
                 (select min(k.generation) as generation from assent.sealing_keys k where k.destroyed_at is null) l
               where s.tenant_id = $1`,
              [uuidOf(tenant)],
            ),
          );
          return {
            kept: Number(row.kept),
            erased: Number(row.erased),
            uncovered: Number(row.uncovered),
            uncoveredSince: row.since,
          };
        },
        { tenant: uuidOf(tenant) },
      );
    },
  };
}

type Shared = "generations" | "begin" | "behind" | "uncoveredSince" | "destroyed";

/** What is no single tenant's. */
const generationsIn = (pool: Pool): Pick<SealingStore, Shared> => ({
  generations: async () => await generationsOn(queryOn(pool)),
  async begin(publicKey, after, isLost, at): Promise<number | null> {
    return await transaction(
      pool,
      async (client) =>
        only(
          await queryOn(client)<{ generation: number | null }>(
            "select assent.sealing_begin($1, $2, $3, $4) as generation",
            [publicKey, after, isLost, at],
          ),
        ).generation,
      { attemptsMax: ATTEMPTS_MAX },
    );
  },
  async behind() {
    const rows = await queryOn(pool)<{ tenant_id: string }>(
      "select tenant_id from assent.sealing_behind()",
      [],
    );
    return rows.map(({ tenant_id }) => idFromUuid("ten", tenant_id));
  },
  async uncoveredSince(): Promise<Date | null> {
    return only(
      await queryOn(pool)<{ since: Date | null }>("select assent.sealing_uncovered_since() as since", []),
    ).since;
  },
  async destroyed(generation, at): Promise<boolean> {
    return only(
      await queryOn(pool)<{ done: boolean }>("select assent.sealing_destroyed($1, $2) as done", [
        generation,
        at,
      ]),
    ).done;
  },
});
