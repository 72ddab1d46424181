// Prints recall against brute force, memory, and the time of a query, at growing sizes.
// Run: node --conditions=assent-source packages/harmony/bench/similarity.bench.ts [size…]

import { measureSimilarity } from "./similarity-recall.ts";

const SIZES = [100, 10_000, 1_000_000];

const sizes = process.argv.slice(2).map(Number);
for (const size of sizes.length > 0 ? sizes : SIZES) {
  process.stdout.write(`${measureSimilarity(size).join("\n")}\n`);
}
