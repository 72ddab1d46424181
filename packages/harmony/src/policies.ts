// A policy is a written rule. Policies are tried scope by scope (workspace, repo, domain, file), within a scope by
// priority, then age, then id, so that the order is the same on every machine; the first that matches decides.

import * as z from "zod";
import { HarmonyError } from "./errors.ts";
import { parseGlob } from "./globs.ts";
import { computeId, parseId, wellFormed, type ContentId } from "./ids.ts";
import { NAME_LENGTH_MAX } from "./limits.ts";
import { AgentProvenance, provenanceSchema, type ProvenanceJson } from "./provenance.ts";
import { parseTimestamp, type Timestamp } from "./timestamps.ts";
import { PolicyAction, PolicyScope } from "./vocabulary.ts";

/** What must hold for a policy to speak; a condition left null always holds. */
export type PolicyCondition = {
  readonly conflictType: string | null;
  readonly domain: string | null;
  /** Matched against the pattern's path: `*` and `?` within a part, `**` across parts. */
  readonly pathGlob: string | null;
  /** The best exact precedent is worth at least this, 0 to 1. */
  readonly confidenceMin: number | null;
};

export type Policy = {
  readonly policyId: ContentId;
  readonly scope: PolicyScope;
  /** Lower is tried first within a scope. */
  readonly priority: number;
  readonly condition: PolicyCondition;
  readonly action: PolicyAction;
  readonly comment: string;
  readonly createdAt: Timestamp;
  readonly createdBy: AgentProvenance;
};

export type PolicyJson = {
  readonly policy_id: string;
  readonly scope: string;
  readonly priority: number;
  readonly condition: {
    readonly conflict_type: string | null;
    readonly domain: string | null;
    readonly path_glob: string | null;
    readonly confidence_min: number | null;
  };
  readonly action: string;
  readonly comment: string;
  readonly created_at: string;
  readonly created_by: ProvenanceJson;
};

export type PolicyInput = {
  readonly scope: PolicyScope;
  readonly priority?: number;
  readonly condition?: Partial<PolicyCondition>;
  readonly action: PolicyAction;
  readonly comment?: string;
  readonly createdAt: Date | string;
  readonly createdBy: AgentProvenance;
};

export const POLICY_PRIORITY_DEFAULT = 100;
const name = z.string().max(NAME_LENGTH_MAX).nullable().default(null);
const policySchema = z.object({
  policy_id: z.string(),
  scope: z.enum(PolicyScope),
  priority: z.int(),
  condition: z.object({
    conflict_type: name,
    domain: name,
    path_glob: name,
    confidence_min: z.number().min(0).max(1).nullable().default(null),
  }),
  action: z.enum(PolicyAction),
  comment: z.string().default(""),
  created_at: z.string(),
  created_by: provenanceSchema,
});

/** A frozen policy. Its id is that of what it says (scope, priority, condition, action): said twice, it is one policy. */
export function newPolicy(input: PolicyInput): Policy {
  const condition: PolicyCondition = Object.freeze({
    conflictType: input.condition?.conflictType ?? null,
    domain: input.condition?.domain ?? null,
    pathGlob: input.condition?.pathGlob ?? null,
    confidenceMin: input.condition?.confidenceMin ?? null,
  });
  if (condition.pathGlob !== null) parseGlob(condition.pathGlob);
  const least = condition.confidenceMin;
  if (least !== null && !(least >= 0 && least <= 1)) {
    throw new HarmonyError("invalid_record", "a policy's least confidence lies between 0 and 1");
  }
  const priority = input.priority ?? POLICY_PRIORITY_DEFAULT;
  if (!Number.isSafeInteger(priority))
    throw new HarmonyError("invalid_record", "a priority is a whole number");
  return Object.freeze({
    policyId: computeId("policy", [
      input.scope,
      String(priority),
      condition.conflictType,
      condition.domain,
      condition.pathGlob,
      least === null ? null : String(least),
      input.action,
    ]),
    scope: input.scope,
    priority,
    condition,
    action: input.action,
    comment: wellFormed(input.comment ?? "", "comment"),
    createdAt: parseTimestamp(input.createdAt),
    createdBy: input.createdBy,
  });
}

export function policyToJson(policy: Policy): PolicyJson {
  return {
    policy_id: policy.policyId,
    scope: policy.scope,
    priority: policy.priority,
    condition: {
      conflict_type: policy.condition.conflictType,
      domain: policy.condition.domain,
      path_glob: policy.condition.pathGlob,
      confidence_min: policy.condition.confidenceMin,
    },
    action: policy.action,
    comment: policy.comment,
    created_at: policy.createdAt,
    created_by: policy.createdBy.toJSON(),
  };
}

export function policyFromJson(value: unknown): Policy {
  const parsed = policySchema.safeParse(value);
  if (!parsed.success) throw new HarmonyError("invalid_record", "not a policy");
  const json = parsed.data;
  const policy = newPolicy({
    scope: json.scope,
    priority: json.priority,
    condition: {
      conflictType: json.condition.conflict_type,
      domain: json.condition.domain,
      pathGlob: json.condition.path_glob,
      confidenceMin: json.condition.confidence_min,
    },
    action: json.action,
    comment: json.comment,
    createdAt: json.created_at,
    createdBy: AgentProvenance.fromJSON(json.created_by),
  });
  if (policy.policyId !== json.policy_id) {
    throw new HarmonyError("invalid_record", "the policy's id is not that of its fields");
  }
  return policy;
}

/**
 * What stands for a policy whose file cannot be read: a person is asked about everything until it is mended or removed.
 * To skip it would be to obey the rest of the rules without the one that may have forbidden something.
 */
export function unreadablePolicy(policyId: string): Policy {
  return Object.freeze({
    policyId: parseId(policyId, "policy_id"),
    scope: PolicyScope.WORKSPACE,
    priority: Number.MIN_SAFE_INTEGER,
    condition: Object.freeze({ conflictType: null, domain: null, pathGlob: null, confidenceMin: null }),
    action: PolicyAction.MANUAL,
    comment: "the file of this policy cannot be read: mend it, or remove the policy",
    createdAt: parseTimestamp("0001-01-01T00:00:00Z"),
    createdBy: AgentProvenance.human(),
  });
}

const SCOPE_ORDER: readonly PolicyScope[] = [
  PolicyScope.WORKSPACE,
  PolicyScope.REPO,
  PolicyScope.DOMAIN,
  PolicyScope.FILE,
];

/** The order in which policies are tried. */
export function comparePolicies(a: Policy, b: Policy): number {
  const byScope = SCOPE_ORDER.indexOf(a.scope) - SCOPE_ORDER.indexOf(b.scope);
  if (byScope !== 0) return byScope;
  if (a.priority !== b.priority) return a.priority - b.priority;
  if (a.createdAt !== b.createdAt) return a.createdAt < b.createdAt ? -1 : 1;
  return a.policyId < b.policyId ? -1 : Number(a.policyId > b.policyId);
}
