// Sealing keys by their generation, asked on whatever connection there is: a pool's, or a transaction's own.

import type { SealingGeneration } from "../../ports.ts";
import type { Query } from "./rows.ts";

type GenerationRow = { generation: number; public_key: Buffer; retired: boolean; destroyed: boolean };

/** @returns oldest first */
export async function generationsOn(query: Query): Promise<readonly SealingGeneration[]> {
  const rows = await query<GenerationRow>(
    `select generation, public_key, retired_at is not null as retired, destroyed_at is not null as destroyed
     from assent.sealing_keys order by generation`,
    [],
  );
  return rows.map(({ generation, public_key, retired, destroyed }) => ({
    generation,
    publicKey: public_key,
    isRetired: retired,
    isDestroyed: destroyed,
  }));
}
