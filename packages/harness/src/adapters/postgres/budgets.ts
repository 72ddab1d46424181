import { uuidOf } from "@assent/contract";
import type { AccountState, BudgetRows, NewReservation, ReservationRefusal } from "../../ports.ts";
import { only, type Scope } from "./rows.ts";

export type ReservedRow = {
  refused: ReservationRefusal["kind"] | null;
  at_account: string | null;
  spent: string | null;
  reserved: string | null;
  most: string | null;
  calls_of_step: number;
};

// bigint comes as text; no ledger gets past what a number holds.
type AccountRow = {
  account: string;
  input_spent: string;
  output_spent: string;
  microdollars_spent: string;
  input_reserved: string;
  output_reserved: string;
  microdollars_reserved: string;
  calls: number;
  retries: number;
};

export function budgetRows({ query, tenant }: Scope): BudgetRows {
  return {
    async read(names) {
      const rows = await query<AccountRow>(
        "select * from assent.budget_accounts where tenant_id = $1 and account = any ($2)",
        [tenant, names],
      );
      return rows.map(toState);
    },
    async tenantSlug() {
      return only(await query<{ slug: string }>("select assent.tenant_slug() as slug", [])).slug;
    },
  };
}

export const refusalOf = (row: ReservedRow, kind: ReservationRefusal["kind"]): ReservationRefusal => ({
  kind,
  account: row.at_account ?? "",
  spent: Number(row.spent),
  reserved: Number(row.reserved),
  most: Number(row.most),
});

export function reserveValues(reservation: NewReservation): readonly unknown[] {
  const { id, run, seq, model, at, amounts, stepCallsMax, retriesMax } = reservation;
  // Everybody locks them in this order.
  const accounts = reservation.accounts.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  return [
    id,
    uuidOf(run),
    seq,
    model,
    at,
    accounts.map(({ name }) => name),
    accounts.map(({ limits }) => limits.inputTokens),
    accounts.map(({ limits }) => limits.outputTokens),
    accounts.map(({ limits }) => limits.microdollars),
    amounts.inputTokens,
    amounts.outputTokens,
    amounts.microdollars,
    stepCallsMax,
    retriesMax,
  ];
}

const toState = (row: AccountRow): AccountState => ({
  name: row.account,
  spent: {
    inputTokens: Number(row.input_spent),
    outputTokens: Number(row.output_spent),
    microdollars: Number(row.microdollars_spent),
  },
  reserved: {
    inputTokens: Number(row.input_reserved),
    outputTokens: Number(row.output_reserved),
    microdollars: Number(row.microdollars_reserved),
  },
  calls: row.calls,
  retries: row.retries,
});
