// What is remembered of a conflict: the pattern it is, past answers to it, and past answers to conflicts like it.

import type { ContentId } from "../../ids.ts";
import { forget } from "../../memory.ts";
import { newPattern, type ConflictPattern } from "../../patterns.ts";
import type { AgentProvenance } from "../../provenance.ts";
import type { Resolution } from "../../resolutions.ts";
import type { HarmonyStore } from "../../store.ts";
import type { Question } from "../../types.ts";
import type { MergeContext, MergeMemory, Precedent } from "./candidate.ts";
import type { Conflict } from "./conflict.ts";
import * as fingerprint from "./fingerprint.ts";
import { PRECEDENTS_MAX } from "./limits.ts";
import type { MergeWorkspace } from "./workspace.ts";

/** What every command of this domain works with. Clock and actor are passed in. */
export type MergeSetting = {
  readonly store: HarmonyStore;
  readonly workspace: MergeWorkspace;
  /** Whose decisions are recorded. Only a person's can be replayed by themselves. */
  readonly actor: AgentProvenance;
  /** The present moment, as a date or as ISO 8601 text with an offset, kept to the microsecond. */
  readonly now: () => Date | string;
  /** Whose memory is asked; a precedent never crosses it. */
  readonly scope: string;
};

/** The pattern of a conflict met now at this path. */
export function patternOf(
  conflict: Conflict,
  path: string,
  { actor, now, scope }: MergeSetting,
): ConflictPattern {
  return newPattern({
    domain: fingerprint.MERGE_DOMAIN,
    scope,
    conflictType: fingerprint.conflictTypeOf(conflict),
    blobFingerprint: fingerprint.fingerprintConflict(conflict),
    semanticFingerprint: fingerprint.fingerprintShape(conflict),
    tokens: fingerprint.tokensOfConflict(conflict),
    path,
    recordedAt: now(),
    recordedBy: actor,
  });
}

/** `session` is the merge or rebase under way; where git does not say, all of one day is one merge. */
export function contextOf(
  { oursLabel, theirsLabel }: Conflict,
  path: string,
  session: string | null,
  seenAt: Date,
): MergeContext {
  return { path, oursLabel, theirsLabel, merge: session ?? seenAt.toISOString().slice(0, 10) };
}

/** Everything that the engine decides on. Two conflicts of one shape, or of like tokens, are similar. */
export async function askMemory(pattern: ConflictPattern, { store }: MergeSetting): Promise<Question> {
  const [policies, exact, similar] = await Promise.all([
    store.listPolicies(),
    store.listResolutions(pattern.patternId),
    store.findSimilar(pattern, PRECEDENTS_MAX),
  ]);
  const unreadable = exact.length === 0 ? [] : await store.unreadableResolutions(pattern.patternId);
  return { pattern, policies, exact, unreadable, similar };
}

/** Where somebody stood by this answer, seen from where the conflict stands now. */
function nearness(
  patternId: ContentId,
  { resolutionId }: Resolution,
  firstPath: string,
  { path, merge }: MergeContext,
  workspace: MergeWorkspace,
): Pick<Precedent, "samePath" | "sameMerge"> {
  const places = workspace.listPlaces(patternId).filter((place) => place.resolution_id === resolutionId);
  return {
    samePath: firstPath === path || places.some((place) => place.path === path),
    sameMerge: places.some((place) => place.merge === merge),
  };
}

async function exactPrecedents(
  { patternId, path }: ConflictPattern,
  resolutions: readonly Resolution[],
  sameBase: boolean,
  context: MergeContext,
  { store, workspace }: MergeSetting,
): Promise<Precedent[]> {
  const living = resolutions.filter(({ revokedAt }) => revokedAt === null);
  const first = living.length === 0 ? null : await store.loadPattern(patternId);
  const firstPath = first?.path ?? path;
  return living.map((resolution) => ({
    ...nearness(patternId, resolution, firstPath, context, workspace),
    patternId,
    path: firstPath,
    resolution,
    texts: null,
    sameBase,
    sameShape: true,
    similarity: 1,
  }));
}

/** The same as the makers want it: revoked answers left out, each precedent with the texts of its conflict. */
export async function precedentsOf(
  question: Question,
  conflict: Conflict,
  context: MergeContext,
  setting: MergeSetting,
): Promise<MergeMemory> {
  const { store, workspace } = setting;
  const exact = await exactPrecedents(question.pattern, question.exact, true, context, setting);
  // Memory imported from git, or made under another conflict style, knows no base: the same sides, told apart by less.
  const baseless =
    conflict.base === null ? null : patternOf({ ...conflict, base: null }, question.pattern.path, setting);
  if (baseless !== null) {
    const resolutions = await store.listResolutions(baseless.patternId);
    exact.push(...(await exactPrecedents(baseless, resolutions, false, context, setting)));
  }
  const others = question.similar.filter(({ pattern }) => pattern.patternId !== baseless?.patternId);
  const similar = others.slice(0, PRECEDENTS_MAX).map((other): Precedent => {
    const texts = workspace.loadTexts(other.pattern.patternId);
    const { resolution, similarity } = other;
    const { patternId, path, semanticFingerprint } = other.pattern;
    const sameShape =
      semanticFingerprint !== null && semanticFingerprint === question.pattern.semanticFingerprint;
    const near = nearness(patternId, resolution, path, context, workspace);
    return { ...near, patternId, path, resolution, texts, sameBase: false, sameShape, similarity };
  });
  return { exact, similar };
}

/** Forgets a conflict whole: its pattern, past answers, texts and places. False when it was not known. */
export async function forgetConflict(
  patternId: string,
  { store, workspace, actor, now }: Pick<MergeSetting, "store" | "workspace" | "actor" | "now">,
): Promise<boolean> {
  const pattern = await store.loadPattern(patternId);
  if (pattern !== null) workspace.forget(pattern.patternId);
  return await forget(store, patternId, { at: now(), actor });
}
