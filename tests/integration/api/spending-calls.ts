import type { Harness } from "../../../packages/harness/src/services/harness.ts";

export const spendingCalls = (
  record: (name: keyof Harness, ...args: readonly unknown[]) => void,
): Pick<Harness, "listProviders" | "getBudget"> => ({
  listProviders: async (caller) => {
    record("listProviders", caller);
    return await Promise.resolve([]);
  },
  getBudget: async (caller) => {
    record("getBudget", caller);
    return await Promise.resolve({ tenant: "default", data: [] });
  },
});
