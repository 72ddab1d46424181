// Results that the driver keeps from its model (`handles` of the run): the model hands on `$v3.email`, the harness says
// what that stands for, and the driver carries out exactly that. That the model does not see a result is the driver's
// word, as its manifests are; where a call shows otherwise, the word is not believed any further.

import type { ResultAnswer } from "@assent/contract";
import { ok, type Result } from "../../base/result.ts";
import type { ArgumentLabels } from "../../core/decide/action-request.ts";
import {
  describeHandle,
  type HandleUse,
  type KeptTexts,
  type Resolved,
  resolveHandles,
} from "../../core/label/handles.ts";
import type { ExternalDefinition } from "../../core/external.ts";
import type { ToolStep } from "../../core/run/journal.ts";
import { outcomeText } from "./json-text.ts";

type Args = Readonly<Record<string, unknown>>;

/** Of a driven run. */
type Keeping = { readonly definition: ExternalDefinition; readonly kept: KeptTexts };

/** What the step's call returned, where it stays with the driver; null where it does not. Why a call failed is told. */
export function keptText({ handles = [] }: ExternalDefinition, step: ToolStep): string | null {
  const { name, state, outcome } = step;
  if (!handles.includes(name) || state !== "succeeded" || outcome?.label !== "untrusted") return null;
  return outcomeText(outcome);
}

/** In a run without `handles` a handle is only text. */
export const resolveKept = (state: Keeping, args: Args): Result<Resolved, string> =>
  state.definition.handles === undefined ? ok({ args, uses: [] }) : resolveHandles(args, state.kept);

/**
 * Whether the arguments hold, beside its handles, a value that stands in kept results only: then the model, or whoever
 * wrote the call, has read one.
 */
export function showsKept(
  { kept }: Pick<Keeping, "kept">,
  labels: ArgumentLabels,
  uses: readonly HandleUse[],
): boolean {
  if (kept.size === 0) return false;
  const given = new Set(uses.map(({ pointer }) => pointer));
  return Object.entries(labels).some(
    ([pointer, { origin }]) => origin === "untrusted" && !given.has(pointer),
  );
}

/** For the answer to the report that closed the step. */
export function keptAnswer(definition: ExternalDefinition, step: ToolStep): Pick<ResultAnswer, "kept"> {
  const text = keptText(definition, step);
  return text === null ? {} : { kept: { handle: `$v${step.seq}`, text: describeHandle(step.seq, text) } };
}
