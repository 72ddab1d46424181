// Commands of a model in bubblewrap (spec security 5). Fail closed: whatever is missing or does not hold is a refusal
// with its reason, and then there is no sandbox and no command tool.

import { accessSync, constants, readFileSync } from "node:fs";
import { chmod, mkdir, readdir, stat, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { err, ok, type Result } from "../../base/result.ts";
import { parsePath, quotedPath } from "../../core/path/workspace-path.ts";
import type { StepError } from "../../core/run/journal.ts";
import type {
  Random,
  Sandbox,
  SandboxLimits,
  SandboxOutcome,
  SandboxRequest,
  SandboxWorkspace,
} from "../../ports.ts";
import { isAbandoned, withStagingName } from "../files/staging-name.ts";
import { systemCode } from "../files/file-error.ts";
import { chooseIdentity, type Identity } from "./account.ts";
import { BUBBLEWRAP_PLACES, bubblewrapArguments, INNER_ETC, LIMITER, OOM_PREFERRER } from "./bubblewrap.ts";
import { type ContainedEnd, runContained } from "./contained-process.ts";
import { seccompProgram } from "./seccomp.ts";
import { SANDBOX_LIMITS } from "./limits.ts";
import type { SandboxRefusal } from "./refusal.ts";
import { judgeProbe, PROBE, PROBE_FILES_MAX } from "./self-test.ts";
import { collectChanges, copyIn, give, removeTree, takeOver } from "./tree-copy.ts";

export type SandboxOptions = {
  /** Where the copies lie: an own folder, made when it is missing. Its parents must let the sandbox's user pass. */
  readonly folder: string;
  /** Absolute folders with programs beyond the system's own; commands see them read-only under the same paths. */
  readonly toolchains?: readonly string[];
  readonly limits?: Partial<SandboxLimits>;
  readonly random: Random;
  readonly onProgress?: (line: string) => void;
  /** For tests: where bubblewrap is looked for. */
  readonly bubblewrapPlaces?: readonly string[];
};

type Place = {
  readonly folder: string;
  readonly program: string;
  readonly identity: Identity | null;
  readonly toolchains: readonly string[];
  readonly limits: SandboxLimits;
  readonly random: Random;
};

/** The self-test is no command of anybody's: it gets little and ends soon. */
const SELF_TEST_LIMITS: SandboxLimits = {
  ...SANDBOX_LIMITS,
  wallClockMs: 10_000,
  openFiles: PROBE_FILES_MAX,
};

/** Finds or makes all that is needed, and proves by a self-test that the sandbox blocks. */
export async function openSandbox(options: SandboxOptions): Promise<Result<Sandbox, SandboxRefusal>> {
  const program = findPrograms(options.bubblewrapPlaces ?? BUBBLEWRAP_PLACES);
  if (!program.ok) return program;
  const identity = await chooseIdentity(options.onProgress ?? (() => undefined));
  if (!identity.ok) return identity;
  const place: Place = {
    folder: resolve(options.folder),
    program: program.value,
    identity: identity.value,
    toolchains: options.toolchains ?? [],
    limits: { ...SANDBOX_LIMITS, ...options.limits },
    random: options.random,
  };
  await prepareFolder(place.folder);
  const held = await selfTest(place);
  if (!held.ok) return held;
  return ok({ run: async (request, workspace) => await run(place, request, workspace) });
}

function findPrograms(places: readonly string[]): Result<string, SandboxRefusal> {
  const architecture = process.arch;
  if (process.platform !== "linux" || (architecture !== "x64" && architecture !== "arm64"))
    return err({
      reason: "platform_unsupported",
      message: `commands run on Linux only, on x64 or arm64; this is ${process.platform} ${architecture}`,
      remedy: "run the harness on such a machine, or do without commands",
    });
  const program = places.find(isExecutable);
  if (program === undefined)
    return err({
      reason: "bubblewrap_missing",
      message: "bubblewrap is not installed, and without it no command is run",
      remedy: "install the package bubblewrap",
    });
  const missing = [LIMITER, OOM_PREFERRER].find((path) => !isExecutable(path));
  if (missing !== undefined)
    return err({
      reason: "limiter_missing",
      message: `${missing} is not there, and without limits no command is run`,
      remedy: "install the package util-linux",
    });
  return ok(program);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch (error) {
    if (systemCode(error) === undefined) throw error;
    return false;
  }
}

const ETC = "etc";
const FILTER = "filter.bpf";

async function prepareFolder(folder: string): Promise<void> {
  await mkdir(join(folder, ETC), { recursive: true });
  // Passed through by the sandbox's user, listed by nobody; each copy in it is closed to all others.
  await chmod(folder, 0o711);
  await chmod(join(folder, ETC), 0o755);
  const architecture = process.arch === "arm64" ? "arm64" : "x64";
  await putFile(join(folder, FILTER), seccompProgram(architecture));
  for (const [name, text] of Object.entries(INNER_ETC))
    await putFile(join(folder, ETC, name), new TextEncoder().encode(text));
  for (const name of await readdir(folder)) {
    const path = join(folder, name);
    const found = await stat(path).catch(onlyIfGone);
    if (found !== null && isAbandoned(name, found.mtimeMs)) await removeTree(path, folder);
  }
}

// Left alone where it is right already: another process of this home may be reading it.
async function putFile(path: string, content: Uint8Array): Promise<void> {
  try {
    if (Buffer.compare(readFileSync(path), content) === 0) return;
  } catch (error) {
    if (systemCode(error) !== "ENOENT") throw error;
  }
  await writeFile(path, content, { mode: 0o644 });
  await chmod(path, 0o644);
}

function onlyIfGone(error: unknown): null {
  if (systemCode(error) === "ENOENT") return null;
  throw error;
}

/** Does work in a folder of its own with an empty tree for the sandbox's user, and removes it afterwards. */
async function withTree<T>(place: Place, work: (tree: string, own: string) => Promise<T>): Promise<T> {
  return await withStagingName(place.random, async (name) => {
    const own = join(place.folder, name);
    const tree = join(own, "tree");
    await mkdir(own, { mode: 0o711 });
    try {
      await mkdir(tree, { mode: 0o700 });
      await give(tree, place.identity);
      return await work(tree, own);
    } finally {
      await removeTree(own, place.folder);
    }
  });
}

async function contain(
  place: Place,
  limits: SandboxLimits,
  tree: string,
  request: Pick<SandboxRequest, "argv" | "cwd" | "stdin" | "signal">,
): Promise<ContainedEnd> {
  const layout = { tree, etc: join(place.folder, ETC), toolchains: place.toolchains };
  return await runContained({
    program: place.program,
    args: bubblewrapArguments(layout, limits, request.cwd, request.argv),
    identity: place.identity,
    seccompFile: join(place.folder, FILTER),
    tree,
    stdin: request.stdin,
    limits,
    signal: request.signal,
  });
}

async function selfTest(place: Place): Promise<Result<null, SandboxRefusal>> {
  return await withTree(place, async (tree, own) => {
    const canary = join(own, "canary");
    const escape = join(own, "escape");
    // Readable by all, so that only the sandbox can be what keeps it.
    await writeFile(canary, "BROKEN reads the canary\n", { mode: 0o644 });
    const result = await contain(place, SELF_TEST_LIMITS, tree, {
      argv: ["/bin/sh", "-c", PROBE, "probe", canary, escape],
      cwd: "",
      signal: AbortSignal.timeout(SELF_TEST_LIMITS.wallClockMs * 2),
    });
    const escaped = await stat(escape).catch(onlyIfGone);
    const owner = (await stat(join(tree, "probe")).catch(onlyIfGone))?.uid ?? null;
    const written = await collectChanges(tree, new Map(), place.random);
    const [probe] = written.changed;
    const text = probe?.path === "probe" ? new TextDecoder().decode(probe.content) : null;
    return judgeProbe(result, { written: text, escaped: escaped !== null, uid: owner });
  });
}

async function run(
  place: Place,
  request: SandboxRequest,
  workspace: SandboxWorkspace,
): Promise<Result<SandboxOutcome, StepError>> {
  const wrong = wrongWith(request);
  if (wrong !== null) return err(wrong);
  try {
    return await runInTree(place, request, workspace);
  } catch (error) {
    // The walk through the workspace throws when it is called off; nothing has run by then.
    if (request.signal.aborted && error === request.signal.reason) return err(CALLED_OFF);
    throw error;
  }
}

const CALLED_OFF: StepError = { code: "aborted", detail: "The command was called off before it began." };

async function runInTree(
  place: Place,
  request: SandboxRequest,
  workspace: SandboxWorkspace,
): Promise<Result<SandboxOutcome, StepError>> {
  const limits = { ...place.limits, ...request.limits };
  return await withTree(place, async (tree) => {
    const copied = await copyIn(workspace, tree, place.identity, limits, request.signal);
    if (copied === null)
      return err({
        code: "workspace_too_large",
        detail: `The workspace has more than the ${limits.diskBytes} bytes or ${limits.diskEntries} files that a command may have.`,
      });
    if (!(await hasFolder(tree, request.cwd)))
      return err({ code: "not_found", detail: `There is no folder ${quotedPath(request.cwd)}.` });
    const { end, stdout, stderr } = await contain(place, limits, tree, request);
    const outcome = { end, stdout, stderr, unseen: copied.unseen };
    // Half of what a command would have done is nothing that anybody approved.
    if (end.how !== "exited") return ok({ ...outcome, written: [], removed: [], leftOver: [] });
    const changes = await collectChanges(tree, copied.files, place.random);
    return ok({ ...outcome, ...(await takeOver(workspace, changes)) });
  });
}

/** The kernel takes no more of one string (MAX_ARG_STRLEN); together they stay far below its limit for all. */
const ARGUMENT_BYTES_MAX = 128 * 1024 - 1;
const ARGUMENTS_BYTES_MAX = 1024 * 1024;

function wrongWith({ argv, cwd }: SandboxRequest): StepError | null {
  if (argv.length === 0 || argv[0] === "")
    return { code: "arguments_invalid", detail: "The first argument names the program." };
  if (argv.some((text) => text.includes("\0") || !text.isWellFormed()))
    return { code: "arguments_invalid", detail: "An argument holds NUL or is not well-formed." };
  const sizes = argv.map((text) => Buffer.byteLength(text));
  if (sizes.some((size) => size > ARGUMENT_BYTES_MAX) || sum(sizes) > ARGUMENTS_BYTES_MAX)
    return { code: "arguments_invalid", detail: "The arguments are too long for a program's start." };
  if (cwd === "") return null;
  const parsed = parsePath(cwd, "read");
  return parsed.ok ? null : parsed.error;
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);

// The tree holds only what was copied in, so no link can be on the way.
async function hasFolder(tree: string, cwd: string): Promise<boolean> {
  const found = await stat(join(tree, cwd)).catch(onlyIfGone);
  return found?.isDirectory() === true;
}
