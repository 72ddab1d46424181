// The grammar of paths inside a workspace. Pure: what a path is allowed to say, before any file is touched. Where a
// path then leads is settled by the descriptors that the file adapter holds, never by this text alone.

import { err, ok, type Result } from "../../base/result.ts";
import type { StepError } from "../run/journal.ts";
import { visibleText } from "./visible-text.ts";

/** Longer names cannot exist on the file systems we run on; they would only reach the kernel to fail there. */
export const PATH_NAME_BYTES_MAX = 255;

/** Longer paths are refused: an approver has to read them. */
export const PATH_BYTES_MAX = 1_024;

/** Deeper paths are refused: each level is a descriptor held while the path is walked. */
export const PATH_NAMES_MAX = 32;

export type PathUse = "read" | "write";

/**
 * Names that something runs or obeys without being asked, once they lie in a checkout: whoever may write them has
 * code executed on the developer's machine (Cursor, VS Code and Roo Code settings overwrites, July to November 2025).
 * Anywhere in a path, so that both the folder and all in it are covered.
 */
const EXECUTED_NAMES: Readonly<Record<string, string>> = {
  ".gitmodules": "git fetches and configures what it names",
  ".gitattributes": "git runs filters and merge drivers by it",
  ".gitconfig": "git runs aliases, hooks and pagers by it",
  ".githooks": "git runs what is in it",
  ".husky": "git hooks run what is in it",
  ".pre-commit-config.yaml": "git hooks run what it names",
  "lefthook.yml": "git hooks run what it names",
  ".lefthook.yml": "git hooks run what it names",
  ".vscode": "the editor runs its tasks and settings",
  ".idea": "the editor runs its run configurations and settings",
  ".fleet": "the editor runs its tasks and settings",
  ".zed": "the editor runs its tasks and settings",
  ".vs": "the editor runs its tasks and settings",
  ".exrc": "the editor runs it",
  ".vimrc": "the editor runs it",
  ".nvimrc": "the editor runs it",
  ".nvim.lua": "the editor runs it",
  ".dir-locals.el": "the editor runs it",
  ".devcontainer": "the editor builds and starts what it names",
  ".devcontainer.json": "the editor builds and starts what it names",
  ".cursor": "an agent runs its hooks and tool servers",
  ".cursorrules": "an agent obeys it",
  ".claude": "an agent runs its hooks and tool servers",
  ".codex": "an agent runs its hooks and tool servers",
  ".gemini": "an agent runs its hooks and tool servers",
  ".windsurf": "an agent runs its hooks and tool servers",
  ".windsurfrules": "an agent obeys it",
  ".roo": "an agent runs its tool servers",
  ".roomodes": "an agent obeys it",
  ".clinerules": "an agent obeys it",
  ".continue": "an agent runs its tool servers",
  ".kiro": "an agent runs its hooks and tool servers",
  ".opencode": "an agent runs its plugins and tool servers",
  ".amazonq": "an agent runs its tool servers",
  ".aider.conf.yml": "an agent runs the commands that it names",
  ".mcp.json": "agents start the servers that it names",
  ".npmrc": "npm takes its registry and scripts from it",
  ".yarn": "yarn runs the release and the plugins in it",
  ".yarnrc": "yarn runs the program that it names",
  ".yarnrc.yml": "yarn runs the program that it names",
  ".pnpmfile.cjs": "pnpm runs it",
  ".envrc": "the shell runs it",
  ".mise.toml": "the shell runs its hooks",
  "mise.toml": "the shell runs its hooks",
  ".bashrc": "the shell runs it",
  ".bash_profile": "the shell runs it",
  ".bash_login": "the shell runs it",
  ".profile": "the shell runs it",
  ".zshrc": "the shell runs it",
  ".zshenv": "the shell runs it",
  ".zprofile": "the shell runs it",
  ".zlogin": "the shell runs it",
  ".gdbinit": "the debugger runs it",
  ".lldbinit": "the debugger runs it",
  ".irbrc": "the interpreter runs it",
  ".pryrc": "the interpreter runs it",
  ".rprofile": "the interpreter runs it",
  ".ssh": "it decides who may log in",
};

/**
 * Splits a workspace path into its names, or says why it is none.
 * @param path relative, `/`-separated; nothing in it is decoded or normalised: `%2e` is a name like any other
 * @param use `write` also refuses the names that editors, agents, shells and git execute or obey
 */
export function parsePath(path: string, use: PathUse): Result<readonly string[], StepError> {
  const wrong = wrongWith(path);
  if (wrong !== undefined) return refuse("path_invalid", path, wrong);
  const names = path.split("/");
  for (const name of names) {
    const wrongName = wrongWithName(name);
    if (wrongName !== undefined) return refuse("path_invalid", path, wrongName);
    const plain = foldName(name);
    if (plain === ".git" || /^git~\d+$/u.test(plain))
      return refuse("path_protected", path, "git's own folder is out of reach");
    const reason =
      use === "write" && Object.hasOwn(EXECUTED_NAMES, plain) ? EXECUTED_NAMES[plain] : undefined;
    if (reason !== undefined) return refuse("path_protected", path, `${plain} may not be written: ${reason}`);
  }
  return ok(names);
}

/** Every name that may be read but not written, with the reason. */
export const executedNames: readonly string[] = Object.keys(EXECUTED_NAMES);

function wrongWith(path: string): string | undefined {
  if (path === "") return "it is empty";
  if (!path.isWellFormed()) return "it is not well-formed Unicode";
  if (Buffer.byteLength(path) > PATH_BYTES_MAX) return `it is longer than ${PATH_BYTES_MAX} bytes`;
  if (path.startsWith("/")) return "it is absolute; give it relative to the workspace's root";
  if (path.includes("\\")) return "it holds a backslash; separate names with /";
  // U+2028 and U+2029 end a line for some readers; one record is one line.
  if (/[\p{Cc}\u2028\u2029]/u.test(path)) return "it holds a control character";
  if (path.split("/").length > PATH_NAMES_MAX) return `it is deeper than ${PATH_NAMES_MAX} levels`;
  return undefined;
}

function wrongWithName(name: string): string | undefined {
  if (name === "") return "it has an empty part (a doubled or trailing /)";
  if (Buffer.byteLength(name) > PATH_NAME_BYTES_MAX)
    return `a part is longer than ${PATH_NAME_BYTES_MAX} bytes`;
  // File systems and libraries that normalise would read these as something else than we do: full-width dots and
  // slashes, one-dot leaders, the a/c sign.
  const normal = withoutInvisible(name.normalize("NFKC"));
  if (normal === "") return "a part has nothing that can be seen";
  if (normal === "." || normal === "..") return "it has a part . or ..";
  if (/[/\\]/u.test(normal)) return "a part reads as a separator after normalisation";
  return undefined;
}

// The same name for every file system that could be below: HFS+ ignores invisible characters, NTFS trailing dots and
// spaces and what follows a colon, most of them case. Upper case first, since dotless i has I for its capital.
function foldName(name: string): string {
  const normal = withoutInvisible(name.normalize("NFKC")).toUpperCase().toLowerCase().normalize("NFKC");
  return withoutInvisible(normal)
    .replace(/:.*$/su, "")
    .replace(/[. ]+$/u, "");
}

function withoutInvisible(text: string): string {
  return text.replaceAll(/[\p{Cf}\p{Default_Ignorable_Code_Point}]/gu, "");
}

function refuse(code: string, path: string, reason: string): Result<never, StepError> {
  return err({ code, detail: `The path ${quotedPath(path)} is refused: ${reason}.` });
}

/** A path as it may stand in a message: on one line, shortened, with nothing invisible in it. */
export function quotedPath(path: string): string {
  const short = path.length > 120 ? `${path.slice(0, 120)}…` : path;
  return `"${visibleText(short.toWellFormed()).replaceAll("\n", "\\n").replaceAll("\t", "\\t")}"`;
}
