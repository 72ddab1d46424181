// Counts what was committed. An event of a transaction that did not commit never happened.

import { ASSENT } from "../../core/telemetry/names.ts";
import type { NewAuditEvent, Store, StoreTx, Telemetry } from "../../ports.ts";

export function countedStore(store: Store, telemetry: Telemetry): Store {
  const count = (events: readonly NewAuditEvent[]): void => {
    for (const { kind } of events) telemetry.count("assent.events", { [ASSENT.event]: kind });
  };
  return {
    ...store,
    transaction: async (tenant, work, options) => {
      let appended: NewAuditEvent[] = [];
      const attempt = async (tx: StoreTx): ReturnType<typeof work> => {
        // A transaction that is run again begins with nothing.
        appended = [];
        return await work(countingTx(tx, appended));
      };
      const result = await store.transaction(tenant, attempt, options);
      count(appended);
      return result;
    },
    takeQueued: async (from, work) => {
      let appended: NewAuditEvent[] = [];
      const taken = await store.takeQueued(from, async (tx, id) => {
        appended = [];
        return await work(countingTx(tx, appended), id);
      });
      if (taken !== null) count(appended);
      return taken;
    },
  };
}

const countingTx = (tx: StoreTx, appended: NewAuditEvent[]): StoreTx => ({
  ...tx,
  audit: {
    ...tx.audit,
    append: async (events) => {
      await tx.audit.append(events);
      appended.push(...events);
    },
  },
});
