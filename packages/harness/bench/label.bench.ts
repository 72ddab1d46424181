// Prints what it costs to label a call of ten arguments, and to index what a run has read, at growing sizes of
// untrusted text. The time of a call is the least of three, which leaves out what other processes took of the machine
// (the clock of the thread's own CPU time ticks too coarsely); adding is CPU time of the process, collector included.
// Run: node --conditions=assent-source --expose-gc packages/harness/bench/label.bench.ts [bytes…]

import { createOriginIndex, type Labelled } from "../src/core/label/origins.ts";

const SIZES = [10_000, 100_000, 1_000_000, 4_000_000];
const CALLS = 1_000;
const REPEATS = 3;
const WARM_UP_CALLS = 200;
/** What one tool returns at most (TOOL_OUTPUT_CHARS_MAX of base/limits.ts). */
const OUTPUT_CHARS = 64_000;

function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
    return (state >>> 8) / 0x100_0000;
  };
}

const SYLLABLES =
  "ka lo mi ner tas bel dor fin gur hap jin kor lum mos pel rin sor tam vel wex yor zan".split(" ");
const random = generator(7);
const pick = <T>(from: readonly T[], otherwise: T): T =>
  from[Math.floor(random() * from.length)] ?? otherwise;
const word = (): string =>
  Array.from({ length: 1 + Math.floor(random() * 3) }, () => pick(SYLLABLES, "a")).join("");
const WORDS = Array.from({ length: 8_000 }, word);
const number = (max: number): number => Math.floor(random() * max);

/** Prose with addresses, links, amounts, dates, some JSON, HTML and encoded words, as mail and web pages have. */
function prose(chars: number): string {
  const parts: string[] = [];
  for (let length = 0; length < chars;) {
    const kind = number(60);
    let next = pick(WORDS, "a");
    if (kind === 0) next = `${pick(WORDS, "a")}.${pick(WORDS, "b")}@${pick(WORDS, "c")}.example`;
    else if (kind === 1) next = `https://${pick(WORDS, "a")}.example/${pick(WORDS, "b")}?q=${number(9_999)}`;
    else if (kind === 2) next = `${number(9)},${100 + number(899)}.${10 + number(89)} EUR`;
    else if (kind === 3) next = `2026-${10 + number(2)}-${10 + number(18)}`;
    else if (kind === 4) next = `{"id": ${number(99_999)}, "name": "${pick(WORDS, "a")}"}`;
    else if (kind === 5) next = `<a href="${pick(WORDS, "a")}">${pick(WORDS, "b")}</a>&nbsp;`;
    else if (kind === 6) next = `${pick(WORDS, "a")}.\n`;
    else if (kind === 7 && number(5) === 0)
      next = btoa(`${pick(WORDS, "a")} ${pick(WORDS, "b")} ${pick(WORDS, "c")}`);
    else if (kind === 8) next = "Grüße, naïve Ćevapi";
    parts.push(next);
    length += next.length + 1;
  }
  return parts.join(" ").slice(0, chars);
}

const TASK = `${prose(4_000)} Please pay 1,234.50 EUR to Alice Smith (alice.smith@corp.example) on Nov 20, 2026 and tell Bob.`;

function callOf(read: string): Record<string, unknown> {
  const from = number(Math.max(1, read.length - 3_000));
  return {
    to: "alice.smith@corp.example",
    cc: [`${pick(WORDS, "a")}@${pick(WORDS, "b")}.example`],
    subject: `${pick(WORDS, "a")} ${pick(WORDS, "b")} ${pick(WORDS, "c")}`,
    body: prose(2_000),
    quoted: read.slice(from, from + 2_000),
    amount: random() < 0.5 ? 1234.5 : number(10_000),
    date: "2026-11-20",
    url: `https://${pick(WORDS, "a")}.example/${pick(WORDS, "b")}`,
    list: "Alice Smith, Bob",
    urgent: true,
  };
}

const at = (sorted: readonly number[], share: number): string =>
  (sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN).toFixed(3);

function heapBytes(): number {
  if (typeof gc === "function") gc();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

function measure(size: number): string {
  const outputs = Array.from({ length: Math.ceil(size / OUTPUT_CHARS) }, (_, index) =>
    prose(Math.min(OUTPUT_CHARS, size - index * OUTPUT_CHARS)),
  );
  const before = heapBytes();
  const index = createOriginIndex();
  index.add({ id: "task", label: "trusted", text: TASK });
  const addBegun = process.cpuUsage();
  for (const [seq, text] of outputs.entries()) index.add({ id: `step:${seq}`, label: "untrusted", text });
  const added = process.cpuUsage(addBegun);
  const heldBytes = heapBytes() - before;
  const calls = Array.from({ length: WARM_UP_CALLS + CALLS }, () => callOf(pick(outputs, "")));
  for (const call of calls.slice(0, WARM_UP_CALLS)) index.label(call);
  const timesMs: number[] = [];
  const seen = { trusted: 0, untrusted: 0, model: 0 };
  for (const call of calls.slice(WARM_UP_CALLS)) {
    let leastMs = Number.POSITIVE_INFINITY;
    let labels: Labelled["labels"] = {};
    for (let repeat = 0; repeat < REPEATS; repeat += 1) {
      const begun = performance.now();
      labels = index.label(call).labels;
      leastMs = Math.min(leastMs, performance.now() - begun);
    }
    timesMs.push(leastMs);
    for (const { origin } of Object.values(labels)) seen[origin] += 1;
  }
  const mean = timesMs.reduce((sum, time) => sum + time, 0) / CALLS;
  timesMs.sort((a, b) => a - b);
  const perMb = (value: number): number => (value * 1_000_000) / size;
  return [
    `${(size / 1_000).toFixed(0)} kB read`,
    `label p50 ${at(timesMs, 0.5)} ms p90 ${at(timesMs, 0.9)} p99 ${at(timesMs, 0.99)} max ${at(timesMs, 1)}`,
    `mean ${mean.toFixed(3)} ms`,
    `add ${perMb((added.user + added.system) / 1_000).toFixed(0)} ms CPU per MB`,
    `held ${(perMb(heldBytes) / 1_000_000).toFixed(1)} MB per MB (index says ${(perMb(index.sizeBytes()) / 1_000_000).toFixed(1)})`,
    `labels ${JSON.stringify(seen)}`,
  ].join(" | ");
}

const sizes = process.argv.slice(2).map(Number);
for (const size of sizes.length > 0 ? sizes : SIZES) process.stdout.write(`${measure(size)}\n`);
