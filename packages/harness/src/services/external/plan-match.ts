// Whether a call is one that a person, or where there is none the rules, agreed to beforehand: the same tool, the same arguments, and in the place of each
// slot a value of its type out of what the named tool returned. Anything else is another call.

import { type PlanSlot, planSlotSchema } from "@assent/contract";
import { matchSlot, type ToolOutput } from "../../core/label/slot.ts";
import { isToolStep, type PlannedPlace } from "../../core/run/journal.ts";
import { type DrivenRun, gateAt, planKey } from "./state.ts";

type Json = Readonly<Record<string, unknown>>;

/** The first call of an approved plan that this is and that was not made yet; those without slots come first. */
export function findPlanned(state: DrivenRun, tool: string, args: Json): PlannedPlace | null {
  const outputs = outputsOf(state);
  let late: PlannedPlace | null = null;
  for (const gateSeq of state.plans) {
    const gate = gateAt(state, gateSeq);
    const answer = gate?.outcome?.answer;
    if (gate === null || (answer !== "approved" && answer !== "permitted")) continue;
    for (const [index, call] of (gate.request.plan ?? []).entries()) {
      const place: PlannedPlace = { gateSeq, index };
      if (call.tool !== tool || state.consumed.has(planKey(place))) continue;
      let slots = 0;
      const fits = matches(call.arguments, args, (slot, value) => {
        slots += 1;
        return matchSlot(slot, value, outputs(slot.from)).matches;
      });
      if (!fits) continue;
      if (slots === 0) return place;
      late ??= place;
    }
  }
  return late;
}

type SlotMatch = (slot: PlanSlot, value: unknown) => boolean;

function matches(planned: unknown, actual: unknown, slotFits: SlotMatch): boolean {
  const slot = slotOf(planned);
  if (slot !== null) return slotFits(slot, actual);
  if (Array.isArray(planned))
    return (
      Array.isArray(actual) &&
      planned.length === actual.length &&
      planned.every((item, place) => matches(item, actual[place], slotFits))
    );
  if (!isObject(planned) || !isObject(actual)) return planned === actual;
  const names = Object.keys(planned);
  return (
    names.length === Object.keys(actual).length &&
    names.every((name) => Object.hasOwn(actual, name) && matches(planned[name], actual[name], slotFits))
  );
}

const isObject = (value: unknown): value is Json =>
  typeof value === "object" && value !== null && !Array.isArray(value);

export const hasSlotKey = (value: unknown): value is Json => isObject(value) && Object.hasOwn(value, "$slot");

/** Null for a plain value. A malformed slot never gets into a plan (plan.ts). */
export function slotOf(value: unknown): PlanSlot | null {
  if (!hasSlotKey(value) || Object.keys(value).length !== 1) return null;
  const parsed = planSlotSchema.safeParse(value["$slot"]);
  return parsed.success ? parsed.data : null;
}

// Looked for once a tool, and only where a slot asks for it. What a tool failed with is not what it returned.
function outputsOf(state: DrivenRun): (tool: string) => readonly ToolOutput[] {
  const found = new Map<string, readonly ToolOutput[]>();
  return (tool) => {
    let outputs = found.get(tool);
    if (outputs === undefined) {
      outputs = state.journal.flatMap((step) =>
        isToolStep(step) && step.name === tool && step.state === "succeeded" && step.outcome !== null
          ? [{ tool, text: step.outcome.output }]
          : [],
      );
      found.set(tool, outputs);
    }
    return outputs;
  };
}

/**
 * Tools of calls that the rules alone agreed to beforehand and that were not made yet. Null: there is no such plan, so
 * that the requester's words say which acts are theirs.
 */
export function toolsDeclared(state: DrivenRun): ReadonlySet<string> | null {
  const gates = state.plans
    .map((gateSeq) => gateAt(state, gateSeq))
    .filter((gate) => gate?.outcome?.answer === "permitted");
  if (gates.length === 0) return null;
  return new Set(
    gates.flatMap((gate) =>
      (gate?.request.plan ?? []).flatMap(({ tool }, index) =>
        state.consumed.has(planKey({ gateSeq: gate?.seq ?? 0, index })) ? [] : [tool],
      ),
    ),
  );
}
