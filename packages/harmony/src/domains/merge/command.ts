// `harmony merge`: from typed words to merge.ts and back to tables, JSON and an exit code.

import type { Command } from "commander";
import type { AgentProvenance } from "../../provenance.ts";
import type { HarmonyStore } from "../../store.ts";
import { parseTimestamp, type Timestamp } from "../../timestamps.ts";
import type { FileReport } from "./answer-file.ts";
import { FsMergeWorkspace } from "./fs-workspace.ts";
import type { MergeSetting } from "./memory.ts";
import { answerMerge, learnMerge, undoMerge } from "./merge.ts";
import * as report from "./report.ts";
import { importRrCache } from "./rr-cache.ts";
import type { MergeWorkspace } from "./workspace.ts";
import { visible } from "../../visible.ts";

/** What the command line gives to this command. `open` may throw; that is the caller's to tell. */
export type MergeCommandContext = {
  /** The folder that holds (or will hold) `.muse`, the memory in it, and who is at the keyboard. */
  readonly open: () => {
    readonly root: string;
    readonly store: HarmonyStore;
    readonly actor: AgentProvenance;
  };
  /** The folder that typed paths are relative to. */
  readonly cwd: string;
  readonly now: () => Date;
  readonly writeOut: (text: string) => void;
  readonly writeError: (text: string) => void;
  readonly setExitCode: (code: number) => void;
};

/** Nothing is left to decide; some conflicts wait for a person; the command could not be carried out as typed. */
export const EXIT = { RESOLVED: 0, CONFLICTED: 1, USAGE: 2 } as const;

type MergeOptions = {
  readonly json?: boolean;
  readonly learn?: boolean;
  readonly undo?: boolean;
  readonly dryRun?: boolean;
  readonly importRrCache?: string | boolean;
};

type Done = { readonly lines: readonly string[]; readonly json: report.MergeJson; readonly exitCode: number };

class UsageError extends Error {
  override readonly name = "UsageError";
}

const USAGE_REASONS: readonly string[] = ["not_found", "outside", "not_a_file"];

function locateAll(files: readonly string[], workspace: MergeWorkspace): string[] {
  return files.map((file) => {
    const located = workspace.locate(file);
    if (located.ok) return located.value;
    throw new UsageError(`${visible(file)}: ${located.refusal.reason.replaceAll("_", " ")}`);
  });
}

const isUsage = (file: FileReport): boolean =>
  file.status === "refused" && USAGE_REASONS.includes(file.refusal.reason);

function exitCodeOf(files: readonly FileReport[]): number {
  if (files.some(isUsage)) return EXIT.USAGE;
  const waiting = files.some(({ status }) => status === "conflicted" || status === "refused");
  return waiting ? EXIT.CONFLICTED : EXIT.RESOLVED;
}

async function answer(paths: readonly string[], options: MergeOptions, setting: MergeSetting): Promise<Done> {
  const named = paths.length > 0 ? paths : setting.workspace.listUnmerged()?.map(({ path }) => path);
  if (named === undefined) throw new UsageError("name the conflicted files: this is not a git work tree");
  const merged = await answerMerge(named, setting, { dryRun: options.dryRun === true });
  const lines = report.describeMerge(merged);
  return {
    lines: lines.length > 0 ? lines : ["no conflicts"],
    json: report.mergeJson({ merged }),
    exitCode: exitCodeOf(merged.files),
  };
}

async function learn(paths: readonly string[] | null, setting: MergeSetting): Promise<Done> {
  const learned = await learnMerge(paths, setting);
  const unresolved = learned.some(
    (file) => file.refusal === null && file.conflicts.some(({ reason }) => reason === "unresolved"),
  );
  const exitCode = unresolved ? EXIT.CONFLICTED : EXIT.RESOLVED;
  return { lines: report.describeLearning(learned), json: report.mergeJson({ learned }), exitCode };
}

async function undo(paths: readonly string[] | null, setting: MergeSetting): Promise<Done> {
  const undone = await undoMerge(paths, setting);
  const restored = undone.some(
    (file) => file.refusal === null && file.conflicts.some(({ status }) => status === "restored"),
  );
  const exitCode = restored ? EXIT.CONFLICTED : EXIT.RESOLVED;
  return { lines: report.describeUndo(undone), json: report.mergeJson({ undone }), exitCode };
}

async function importCache(folder: string | boolean, setting: MergeSetting): Promise<Done> {
  const from = typeof folder === "string" ? folder : setting.workspace.rrCacheFolder();
  if (from === undefined) throw new UsageError("name the rr-cache folder: this is not a git work tree");
  const imported = await importRrCache(from, setting);
  return {
    lines: report.describeImport(imported),
    json: report.mergeJson({ imported }),
    exitCode: EXIT.RESOLVED,
  };
}

const MICROSECONDS_PER_MS = 1_000;

/**
 * A clock that never says the same moment twice: what one command did is told in its order. It counts on in microseconds
 * within one millisecond, so that it does not run ahead into the time of the next command.
 */
export function rising(now: () => Date): () => Timestamp {
  let last = 0;
  return () => {
    last = Math.max(now().getTime() * MICROSECONDS_PER_MS, last + 1);
    const ms = Math.floor(last / MICROSECONDS_PER_MS);
    const fraction = String(last - ms * MICROSECONDS_PER_MS).padStart(3, "0");
    return parseTimestamp(new Date(ms).toISOString().replace("Z", `${fraction}Z`));
  };
}

async function carryOut(
  files: readonly string[],
  options: MergeOptions,
  context: MergeCommandContext,
): Promise<Done> {
  const { learn: toLearn, undo: toUndo, dryRun, importRrCache: cache } = options;
  const chosen = [toLearn === true, toUndo === true, dryRun === true, cache !== undefined].filter(
    Boolean,
  ).length;
  if (chosen > 1) throw new UsageError("--learn, --undo, --dry-run and --import-rr-cache exclude each other");
  const { root, store, actor } = context.open();
  const workspace = new FsMergeWorkspace(root, context.cwd);
  const setting: MergeSetting = { store, workspace, actor, now: rising(context.now), scope: "" };
  if (cache !== undefined) return await importCache(cache, setting);
  const paths = locateAll(files, workspace);
  const named = paths.length > 0 ? paths : null;
  if (toLearn === true) return await learn(named, setting);
  return toUndo === true ? await undo(named, setting) : await answer(paths, options, setting);
}

/** Adds `merge` to the program. Its exit code: 0 nothing left to decide, 1 conflicts remain, 2 wrongly called. */
export function registerMerge(program: Command, context: MergeCommandContext): void {
  program
    .command("merge")
    .description("answer git conflicts from memory; learn from how they were resolved")
    .argument("[files...]", "conflicted files; without any, those git holds for unmerged")
    .option("-j, --json", "print one JSON document")
    .option("--dry-run", "say what would be done, and write nothing")
    .option("--learn", "learn from what was left in the files, and answer nothing")
    .option("--undo", "put back the conflicts that were answered in this merge")
    .option("--import-rr-cache [folder]", "take over what git rerere remembers")
    .action(async (files: string[], options: MergeOptions) => {
      try {
        const done = await carryOut(files, options, context);
        const text = options.json === true ? JSON.stringify(done.json, null, 2) : done.lines.join("\n");
        context.writeOut(`${text}\n`);
        context.setExitCode(done.exitCode);
      } catch (error) {
        if (!(error instanceof UsageError)) throw error;
        if (options.json === true)
          context.writeOut(`${JSON.stringify(report.usageJson(error.message), null, 2)}\n`);
        else context.writeError(`harmony merge: ${error.message}\n`);
        context.setExitCode(EXIT.USAGE);
      }
    });
}
