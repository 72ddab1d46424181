// The run's private copy as its journal says it is. A copy that is missing (another machine, a lost disk) is made
// again from the pinned commit, and the writes that the journal holds are carried out on it once more. What cannot be done
// again by itself is a person's to decide; until then there is no copy, never a part of one.

import { isGateStep, isToolStep, type Journal, type StepError, type ToolStep } from "../core/run/journal.ts";
import { err, ok, type Result } from "../base/result.ts";
import type { CopyProgress, RunRecord, Tools, Workspace, Workspaces } from "../ports.ts";

/** Why there is no copy; `step` did something to the lost one that is not done again by itself. */
export type NotOpened = StepError & { readonly step?: ToolStep };

/** What people said of steps whose work on the lost copy is not done again by itself. */
export type Restoring = {
  /** `repeat`: do it again on the new copy. `skip`: go on without. Null: nobody said anything. */
  answerOf(seq: number): "repeat" | "skip" | null;
  /** All is done again; before the new copy takes the lost one's place. */
  onRestored(): Promise<void>;
};

export type OpenWorkspace = (
  run: RunRecord,
  journal: Journal,
  signal: AbortSignal,
  restoring?: Restoring,
) => Promise<Result<Workspace | null, NotOpened>>;

const NOBODY: Restoring = {
  answerOf: () => null,
  onRestored: async () => {
    await Promise.resolve();
  },
};

export function openWorkspaceOfRun(workspaces: Workspaces, tools: Tools): OpenWorkspace {
  return async (run, journal, signal, restoring = NOBODY) => {
    if (run.workspace === null) return ok(null);
    let stuck: ToolStep | null = null;
    const changes = journal.filter((step) => isToolStep(step)).filter((step) => mayHaveChanged(tools, step));
    const last = changes.at(-1)?.seq ?? 0;
    const restore = async (workspace: Workspace): Promise<Result<null, StepError>> => {
      for (const step of journal) {
        if (!isToolStep(step) || step.state !== "succeeded" || step.effect === "none") continue;
        if (restoring.answerOf(step.seq) === "skip") continue;
        const fault = await repeat(tools, step, workspace, signal, restoring);
        if (fault === null) continue;
        if (signal.aborted)
          return err({ code: "aborted", detail: "Restoring the workspace was called off." });
        stuck = step;
        return err({ code: WORKSPACE_NOT_RESTORED, detail: fault });
      }
      if (last > 0) await workspace.note(last, "done");
      await restoring.onRestored();
      return ok(null);
    };
    const opened = await workspaces.open(
      run.id,
      run.workspace,
      signal,
      restore,
      (progress) => isCurrent(journal, changes, progress),
      run.fencingToken,
    );
    if (opened.ok) return ok(opened.value.workspace);
    return err(stuck === null ? opened.error : { ...opened.error, step: stuck });
  };
}

const mayHaveChanged = (tools: Tools, { state, effect, name }: ToolStep): boolean =>
  state === "succeeded" && effect !== "none" && tools.get(name)?.scope !== "world";

// The run may have gone on on another machine, with a copy of its own there: then this one lacks what was done there.
function isCurrent(journal: Journal, changes: readonly ToolStep[], progress: CopyProgress | null): boolean {
  if (progress === null) return true;
  return changes.every(
    ({ seq }) =>
      seq <= progress.done ||
      // Cut off in this very copy, and a person looked and said that it did happen.
      (seq === progress.begun && isConfirmed(journal, seq)),
  );
}

const isConfirmed = (journal: Journal, seq: number): boolean =>
  journal.some(
    (step) => isGateStep(step) && step.request.doubtfulSeq === seq && step.outcome?.answer === "confirmed",
  );

/** Whether the run has done something to its copy that is not done again by itself: on another machine a person would be asked. */
export const isBoundToCopy = (tools: Tools, journal: Journal): boolean =>
  journal.some((step) => isToolStep(step) && step.effect === "once" && mayHaveChanged(tools, step));

export const WORKSPACE_NOT_RESTORED = "workspace_not_restored";

/** @returns why it is not done again, or null where it was, or need not be */
async function repeat(
  tools: Tools,
  { seq, effect, request: { action, effectId, precondition } }: ToolStep,
  workspace: Workspace,
  signal: AbortSignal,
  restoring: Restoring,
): Promise<string | null> {
  const tool = tools.get(action.tool);
  const what = `The run's copy is lost, and step ${seq} (${action.tool})`;
  // Without the tool nobody can tell whether what it did was done in the copy.
  if (tool === undefined) return `${what} cannot be repeated on a fresh one: there is no such tool any more.`;
  // Only what was done inside the copy is lost with it; effects on the outside are where they were.
  if (tool.scope !== "workspace") return null;
  // What may happen once only (a command) is not tried again by itself: its second run may end otherwise.
  if (effect === "once" && restoring.answerOf(seq) !== "repeat")
    return `${what} is not repeated on a fresh one by itself: it may happen once only.`;
  const done = await tool.execute(action.arguments, precondition, { workspace, effectId, signal });
  return done.ok ? null : `${what} could not be repeated on a fresh one: ${done.error.detail}`;
}
