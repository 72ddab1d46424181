// One decision as it is kept: what was asked, under which rules, and what came of it. It holds everything that a
// changed set of rules needs to judge the same call again.

import {
  actionSchema,
  actorSchema,
  type Decision,
  decisionSchema,
  runIdSchema,
  sha256Schema,
} from "@assent/contract";
import { z } from "zod";
import type { Sha256 } from "../../base/digest.ts";
import type { ActionRequest, ArgumentLabels } from "./action-request.ts";
import { type Judgement, judgementOf } from "./judgement.ts";
import type { PolicyBudget } from "./policy-context.ts";
import type { PolicyVerdict } from "./policy-verdict.ts";

const tenantIdSchema = z.custom<ActionRequest["tenant"]>(
  (value) => typeof value === "string" && /^ten_[0-9a-f]{32}$/.test(value),
  "must be a tenant's id",
);

const labelSchema = z.strictObject({
  origin: z.enum(["trusted", "untrusted", "model"]),
  sources: z.array(z.strictObject({ source: z.string(), start: z.int().min(0), end: z.int().min(0) })),
});

export const decisionRecordSchema = z
  .strictObject({
    v: z.literal(1),
    at: z.iso.datetime(),
    tenant_id: tenantIdSchema,
    run_id: runIdSchema,
    step: z.int().min(1),
    requester: actorSchema,
    agent: z.strictObject({ name: z.string(), version: z.string() }),
    action: actionSchema,
    control_arguments: z.array(z.string()),
    labels: z.record(z.string(), labelSchema),
    tainted: z.boolean(),
    askable: z.boolean(),
    planned: z.boolean(),
    circumstances: z
      .strictObject({
        named: z.boolean(),
        repeated: z.boolean(),
        // Not looked at before there was a rule about it.
        pieced: z.boolean().exactOptional(),
        alarm: z.number().min(0).max(1),
      })
      .optional(),
    budget: z.strictObject({ tokens_left: z.int().optional(), microdollars_left: z.int().optional() }),
    policy_version: sha256Schema,
    decision: decisionSchema,
  })
  .meta({ id: "DecisionRecord" });

export type DecisionRecord = z.infer<typeof decisionRecordSchema>;

const recordedBudget = (budget: PolicyBudget = {}): DecisionRecord["budget"] => ({
  ...(budget.tokensLeft === undefined ? {} : { tokens_left: budget.tokensLeft }),
  ...(budget.microdollarsLeft === undefined ? {} : { microdollars_left: budget.microdollarsLeft }),
});

/** A copy, as whoever asks is told them. */
export const toldLabels = (labels: ArgumentLabels): DecisionRecord["labels"] =>
  Object.fromEntries(
    Object.entries(labels).map(([pointer, { origin, sources }]) => [
      pointer,
      { origin, sources: sources.map((source) => ({ ...source })) },
    ]),
  );

/** The call that was decided, beside what it was judged on. */
export type DecidedQuestion = Pick<ActionRequest, "tenant" | "run" | "requester" | "agent" | "action"> & {
  readonly at: Date;
  readonly step: number;
  readonly judgement: Judgement;
  readonly decision: Decision;
};

export function recordOf(decided: DecidedQuestion): DecisionRecord {
  const { judgement } = decided;
  return {
    v: 1,
    at: decided.at.toISOString(),
    tenant_id: decided.tenant,
    run_id: decided.run,
    step: decided.step,
    requester: decided.requester,
    agent: { ...decided.agent },
    action: decided.action,
    control_arguments: [...judgement.controlArguments],
    labels: toldLabels(judgement.labels),
    tainted: judgement.tainted,
    askable: judgement.askable,
    planned: judgement.planned,
    ...(judgement.circumstances === undefined ? {} : { circumstances: { ...judgement.circumstances } }),
    budget: recordedBudget(judgement.budget),
    policy_version: judgement.policyVersion,
    decision: decided.decision,
  };
}

/** Of a request that the rules have just answered. */
export function recordDecision(entry: {
  readonly at: Date;
  readonly step: number;
  readonly request: ActionRequest;
  readonly budget: PolicyBudget;
  readonly version: Sha256;
  readonly verdict: PolicyVerdict;
}): DecisionRecord {
  const { at, step, request, verdict } = entry;
  const judgement = judgementOf(request, entry.version, entry.budget);
  const decision = { verdict: verdict.verdict, reasons: verdict.reasons };
  return recordOf({ ...request, at, step, judgement, decision });
}

/** The question of a record, as it was put when it was decided. */
export function questionOfRecord(record: DecisionRecord): {
  readonly request: ActionRequest;
  readonly budget: PolicyBudget;
} {
  const { budget } = record;
  return {
    request: {
      tenant: record.tenant_id,
      run: record.run_id,
      requester: record.requester,
      agent: record.agent,
      action: record.action,
      controlArguments: record.control_arguments,
      labels: record.labels,
      tainted: record.tainted,
      askable: record.askable,
      planned: record.planned,
      ...(record.circumstances === undefined ? {} : { circumstances: record.circumstances }),
    },
    budget: {
      ...(budget.tokens_left === undefined ? {} : { tokensLeft: budget.tokens_left }),
      ...(budget.microdollars_left === undefined ? {} : { microdollarsLeft: budget.microdollars_left }),
    },
  };
}
