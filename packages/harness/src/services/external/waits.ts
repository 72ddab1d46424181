// Requests that wait for a decision: so many of one process, and no tenant's so many that another's are sent away.

import type { TenantId } from "@assent/contract";

/** Disposed of, its place is free. */
export type Wait = Disposable & {
  /** Aborted when another tenant has the place. */
  readonly given: AbortSignal;
};

export type Waits = {
  /**
   * Where none is free, the oldest of the tenant that has most ends in its place, if that is more than this one would have.
   * @returns null: there is none for this tenant now
   */
  take(tenant: TenantId): Wait | null;
};

export function createWaits(max: number): Waits {
  // In the order in which they began; those that have lost their place are on their way out.
  const going = new Map<AbortController, TenantId>();
  const counts = new Map<TenantId, number>();
  const leave = (controller: AbortController): void => {
    const tenant = going.get(controller);
    if (tenant === undefined) return;
    going.delete(controller);
    const left = (counts.get(tenant) ?? 0) - 1;
    if (left > 0) counts.set(tenant, left);
    else counts.delete(tenant);
  };
  const makeRoom = (tenant: TenantId): boolean => {
    if (going.size < max) return true;
    const [most, count] = [...counts].reduce((one, other) => (other[1] > one[1] ? other : one), [tenant, 0]);
    if (count <= (counts.get(tenant) ?? 0) + 1) return false;
    const [oldest] = [...going].find(([, of]) => of === most) ?? [];
    if (oldest === undefined) return false;
    leave(oldest);
    oldest.abort();
    return true;
  };
  return {
    take(tenant) {
      if (!makeRoom(tenant)) return null;
      const controller = new AbortController();
      going.set(controller, tenant);
      counts.set(tenant, (counts.get(tenant) ?? 0) + 1);
      return {
        given: controller.signal,
        [Symbol.dispose]: () => {
          leave(controller);
        },
      };
    },
  };
}
