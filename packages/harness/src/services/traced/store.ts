// Counts what was committed. An event of a transaction that did not commit never happened.

import { ASSENT } from "../../core/telemetry/names.ts";
import type { Store, StoreTx, Telemetry } from "../../ports.ts";
import type { EventKind } from "@assent/contract";

export function countedStore(store: Store, telemetry: Telemetry): Store {
  const count = (kinds: readonly EventKind[]): void => {
    for (const kind of kinds) telemetry.count("assent.events", { [ASSENT.event]: kind });
  };
  return {
    ...store,
    transaction: async (tenant, work, options) => {
      let appended: EventKind[] = [];
      const attempt = async (tx: StoreTx): ReturnType<typeof work> => {
        // A transaction that is run again begins with nothing.
        appended = [];
        return await work(countingTx(tx, appended));
      };
      const result = await store.transaction(tenant, attempt, options);
      count(appended);
      return result;
    },
    submit: async (submission) => {
      const earlier = await store.submit(submission);
      if (earlier === null) count([submission.event.kind]);
      return earlier;
    },
    writeHeld: async (fence, version, writes) => {
      const written = await store.writeHeld(fence, version, writes);
      if (written) count(writes.events.map(({ kind }) => kind));
      return written;
    },
    beginCall: async (fence, version, settled, reservation, writes) => {
      const begun = await store.beginCall(fence, version, settled, reservation, writes);
      if (begun?.ok === true && writes !== null) count(writes.events.map(({ kind }) => kind));
      return begun;
    },
    take: async (turn, lease) => {
      const taken = await store.take(turn, lease);
      if (taken !== null && taken !== "locked" && taken.whole !== null) count(["run_leased"]);
      return taken;
    },
  };
}

const countingTx = (tx: StoreTx, appended: EventKind[]): StoreTx => ({
  ...tx,
  audit: {
    ...tx.audit,
    append: async (events) => {
      await tx.audit.append(events);
      appended.push(...events.map(({ kind }) => kind));
    },
  },
  runs: {
    ...tx.runs,
    lease: async (worker, until, event) => {
      const token = await tx.runs.lease(worker, until, event);
      appended.push(event.kind);
      return token;
    },
    write: async (writes) => {
      await tx.runs.write(writes);
      appended.push(...writes.events.map(({ kind }) => kind));
    },
    writeFor: async (caller, at, writes) => {
      const written = await tx.runs.writeFor(caller, at, writes);
      if (written) appended.push(...writes.events.map(({ kind }) => kind));
      return written;
    },
    writeHeld: async (fence, version, writes) => {
      const written = await tx.runs.writeHeld(fence, version, writes);
      if (written) appended.push(...writes.events.map(({ kind }) => kind));
      return written;
    },
  },
});
