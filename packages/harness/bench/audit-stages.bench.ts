// Where the time of an offline verification goes, stage by stage, each by itself over the bench's export and in turns: what
// one core has to do at least, and what our own checks take beside it. Warm, unlike `verify-export.ts`: the first turn is told apart.
//   node --conditions=assent-source packages/harness/bench/audit-stages.bench.ts [turns]

import { hash } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createBulkHash, type EntryFrames, frameEntries, TILE_WIDTH, tilePath } from "@assent/tlog";
import { openLogFolder } from "../src/cli/verify/log-folder.ts";
import { createPayloadReader } from "../src/core/audit/payload-lines.ts";
import { createLeafChecks, type LeafChecks } from "../src/core/audit/verify-leaf.ts";
import { type LogFinding, type LogSource, payloadPath } from "../src/core/audit/verify-source.ts";
import { makeExport, ORIGIN } from "./audit/verification.ts";

const BUNDLES = 400;
const EVENTS = BUNDLES * TILE_WIDTH;
const [turns = 10] = process.argv.slice(2).map(Number);

const taken = new Map<string, number[]>();
/** In microseconds of processor time an event, all of the process's threads. */
function measure(stage: string, run: () => void): void {
  const cpu = process.cpuUsage();
  run();
  const { user, system } = process.cpuUsage(cpu);
  taken.set(stage, [...(taken.get(stage) ?? []), (user + system) / EVENTS]);
}

const add = ({ code, at }: LogFinding): never => {
  throw new Error(`${code} at ${at}`);
};
const newChecks = (): LeafChecks => createLeafChecks(ORIGIN, add, { now: new Date(), seen: [] });

type Bundle = { readonly bytes: Uint8Array; readonly frames: EntryFrames; readonly payloads: Uint8Array };

function readBundle(source: LogSource, index: number): Bundle {
  const path = tilePath({ level: "entries", index, width: TILE_WIDTH });
  const [bytes, payloads] = [source.read(path), source.read(payloadPath(path))];
  const frames = bytes === null ? null : frameEntries(bytes);
  if (bytes === null || payloads === null || frames?.ok !== true) throw new Error(`${path} is not there`);
  return { bytes, frames: frames.value, payloads };
}

function checkAll(checks: LeafChecks, bundles: readonly Bundle[], isOpened: boolean): void {
  for (const [index, { bytes, frames, payloads }] of bundles.entries()) {
    const first = index * TILE_WIDTH;
    checks.openBundle(isOpened ? payloads : null, { first, count: TILE_WIDTH });
    const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    for (let i = 0; i < TILE_WIDTH; i += 1)
      checks.check(text, frames.starts[i] ?? 0, frames.ends[i] ?? 0, first + i);
  }
  checks.end();
  checks.repeated();
}

function turn(source: LogSource, bundles: readonly Bundle[]): void {
  const bulk = createBulkHash();
  const tile = new Uint8Array(TILE_WIDTH * 32).fill(7);
  const block = new Uint8Array(448 * TILE_WIDTH);
  const room = new Uint8Array(1024 * 1024);
  measure("read entries and tiles", () => {
    for (const index of bundles.keys())
      for (const level of ["entries", 0] as const)
        source.read(tilePath({ level, index, width: TILE_WIDTH }), room);
  });
  measure("find entries", () => {
    for (const { bytes } of bundles) frameEntries(bytes);
  });
  measure("hash entries", () => {
    for (const { bytes, frames } of bundles) bulk.leaves(bytes, frames.starts, frames.ends, TILE_WIDTH);
  });
  measure("  as many bytes in one call a bundle", () => {
    for (const _ of bundles) hash("sha256", block, "binary");
  });
  measure("hash nodes", () => {
    for (const _ of bundles) bulk.tileRoot(tile);
  });
  measure("check entries", () => {
    checkAll(newChecks(), bundles, false);
  });
  measure("open payloads", () => {
    const reader = createPayloadReader();
    for (const [index, { payloads }] of bundles.entries())
      reader.read(payloads, { first: index * TILE_WIDTH, count: TILE_WIDTH }, add);
  });
  measure("check entries and payloads, opening them", () => {
    checkAll(newChecks(), bundles, true);
  });
}

const folder = mkdtempSync(join(tmpdir(), "assent-bench-stages-"));
try {
  makeExport(folder, BUNDLES);
  const source = openLogFolder(folder);
  const bundles = Array.from({ length: BUNDLES }, (_, index) => readBundle(source, index));
  for (let i = 0; i < turns; i += 1) turn(source, bundles);
} finally {
  rmSync(folder, { recursive: true });
}
process.stdout.write(`microseconds of CPU an event, ${turns} turns of ${EVENTS} events\n`);
for (const [stage, all] of taken) {
  const sorted = all.toSorted((a, b) => a - b);
  const [least = 0, median = 0] = [sorted[0], sorted[Math.floor(sorted.length / 2)]];
  process.stdout.write(
    `  ${stage.padEnd(44)} least ${least.toFixed(3)}, median ${median.toFixed(3)}, first ${(all[0] ?? 0).toFixed(3)}\n`,
  );
}
