// An answer that stays although the run that it is about was not kept: what a harness does that keeps its keys apart.

import { uuidOf } from "@assent/contract";
import { digestToBytes, type Query } from "../../packages/harness/src/adapters/postgres/rows.ts";
import type { NewSubmission } from "../../packages/harness/src/ports.ts";

/** Commits the answer of a submission by itself. */
export async function keepAnswer(query: Query, { tenant, key, answer, run }: NewSubmission): Promise<void> {
  await query(
    `select assent.keep_answer($1, $2, $3, $4, $5, $6, $7, 202, $8, $9) from set_config('assent.tenant', $10, true)`,
    [
      uuidOf(tenant),
      uuidOf(key.principal),
      key.route,
      key.key,
      run.createdAt,
      key.expiresAt,
      digestToBytes(answer.fingerprint),
      answer.location,
      answer.body,
      uuidOf(tenant),
    ],
  );
}
