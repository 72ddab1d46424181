// A connection that commits an idempotency key as soon as it is claimed, and goes on in another transaction: what a
// harness does that keeps its keys apart.

import type { PoolClient } from "pg";

const isClaim = (statement: unknown): boolean =>
  typeof statement === "object" &&
  statement !== null &&
  "text" in statement &&
  String(statement.text).includes("claim_key");

export function keepingKeys(client: PoolClient): PoolClient {
  const commitOn = async (): Promise<void> => {
    const { rows } = await client.query<{ tenant: string }>(
      "select current_setting('assent.tenant') as tenant",
    );
    await client.query("COMMIT");
    await client.query("BEGIN");
    await client.query("select set_config('assent.tenant', $1, true)", [rows[0]?.tenant]);
  };
  return new Proxy(client, {
    get(target, name): unknown {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== "function") return value;
      if (name !== "query") return value.bind(target);
      return async (...given: readonly unknown[]): Promise<unknown> => {
        const result: unknown = await Reflect.apply(value, target, given);
        if (isClaim(given[0])) await commitOn();
        return result;
      };
    },
  });
}
