import { uuidOf } from "@assent/contract";
import { assert } from "../../base/assert.ts";
import type { IdempotencyKey, IdempotencyRecord, StoreTx } from "../../ports.ts";
import { digestFromBytes, digestToBytes, only, type Scope } from "./rows.ts";

type KeyRow = {
  fingerprint: Buffer | null;
  status: number | null;
  location: string | null;
  body: string | null;
};

export function idempotencyRows({ query, tenant }: Scope): StoreTx["idempotency"] {
  const identity = (key: IdempotencyKey): unknown[] => [tenant, uuidOf(key.principal), key.route, key.key];
  const find = async (key: IdempotencyKey, now: Date): Promise<IdempotencyRecord | null> => {
    const [row] = await query<KeyRow>(
      `select fingerprint, status, location, body from assent.idempotency_keys
       where tenant_id = $1 and principal_id = $2 and route = $3 and key = $4 and expires_at > $5`,
      [...identity(key), now],
    );
    if (row === undefined) return null;
    assert(
      row.fingerprint !== null && row.status !== null && row.body !== null,
      "a committed idempotency key has its answer",
    );
    return {
      fingerprint: digestFromBytes(row.fingerprint),
      status: row.status,
      location: row.location,
      body: row.body,
    };
  };
  return {
    find,
    async claim(key: IdempotencyKey, now: Date): Promise<IdempotencyRecord | null> {
      // Past its announced time a key is free again, as if it had never been used.
      await query(
        `delete from assent.idempotency_keys
         where tenant_id = $1 and principal_id = $2 and route = $3 and key = $4 and expires_at <= $5`,
        [...identity(key), now],
      );
      // Whoever inserts first holds the key; all others wait here until that transaction has ended, and then see
      // its answer (or, if it failed, one of them inserts).
      const inserted = await query<{ key: string }>(
        `insert into assent.idempotency_keys (tenant_id, principal_id, route, key, expires_at)
         values ($1, $2, $3, $4, $5) on conflict do nothing returning key`,
        [...identity(key), key.expiresAt],
      );
      if (inserted.length === 1) return null;
      const found = await find(key, now);
      assert(found !== null, "a committed idempotency key has its answer");
      return found;
    },
    async complete(key: IdempotencyKey, record: IdempotencyRecord): Promise<void> {
      only(
        await query<{ key: string }>(
          `update assent.idempotency_keys set fingerprint = $5, status = $6, location = $7, body = $8
           where tenant_id = $1 and principal_id = $2 and route = $3 and key = $4 returning key`,
          [...identity(key), digestToBytes(record.fingerprint), record.status, record.location, record.body],
        ),
      );
    },
  };
}
