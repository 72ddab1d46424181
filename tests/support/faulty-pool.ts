// A pool of connections whose every statement is a point where a fault can be met. The names are `db.connect` and
// `db.<first word of the statement>`.

import type { Failpoints } from "@assent/suite";
import type { Pool, PoolClient } from "pg";

export type FaultyPool = {
  readonly pool: Pool;
  /** What becomes of connections whose process is dead: Postgres sees them end, and undoes what they had open. */
  abandon(): void;
};

export function faultyPool(pool: Pool, points: Failpoints): FaultyPool {
  const held = new Set<PoolClient>();
  const wrap = (client: PoolClient): PoolClient =>
    replacing(client, {
      query: async (...given) =>
        await points.through(nameOf(given[0]), async () => await asked(client, given)),
      release: (...given) => {
        if (!held.delete(client)) return;
        // As pg has it: given a reason, it is closed, with whatever transaction it had open.
        client.release(given[0] !== undefined && given[0] !== false);
      },
    });
  return {
    pool: replacing(pool, {
      query: async (...given) => await points.through(nameOf(given[0]), async () => await asked(pool, given)),
      connect: async () =>
        await points.through("db.connect", async () => {
          const client = await pool.connect();
          held.add(client);
          return wrap(client);
        }),
    }),
    abandon: () => {
      for (const client of held) client.release(true);
      held.clear();
    },
  };
}

/** The statement, as it was given. */
export async function asked(target: Pool | PoolClient, given: readonly unknown[]): Promise<unknown> {
  const query: unknown = Reflect.get(target, "query");
  if (typeof query !== "function") throw new Error("no query");
  const result: unknown = await Reflect.apply(query, target, given);
  return result;
}

function nameOf(statement: unknown): string {
  const text =
    typeof statement === "string"
      ? statement
      : typeof statement === "object" && statement !== null && "text" in statement
        ? String(statement.text)
        : "";
  return `db.${/\w+/u.exec(text)?.[0].toLowerCase() ?? "statement"}`;
}

type Replacements = Readonly<Record<string, (...given: readonly unknown[]) => unknown>>;

/** The same object with other functions in the place of some. */
export function replacing<T extends object>(target: T, replacements: Replacements): T {
  return new Proxy(target, {
    get(_, name): unknown {
      const replaced = typeof name === "string" ? replacements[name] : undefined;
      if (replaced !== undefined) return replaced;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}
