// Between letting a request in and committing what it asks for lies every wait there is: for a connection, for a lock.
// What its credential is needed for holds the credential itself, in the transaction that commits it.

import { err, type Result } from "../base/result.ts";
import type { Caller, RunWrites, StoreTx } from "../ports.ts";
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

/** The credential ended; thrown, it undoes the transaction. */
class CredentialEnded extends Error {
  override readonly name = "CredentialEnded";
}

/** How a commit is written for a caller: the credential is held by the statement that writes. Within {@link unlessEnded}. */
export const writingFor =
  (tx: StoreTx, caller: Caller, now: Date) =>
  async (writes: RunWrites): Promise<void> => {
    if (!(await tx.runs.writeFor(caller, now, writes))) throw new CredentialEnded();
  };

/** Refuses, where the credential ended before the commit. */
export const unlessEnded = async <T>(work: () => Promise<Result<T, Refusal>>): Promise<Result<T, Refusal>> =>
  await unlessEndedAs<Result<T, Refusal>>(err, work);

/** @param refused how whoever asked is told */
export async function unlessEndedAs<A>(refused: (refusal: Refusal) => A, work: () => Promise<A>): Promise<A> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof CredentialEnded) return refused(ENDED);
    throw error;
  }
}
