// How long the budget's decision and the neutralising take on 1 MB of anything, and how far the estimate is from the
// count. Run: node --conditions=assent-source packages/harness/bench/budget.bench.ts

import { budgetOf, checkBudget } from "../src/core/budget/budget.ts";
import { estimateTokens, type Input, sizeOf, tokensMax } from "../src/core/budget/estimate.ts";
import { neutralise } from "../src/core/prompt/neutralise.ts";
import { loadTokenCounter } from "../src/adapters/tokens/count-tokens.ts";

const BYTES = 1_000_000;
const DECISION_MS_MAX = 50;

const repeat = (unit: string): string => unit.repeat(Math.ceil(BYTES / Buffer.byteLength(unit)));

function noise(): Buffer {
  let state = 42;
  return Buffer.from(
    Array.from({ length: Math.ceil(BYTES * 0.75) }, () => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
      return state >>> 24;
    }),
  );
}

const TEXTS: Readonly<Record<string, string>> = {
  a: repeat("a"),
  english: repeat("The quick brown fox jumps over the lazy dog. "),
  chinese: repeat("天地玄黄宇宙洪荒日月盈昃辰宿列张"),
  emoji: repeat("👩‍🚀🧑🏽‍🔬🏴‍☠️🫠"),
  base64: noise().toString("base64"),
  code: repeat("export const f = (a: number): string => `${a}`;\n"),
  spaces: repeat(" "),
  tokens: repeat("<|im_start|>"),
  brackets: repeat("< "),
};

const inputOf = (text: string): Input => ({
  system: "Be brief.",
  messages: [{ role: "user", text, label: "untrusted" }],
  tools: [],
});

const startedAt = performance.now();
const countTokens = await loadTokenCounter();
const lines = [`vocabulary loaded once: ${(performance.now() - startedAt).toFixed(0)} ms`];
const budget = budgetOf({
  name: "a",
  description: "d",
  system: "s",
  models: ["openai/x"],
  tools: [],
  workspace: "none",
  output_tokens_max: 1,
  temperature: 0,
  seed: 0,
});

let slowestMs = 0;
for (const [name, text] of Object.entries(TEXTS)) {
  const times: number[] = [];
  let estimate = 0;
  for (let round = 0; round < 5; round += 1) {
    const from = performance.now();
    const size = sizeOf(inputOf(text));
    estimate = Math.min(tokensMax(size), estimateTokens(size, "openai/x", countTokens));
    checkBudget(budget, { inputTokens: 0, outputTokens: 0 }, { inputTokens: estimate, outputTokens: 1 });
    times.push(performance.now() - from);
  }
  const from = performance.now();
  neutralise(text);
  const neutraliseMs = performance.now() - from;
  const pieces = text.match(/[^]{1,2000}/g) ?? [];
  const count = pieces.reduce((sum, piece) => sum + countTokens(piece), 0);
  const worstMs = Math.max(...times);
  slowestMs = Math.max(slowestMs, worstMs);
  const sorted = times.toSorted((one, other) => one - other);
  lines.push(
    `${name.padEnd(9)} decision ${(sorted[2] ?? 0).toFixed(1)} ms (first ${(times[0] ?? 0).toFixed(1)}), ` +
      `estimate ${estimate} of ${count} (${(estimate / count).toFixed(2)}x), chars/4 ${(text.length / 4 / count).toFixed(2)}x, ` +
      `neutralise ${neutraliseMs.toFixed(0)} ms`,
  );
}
lines.push(`slowest decision ${slowestMs.toFixed(1)} ms, wanted at most ${DECISION_MS_MAX} ms`);
process.stdout.write(`${lines.join("\n")}\n`);
