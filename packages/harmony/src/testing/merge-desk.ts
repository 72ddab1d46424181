// For tests of the merge domain: a folder with a memory, a person at work in it, and a clock that only the test moves.

import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach } from "vitest";
import type { ConflictReport, FileReport } from "../domains/merge/answer-file.ts";
import { FsMergeWorkspace } from "../domains/merge/fs-workspace.ts";
import type { MergeSetting } from "../domains/merge/memory.ts";
import { answerMerge, learnMerge, type MergeReport } from "../domains/merge/merge.ts";
import { openFsStore } from "../fs-store.ts";
import { AgentProvenance } from "../provenance.ts";
import type { HarmonyStore } from "../store.ts";

export const ALICE: AgentProvenance = AgentProvenance.human("alice");
/** Where git does not say, all of one day is one merge. */
export const DAY_MS = 86_400_000;

type Desk = { root: string; store: HarmonyStore; setting: MergeSetting; clock: number };

export function tick(): Date {
  desk.clock += 1000;
  return new Date(desk.clock);
}

function newDesk(root: string): Desk {
  const store = openFsStore(root);
  const setting = { store, workspace: new FsMergeWorkspace(root), actor: ALICE, now: tick, scope: "" };
  return { root, store, setting, clock: Date.parse("2026-01-01T00:00:00Z") };
}

/** What the test at hand works with; another one for each test. */
export const desk: Desk = newDesk("");

export function useDesk(): void {
  beforeEach(() => {
    Object.assign(desk, newDesk(mkdtempSync(join(tmpdir(), "harmony-merge-"))));
  });
  afterEach(() => {
    rmSync(desk.root, { recursive: true, force: true });
  });
}

/** The same desk with another actor at it. */
export function settingOf(actor: AgentProvenance): MergeSetting {
  return { ...desk.setting, store: desk.store, workspace: new FsMergeWorkspace(desk.root), actor };
}

export type Sides = { readonly ours: string; readonly base: string; readonly theirs: string };

export function marked({ ours, base, theirs }: Sides): string {
  return `<<<<<<< HEAD\n${ours}||||||| 1234567\n${base}=======\n${theirs}>>>>>>> topic\n`;
}

export const SIDES: Sides = { ours: "v = 2\n", base: "v = 1\n", theirs: "v = 3\n" };
export const OTHER: Sides = {
  ours: "print(a)\nlog(a)\n",
  base: "print(x, y)\n",
  theirs: "if ok: print(x)\n",
};

export function put(path: string, text: string): void {
  mkdirSync(dirname(join(desk.root, path)), { recursive: true });
  writeFileSync(join(desk.root, path), text);
}

export const take = (path: string): string => readFileSync(join(desk.root, path), "utf8");
export const conflicted = (sides: Sides): string => `top\n${marked(sides)}end\n`;
export const answer = async (...paths: string[]): Promise<MergeReport> =>
  await answerMerge(paths, desk.setting, { dryRun: false });

export function conflictsOf(file: FileReport | undefined): readonly ConflictReport[] {
  if (file === undefined || file.status === "refused") throw new Error("no such file was answered");
  return file.conflicts;
}

export async function statusOf(path: string): Promise<string[]> {
  return conflictsOf((await answer(path)).files[0]).map(({ status, reason }) => `${status} ${reason}`);
}

/** A person decides the conflict of these sides with this text, in a file of its own. */
export async function teach(path: string, sides: Sides, text: string): Promise<void> {
  put(path, conflicted(sides));
  await answer(path);
  put(path, `top\n${text}end\n`);
  await learnMerge([path], desk.setting);
}

/** Git, saying that this commit is being merged. */
export class Merging extends FsMergeWorkspace {
  commit: string = "a".repeat(40);
  override commitBeingMerged(): string {
    return this.commit;
  }
  override session(): string {
    return this.commit;
  }
}

/**
 * What `FsMergeWorkspace` says where there is no git, without asking it each time: a question is a process, and a loop over
 * every fault asks thousands. That it says the same is a test's to show (`merge-safety.test.ts`).
 */
export class WithoutGit extends FsMergeWorkspace {
  override markerSizeOf(): undefined {
    return undefined;
  }
  override listUnmerged(): undefined {
    return undefined;
  }
  override commitBeingMerged(): undefined {
    return undefined;
  }
  override session(): null {
    return null;
  }
  override head(): null {
    return null;
  }
  override isMerged(): false {
    return false;
  }
  override rrCacheFolder(): undefined {
    return undefined;
  }
}
