// Faults of the store of artifacts.

import type { ObjectFault, ObjectServer, Target } from "@assent/suite";

const STORE_FAULTS: Readonly<Record<string, ObjectFault>> = {
  artifact_store_refuses: { do: "status", status: 503 },
  artifact_store_truncates: { do: "truncate", toBytes: 3 },
};

// The bucket is the suite's own, so it is what fails, and it counts how often it did.
export function storeFaults(bucket: () => ObjectServer | null): NonNullable<Target["faults"]> {
  const firedBefore = new Map<string, number>();
  return {
    arm: async (name, times) => {
      await Promise.resolve();
      const fault = STORE_FAULTS[name];
      if (fault === undefined) throw new Error(`there is no fault ${name}`);
      const all = bucket()?.fired() ?? 0;
      firedBefore.set(name, all);
      // Scripted runs make the same bytes each time; what is there already would not be stored again.
      bucket()?.objects.clear();
      bucket()?.cue("PUT", ...Array.from({ length: times }, () => fault));
    },
    // One fault is armed at a time.
    fired: async (name) =>
      await Promise.resolve((bucket()?.fired() ?? 0) - (firedBefore.get(name) ?? bucket()?.fired() ?? 0)),
  };
}
