// How long each operation of the file store takes, at 100, 10,000 and (with --million) 1,000,000 records.
//   npm run bench:harmony            npm run bench:harmony -- --million      (--only leaves out the small ones)
// The records are put in place as plain files, as another process would have left them; then each operation is called
// through the public surface. fsync is on: writing measures the disk as well.

import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { isMainThread, Worker, workerData } from "node:worker_threads";
import {
  AgentProvenance,
  computeEscalationId,
  EscalationRecord,
  EscalationStatus,
  escalationPath,
  escalationsDir,
  fakeId,
  type HarmonyStore,
  memory,
  newAuditEntry,
  newPattern,
  openFsStore,
  patternToJson,
  Resolution,
} from "@assent/harmony";
import { measureSimilarity } from "./similarity-recall.ts";

const CALLS = 200;
const LISTINGS = 20;
const actor = AgentProvenance.agent("bench");
const at = (i: number): Date => new Date(Date.UTC(2026, 0, 1) + i);

function escalation(i: number): EscalationRecord {
  const patternId = fakeId(`pattern ${i}`);
  return new EscalationRecord({
    escalationId: computeEscalationId(patternId, "no match"),
    patternId,
    reason: "no match",
    escalatedAt: at(i),
    escalatedBy: actor,
    ...(i % 10 === 0
      ? {}
      : {
          status: EscalationStatus.RESOLVED,
          resolvedAt: at(i + 1),
          resolvedBy: actor,
          resolutionId: fakeId("r"),
        }),
  });
}

const pattern = (i: number): ReturnType<typeof newPattern> =>
  newPattern({
    domain: "bench",
    conflictType: "both_modified",
    blobFingerprint: fakeId(`blob ${i}`),
    semanticFingerprint: fakeId(`shape ${i % 1_000}`),
    path: `src/${i}.ts`,
    tokens: Array.from({ length: 12 }, (_, t) => `token ${(i * 7 + t * t) % 5_000}`),
    recordedAt: at(i),
    recordedBy: actor,
  });

const answer = (i: number, patternId: string = pattern(i).patternId): Resolution =>
  new Resolution({
    patternId,
    strategy: "text",
    result: `answer ${i}`,
    resolvedAt: at(i),
    resolvedBy: AgentProvenance.human("bench"),
  });

const hex = (id: string): string => id.slice("sha256:".length);

/** Every tenth pattern has an answer; the exact lookup costs the same for all. */
const ANSWERED_EVERY = 10;

/** One share of the records: those with `i % shares === share`. Nothing is synced, and no path is checked. */
function fillShare(root: string, records: number, share: number, shares: number): void {
  const harmony = join(root, ".muse", "harmony");
  for (let i = share; i < records; i += shares) {
    const record = escalation(i);
    writeFileSync(escalationPath(root, record.escalationId), JSON.stringify(record));
    const of = pattern(i);
    writeFileSync(join(harmony, "patterns", `${hex(of.patternId)}.json`), JSON.stringify(patternToJson(of)));
    if (i % ANSWERED_EVERY !== 0) continue;
    const given = answer(i, of.patternId);
    mkdirSync(join(harmony, "resolutions", hex(of.patternId)));
    writeFileSync(
      join(harmony, "resolutions", hex(of.patternId), `${hex(given.resolutionId)}.json`),
      JSON.stringify(given),
    );
  }
}

/** By as many threads as there are processors: making the ids and the files is most of the time. */
async function fill(root: string, records: number): Promise<void> {
  for (const folder of ["escalations", "patterns", "resolutions"]) {
    mkdirSync(join(root, ".muse", "harmony", folder), { recursive: true });
  }
  const shares = records < 10_000 ? 1 : availableParallelism();
  if (shares === 1) {
    fillShare(root, records, 0, 1);
    return;
  }
  await Promise.all(
    Array.from({ length: shares }, async (_, share) => {
      const work: Share = { root, records, share, shares };
      const worker = new Worker(new URL(import.meta.url), { workerData: work });
      await once(worker, "exit");
    }),
  );
}

function quantile(sorted: readonly number[], share: number): string {
  const value = sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
  return value.toFixed(value < 10 ? 3 : 1).padStart(10);
}

async function measure(name: string, calls: number, call: (i: number) => Promise<unknown>): Promise<void> {
  const times: number[] = [];
  for (let i = 0; i < calls; i += 1) {
    const startMs = performance.now();
    await call(i);
    times.push(performance.now() - startMs);
  }
  times.sort((a, b) => a - b);
  const row = `${name.padEnd(38)}${quantile(times, 0.5)}${quantile(times, 0.99)}${String(calls).padStart(8)}\n`;
  process.stdout.write(row);
}

async function measureReads(store: HarmonyStore, records: number): Promise<void> {
  // Spread over all records, so that no file is asked for twice in a row.
  const some = (i: number): number => (i * 7_919) % records;
  const answered = (i: number): number => some(i) - (some(i) % 10);
  await measure(
    "load an escalation",
    CALLS,
    async (i) => await store.loadEscalation(escalation(some(i)).escalationId),
  );
  await measure(
    "load a missing escalation",
    CALLS,
    async (i) => await store.loadEscalation(fakeId(`none ${i}`)),
  );
  await measure(
    "exact answer (resolutions of a pattern)",
    CALLS,
    async (i) => await store.listResolutions(pattern(answered(i)).patternId),
  );
  await measure("best answer", CALLS, async (i) => await memory.best(store, pattern(answered(i)).patternId));
  await measure("list escalations, cold", 1, async () => await store.listEscalations());
  // Until the folder's times are older than the clock's granularity, a listing looks at every file again.
  await measure("list escalations, warm", LISTINGS, async () => await store.listEscalations());
  await measure(
    "list open escalations, warm",
    LISTINGS,
    async () => await store.listEscalations({ status: "open" }),
  );
  await measure(
    "list 50 open escalations, warm",
    LISTINGS,
    async () => await store.listEscalations({ status: "open", limit: 50 }),
  );
  await measure("similar, cold", 1, async () => await store.findSimilar(pattern(1), 8));
  await measure("similar, warm", LISTINGS, async (i) => await store.findSimilar(pattern(some(i) + 3), 8));
}

const fresh = (i: number): EscalationRecord => {
  const patternId = fakeId(`fresh ${i}`);
  const escalationId = computeEscalationId(patternId, "r");
  return new EscalationRecord({
    escalationId,
    patternId,
    reason: "r",
    escalatedAt: at(i),
    escalatedBy: actor,
  });
};

async function measureWrites(store: HarmonyStore, records: number): Promise<void> {
  await measure("record an escalation", CALLS, async (i) => await store.recordEscalation(fresh(i)));
  await measure("record it again", CALLS, async (i) => await store.recordEscalation(fresh(i)));
  await measure(
    "count a later sighting",
    CALLS,
    async (i) =>
      await store.recordEscalation(fresh(i).with({ escalatedAt: at(i + 1), lastSeenAt: at(i + 1) })),
  );
  await measure(
    "resolve an escalation",
    CALLS,
    async (i) => await store.resolveEscalation(fresh(i).escalationId, fakeId("r"), actor, at(i)),
  );
  await measure("save a resolution", CALLS, async (i) => await store.saveResolution(answer(records + i)));
  await measure("count an experience", CALLS, async (i) => {
    const { patternId, resolutionId } = answer(records + i);
    return await store.addExperience(patternId, resolutionId, "applied", actor, at(i));
  });
  await measure("list escalations after a change", 3, async (i) => {
    await store.recordEscalation(fresh(CALLS + i));
    return await store.listEscalations();
  });
}

/** The other operations of the store, and the engine's question over it. */
async function measureRest(store: HarmonyStore, records: number): Promise<void> {
  const act = { at: at(0), actor: AgentProvenance.human("bench") };
  const known = (i: number): number => i * ANSWERED_EVERY;
  await measure("record a pattern", CALLS, async (i) => await store.recordPattern(pattern(records + i)));
  await measure(
    "ask, answered exactly",
    Math.min(CALLS, records / ANSWERED_EVERY),
    async (i) => await memory.ask(store, pattern(known(i)), act),
  );
  await measure("add a policy", CALLS, async (i) => {
    const condition = {
      pathGlob: `generated/${i}/**`,
      domain: null,
      conflictType: null,
      confidenceMin: null,
    };
    await memory.addPolicy(store, {
      scope: "repo",
      action: "ours",
      condition,
      createdAt: at(i),
      createdBy: actor,
    });
  });
  await measure("list policies, warm", LISTINGS, async () => await store.listPolicies());
  await measure(
    "append an audit entry",
    CALLS,
    async (i) => await store.appendAudit(newAuditEntry({ eventType: "bench", at: at(i), actor })),
  );
  await measure("list 50 audit entries, warm", LISTINGS, async () => await store.listAudit({ limit: 50 }));
  await measure("revoke an answer", LISTINGS, async (i) => {
    const { patternId, resolutionId } = answer(records + i);
    return await memory.revoke(store, patternId, resolutionId, act, "bench");
  });
  await measure(
    "forget a pattern",
    LISTINGS,
    async (i) => await memory.forget(store, pattern(records + CALLS / 2 + i).patternId, act),
  );
}

async function run(records: number): Promise<void> {
  const root = mkdtempSync(join(tmpdir(), "harmony-bench-"));
  try {
    const startMs = performance.now();
    await fill(root, records);
    const seconds = ((performance.now() - startMs) / 1_000).toFixed(1);
    process.stdout.write(
      `\n${records} escalations and patterns in ${escalationsDir("")} (filled in ${seconds} s)\n`,
    );
    process.stdout.write(
      `${"operation, milliseconds".padEnd(38)}${"p50".padStart(10)}${"p99".padStart(10)}   calls\n`,
    );
    const store = openFsStore(root);
    await measureReads(store, records);
    await measureWrites(store, records);
    await measureRest(store, records);
  } finally {
    rmSync(root, { recursive: true });
  }
}

type Share = {
  readonly root: string;
  readonly records: number;
  readonly share: number;
  readonly shares: number;
};

async function main(words: readonly string[]): Promise<void> {
  const further = words.includes("--million") ? [1_000_000] : [];
  const sizes = words.includes("--only") ? [] : [100, 10_000];
  for (const records of [...sizes, ...(words.includes("--100k") ? [100_000] : []), ...further])
    await run(records);
  process.stdout.write("\nsimilarity\n");
  for (const size of sizes) process.stdout.write(`${measureSimilarity(size)}\n`);
}

if (isMainThread) await main(process.argv);
else {
  const { root, records, share, shares }: Share = workerData;
  fillShare(root, records, share, shares);
}
