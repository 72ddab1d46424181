import { uuidOf } from "@assent/contract";
import { accessRows } from "../../src/adapters/postgres/access.ts";
import { transaction } from "../../src/adapters/postgres/connect.ts";
import { queryOn } from "../../src/adapters/postgres/store.ts";
import { systemClock } from "../../src/adapters/system/clock.ts";
import { systemRandom } from "../../src/adapters/system/random.ts";
import type { BenchDatabase } from "./database.ts";

const FACTS = 500;
const ROUNDS = 3;

/** A fact with sealed fields and one without, a transaction each, one at a time, in turns. */
export async function measureSealing(bench: BenchDatabase): Promise<void> {
  const tenant = uuidOf(bench.tenant);
  const given = { clock: systemClock, random: systemRandom, sealing: bench.sealing };
  const kinds = ["principal_changed", "signature_refused"] as const;
  const times = new Map<string, number[]>(kinds.map((kind) => [kind, []]));
  for (let round = 0; round < ROUNDS; round += 1)
    for (const kind of kinds) {
      const begun = performance.now();
      for (let i = 0; i < FACTS; i += 1)
        await transaction(
          bench.app,
          async (client) => {
            const data = {
              code: "signature_refused",
              detail: "It was signed before.",
              path: "/api/harness/run",
            };
            const rows = accessRows({ query: queryOn(client), tenant }, given);
            await rows.append({ at: new Date(), kind, actor: null, data });
          },
          { tenant },
        );
      times.get(kind)?.push((performance.now() - begun) / FACTS);
    }
  const [plain, sealed] = kinds.map((kind) => median(times.get(kind) ?? []).toFixed(2));
  process.stdout.write(`a fact with sealed fields ${sealed} ms, without ${plain} ms\n`);
}

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
