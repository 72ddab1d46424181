// What would make the scenario of contention and recovery worthless: a product that is broken in the way it looks for,
// and passes. Beside the break that the gate plants (tests/integration/faults/scenario-kills.test.ts).

import { vi } from "vitest";
import { type Kill, proveKills } from "../../support/target/kills.ts";
import { createInProcessTarget } from "../../support/target/local-target.ts";

type Break = "readiness asks nobody" | "a conflict is repeated for ever";

const broken = vi.hoisted((): { by: Break | "none" } => ({ by: "none" }));

vi.mock(import("../../../packages/harness/src/adapters/postgres/store.ts"), async (importOriginal) => {
  const real = await importOriginal();
  return {
    ...real,
    postgresStore: (options) => {
      const store = real.postgresStore(options);
      const asksNobody = (): boolean => broken.by === "readiness asks nobody";
      return {
        ...store,
        ping: async () => {
          if (!asksNobody()) await store.ping();
        },
        breakers: {
          ...store.breakers,
          list: async () => (asksNobody() ? new Map() : await store.breakers.list()),
        },
      };
    },
  };
});

vi.mock(import("../../../packages/harness/src/adapters/postgres/connect.ts"), async (importOriginal) => {
  const real = await importOriginal();
  const repeated = (options: object | undefined): object | undefined =>
    broken.by === "a conflict is repeated for ever"
      ? { ...options, attemptsMax: Number.POSITIVE_INFINITY, pause: async () => await Promise.resolve(true) }
      : options;
  return {
    ...real,
    transaction: async (pool, work, options) => await real.transaction(pool, work, repeated(options)),
    statement: async (pool, send, options) => await real.statement(pool, send, repeated(options)),
  };
});

const KILLS: readonly Kill<Break>[] = [
  [
    "db_contention_and_recovery",
    "readiness asks nobody",
    "without a free connection a server says that it is not ready",
  ],
  ["db_contention_and_recovery", "a conflict is repeated for ever", "no answer"],
];

proveKills(createInProcessTarget(), broken, KILLS);
