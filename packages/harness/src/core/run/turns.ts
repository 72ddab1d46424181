// Whose turn it is to run, where all slots of all workers are held: runs may take hours, and a tenant with many of them would
// keep everybody else's from being begun. A turn is a run's hold on a slot; it is over when somebody waits who holds fewer.

import type { TenantId } from "@assent/contract";

export type TenantSlots = {
  readonly tenant: TenantId;
  /** Runs of theirs that workers hold. */
  readonly held: number;
  /** Whether a run of theirs is due that nobody has taken. */
  readonly isWaiting: boolean;
};

/** Whose run is to be begun, and which tenants' runs give way to it. */
export type Handover = { readonly to: TenantId; readonly from: ReadonlySet<TenantId> };

/**
 * Who holds fewest of those that wait gets a slot of whoever holds at least two more, so that what is handed over never goes
 * back. Where there are more tenants than slots, and one has none, any may have to give theirs.
 * @param slots in the order of their turns
 * @param most slots of one tenant; null: as many as there are
 * @returns null where nobody need give way
 */
export function nextHandover(slots: readonly TenantSlots[], most: number | null): Handover | null {
  const waiting = slots.filter(({ isWaiting, held }) => isWaiting && (most === null || held < most));
  const [first, ...others] = waiting;
  if (first === undefined) return null;
  const to = others.reduce((least, each) => (each.held < least.held ? each : least), first);
  const atLeast = (held: number): ReadonlySet<TenantId> =>
    new Set(slots.filter((each) => each.held >= held).map(({ tenant }) => tenant));
  const richer = atLeast(to.held + 2);
  const from = richer.size > 0 || to.held > 0 ? richer : atLeast(1);
  return from.size === 0 ? null : { to: to.tenant, from };
}
