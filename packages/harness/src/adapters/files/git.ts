// The git program, run so that nothing but our own arguments decides what it does: no shell, no inherited
// environment, no configuration of the machine or the user, no hooks, no network.

import { execFile } from "node:child_process";
import { mkdir, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { sha256Hex } from "../../base/digest.ts";
import { err, ok, type Result } from "../../base/result.ts";
import type { Random } from "../../ports.ts";

/** One git command; past it the command is killed. Copying a large repository takes minutes. */
export const GIT_CALL_SECONDS_MAX = 300;

/** Of git's standard error, as much as helps an operator. */
const STDERR_CHARS_MAX = 500;

export type GitFailure = {
  readonly kind: "not_installed" | "timed_out" | "aborted" | "too_large" | "failed";
  /** Shortened, and it may name paths of this machine: for logs and for telling causes apart, never for callers. */
  readonly stderr: string;
};

export type GitCall = {
  readonly signal?: AbortSignal;
  readonly outputBytesMax?: number;
  /** `GIT_INDEX_FILE` and the like, which no option can say. */
  readonly environment?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
};

export type Git = (args: readonly string[], call?: GitCall) => Promise<Result<Buffer, GitFailure>>;

/**
 * @param home an own, otherwise empty folder: it becomes git's HOME and holds the only configuration file it reads
 * @param trusted folders that git may read although another user owns them: the operator named them
 */
export async function createGit(
  home: string,
  trusted: readonly string[],
  random: Random,
  program: string = "git",
): Promise<Git> {
  const config = await prepareHome(home, trusted, random);
  const environment = environmentOf(home, config);
  return async (args, call = {}) =>
    await run(program, [...FIRST_ARGUMENTS, ...args], { home, environment }, call);
}

// On the command line, because a repository's own configuration would win over a file.
const SETTINGS: readonly (readonly [string, string])[] = [
  ["core.hooksPath", "/dev/null"],
  ["core.fsmonitor", "false"],
  ["core.attributesFile", "/dev/null"],
  ["core.excludesFile", "/dev/null"],
  ["core.symlinks", "false"],
  ["core.autocrlf", "false"],
  ["core.quotePath", "true"],
  ["core.commitGraph", "false"],
  ["gc.auto", "0"],
  ["maintenance.auto", "false"],
  ["protocol.allow", "never"],
  ["protocol.file.allow", "always"],
  ["submodule.recurse", "false"],
  ["fetch.recurseSubmodules", "false"],
  ["advice.detachedHead", "false"],
];

const FIRST_ARGUMENTS: readonly string[] = [
  "--no-pager",
  "--no-replace-objects",
  "--literal-pathspecs",
  ...SETTINGS.flatMap(([name, value]) => ["-c", `${name}=${value}`]),
];

// A file, because git drops its `-c` settings on the way to the upload-pack process that reads the source, and that
// process too asks whether the folder is safe. Named by its content and moved into place, since several processes
// with other sources may share the home.
async function prepareHome(home: string, trusted: readonly string[], random: Random): Promise<string> {
  const lines = trusted
    .flatMap((folder) => [folder, join(folder, ".git")])
    .map((folder) => `\tdirectory = "${folder.replaceAll(/["\\]/gu, "\\$&")}"\n`);
  const text = `[safe]\n${lines.join("")}`;
  const path = join(home, `config-${sha256Hex(text).slice(0, 16)}`);
  await mkdir(home, { recursive: true });
  const temporary = `${path}.${Buffer.from(random.bytes(8)).toString("hex")}`;
  await writeFile(temporary, text);
  await rename(temporary, path);
  return path;
}

function environmentOf(home: string, config: string): Record<string, string> {
  return {
    PATH: process.env["PATH"] ?? "",
    HOME: home,
    XDG_CONFIG_HOME: home,
    LC_ALL: "C",
    TZ: "UTC",
    GIT_CONFIG_NOSYSTEM: "1",
    GIT_CONFIG_GLOBAL: config,
    GIT_ATTR_NOSYSTEM: "1",
    GIT_TERMINAL_PROMPT: "0",
    GIT_OPTIONAL_LOCKS: "0",
    GIT_NO_LAZY_FETCH: "1",
    // Wins over every configuration file, also the source's own: nothing but a local path is ever fetched from.
    GIT_ALLOW_PROTOCOL: "file",
    GIT_PROTOCOL: "version=2",
  };
}

async function run(
  program: string,
  args: readonly string[],
  place: { readonly home: string; readonly environment: Readonly<Record<string, string>> },
  call: GitCall,
): Promise<Result<Buffer, GitFailure>> {
  if (call.signal?.aborted === true) return err({ kind: "aborted", stderr: "" });
  const { promise, resolve } = Promise.withResolvers<Result<Buffer, GitFailure>>();
  const child = execFile(
    program,
    args,
    {
      cwd: place.home,
      env: { ...place.environment, ...call.environment },
      encoding: "buffer",
      killSignal: "SIGKILL",
      maxBuffer: call.outputBytesMax ?? 1024 * 1024,
      timeout: call.timeoutMs ?? GIT_CALL_SECONDS_MAX * 1000,
      windowsHide: true,
      ...(call.signal === undefined ? {} : { signal: call.signal }),
    },
    (error, stdout, stderr) => {
      if (error === null) resolve(ok(stdout));
      else resolve(err({ kind: kindOf(error), stderr: stderr.toString("utf8").slice(0, STDERR_CHARS_MAX) }));
    },
  );
  child.stdin?.end();
  return await promise;
}

function kindOf(error: Error & { code?: unknown; killed?: boolean }): GitFailure["kind"] {
  if (error.code === "ENOENT") return "not_installed";
  if (error.code === "ABORT_ERR") return "aborted";
  if (error.code === "ERR_CHILD_PROCESS_STDIO_MAXBUFFER") return "too_large";
  return error.killed === true ? "timed_out" : "failed";
}
