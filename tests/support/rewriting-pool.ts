// Stands between the store and the driver and changes what is asked: for trying what holds when a query forgets.

import type { Pool, PoolClient } from "pg";

/** A pool like the given one whose every statement goes through `rewrite` first. */
export function rewritingPool(pool: Pool, rewrite: (sql: string) => string): Pool {
  return replacing(pool, {
    connect: async () => replacing(await pool.connect(), queryOf(rewrite)),
    ...queryOf(rewrite),
  });
}

type Query = (this: void, target: Pool | PoolClient, ...given: readonly unknown[]) => unknown;
type Replacements = { readonly connect?: () => Promise<unknown>; readonly query: Query };

function queryOf(rewrite: (sql: string) => string): { query: Query } {
  return {
    query: (target, statement, ...rest) => {
      const changed =
        typeof statement === "string"
          ? rewrite(statement)
          : isNamed(statement)
            ? { ...statement, text: rewrite(statement.text) }
            : statement;
      return Reflect.apply(target.query, target, [changed, ...rest]);
    },
  };
}

const isNamed = (statement: unknown): statement is { readonly text: string } =>
  typeof statement === "object" &&
  statement !== null &&
  "text" in statement &&
  typeof statement.text === "string";

function replacing<T extends Pool | PoolClient>(target: T, { connect, query }: Replacements): T {
  return new Proxy(target, {
    get(_, name): unknown {
      if (name === "query") return (...given: readonly unknown[]) => query(target, ...given);
      if (name === "connect" && connect !== undefined) return connect;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}
