// Path globs of policies. A small matcher of our own because a glob comes from a file that a stranger may have written:
// two pointers and one step back, at most (length of pattern x length of path) comparisons, where a regular expression
// made from `*a*a*a*a*b` would run for years.

import { HarmonyError } from "./errors.ts";
import { NAME_LENGTH_MAX } from "./limits.ts";

/** Glob matching over a list: `isStar` items match any number of elements, `matches` decides the others. */
function matchList<P, E>(
  pattern: readonly P[],
  list: readonly E[],
  isStar: (p: P) => boolean,
  matches: (p: P, e: E) => boolean,
): boolean {
  let p = 0;
  let e = 0;
  let starAt = -1;
  let resumeAt = 0;
  while (e < list.length) {
    const item = pattern[p];
    const element = list[e];
    if (item !== undefined && isStar(item)) {
      starAt = p;
      resumeAt = e;
      p += 1;
    } else if (item !== undefined && element !== undefined && matches(item, element)) {
      p += 1;
      e += 1;
    } else if (starAt >= 0) {
      // Only the last star needs another try: what an earlier one gave up cannot help.
      p = starAt + 1;
      resumeAt += 1;
      e = resumeAt;
    } else {
      return false;
    }
  }
  return pattern.slice(p).every(isStar);
}

const matchPart = (pattern: string, part: string): boolean =>
  matchList(
    Array.from(pattern),
    Array.from(part),
    (c) => c === "*",
    (c, d) => c === "?" || c === d,
  );

/** Splits a glob into its parts. Throws HarmonyError `invalid_text` for one that can match no path of ours. */
export function parseGlob(glob: string): readonly string[] {
  if (glob.length === 0 || glob.length > NAME_LENGTH_MAX || !glob.isWellFormed()) {
    throw new HarmonyError(
      "invalid_text",
      `a glob has 1 to ${NAME_LENGTH_MAX} characters of well-formed text`,
    );
  }
  const parts = glob.split("/");
  if (parts.some((part) => part === "" || part === "." || part === "..")) {
    throw new HarmonyError(
      "invalid_text",
      "a glob is relative to the repository, without empty, `.` or `..` parts",
    );
  }
  return parts;
}

/**
 * Whether a path (relative, with `/`) matches a glob: `?` is one character, `*` any within a part, `**` as a whole part
 * any number of parts. A glob of one part without `/` matches the file's name in any folder, as in .gitattributes.
 */
export function matchesGlob(glob: string, path: string): boolean {
  const parts = parseGlob(glob);
  const pattern = parts.length === 1 ? ["**", ...parts] : parts;
  return matchList(pattern, path.split("/"), (part) => part === "**", matchPart);
}
