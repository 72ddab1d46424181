// Logs that somebody outside the database knows of and that it has not: a check of what is there says nothing of what was taken away
// as a whole, tenant and all.

import { type Dirent, readdirSync } from "node:fs";
import { join } from "node:path";
import type { VerifierKey } from "@assent/tlog";
import type { LogFinding } from "../core/audit/verify-source.ts";

export type KnownOutside = {
  /** Keys that somebody pinned. */
  readonly keys: readonly Pick<VerifierKey, "name">[];
  /** A checkpoint that somebody kept, as it stands in the file; null for none. */
  readonly remembered: string | null;
  /** Names of logs that this home published. */
  readonly published: readonly string[];
};

/** @param origins of the logs that the database has */
export function findMissingLogs(
  { keys, remembered, published }: KnownOutside,
  origins: readonly string[],
): readonly LogFinding[] {
  const there = new Set(origins);
  const missing = new Map<string, string>();
  const miss = (origin: string, why: string): void => {
    if (!there.has(origin) && !missing.has(origin)) missing.set(origin, why);
  };
  if (remembered !== null) miss(remembered.split("\n", 1)[0] ?? "", "a checkpoint of it was kept");
  for (const { name } of keys) miss(name, "a key of it was pinned");
  // A home may have served another database before: that one's logs are of an installation that this one does not know.
  const own = new Set(origins.map(installationOf));
  for (const origin of published)
    if (own.has(installationOf(origin))) miss(origin, "this home has published it");
  return [...missing].map(([at, why]) => ({
    code: "log_missing",
    at,
    detail: `${why}, and the database has no log of this name`,
  }));
}

const installationOf = (origin: string): string => origin.split("/", 1)[0] ?? "";

/** Names are paths of three parts, and those of later epochs of four. */
const NAME_PARTS_MAX = 4;

/** @param folder where logs are published, each under its name. @returns the names of those that have a checkpoint */
export function publishedLogs(folder: string, above: readonly string[] = []): readonly string[] {
  const found = list(join(folder, ...above));
  const own = found.some(({ name }) => name === "checkpoint") ? [above.join("/")] : [];
  if (above.length === NAME_PARTS_MAX) return own;
  const within = found.filter((one) => one.isDirectory() && one.name !== "tile");
  return [...own, ...within.flatMap(({ name }) => publishedLogs(folder, [...above, name]))];
}

function list(folder: string): readonly Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return [];
    throw error;
  }
}
