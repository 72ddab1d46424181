// What one process at a time may do to files that the processes of a database share.

import type { Pool, PoolClient } from "pg";
import { LOCK_CLASS, LOCK_KEYS, transaction } from "./connect.ts";

/** Waits until no other process's transaction has this turn; it is over with the transaction, however that ends. */
export async function takeTurn(client: PoolClient, turn: "signerKeys" | "operatorKey"): Promise<void> {
  await client.query("select pg_advisory_xact_lock($1, $2)", [LOCK_CLASS, LOCK_KEYS[turn]]);
}

/**
 * Changes the signer's keys while nobody else does: the file is read, changed and put back, and of two who do that at once
 * one would undo the other's change. Postgres lets go of the lock when the process is gone, whatever it was doing.
 * @param work not asynchronous: the lock must not be lost in the middle of it
 */
export async function changeSignerKeys<T>(pool: Pool, work: () => T): Promise<T> {
  return await transaction(pool, async (client) => {
    await takeTurn(client, "signerKeys");
    return work();
  });
}
