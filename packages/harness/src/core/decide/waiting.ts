// What a change of rules, tools or agents would do to the calls that wait for a person (`assent plan`).

import type { Sha256 } from "../../base/digest.ts";
import { type AgentDefinition, agentVersion } from "../agent.ts";
import { differenceLines } from "../difference.ts";
import { type Manifest, manifestDigest, type PlacedTool } from "../tool.ts";
import { type DecisionRecord, questionOfRecord } from "./decision-record.ts";
import type { Assent } from "./policy-annotations.ts";
import type { Policies } from "./policy-point.ts";
import { reask, type Reask } from "./reask.ts";

/** A call as a person was asked about it. */
export type WaitingQuestion = {
  readonly record: DecisionRecord;
  readonly requirement: Assent;
  readonly agentVersion: Sha256 | null;
  /** Null where it is kept elsewhere, and never changes: the tool of a driven run. */
  readonly manifest: Manifest | null;
  /** Where it was to go; null: nowhere outside, or that is not known. */
  readonly destination: string | null;
  /** The definition that the run goes on under, where it is at hand: for the difference. */
  readonly definition: AgentDefinition | null;
};

/** What might be in force instead. Left out: as it was asked about. */
export type Candidate = {
  readonly policies?: Policies;
  readonly tools?: { readonly get: (name: string) => PlacedTool | undefined };
  readonly agents?: { readonly get: (name: string) => AgentDefinition | undefined };
};

/** The name of all driven runs' agents: they bring their own definition, and no configuration changes it. */
const DRIVEN = "external";

export function planWaiting(question: WaitingQuestion, candidate: Candidate): Reask {
  const { record, requirement, definition } = question;
  const driven = record.agent.name === DRIVEN;
  const tool = driven || candidate.tools === undefined ? "same" : candidate.tools.get(record.action.tool);
  const agent = driven || candidate.agents === undefined ? "same" : candidate.agents.get(record.agent.name);
  const asked = {
    policyVersion: sha256(record.policy_version),
    manifestDigest: record.action.manifest_digest,
    destination: question.destination,
    agentVersion: question.agentVersion,
    requirement,
  };
  const digest = digestOfTool(asked.manifestDigest, tool);
  const action =
    typeof tool === "object" && digest !== asked.manifestDigest
      ? {
          ...record.action,
          tool_version: tool.manifest.version,
          manifest_digest: manifestDigest(tool.manifest),
          effect: tool.manifest.effect,
          harm: [...tool.manifest.harm],
        }
      : record.action;
  const { request, budget } = questionOfRecord(record);
  const controlArguments =
    typeof tool === "object" ? tool.manifest.controlArguments : request.controlArguments;
  const { policies } = candidate;
  const present = {
    policyVersion: policies?.version ?? asked.policyVersion,
    manifestDigest: digest,
    destination: typeof tool === "object" ? (tool.destination ?? null) : asked.destination,
    agentVersion: versionOf(asked.agentVersion, agent),
    verdict:
      policies === undefined
        ? { verdict: "needs_approval" as const, reasons: [], assent: requirement }
        : policies.decide({ ...request, action, controlArguments }, budget),
  };
  return reask(asked, present, {
    tool:
      typeof tool === "object" && question.manifest !== null
        ? differenceLines(question.manifest, tool.manifest)
        : [],
    agent: typeof agent === "object" && definition !== null ? differenceLines(definition, agent) : [],
  });
}

const digestOfTool = (asked: string, tool: PlacedTool | "same" | undefined): string | null => {
  if (tool === "same") return asked;
  return tool === undefined ? null : manifestDigest(tool.manifest);
};

const versionOf = (asked: Sha256 | null, agent: AgentDefinition | "same" | undefined): Sha256 | null => {
  if (agent === "same") return asked;
  return agent === undefined ? null : agentVersion(agent);
};

const sha256 = (text: string): Sha256 => `sha256:${text.replace(/^sha256:/u, "")}`;
