// How many calls pass in which one of the requester's own values stands for another of its kind, by family of the worlds;
// the decision path alone, with nobody to ask. `--seed <n>`, `--passing` names them.

import { parseArgs } from "node:util";
import { exchangesOf, passes } from "../../packages/suite/src/worlds/exchanges.ts";
import { createFacts } from "../../packages/suite/src/worlds/facts.ts";
import { createWorlds, FAMILIES } from "../../packages/suite/src/worlds/worlds.ts";
import { decisionPath } from "../support/decision/decision-path.ts";

const { values } = parseArgs({ options: { seed: { type: "string" }, passing: { type: "boolean" } } });
const seed = Number(values.seed ?? "11");
const path = decisionPath();
let all = 0;
let through = 0;
for (const family of FAMILIES) {
  const exchanges = exchangesOf(createWorlds(createFacts(seed), seed, family));
  const passing: string[] = [];
  for (const exchange of exchanges) {
    if (!(await passes(path, exchange))) continue;
    const { task, wrong, argument, kind } = exchange;
    passing.push(
      `  ${kind}: ${wrong.tool}.${argument} ${JSON.stringify(wrong.arguments)}\n    ${task.prompt}`,
    );
  }
  all += exchanges.length;
  through += passing.length;
  process.stdout.write(`${family}: ${passing.length} of ${exchanges.length}\n`);
  if (values.passing === true) process.stdout.write(`${passing.join("\n")}\n`);
}
process.stdout.write(`all: ${through} of ${all} (seed ${seed})\n`);
