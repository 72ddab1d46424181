// Requests for runs, taken in by one statement, which finds out by itself whether an earlier attempt at it was kept.

import { uuidOf } from "@assent/contract";
import { DatabaseError } from "pg";
import { eventDigest } from "../../core/audit/event.ts";
import { KeyBusy } from "../../core/idempotency/key-busy.ts";
import type { IdempotencyRecord, NewSubmission } from "../../ports.ts";
import { toWire } from "./audit.ts";
import { type KeyRow, toKeyRecord } from "./idempotency.ts";
import { MESSAGE_VERSION } from "./message-version.ts";
import { digestToBytes, type Query } from "./rows.ts";

const SUBMIT = `select * from assent.submit_run(${Array.from({ length: 22 }, (_, at) => `$${at + 1}`).join(", ")})`;

/** Null: it was taken in. */
export async function submit(query: Query, submission: NewSubmission): Promise<IdempotencyRecord | null> {
  const { tenant, key, answer, run, definition, event } = submission;
  const [earlier] = await unlessBusy(
    async () =>
      await query<KeyRow>(SUBMIT, [
        uuidOf(tenant),
        uuidOf(key.principal),
        key.route,
        key.key,
        run.createdAt,
        key.expiresAt,
        digestToBytes(answer.fingerprint),
        answer.location,
        answer.body,
        uuidOf(run.id),
        run.agent,
        digestToBytes(run.agentVersion),
        JSON.stringify(definition),
        run.task,
        run.workspace?.name ?? null,
        run.workspace?.commit ?? null,
        run.model,
        JSON.stringify(run.labels),
        MESSAGE_VERSION,
        run.traceparent,
        JSON.stringify(event.data),
        digestToBytes(eventDigest(toWire(event))),
      ]),
  );
  return earlier === undefined ? null : toKeyRecord(earlier);
}

const LOCK_NOT_AVAILABLE = "55P03";

// Of all locks that the statement waits for, only the key's is another request's to give back.
async function unlessBusy<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const isLock = error instanceof DatabaseError && error.code === LOCK_NOT_AVAILABLE;
    if (isLock && error.where?.includes("assent.keep_answer(") === true) throw new KeyBusy();
    throw error;
  }
}
