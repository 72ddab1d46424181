// Decisions about actions and about who may get in are answered once they are in the log, decisions with the proof of
// it: nobody can say later that they were never given. Where that takes too long the answer goes out all the same, and
// the proof can be had later.

import { type Approval, approvalSchema } from "@assent/contract";
import { z } from "zod";
import { ok, type Result } from "../../base/result.ts";
import type { Caller } from "../../ports.ts";
import type { Once, Refusal } from "../harness.ts";
import type { Evidence } from "./evidence.ts";
import { receiptView } from "./trail.ts";

/** @param evidence null where no log is kept: then nothing is waited for */
export async function withReceipt(
  evidence: Evidence | null,
  { tenant }: Caller,
  decided: Result<Approval, Refusal>,
): Promise<Result<Approval, Refusal>> {
  // One word of several that are wanted decides nothing yet.
  if (!decided.ok || evidence === null || decided.value.decided_at === null) return decided;
  const { run_id: run, id, decided_at: decidedAt } = decided.value;
  const receipt = await evidence.receiptOf(tenant, run, id, new Date(decidedAt));
  return receipt === null ? decided : ok({ ...decided.value, receipt: receiptView(receipt) });
}

export async function covered<T extends { readonly id: string }>(
  evidence: Evidence | null,
  { tenant }: Caller,
  done: Result<T, Refusal>,
): Promise<Result<T, Refusal>> {
  if (done.ok && evidence !== null) await evidence.waitForCover(tenant, done.value.id);
  return done;
}

const keySchema = z.looseObject({ id: z.string().startsWith("key_") });

/** The same for an answer that was kept for its idempotency key. A receipt never changes, so neither does a repeat. */
export async function coveredAnswer(evidence: Evidence | null, caller: Caller, done: Once): Promise<Once> {
  if (evidence === null || !done.answer.ok) return done;
  const value: unknown = JSON.parse(done.answer.value.body);
  const approval = approvalSchema.safeParse(value);
  if (approval.success) {
    const receipted = await withReceipt(evidence, caller, ok(approval.data));
    return receipted.ok
      ? { ...done, answer: ok({ ...done.answer.value, body: JSON.stringify(receipted.value) }) }
      : done;
  }
  const key = keySchema.safeParse(value);
  if (key.success) await evidence.waitForCover(caller.tenant, key.data.id);
  return done;
}
