// So many at the same time and no more; the others wait for their turn, in order, holding nothing.

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
