// How the providers are, and what they have cost.

import type { BudgetReport, ProviderView } from "@assent/contract";
import { err, ok } from "../../base/result.ts";
import type { Context, Outcome } from "../context.ts";
import { failureOfClient } from "../failure.ts";
import { table } from "../output/table.ts";
import { relativeTime } from "../output/time.ts";
import { visibleLine } from "../output/visible.ts";

export async function listProviders(context: Context): Outcome {
  const client = await context.openClient();
  if (!client.ok) return client;
  const providers = await client.value.listProviders();
  if (!providers.ok) return err(failureOfClient(providers.error));
  const now = context.deps.clock.now();
  context.show({ data: providers.value }, () =>
    providers.value.length === 0
      ? ["No provider has been asked yet."]
      : table(
          ["PROVIDER", "STATE", "FAILING SINCE", "REASON", "IN FLIGHT", "AT MOST"],
          providers.value.map((one) => [
            one.provider,
            stateOf(one, now),
            one.failing_since === null ? "" : relativeTime(one.failing_since, now),
            one.reason ?? "",
            String(one.in_flight),
            String(one.concurrency_max),
          ]),
        ),
  );
  return ok("ok");
}

function stateOf({ state, paused_until, open_until }: ProviderView, now: Date): string {
  if (paused_until !== null && new Date(paused_until) > now) return `asked for a pause until ${paused_until}`;
  if (state === "open") return `left alone until ${open_until ?? ""}`;
  return state === "half_open" ? "being tried" : "asked";
}

export async function showBudget(context: Context): Outcome {
  const client = await context.openClient();
  if (!client.ok) return client;
  const report = await client.value.getBudget();
  if (!report.ok) return err(failureOfClient(report.error));
  const { tenant, data } = report.value;
  context.show(report.value, () =>
    data.length === 0
      ? [
          visibleLine(
            `${tenant} has no budget; \`budgets\` in assent.config.json sets one. A run shows its own.`,
          ),
        ]
      : table(["LEDGER", "OF", "SPENT", "SET ASIDE", "LIMIT"], data.flatMap(rowsOf)),
  );
  return ok("ok");
}

const UNITS = [
  ["input_tokens", "input tokens"],
  ["output_tokens", "output tokens"],
  ["cost_usd", "US dollars"],
] as const;

const rowsOf = ({ account, day, limits, spent, reserved }: BudgetReport["data"][0]): string[][] =>
  UNITS.map(([unit, name]) => [
    account === "day" ? `day ${day ?? ""}` : "total",
    name,
    String(spent[unit]),
    String(reserved[unit]),
    limits[unit] === null ? "none" : String(limits[unit]),
  ]);
