// Puts a call to the rules: what the harness knows of it, and nothing that a model says of it.

import type { Action } from "@assent/contract";
import type { ActionRequest } from "../core/decide/action-request.ts";
import { circumstancesOf } from "../core/decide/circumstances.ts";
import { type Judgement, judgementOf } from "../core/decide/judgement.ts";
import type { PolicyBudget } from "../core/decide/policy-context.ts";
import type { Policies } from "../core/decide/policy-point.ts";
import type { PolicyVerdict } from "../core/decide/policy-verdict.ts";
import { type NamedTool, namedTool, toolsNamed } from "../core/decide/tool-naming.ts";
import type { AgentDefinition } from "../core/agent.ts";
import { type HandleUse, labelsOfUses } from "../core/label/handles.ts";
import type { OriginIndex } from "../core/label/origins.ts";
import { isPieced } from "../core/label/pairing.ts";
import type { Journal } from "../core/run/journal.ts";
import type { Manifest } from "../core/tool.ts";
import type { RunRecord, Tools } from "../ports.ts";

export type Judged = {
  readonly request: ActionRequest;
  readonly verdict: PolicyVerdict;
  readonly judgement: Judgement;
};

/** What a run has been so far. */
export type Seen = {
  readonly run: RunRecord;
  readonly definition: AgentDefinition;
  readonly journal: Journal;
  readonly origins: OriginIndex;
  readonly tools: Pick<Tools, "get">;
  /** What is left of the run's; nothing where it has none. */
  readonly budget?: PolicyBudget;
};

/** @param uses of handles: what they stand for came out of untrusted text, whoever else wrote the same */
export function judge(
  policies: Policies,
  seen: Seen,
  manifest: Manifest,
  action: Action,
  uses: readonly HandleUse[] = [],
): Judged {
  const { run, definition, journal, origins, budget } = seen;
  const { labels: found, tainted } = origins.label(action.arguments, propertyNames(manifest));
  const labels = { ...found, ...labelsOfUses(uses) };
  const known = knownTools(seen);
  const call = { tool: action.tool, controlArguments: manifest.controlArguments, labels };
  const request: ActionRequest = {
    tenant: run.tenant,
    run: run.id,
    requester: run.requestedBy,
    agent: { name: definition.name, version: run.agentVersion },
    action,
    controlArguments: manifest.controlArguments,
    labels,
    tainted,
    askable: true,
    planned: false,
    circumstances: circumstancesOf(
      action,
      {
        named: toolsNamed(run.task, known),
        pieced: tainted && isPieced(run.task, call, known),
        alarm: origins.alarm(),
      },
      journal,
    ),
  };
  return {
    request,
    verdict: policies.decide(request, budget),
    judgement: judgementOf(request, policies.version, budget, uses),
  };
}

/** The very same list as at the last call where no tool has changed: what follows from it is kept with it. */
function knownTools({ definition, tools }: Seen): readonly NamedTool[] {
  const present = definition.tools.flatMap((name) => tools.get(name)?.manifest ?? []).map(namedTool);
  const known = KNOWN.get(definition);
  if (known?.length === present.length && known.every((tool, at) => tool === present[at])) return known;
  KNOWN.set(definition, present);
  return present;
}

const KNOWN = new WeakMap<AgentDefinition, readonly NamedTool[]>();

/** Names that the tool's author gave to deeper fields; any other name of a field is a value that the model chose. */
function propertyNames(manifest: Manifest): ReadonlySet<string> {
  const names = new Set<string>();
  const visit = (schema: unknown, depth: number): void => {
    if (typeof schema !== "object" || schema === null || depth > SCHEMA_DEPTH_MAX) return;
    for (const [key, inner] of Object.entries(schema)) {
      if (key === "properties" && typeof inner === "object" && inner !== null)
        for (const name of Object.keys(inner)) names.add(name);
      visit(inner, depth + 1);
    }
  };
  visit(manifest.inputSchema, 0);
  return names;
}

const SCHEMA_DEPTH_MAX = 32;
