// The run's private copy as its journal says it is. A copy that is missing (another machine, a lost disk) is made
// again from the pinned commit, and the writes that the journal holds are carried out on it once more; what may happen once only cannot be.

import type { StepError } from "../core/run/journal.ts";
import { isToolStep, type Journal } from "../core/run/journal.ts";
import { err, ok, type Result } from "../base/result.ts";
import type { RunRecord, Tools, Workspace, Workspaces } from "../ports.ts";

export type OpenWorkspace = (
  run: RunRecord,
  journal: Journal,
  signal: AbortSignal,
) => Promise<Result<Workspace | null, StepError>>;

export function openWorkspaceOfRun(workspaces: Workspaces, tools: Tools): OpenWorkspace {
  return async (run, journal, signal) => {
    if (run.workspace === null) return ok(null);
    const opened = await workspaces.open(run.id, run.workspace, signal);
    if (!opened.ok) return opened;
    const { workspace, made } = opened.value;
    if (!made) return ok(workspace);
    for (const step of journal) {
      if (!isToolStep(step) || step.state !== "succeeded" || step.effect === "none") continue;
      const { action, effectId, precondition } = step.request;
      const tool = tools.get(action.tool);
      // Only what was done inside the copy is lost with it; effects on the outside are where they were.
      if (tool?.scope !== "workspace") continue;
      // What may happen once only (a command) is not tried again: its second run may end otherwise.
      if (step.effect === "once")
        return err({
          code: "workspace_not_restored",
          detail: `The run's copy is lost, and step ${step.seq} (${action.tool}) cannot be repeated on a fresh one.`,
        });
      const done = await tool.execute(action.arguments, precondition, { workspace, effectId, signal });
      if (!done.ok)
        return err({
          code: "workspace_not_restored",
          detail: `Step ${step.seq} could not be repeated on a fresh copy: ${done.error.detail}`,
        });
    }
    return ok(workspace);
  };
}
