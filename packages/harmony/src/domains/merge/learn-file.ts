// Learning from what the person left in the file. The text at a conflict's place is a decision whoever proposed it: it
// is recorded, every precedent that said the same is confirmed, every precedent that said otherwise is overridden.

import type { ContentId } from "../../ids.ts";
import { RESOLUTION_SIZE_BYTES_MAX } from "../../limits.ts";
import { recordPattern, revoke } from "../../memory.ts";
import { Resolution } from "../../resolutions.ts";
import { AuditEventType, ResolutionStrategy } from "../../vocabulary.ts";
import type { Candidate, MergeContext } from "./candidate.ts";
import { listConflicts, parseConflicts, type Conflict } from "./conflict.ts";
import type { Experience, Outcome } from "./experience.ts";
import { extractAnswers, type Extraction } from "./extract.ts";
import { makeCandidates } from "./makers.ts";
import * as memory from "./memory.ts";
import type { MergeSetting } from "./memory.ts";
import type { PendingConflict, PendingFile } from "./pending.ts";
import { audit, resolveEscalations } from "./record.ts";
import { describe } from "./situation.ts";
import { explain } from "./strategies.ts";

export type LearnedConflict = {
  readonly patternId: ContentId;
  /** Line of the conflict in the file as it was. */
  readonly line: number;
  readonly status:
    | "learned" // a decision, new to the memory or given again
    | "kept" // Harmony's own answer, left as it was
    | "overridden" // Harmony's answer, replaced by another
    | "known" // learned before from this very file
    | "skipped"; // nothing is certain: see reason
  readonly reason: "unresolved" | "ambiguous" | "context_edited" | "too_large" | "revoked" | null;
  readonly resolutionId: ContentId | null;
  readonly escalationsResolved: readonly ContentId[];
};

/** One run's view: a decision that repeats over many files counts once, or one merge outweighs all others. */
export type LearningRun = { readonly counted: Set<string>; readonly experience: Experience };

/** Bytes that a resolution's other fields may take beside its text. */
const RESOLUTION_FIELDS_BYTES_MAX = 16_384;

function outcomeOf(
  text: string,
  conflict: Conflict,
  context: MergeContext,
  candidates: readonly Candidate[],
): Outcome {
  const { situation, texts } = describe(conflict, context, candidates);
  const right = texts.indexOf(text);
  return { version: 2, ...situation, right: right < 0 ? null : right };
}

function rationaleOf(text: string, conflict: Conflict): string {
  const names = explain(text, conflict);
  return names.length === 0 ? "edited by hand" : `the text equals: ${names.join(", ")}`;
}

/** Nobody but the one who gave it has stood by this answer, and it was given nowhere else. */
const isUnused = ({ confirmedCount, appliedCount }: Resolution): boolean =>
  confirmedCount <= 1 && appliedCount === 0;

/** Confirms the precedents that said this, overrides those that said otherwise. */
async function weigh(
  resolution: Resolution,
  pending: PendingConflict,
  run: LearningRun,
  setting: MergeSetting,
): Promise<void> {
  const { store, actor, now } = setting;
  const { patternId } = resolution;
  // As in the engine: only what a person says weighs for or against an answer.
  if (actor.type !== "human") return;
  for (const other of await store.listResolutions(patternId)) {
    if (other.revokedAt !== null) continue;
    const said = other.resolutionId === resolution.resolutionId;
    const experience = said ? "confirmed" : "overridden";
    if (run.counted.has(`${experience} ${other.resolutionId}`)) continue;
    run.counted.add(`${experience} ${other.resolutionId}`);
    if (!said && other.resolutionId === pending.learned_resolution_id && isUnused(other)) {
      // The person corrected what was learned from this very file: a slip, not a second opinion.
      const act = { at: now(), actor };
      await revoke(store, patternId, other.resolutionId, act, "corrected in the same merge");
      continue;
    }
    await store.addExperience(patternId, other.resolutionId, experience, actor, now());
    const event = said ? AuditEventType.RESOLUTION_CONFIRMED : AuditEventType.RESOLUTION_OVERRIDDEN;
    await audit(
      event,
      patternId,
      { resolution_id: other.resolutionId, by: resolution.resolutionId },
      setting,
    );
  }
}

type Place = {
  readonly conflict: Conflict;
  readonly pending: PendingConflict;
  readonly path: string;
  readonly record: PendingFile;
};

function contextAt({ conflict, path, record }: Place): MergeContext {
  return memory.contextOf(conflict, path, record.session ?? record.merging, new Date(record.seen_at));
}

/**
 * Notes that a person stood by this answer here. What one merge repeats it says once, in however many runs: its
 * confirmation is counted already, and is so marked.
 */
function notePlace(
  patternId: ContentId,
  resolutionId: ContentId,
  place: Place,
  run: LearningRun,
  setting: MergeSetting,
): void {
  if (setting.actor.type !== "human") return;
  const { path, merge } = contextAt(place);
  const own = setting.workspace
    .listPlaces(patternId)
    .filter(({ resolution_id }) => resolution_id === resolutionId);
  if (own.some((known) => known.merge === merge)) run.counted.add(`confirmed ${resolutionId}`);
  if (own.some((known) => known.merge === merge && known.path === path)) return;
  setting.workspace.addPlace(patternId, { resolution_id: resolutionId, path, merge });
}

async function learnText(
  text: string,
  place: Place,
  run: LearningRun,
  setting: MergeSetting,
): Promise<Resolution> {
  const { conflict, path, pending } = place;
  const { store, actor, now } = setting;
  const pattern = memory.patternOf(conflict, path, setting);
  const context = contextAt(place);
  const question = await memory.askMemory(pattern, setting);
  const remembered = await memory.precedentsOf(question, conflict, context, setting);
  const outcome = outcomeOf(text, conflict, context, makeCandidates(conflict, context, remembered));
  const resolution = new Resolution({
    patternId: pattern.patternId,
    strategy: ResolutionStrategy.TEXT,
    result: text,
    rationale: rationaleOf(text, conflict),
    resolvedAt: now(),
    resolvedBy: actor,
  });
  if ((await store.loadPattern(pattern.patternId)) === null) await recordPattern(store, pattern);
  setting.workspace.saveTexts(pattern.patternId, conflict);
  if (await store.saveResolution(resolution)) {
    run.counted.add(`confirmed ${resolution.resolutionId}`);
    const metadata = { resolution_id: resolution.resolutionId, path, line: conflict.line };
    await audit(AuditEventType.RESOLUTION_SAVED, pattern.patternId, metadata, setting);
  }
  notePlace(pattern.patternId, resolution.resolutionId, place, run, setting);
  const stored = await store.loadResolution(pattern.patternId, resolution.resolutionId);
  await weigh(resolution, pending, run, setting);
  run.experience.add(outcome);
  setting.workspace.appendOutcome(outcome);
  return stored ?? resolution;
}

function skip(place: Place, reason: LearnedConflict["reason"]): LearnedConflict {
  const { pending, conflict } = place;
  const nothing = { resolutionId: null, escalationsResolved: [] };
  return { patternId: pending.pattern_id, line: conflict.line, status: "skipped", reason, ...nothing };
}

async function learnOne(
  found: Extraction,
  place: Place,
  run: LearningRun,
  setting: MergeSetting,
): Promise<{ readonly report: LearnedConflict; readonly pending: PendingConflict }> {
  const { pending, conflict } = place;
  if (!found.certain) return { report: skip(place, found.reason), pending };
  const { text } = found;
  // What a policy answers needs no precedent, and as one it would outlive the policy.
  const byPolicy = pending.applied === text && pending.resolution_id === null;
  const base = { patternId: pending.pattern_id, line: conflict.line, reason: null, escalationsResolved: [] };
  if (pending.learned === text || byPolicy) {
    const status = byPolicy ? "kept" : "known";
    return { report: { ...base, status, resolutionId: pending.learned_resolution_id }, pending };
  }
  if (
    Buffer.byteLength(JSON.stringify(text), "utf8") >
    RESOLUTION_SIZE_BYTES_MAX - RESOLUTION_FIELDS_BYTES_MAX
  ) {
    return { report: skip(place, "too_large"), pending };
  }
  const { resolutionId, revokedAt } = await learnText(text, place, run, setting);
  // Somebody has said that this very answer is not to be given again; deciding the same again does not unsay it.
  if (revokedAt !== null) return { report: skip(place, "revoked"), pending };
  const escalationsResolved = await resolveEscalations(pending.pattern_id, resolutionId, setting);
  const status = pending.applied === null ? "learned" : pending.applied === text ? "kept" : "overridden";
  return {
    report: { ...base, status, resolutionId, escalationsResolved },
    pending: { ...pending, learned: text, learned_resolution_id: resolutionId },
  };
}

/**
 * In: the record of a file that had conflicts, and its text now.
 * Out: what was learned from each conflict, in order. Learning twice from the same text changes nothing.
 */
export async function learnFile(
  record: PendingFile,
  now: string,
  run: LearningRun,
  setting: MergeSetting,
): Promise<readonly LearnedConflict[]> {
  const before = parseConflicts(record.before, record.marker_size);
  if (!before.ok) return [];
  const extractions = extractAnswers(before.value, now);
  const reports: LearnedConflict[] = [];
  const conflicts = record.conflicts.slice();
  for (const [index, conflict] of listConflicts(before.value).entries()) {
    const pending = conflicts[index];
    const found = extractions[index];
    if (pending === undefined || found === undefined) continue;
    const learned = await learnOne(found, { conflict, pending, path: record.path, record }, run, setting);
    conflicts[index] = learned.pending;
    reports.push(learned.report);
  }
  if (reports.some(({ status }) => status !== "skipped" && status !== "known")) {
    setting.workspace.savePending({ ...record, conflicts });
  }
  return reports;
}
