// Counts what was committed. An event of a transaction that did not commit never happened.

import { ASSENT } from "../../core/telemetry/names.ts";
import type { NewAuditEvent, Store, StoreTx, Telemetry } from "../../ports.ts";

export function countedStore(store: Store, telemetry: Telemetry): Store {
  return {
    ...store,
    transaction: async (tenant, work) => {
      let appended: NewAuditEvent[] = [];
      const result = await store.transaction(tenant, async (tx) => {
        // A transaction that is run again begins with nothing.
        appended = [];
        return await work(countingTx(tx, appended));
      });
      for (const { kind } of appended) telemetry.count("assent.events", { [ASSENT.event]: kind });
      return result;
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
