// What `assent audit verify --db --state` finds in tables after statements of whoever owns the database, with every rule of
// it switched off unless it is said otherwise; all of it is then undone.

import { type TenantId, uuidOf } from "@assent/contract";
import type { PoolClient } from "pg";
import { reviewOn } from "../../packages/harness/src/adapters/postgres/audit-review.ts";
import { transaction } from "../../packages/harness/src/adapters/postgres/connect.ts";
import { queryOn } from "../../packages/harness/src/adapters/postgres/store.ts";
import { type ReviewedState, reviewState } from "../../packages/harness/src/services/audit/review-state.ts";
import type { ThrowAwayDatabase } from "./database.ts";

const UNDONE = new Error("undone");

/** A worker that looks for work meanwhile takes the tables' locks in another order; of a deadlock one of both has to begin again. */
const ATTEMPTS_MAX = 20;

type Owned = { readonly database: ThrowAwayDatabase; readonly tenant: TenantId };

export async function stateAfter(
  { database, tenant }: Owned,
  statements: readonly string[],
  rules: "off" | "on" = "off",
): Promise<ReviewedState> {
  let state: ReviewedState | null = null;
  const look = async (client: PoolClient): Promise<void> => {
    if (rules === "off") await switchRulesOff(client);
    for (const sql of statements) await client.query(sql);
    state = await reviewState(reviewOn(queryOn(client)), uuidOf(tenant));
    throw UNDONE;
  };
  await transaction(database.ownerPool(), look, { attemptsMax: ATTEMPTS_MAX }).catch((error: unknown) => {
    if (error !== UNDONE) throw error;
  });
  if (state === null) throw new Error("the state was not looked at");
  return state;
}

/** `code at place` of each finding. */
export const foundIn = ({ findings }: ReviewedState): string[] =>
  findings.map(({ code, at }) => `${code} at ${at}`);

async function switchRulesOff(client: PoolClient): Promise<void> {
  const { rows: tables } = await client.query<{ name: string }>(
    "select c.oid::regclass::text as name from pg_class c where c.relnamespace = 'assent'::regnamespace and c.relkind = 'r'",
  );
  for (const { name } of tables) await client.query(`alter table ${name} disable trigger user`);
  // Keys to other tables and checks, which an owner can drop; what they need of others goes with them.
  const { rows: rules } = await client.query<{ at: string; name: string }>(
    `select conrelid::regclass::text as at, quote_ident(conname) as name from pg_constraint
     where connamespace = 'assent'::regnamespace and contype in ('c', 'f')`,
  );
  for (const { at, name } of rules) await client.query(`alter table ${at} drop constraint ${name} cascade`);
}
