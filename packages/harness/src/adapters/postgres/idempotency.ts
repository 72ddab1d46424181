import { uuidOf } from "@assent/contract";
import { DatabaseError } from "pg";
import { assert } from "../../base/assert.ts";
import { KeyBusy } from "../../core/idempotency/key-busy.ts";
import type { IdempotencyKey, IdempotencyRecord, StoreTx } from "../../ports.ts";
import { digestFromBytes, digestToBytes, only, type Query, type Scope } from "./rows.ts";

export type KeyRow = {
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
       where tenant_id = $1 and principal_id = $2 and route = $3 and key = $4
         and (expires_at > $5 or expires_at > assent.answers_swept())`,
      [...identity(key), now],
    );
    return row === undefined ? null : toKeyRecord(row);
  };
  return {
    find,
    async claim(key: IdempotencyKey, now: Date): Promise<IdempotencyRecord | null> {
      const row = only(await claim(query, [...identity(key), now, key.expiresAt]));
      return row.claimed ? null : toKeyRecord(row);
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
    async release(key: IdempotencyKey): Promise<void> {
      await query(
        `delete from assent.idempotency_keys
         where tenant_id = $1 and principal_id = $2 and route = $3 and key = $4 and fingerprint is null`,
        identity(key),
      );
    },
  };
}

export function toKeyRecord(row: KeyRow): IdempotencyRecord {
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
}

const LOCK_NOT_AVAILABLE = "55P03";

async function claim(
  query: Query,
  values: readonly unknown[],
): Promise<readonly (KeyRow & { readonly claimed: boolean })[]> {
  try {
    return await query("select * from assent.claim_key($1, $2, $3, $4, $5, $6)", values);
  } catch (error) {
    if (error instanceof DatabaseError && error.code === LOCK_NOT_AVAILABLE) throw new KeyBusy();
    throw error;
  }
}
