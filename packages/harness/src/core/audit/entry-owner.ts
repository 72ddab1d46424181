// Whose an entry is: a log is of one tenant, and where its name says which, of no other one.

import type { LeafOwner } from "./leaf-layout.ts";
import type { LogFinding } from "./verify-source.ts";

/** Whose log it is, where its name says so, as those of installations do. */
const tenantOf = (origin: string): string | null =>
  /\/(ten_[0-9a-f]{32})(?:\/e[1-9]\d*)?$/.exec(origin)?.[1] ?? null;

/** Whether what entries have in common is this log's, and one tenant's. */
export function createOwnerCheck(origin: string): (owner: LeafOwner) => boolean {
  let tenant = tenantOf(origin);
  // The last one that was found to be.
  let ours: LeafOwner | null = null;
  return (owner) => {
    if (owner === ours) return true;
    tenant ??= owner.tenant;
    if (owner.log !== origin || owner.tenant !== tenant) return false;
    ours = owner;
    return true;
  };
}

export const ofAnother = ({ log, tenant }: LeafOwner, index: number): LogFinding => ({
  code: "entry_of_another_log",
  at: `entry ${index}`,
  detail: `it belongs to ${log}, tenant ${tenant}`,
});
