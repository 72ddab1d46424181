// Learns the weights with which a memory without experience begins (src/domains/merge/prior.ts) from public histories, and
// prints the table. What is about one repository (paths, folders, branches) is left out, and what is said of few.
// Run: node --conditions=assent-source packages/harmony/bench/merge-prior.bench.ts <git directory>…

import { Experience, isLocal } from "../src/domains/merge/experience.ts";
import { readHistory } from "./merge-history/git-history.ts";
import { replay, ReplayedMemory } from "./merge-history/replayed-memory.ts";

const WEIGHT_MIN = 0.15;
const LINE_LENGTH_MAX = 110;

const experience = new Experience([], new Map());
for (const directory of process.argv.slice(2)) {
  const { merges } = readHistory(directory, Number.POSITIVE_INFINITY);
  replay(merges, new ReplayedMemory(experience), true, () => undefined);
}
const words = [...experience.weights]
  .filter(([name, weight]) => !isLocal(name) && !/[\s=`$]/u.test(name) && Math.abs(weight) >= WEIGHT_MIN)
  .map(([name, weight]) => `${name}=${weight.toFixed(2)}`)
  .toSorted();
let line = "";
for (const word of words) {
  if (line.length + word.length >= LINE_LENGTH_MAX) {
    process.stdout.write(`${line}\n`);
    line = "";
  }
  line += `${line === "" ? "" : " "}${word}`;
}
process.stdout.write(`${line}\n`);
