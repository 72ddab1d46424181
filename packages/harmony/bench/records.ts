// The records that the benchmark works on, and how they get into place: as plain files, as another process would have
// left them. Nothing is synced, and no path is checked.

import { once } from "node:events";
import { mkdirSync, readdirSync, rmSync, unlinkSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { isMainThread, Worker, workerData } from "node:worker_threads";
import {
  AgentProvenance,
  auditToJson,
  computeEscalationId,
  EscalationRecord,
  EscalationStatus,
  escalationPath,
  fakeId,
  newAuditEntry,
  newPattern,
  newPolicy,
  patternToJson,
  policyToJson,
  Resolution,
  type AuditEntry,
  type ConflictPattern,
  type Policy,
} from "@assent/harmony";
import { tokenSet } from "./token-sets.ts";

export const bot: AgentProvenance = AgentProvenance.agent("bench");
export const person: AgentProvenance = AgentProvenance.human("bench");
/** A minute each, so that a million of them are two years. */
export const at = (i: number): Date => new Date(Date.UTC(2024, 0, 1) + i * 60_000);

/** Nine of ten are resolved. */
export function escalation(i: number): EscalationRecord {
  const patternId = fakeId(`pattern ${i}`);
  return new EscalationRecord({
    escalationId: computeEscalationId(patternId, "no match"),
    patternId,
    reason: "no match",
    escalatedAt: at(i),
    escalatedBy: bot,
    ...(i % 10 === 0
      ? {}
      : {
          status: EscalationStatus.RESOLVED,
          resolvedAt: at(i + 1),
          resolvedBy: bot,
          resolutionId: fakeId(`answer ${i}`),
        }),
  });
}

/** Every tenth pattern has an answer; the exact lookup costs the same for all. */
export const ANSWERED_EVERY = 10;
/** Patterns of one shape in ten thousand. */
const SHAPES = 1_000;
const TOKENS_SEED = 7;

export const pattern = (i: number): ConflictPattern =>
  newPattern({
    domain: "bench",
    conflictType: "both_modified",
    blobFingerprint: fakeId(`blob ${i}`),
    semanticFingerprint: fakeId(`shape ${i % SHAPES}`),
    path: `src/${i}.ts`,
    tokens: [...new Set(tokenSet(i, TOKENS_SEED))],
    recordedAt: at(i),
    recordedBy: bot,
  });

export const answer = (i: number, patternId: string = pattern(i).patternId): Resolution =>
  new Resolution({
    patternId,
    strategy: "text",
    result: `answer ${i}`,
    resolvedAt: at(i),
    resolvedBy: person,
  });

export const fact = (i: number): AuditEntry =>
  newAuditEntry({
    eventType: i % 3 === 0 ? "resolution_applied" : "escalation_recorded",
    at: at(i),
    actor: bot,
    patternId: fakeId(`pattern ${i % 50_000}`),
    metadata: { explanation: "a person has answered exactly this", resolution_id: fakeId(`answer ${i}`) },
  });

export const policy = (i: number): Policy =>
  newPolicy({
    scope: "repo",
    action: "ours",
    condition: { pathGlob: `generated/${i}/**` },
    createdAt: at(i),
    createdBy: person,
  });

const hex = (id: string): string => id.slice("sha256:".length);

/** Puts one record in place. */
const WRITERS: { readonly [folder: string]: (root: string, i: number) => void } = {
  escalations: (root, i) => {
    const record = escalation(i);
    writeFileSync(escalationPath(root, record.escalationId), JSON.stringify(record));
  },
  patterns: (root, i) => {
    const harmony = join(root, ".muse", "harmony");
    const of = pattern(i);
    writeFileSync(join(harmony, "patterns", `${hex(of.patternId)}.json`), JSON.stringify(patternToJson(of)));
    if (i % ANSWERED_EVERY !== 0) return;
    const given = answer(i, of.patternId);
    const folder = join(harmony, "resolutions", hex(of.patternId));
    mkdirSync(folder);
    writeFileSync(join(folder, `${hex(given.resolutionId)}.json`), JSON.stringify(given));
  },
  audit: (root, i) => {
    const entry = fact(i);
    const name = `${entry.at.slice(0, 10).replaceAll("-", "")}-${hex(entry.auditId)}.json`;
    writeFileSync(join(root, ".muse", "harmony", "audit", name), JSON.stringify(auditToJson(entry)));
  },
  policies: (root, i) => {
    const one = policy(i);
    const name = `${hex(one.policyId)}.json`;
    writeFileSync(join(root, ".muse", "harmony", "policies", name), JSON.stringify(policyToJson(one)));
  },
};

export type Part = keyof typeof WRITERS;

type Share = {
  readonly root: string;
  readonly part: Part;
  readonly records: number;
  readonly share: number;
  readonly shares: number;
};

/** Those with `i % shares === share`. */
function fillShare({ root, part, records, share, shares }: Share): void {
  const write = WRITERS[part];
  for (let i = share; i < records; i += shares) write?.(root, i);
}

/** By as many threads as there are processors: making the ids and the files is most of the time. */
export async function fill(root: string, part: Part, records: number): Promise<void> {
  for (const folder of Object.keys(WRITERS).concat("resolutions")) {
    mkdirSync(join(root, ".muse", "harmony", folder), { recursive: true });
  }
  const shares = records < 10_000 ? 1 : availableParallelism();
  if (shares === 1) {
    fillShare({ root, part, records, share: 0, shares });
    return;
  }
  await Promise.all(
    Array.from({ length: shares }, async (_, share) => {
      const work: Share = { root, part, records, share, shares };
      await once(new Worker(new URL(import.meta.url), { workerData: work }), "exit");
    }),
  );
}

/** File by file: a recursive removal collects a million names and more before it begins. */
export function removeFilled(root: string): void {
  for (const folder of Object.keys(WRITERS)) {
    const path = join(root, ".muse", "harmony", folder);
    for (const name of readdirSync(path)) unlinkSync(join(path, name));
  }
  rmSync(root, { recursive: true });
}

if (!isMainThread) {
  const work: Share = workerData;
  fillShare(work);
}
