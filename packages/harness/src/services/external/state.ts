// What a driven run has been so far, ready for the next call: built from the journal alone, and kept up to date by
// what is committed, so that a process that starts anew gives the same labels as one that was there all along.

import type { ActionId, RunId } from "@assent/contract";
import { assert } from "../../base/assert.ts";
import type { ExternalDefinition, ExternalTool } from "../../core/external.ts";
import { externalToolDigest, unknownTool } from "../../core/external.ts";
import { type NamedTool, namedTool, toolsNamed } from "../../core/decide/tool-naming.ts";
import type { OriginIndex } from "../../core/label/origins.ts";
import {
  type GateStep,
  isGateStep,
  isToolStep,
  type Journal,
  type JournalStep,
  type PlannedPlace,
  type ToolOutcome,
  type ToolStep,
} from "../../core/run/journal.ts";
import type { RunRecord } from "../../ports.ts";
import { compileInputSchema, type InputCheck } from "./input-schema.ts";
import { keptText } from "./kept.ts";
import { outcomeText } from "./json-text.ts";

/** Places in the journal of one action: of the question to a person, and of the call itself. */
type ActionSteps = { gate: number | null; tool: number | null };

export type DrivenRun = {
  readonly run: RunId;
  /** Who submitted it: nobody else drives it. */
  readonly driver: RunRecord["requestedBy"]["id"];
  readonly definition: ExternalDefinition;
  readonly tools: ReadonlyMap<string, ExternalTool>;
  readonly checks: Map<string, InputCheck>;
  readonly schemaNames: Map<string, ReadonlySet<string>>;
  readonly index: OriginIndex;
  /** Its tools, as the requester's words may name them. */
  readonly known: readonly NamedTool[];
  /** Tools that the requester's words name. */
  readonly named: ReadonlySet<string>;
  readonly actions: Map<string, ActionSteps>;
  /** Places of the gates that asked about a plan. */
  readonly plans: number[];
  /** Calls of plans that were permitted: `<gate>/<place>`. */
  readonly consumed: Set<string>;
  /** Results that the driver's model does not see, by the number of their step. */
  readonly kept: Map<number, string>;
  journal: Journal;
  /** The run's version that all of this is of: any change of the run raises it. */
  version: number;
  reports: number;
  tainted: boolean;
  /** Characters that it keeps, for the memory's limit. */
  chars: number;
};

export function openDrivenRun(
  index: OriginIndex,
  definition: ExternalDefinition,
  run: RunRecord,
  journal: Journal,
): DrivenRun {
  const known = definition.tools.map((tool) => ({ ...namedTool(tool), description: tool.description }));
  const state: DrivenRun = {
    run: run.id,
    driver: run.requestedBy.id,
    definition,
    tools: new Map(definition.tools.map((tool) => [tool.name, tool])),
    checks: new Map(),
    schemaNames: new Map(),
    index,
    known,
    named: toolsNamed(run.task, known),
    actions: new Map(),
    plans: [],
    consumed: new Set(),
    kept: new Map(),
    journal: [],
    version: 0,
    reports: 0,
    tainted: false,
    chars: run.task.length + JSON.stringify(definition).length,
  };
  if (definition.system !== null) index.add({ id: "system", label: "trusted", text: definition.system });
  index.add({ id: "task", label: "trusted", text: run.task });
  absorb(state, run.version, journal);
  return state;
}

/** Takes in a later journal of the same run; only steps that are new or changed are looked at. */
export function absorb(state: DrivenRun, version: number, journal: Journal): void {
  const reports: Report[] = [];
  for (const [place, step] of journal.entries()) {
    const before = state.journal[place];
    if (before === step) continue;
    noteStep(state, step, before);
    if (isToolStep(step) && step.outcome?.reported !== undefined && before?.outcome?.kind !== "tool")
      reports.push({ step, outcome: step.outcome, order: step.outcome.reported.order });
  }
  // In the order in which they were reported, whatever the order of the calls: labels depend on it.
  for (const report of reports.toSorted((a, b) => a.order - b.order)) noteReport(state, report);
  state.journal = journal;
  state.version = version;
}

type Report = { readonly step: ToolStep; readonly outcome: ToolOutcome; readonly order: number };

function noteStep(state: DrivenRun, step: JournalStep, before: JournalStep | undefined): void {
  if (before !== undefined) return;
  if (!isToolStep(step) && !isGateStep(step)) return;
  state.chars += JSON.stringify(step.request).length;
  // A taking back is no action that its driver proposed.
  if (isToolStep(step) && step.request.compensates !== undefined) return;
  if (isGateStep(step) && step.request.plan !== undefined) {
    state.plans.push(step.seq);
    return;
  }
  const steps = state.actions.get(step.request.callId) ?? { gate: null, tool: null };
  if (isGateStep(step)) steps.gate = step.seq;
  else steps.tool = step.seq;
  state.actions.set(step.request.callId, steps);
  // A call that showed that its model had read what was kept from it taints the run, whatever became of the call.
  state.tainted ||= step.request.judgement?.tainted === true;
  const planned = isToolStep(step) && step.state !== "refused" ? step.request.planned : undefined;
  if (planned !== undefined) state.consumed.add(planKey(planned));
}

export const planKey = ({ gateSeq, index }: PlannedPlace): string => `${gateSeq}/${index}`;

function noteReport(state: DrivenRun, { step, outcome, order }: Report): void {
  assert(order === state.reports + 1, "reports are numbered without gaps");
  const kept = keptText(state.definition, step);
  const text = outcomeText(outcome);
  state.index.add({ id: `step:${step.seq}`, label: outcome.label, text, unseen: kept !== null });
  state.reports = order;
  if (kept !== null) state.kept.set(step.seq, kept);
  else state.tainted ||= outcome.label === "untrusted";
  state.chars += outcome.output.length;
}

export const toolOf = (state: DrivenRun, name: string): ExternalTool =>
  state.tools.get(name) ?? unknownTool(name);

/** What is wrong with arguments, by the tool's own schema; it was compiled once before, when the run was submitted. */
export function inputFault(
  state: DrivenRun,
  tool: ExternalTool,
  args: Readonly<Record<string, unknown>>,
): string | null {
  let check = state.checks.get(tool.name);
  if (check === undefined) {
    const compiled = compileInputSchema(tool.inputSchema);
    // An installation that was upgraded may know less than the one that took the run in: then no call fits.
    check = compiled.ok ? compiled.value : (): string => `the tool's schema ${compiled.error}`;
    state.checks.set(tool.name, check);
  }
  return check(args);
}

/** Property names of a tool's schema: a deeper name that is not among them counts as chosen by the model. */
export function schemaNamesOf(state: DrivenRun, tool: ExternalTool): ReadonlySet<string> {
  let names = state.schemaNames.get(tool.name);
  if (names === undefined) {
    names = new Set(propertyNames(tool.inputSchema));
    state.schemaNames.set(tool.name, names);
  }
  return names;
}

function* propertyNames(schema: unknown): Generator<string> {
  if (typeof schema !== "object" || schema === null) return;
  for (const [key, value] of Object.entries(schema)) {
    if (key === "properties" && typeof value === "object" && value !== null) yield* Object.keys(value);
    yield* propertyNames(value);
  }
}

export type FoundAction = { readonly gate: GateStep | null; readonly tool: ToolStep | null };

export function findAction(state: DrivenRun, id: ActionId): FoundAction | null {
  const places = state.actions.get(id);
  if (places === undefined) return null;
  return { gate: gateAt(state, places.gate), tool: toolAt(state, places.tool) };
}

export function gateAt(state: DrivenRun, seq: number | null): GateStep | null {
  const step = seq === null ? undefined : state.journal[seq - 1];
  return step !== undefined && isGateStep(step) ? step : null;
}

function toolAt(state: DrivenRun, seq: number | null): ToolStep | null {
  const step = seq === null ? undefined : state.journal[seq - 1];
  return step !== undefined && isToolStep(step) ? step : null;
}

/** The manifest that an approval was given for is the run's own still: definitions are pinned, and this says so. */
export const isSameTool = (tool: ExternalTool, manifestDigest: string): boolean =>
  externalToolDigest(tool) === manifestDigest;
