// One conflicted file: read, ask for each conflict, write what may be applied, remember what was done.

import type { EscalationRecord } from "../../escalations.ts";
import { makeCandidates } from "./makers.ts";
import { listConflicts, parseConflicts, renderConflicts } from "./conflict.ts";
import type { Conflict, ConflictedText, ConflictRefusal } from "./conflict.ts";
import { answerConflict, type Answer } from "./decide.ts";
import { decide } from "../../engine/resolve.ts";
import type { Decision, Question } from "../../types.ts";
import { ReasonCode } from "../../vocabulary.ts";
import type { MergeContext } from "./candidate.ts";
import type { Experience } from "./experience.ts";
import * as memory from "./memory.ts";
import type { MergeSetting } from "./memory.ts";
import type { PendingConflict, PendingFile } from "./pending.ts";
import { rank } from "./rank.ts";
import { isWithinReach } from "./reach.ts";
import { recordAnswer } from "./record.ts";
import type { FileRefusal } from "./workspace.ts";

export type ConflictReport = Answer & {
  /** Line of the start marker before anything was written, counted from 1. */
  readonly line: number;
  readonly escalationId: EscalationRecord["escalationId"] | null;
};

export type FileReport =
  | { readonly path: string; readonly status: "refused"; readonly refusal: FileRefusal | ConflictRefusal }
  | {
      readonly path: string;
      /** `clean`: it had no conflicts; `resolved`: it has none any more; `conflicted`: some wait for a person. */
      readonly status: "clean" | "resolved" | "conflicted";
      readonly conflicts: readonly ConflictReport[];
    };

/** Where each of the file's conflicts stands in the record of before; null when it is another merge's file. */
function matchPending(pending: ConflictedText, current: ConflictedText): number[] | null {
  const known = listConflicts(pending);
  const places: number[] = [];
  let from = 0;
  for (const { raw } of listConflicts(current)) {
    const place = known.findIndex((conflict, index) => index >= from && conflict.raw === raw);
    if (place < 0) return null;
    places.push(place);
    from = place + 1;
  }
  return places;
}

const untouched = (patternId: Answer["patternId"]): PendingConflict => ({
  pattern_id: patternId,
  applied: null,
  resolution_id: null,
  learned: null,
  learned_resolution_id: null,
  undone: false,
});

type Continued = { readonly pending: PendingFile; readonly places: readonly number[] };

/** The record of this file, where its conflicts are those (or some of those) that Harmony saw before. */
function continued(
  path: string,
  current: ConflictedText,
  { merging, onto }: Pick<AnswerOptions, "merging" | "onto">,
  { workspace }: MergeSetting,
): Continued | null {
  const pending = workspace.loadPending(path);
  if (pending !== null && pending.onto !== onto) return null;
  if (pending === null || pending.merging !== merging || pending.marker_size !== current.markerSize)
    return null;
  const before = parseConflicts(pending.before, pending.marker_size);
  if (!before.ok || listConflicts(before.value).length !== pending.conflicts.length) return null;
  const places = matchPending(before.value, current);
  return places === null ? null : { pending, places };
}

/** What is known of one conflict from its file, and from this merge. */
type Seen = { readonly markerSize: number; readonly undone: boolean; readonly askedAt: Date | null };

/** True where a precedent would be given by itself at a place that says too little for it. */
async function isOutOfReach(
  decision: Decision,
  question: Question,
  context: MergeContext,
  askedAt: Date | null,
  { store, workspace }: MergeSetting,
): Promise<boolean> {
  if (decision.status !== "applied" || decision.reason !== ReasonCode.EXACT_VERIFIED) return false;
  const policy = question.policies.find(({ policyId }) => policyId === decision.policyId);
  // Somebody wrote down what is enough here.
  if (policy !== undefined && policy.condition.confidenceMin !== null) return false;
  const resolution = question.exact.find(({ resolutionId }) => resolutionId === decision.resolutionId);
  if (resolution === undefined) return true;
  const { patternId, path } = question.pattern;
  const firstPath = (await store.loadPattern(patternId))?.path ?? path;
  return !isWithinReach(resolution, workspace.listPlaces(patternId), { ...context, firstPath, askedAt });
}

/** The answer to one conflict. Nothing is written. */
export async function answerOne(
  conflict: Conflict,
  path: string,
  seen: Seen,
  { experience, session }: Pick<AnswerOptions, "experience" | "session">,
  setting: MergeSetting,
): Promise<Answer> {
  const question = await memory.askMemory(memory.patternOf(conflict, path, setting), setting);
  const context = memory.contextOf(conflict, path, session, new Date(setting.now()));
  const remembered = await memory.precedentsOf(question, conflict, context, setting);
  const candidates = rank(makeCandidates(conflict, context, remembered), conflict, context, experience);
  const decision = decide(question);
  const isFar = await isOutOfReach(decision, question, context, seen.askedAt, setting);
  return answerConflict(decision, conflict, candidates, { ...seen, isFar }, question);
}

function recordOf(
  path: string,
  text: string,
  file: ConflictedText,
  answers: readonly Answer[],
  earlier: Continued | null,
  seenAt: Date,
  { merging, session, onto }: Pick<AnswerOptions, "merging" | "session" | "onto">,
): PendingFile {
  const conflicts =
    earlier?.pending.conflicts.slice() ?? answers.map(({ patternId }) => untouched(patternId));
  for (const [index, answer] of answers.entries()) {
    const place = earlier?.places[index] ?? index;
    const known = conflicts[place] ?? untouched(answer.patternId);
    conflicts[place] = { ...known, applied: answer.text, resolution_id: answer.resolutionId };
  }
  const texts = answers.map((answer) => answer.text ?? undefined);
  return {
    version: 1,
    path,
    marker_size: file.markerSize,
    before: earlier?.pending.before ?? text,
    after: renderConflicts(file, texts),
    seen_at: seenAt.toISOString(),
    merging,
    session,
    onto,
    conflicts,
  };
}

/** A file that is written must hold exactly the conflicts left unanswered: an answer never makes or eats one. */
function assertOnlyWaitingLeft(pending: PendingFile, file: ConflictedText, answers: readonly Answer[]): void {
  const again = parseConflicts(pending.after, file.markerSize);
  const waiting = listConflicts(file).filter((_, index) => answers[index]?.text === null);
  const left = again.ok ? listConflicts(again.value) : [];
  if (!again.ok || left.map(({ raw }) => raw).join("") !== waiting.map(({ raw }) => raw).join("")) {
    throw new Error(`${pending.path}: the resolved text does not hold exactly the conflicts left in it`);
  }
}

type AnswerOptions = {
  readonly experience: Experience;
  /** The commit being merged, where git says. */
  readonly merging: string | null;
  /** The merge or rebase under way, where git says. */
  readonly session: string | null;
  /** The commit merged into, where git says. */
  readonly onto: string | null;
  readonly dryRun: boolean;
};

/**
 * In: a located path. Out: what was done about each conflict of it, in order.
 * With `dryRun` nothing at all is written or recorded. The record is kept before the file is replaced: a crash between
 * the two leaves a file with its conflicts, and a record that another run replaces.
 */
export async function answerFile(
  path: string,
  options: AnswerOptions,
  setting: MergeSetting,
): Promise<FileReport> {
  const { workspace } = setting;
  const { dryRun } = options;
  const read = workspace.readText(path);
  if (!read.ok) return { path, status: "refused", refusal: read.refusal };
  const parsed = parseConflicts(read.value, workspace.markerSizeOf(path));
  if (!parsed.ok) return { path, status: "refused", refusal: parsed.refusal };
  const file = parsed.value;
  const conflicts = listConflicts(file);
  if (conflicts.length === 0) return { path, status: "clean", conflicts: [] };
  const earlier = continued(path, file, options, setting);
  const askedAt = earlier === null ? null : new Date(earlier.pending.seen_at);
  const answers: Answer[] = [];
  for (const [index, conflict] of conflicts.entries()) {
    const undone = earlier?.pending.conflicts[earlier.places[index] ?? -1]?.undone ?? false;
    const seen = { markerSize: file.markerSize, undone, askedAt };
    answers.push(await answerOne(conflict, path, seen, options, setting));
  }
  const pending = recordOf(path, read.value, file, answers, earlier, new Date(setting.now()), options);
  assertOnlyWaitingLeft(pending, file, answers);
  const reports: ConflictReport[] = [];
  if (!dryRun) {
    workspace.savePending(pending);
    const written = workspace.writeText(path, pending.after, read.value);
    if (!written.ok) return { path, status: "refused", refusal: written.refusal };
  }
  for (const [index, answer] of answers.entries()) {
    const conflict = conflicts[index];
    if (conflict === undefined) continue;
    const escalationId = dryRun ? null : await recordAnswer(answer, conflict, path, setting);
    reports.push({ ...answer, line: conflict.line, escalationId });
  }
  const left = answers.some(({ status }) => status !== "applied");
  return { path, status: left ? "conflicted" : "resolved", conflicts: reports };
}
