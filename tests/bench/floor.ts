// What the Postgres under a bench can do at all.

import type { Pool } from "pg";

/** Carries work out so many times, so many at once; what each gave. */
export async function atOnce<T>(
  count: number,
  inFlight: number,
  work: () => Promise<T>,
): Promise<readonly T[]> {
  const done: T[] = [];
  let begun = 0;
  await Promise.all(
    Array.from({ length: inFlight }, async () => {
      while (begun < count) {
        begun += 1;
        done.push(await work());
      }
    }),
  );
  return done;
}

/** Five plain commits a unit: units a second. */
export async function measureFloor(owner: Pool, count: number, inFlight: number): Promise<number> {
  await owner.query(
    "create table if not exists public.bench_floor (id bigserial primary key, at timestamptz)",
  );
  const start = performance.now();
  await atOnce(count, inFlight, async () => {
    const client = await owner.connect();
    try {
      for (let commit = 0; commit < 5; commit += 1)
        await client.query("insert into public.bench_floor (at) values (now())");
    } finally {
      client.release();
    }
  });
  return count / ((performance.now() - start) / 1_000);
}
