// Who takes back what a driven run did: its driver, or the harness with a tool of its own, as the manifest says that the
// run was submitted with.

import {
  externalToolDigest,
  type ExternalDefinition,
  type ExternalTool,
  type PinnedCompensation,
} from "../../core/external.ts";
import { isToolStep, type Journal, type ToolStep } from "../../core/run/journal.ts";
import { EXTERNAL_TAKE_BACK_MINUTES, LEASE_SECONDS } from "../../base/limits.ts";
import { goingOf, manifestDigest } from "../../core/tool.ts";
import type { RunRecord, StoreTx, Tools } from "../../ports.ts";
import { type End, type Ended, endWith, type Hands, TOOL_CHANGED } from "../end-run.ts";

const toolOf = (definition: ExternalDefinition, step: ToolStep): ExternalTool | undefined =>
  definition.tools.find(({ name }) => name === step.request.action.tool);

/** How that call is taken back; null where its tool says nothing of it. */
export const compensationOf = (definition: ExternalDefinition, step: ToolStep): PinnedCompensation | null =>
  toolOf(definition, step)?.compensation ?? null;

function handsOf(definition: ExternalDefinition, tools: Pick<Tools, "get">): Hands {
  return (step) => {
    const pinned = toolOf(definition, step);
    if (pinned?.compensation === undefined)
      return {
        code: "not_compensable",
        detail: "Its manifest names no compensation; look, and take it back by hand.",
      };
    if (externalToolDigest(pinned) !== step.request.action.manifest_digest) return TOOL_CHANGED;
    if (pinned.compensation.by === "driver") return "driver";
    const own = tools.get(pinned.name);
    const isSame =
      own?.compensate !== undefined &&
      manifestDigest(own.manifest) === pinned.compensation.manifestDigest &&
      goingOf(own, pinned.compensation.destination ?? null) !== "elsewhere";
    return isSame ? "harness" : TOOL_CHANGED;
  };
}

export type DrivenEnd = End & {
  /** Calls may be under way whose driver does not know yet that the run has ended. */
  readonly isUnderWay: boolean;
};

/**
 * Ends a driven run otherwise than in success, or queues it to be taken back first.
 * @param journal before whatever else the same commit closes
 * @returns `ended`: the writes end it
 */
export function endDrivenRun(
  { definition, tools }: { readonly definition: ExternalDefinition; readonly tools: Pick<Tools, "get"> },
  journal: Journal,
  { isUnderWay, ...end }: DrivenEnd,
): Ended {
  const { writes, ended } = endWith(handsOf(definition, tools), journal, end);
  if (ended) return { writes, ended };
  const opened = writes.find((write) => write.write === "step_opened")?.step.request;
  const first = opened?.kind === "rollback" ? opened.effects[0] : undefined;
  const isDrivers = opened?.kind === "rollback" && opened.byDriver?.includes(first ?? 0) === true;
  const isWaited = isDrivers && end.reason.code !== DRIVER_IDLE;
  const isOpen = isUnderWay && journal.some((step) => isToolStep(step) && step.state === "intended");
  const delaySeconds = isWaited ? EXTERNAL_TAKE_BACK_MINUTES * 60 : isOpen ? LEASE_SECONDS : 0;
  const { reason } = end;
  return { writes: [...writes, { write: "run_moved", event: "released", reason, delaySeconds }], ended };
}

/** Code of a run's reason: nobody drives it any more, so nobody is waited for either. */
export const DRIVER_IDLE = "driver_idle";

/** What a driven run was submitted with. @throws where it is not kept, which no program of ours lets happen */
export async function definitionOf(tx: StoreTx, run: RunRecord): Promise<ExternalDefinition> {
  const definition = await tx.externalDefinitions.get(run.agentVersion);
  if (definition === null) throw new Error(`the definition of the driven run ${run.id} is not kept`);
  return definition;
}
