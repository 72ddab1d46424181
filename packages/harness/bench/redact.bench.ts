// Prints what redaction costs: a log line (p50, p99), and megabytes a second of clean text, of text full of secrets,
// of escaped JSON, and of text made to be slow.
// Run: node --conditions=assent-source packages/harness/bench/redact.bench.ts [known secrets]

import { createRedactor } from "../src/core/redact/redactor.ts";

const KNOWN = Number(process.argv[2] ?? 20);
const LINES = 5_000;
const BLOCK_CHARS = 1_000_000;

const redactor = createRedactor();
for (let n = 0; n < KNOWN; n += 1)
  redactor.register(Buffer.from(`${n * 7919}/known secret of the bench`).toString("base64"), "provider_key");

const clean = (n: number): string =>
  JSON.stringify({
    at: "2026-11-20T11:22:33.123Z",
    level: "info",
    message: "step ended",
    run: `run_0199f2a47c3b7d20a1b2c3d4e5f6${(n % 9999).toString().padStart(4, "0")}`,
    step: n % 200,
    tool: "read_file",
    digest: "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    duration_ms: (n * 37) % 900,
  });
const dirty = (n: number): string =>
  JSON.stringify({
    level: "warn",
    message: `refused: Authorization: Bearer ${Buffer.from(`${n} token`).toString("hex")}a1`,
    url: `postgres://app:S3cr3t${n}@db/x`,
    env: `API_TOKEN=k3jd8f7s9d8f7g6h5j4k3l2${n}`,
  });

function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

function measureLines(name: string, make: (n: number) => string): string {
  const lines = Array.from({ length: LINES }, (_, n) => make(n));
  for (const line of lines.slice(0, 1_000)) redactor.redactText(line);
  const times = lines.map((line) => {
    const begun = performance.now();
    redactor.redactText(line);
    return performance.now() - begun;
  });
  times.sort((a, b) => a - b);
  const chars = lines.reduce((sum, line) => sum + line.length, 0) / lines.length;
  return `${name}: ${chars.toFixed(0)} characters a line, p50 ${percentile(times, 0.5).toFixed(4)} ms, p99 ${percentile(times, 0.99).toFixed(4)} ms`;
}

function measureBlock(name: string, piece: (n: number) => string): string {
  let text = "";
  for (let n = 0; text.length < BLOCK_CHARS; n += 1) text += piece(n);
  const begun = performance.now();
  redactor.redactText(text);
  const seconds = (performance.now() - begun) / 1_000;
  return `${name}: ${(text.length / 1e6 / seconds).toFixed(2)} MB/s`;
}

const prose = "The run waits for a person, who sees the exact action and decides; nothing else can move it. ";
const report = [
  `${KNOWN} known secrets`,
  measureLines("clean log line", clean),
  measureLines("log line with three secrets", dirty),
  measureBlock("prose", () => prose),
  measureBlock("clean log", (n) => `${clean(n)}\n`),
  measureBlock("log full of secrets", (n) => `${dirty(n)}\n`),
  measureBlock("JSON in JSON", (n) => JSON.stringify(JSON.stringify(clean(n)))),
  measureBlock("hostile: names and operators", () => "token="),
  measureBlock("hostile: prefixes", () => "ghp_"),
  measureBlock("hostile: opening quotes", () => 'password="'),
];
process.stdout.write(`${report.join("\n")}\n`);
