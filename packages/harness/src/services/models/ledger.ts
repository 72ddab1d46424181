// What a call is set aside for, and in which ledgers: the run's, and those of its tenant that the operator limits.

import { type RunId, uuidOf } from "@assent/contract";
import { err, ok, type Result } from "../../base/result.ts";
import { agentLimits, type Reservation } from "../../core/budget/budget.ts";
import { type BudgetSettings, runLimits, tenantAccounts } from "../../core/budget/settings.ts";
import type { StepError } from "../../core/run/journal.ts";
import type { AgentDefinition } from "../../core/agent.ts";
import { costOf, type ModelProfile } from "../../core/route/profile.ts";
import type { BudgetAccount, BudgetAmounts, ReservationRefusal } from "../../ports.ts";

export const NOTHING: BudgetAmounts = { inputTokens: 0, outputTokens: 0, microdollars: 0 };

export const runAccount = (run: RunId): string => `run:${uuidOf(run).replaceAll("-", "")}`;

export function accountsOf(
  settings: BudgetSettings,
  run: RunId,
  definition: AgentDefinition,
  slug: string,
  now: Date,
): readonly BudgetAccount[] {
  return [
    { name: runAccount(run), limits: runLimits(settings, agentLimits(definition)) },
    ...tenantAccounts(settings, slug, now),
  ];
}

/** With its price. An error where a limit on costs cannot be kept, since nobody knows what the model costs. */
export function amountsOf(
  accounts: readonly BudgetAccount[],
  model: string,
  profile: ModelProfile,
  tokens: Reservation,
): Result<BudgetAmounts, StepError> {
  const cost = costOf(profile, tokens);
  if (cost !== null) return ok({ ...tokens, microdollars: cost });
  const limited = accounts.find(({ limits }) => limits.microdollars !== null);
  if (limited === undefined) return ok({ ...tokens, microdollars: 0 });
  const detail = `${model} has no price in the catalogue, and the costs of ${whoseOf(limited.name)} are limited.`;
  return err({ code: "model_price_unknown", detail });
}

/** Whether only what other calls have set aside stands in the way: most of it comes back when they have ended. */
export function isCrowdedOut(refused: ReservationRefusal, amounts: BudgetAmounts): boolean {
  const { kind, spent, most } = refused;
  if (kind === "step_calls" || kind === "retries") return false;
  return spent + wantedOf(kind, amounts) <= most;
}

const wantedOf = (kind: keyof typeof UNITS, amounts: BudgetAmounts): number =>
  ({ input: amounts.inputTokens, output: amounts.outputTokens, microdollars: amounts.microdollars })[kind];

const UNITS = { input: "input tokens", output: "output tokens", microdollars: "microdollars" } as const;

/** For the journal and for people. */
export function refusalOf(refused: ReservationRefusal, amounts: BudgetAmounts): StepError {
  const { kind, account, spent, reserved, most } = refused;
  if (kind === "step_calls")
    return {
      code: "retries_exhausted",
      detail: `This step was asked for ${spent} times without an answer; more are not allowed.`,
    };
  if (kind === "retries")
    return {
      code: "retries_exhausted",
      detail: `The run has repeated ${spent} calls; more are not allowed.`,
    };
  const wanted = wantedOf(kind, amounts);
  const aside = reserved === 0 ? "" : ` and has ${reserved} set aside`;
  return {
    code: "budget_exhausted",
    detail: `${capital(whoseOf(account))} has used ${spent} of ${most} ${UNITS[kind]}${aside}; the next call may take ${wanted}.`,
  };
}

function whoseOf(account: string): string {
  if (account.startsWith("run:")) return "the run";
  return account === "total" ? "the tenant" : `the tenant's day ${account.slice("day:".length)}`;
}

const capital = (text: string): string => `${text.slice(0, 1).toUpperCase()}${text.slice(1)}`;

// Refused before any work was done, or never reached: nobody bills for that.
const UNBILLED: ReadonlySet<string> = new Set([
  "provider_refused_credentials",
  "provider_refused",
  "provider_quota_exhausted",
  "provider_redirected",
  "provider_overloaded",
  "provider_unavailable",
  "provider_unreachable",
  "model_unknown",
  "transcript_invalid",
  "transcript_mismatch",
]);

/** What a call costs that brought no answer: all that was set aside, unless it surely was not worked on. */
export const spentInVain = (code: string, reserved: BudgetAmounts): BudgetAmounts =>
  UNBILLED.has(code) ? NOTHING : reserved;
