// Between letting a request in and committing what it asks for lies every wait there is: for a connection, for a lock.
// What its credential is needed for holds the credential itself, in the transaction that commits it.

import type { Caller, StoreTx } from "../ports.ts";
import type { Refusal } from "./harness.ts";

/**
 * Asked after every lock that the transaction waits for, but the credential's own.
 * @returns null: the credential is good, and cannot be ended before the transaction is
 */
export async function refuseEnded(tx: StoreTx, caller: Caller, now: Date): Promise<Refusal | null> {
  return (await tx.keys.holdGood(caller, now)) ? null : ENDED;
}

const ENDED: Refusal = {
  code: "unauthenticated",
  detail:
    "What the request came with was revoked, replaced or made to demand a signature while it was under way.",
};
