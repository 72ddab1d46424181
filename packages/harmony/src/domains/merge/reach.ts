// How far one decision reaches by itself. Measured (spec/harmony.md, 4d and 4g): repeated within the merge it was made in,
// a decision is right in 98%, at its own path in 86%, at another path in 75%, and two that agree in 93%. An answer that
// applies by itself promises four in five, so a single decision keeps to its merge and its paths.

import type { ContentId } from "../../ids.ts";
import type { Resolution } from "../../resolutions.ts";
import type { MergeContext } from "./candidate.ts";

/** A person left this answer at this path, in this merge. */
export type DecidedPlace = {
  readonly resolution_id: ContentId;
  readonly path: string;
  /** As in `MergeContext`. */
  readonly merge: string;
};

/** Occasions on which people must have given an answer before it applies anywhere. */
const OCCASIONS_MIN = 2;

export type Circumstances = Pick<MergeContext, "path" | "merge"> & {
  /** Where the conflict was met first. */
  readonly firstPath: string;
  /** When this very conflict was put before a person in this merge; null when it was not. */
  readonly askedAt: Date | null;
};

/**
 * Whether an answer to this very conflict may be given here without asking: on two occasions people gave it, or one did
 * at this path, in this merge, or while this conflict waited. (An answer given by the command has no place: it is that
 * of the question.)
 */
export function isWithinReach(
  resolution: Resolution,
  places: readonly DecidedPlace[],
  { path, merge, firstPath, askedAt }: Circumstances,
): boolean {
  // One merge counts once (learn-file.ts), so a confirmation is an occasion; an agent's giving of it is none.
  const given = resolution.resolvedBy.type === "human" ? 0 : 1;
  if (resolution.confirmedCount - given >= OCCASIONS_MIN) return true;
  if (askedAt !== null && askedAt.getTime() <= Date.parse(resolution.resolvedAt)) return true;
  const own = places.filter(({ resolution_id }) => resolution_id === resolution.resolutionId);
  if (own.length === 0) return firstPath === path;
  return own.some((place) => place.path === path || place.merge === merge);
}
