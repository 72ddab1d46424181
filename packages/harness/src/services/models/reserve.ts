// Sets aside what a call may cost, and journals the step with the first of its calls: one statement, under the lease.

import { err, ok, type Result } from "../../base/result.ts";
import type { Reservation } from "../../core/budget/budget.ts";
import { profileOf } from "../../core/route/profile.ts";
import type { Candidate } from "../../core/route/route.ts";
import type { StepError } from "../../core/run/journal.ts";
import { uuidV7 } from "../../core/uuid.ts";
import type { BudgetAccount, BudgetAmounts, NewReservation, ReservationRefusal } from "../../ports.ts";
import { agreeOnTime, LeaseLost, planHeld, saved } from "../held.ts";
import type { Asking } from "./asking.ts";
import { accountsOf, amountsOf, isCrowdedOut, refusalOf } from "./ledger.ts";
import { closestReservation, loadCounter, worstReservation } from "./question.ts";

/**
 * @returns what is set aside for the call. An error: nothing is, and nobody may be called; `retries_exhausted` where
 * that is so for every model.
 */
export async function beginCall(
  asking: Asking,
  { model }: Candidate,
): Promise<Result<BudgetAmounts, Unbegun>> {
  const { held, question } = asking;
  const callable = held.ports.models.check(model);
  if (!callable.ok)
    return err({ error: { code: "model_unknown", detail: callable.error }, isCrowdedOut: false });
  await agreeOnTime(held);
  const { routing, clock } = held.ports;
  const accounts = accountsOf(routing.budgets, held.fence.run, held.definition, question.slug, clock.now());
  const worst = await reserve(asking, model, accounts, worstReservation(question));
  if (worst.ok || worst.error.kind !== "input") return worst;
  // Only close to a limit it is worth while to look more closely.
  const countTokens = question.countTokens ?? (await loadCounter(held));
  if (countTokens === null) return worst;
  return await reserve(asking, model, accounts, closestReservation({ ...question, countTokens }, model));
}

/** `isCrowdedOut`: only what other calls have set aside stands in the way. */
type Unbegun = { readonly error: StepError; readonly isCrowdedOut: boolean };
type Refused = Unbegun & { readonly kind: ReservationRefusal["kind"] | "price" };

async function reserve(
  asking: Asking,
  model: string,
  accounts: readonly BudgetAccount[],
  tokens: Reservation,
): Promise<Result<BudgetAmounts, Refused>> {
  const { held } = asking;
  const { store, clock, random, routing } = held.ports;
  const profile = profileOf(routing.models.catalogue, model);
  const priced = amountsOf(accounts, model, profile, tokens);
  if (!priced.ok) return err({ kind: "price", error: priced.error, isCrowdedOut: false });
  const amounts = priced.value;
  const now = clock.now();
  const id = uuidV7(now, random.bytes(10));
  const seq = asking.opening === null ? held.committed.journal.length : held.committed.journal.length + 1;
  const opening = asking.opening === null ? [] : [asking.opening];
  const planned = opening.length === 0 && held.unsaved === null ? null : planHeld(held, opening);
  const version = (planned?.before ?? held.committed).run.version;
  const { pending } = asking;
  const settled = pending === null ? null : { reservation: pending.id, spent: pending.spent };
  const reservation: NewReservation = {
    id,
    run: held.fence.run,
    seq,
    model,
    at: now,
    accounts,
    amounts,
    stepCallsMax: routing.providers.retries.step_calls_max,
    retriesMax: routing.providers.retries.run_retries_max,
  };
  const reserved = await store.beginCall(held.fence, version, settled, reservation, planned?.writes ?? null);
  if (reserved === null) throw new LeaseLost(`run ${held.fence.run} is not ours any more`);
  asking.pending = null;
  if (!reserved.ok) {
    const { error: refused } = reserved;
    return err({
      kind: refused.kind,
      error: refusalOf(refused, amounts),
      isCrowdedOut: isCrowdedOut(refused, amounts),
    });
  }
  if (planned !== null) saved(held, planned);
  asking.opening = null;
  asking.calls = reserved.value;
  asking.pending = { id, spent: amounts };
  return ok(amounts);
}
