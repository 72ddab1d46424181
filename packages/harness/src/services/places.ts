// So many at the same time and no more; the others wait for their turn, in order, holding nothing.

import type { TenantId } from "@assent/contract";

export type Places = <T>(work: () => Promise<T>) => Promise<T>;

export function createPlaces(count: number): Places {
  const waiting: (() => void)[] = [];
  let free = count;
  return async (work) => {
    if (free > 0) free -= 1;
    else await new Promise<void>((resolve) => void waiting.push(resolve));
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      // Handed on, so that nobody who comes in between takes it.
      if (next === undefined) free += 1;
      else next();
    }
  };
}

/** So many for each tenant: what one has running keeps no other waiting. */
export type TenantPlaces = <T>(tenant: TenantId, work: () => Promise<T>) => Promise<T>;

export function createTenantPlaces(count: number): TenantPlaces {
  const places = new Map<TenantId, { readonly take: Places; going: number }>();
  return async (tenant, work) => {
    const own = places.get(tenant) ?? { take: createPlaces(count), going: 0 };
    places.set(tenant, own);
    own.going += 1;
    try {
      return await own.take(work);
    } finally {
      own.going -= 1;
      if (own.going === 0) places.delete(tenant);
    }
  };
}
