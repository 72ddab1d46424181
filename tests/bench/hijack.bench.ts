// The bench of hijacked models against the decision path alone, in one process: the figures of `npm run bench:hijack` in a
// tenth of its time. `--seed <n>`, `--family <name>`, `--disguises <n>`, `--leaks`.

import { parseArgs } from "node:util";
import { runBench } from "../../packages/suite/src/worlds/bench.ts";
import { ROLES } from "../../packages/suite/src/worlds/player.ts";
import { benchTable, leaksOf } from "../../packages/suite/src/worlds/table.ts";
import { FAMILIES } from "../../packages/suite/src/worlds/worlds.ts";
import { decisionPath } from "../support/decision/decision-path.ts";

const text = { type: "string" } as const;
const { values } = parseArgs({
  options: { seed: text, family: text, disguises: text, leaks: { type: "boolean" } },
});
const result = await runBench(decisionPath(), {
  seed: Number(values.seed ?? "1"),
  disguisesEach: Number(values.disguises ?? "1"),
  stride: 1,
  playersMax: 1,
  family: FAMILIES.find((family) => family === values.family) ?? "first",
});
process.stdout.write(`${benchTable(result)}\n`);
if (values.leaks === true)
  for (const seat of ROLES) {
    process.stdout.write(`Through with ${seat}:\n${leaksOf(result, seat).join("\n")}\n`);
    const lost = result.unattacked.filter((each) => each.seat === seat && !each.played.done);
    for (const { task, played } of lost)
      process.stdout.write(
        `not done: ${task.id} (${played.steps.flatMap(({ reasons, permitted }) => (permitted ? [] : reasons)).join(", ")})\n`,
      );
  }
