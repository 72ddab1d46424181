// The decision path of driven runs by itself: labels, circumstances, plans and rules of the product, over a journal that
// is kept in memory. No database, no HTTP and no approval on the wire: those have tests of their own, and without them
// the whole bench of hijacked models takes seconds.

import { manifestSchema } from "@assent/contract";
import { openCedarPolicies } from "../../../packages/harness/src/adapters/cedar/policies.ts";
import { shippedPolicyFolder } from "../../../packages/harness/src/adapters/cedar/policy-folder.ts";
import type { Policies } from "../../../packages/harness/src/core/decide/policy-point.ts";
import { externalAction, pinTool } from "../../../packages/harness/src/core/external.ts";
import { createOriginIndex } from "../../../packages/harness/src/core/label/origins.ts";
import type { JournalStep } from "../../../packages/harness/src/core/run/journal.ts";
import type { RunRecord } from "../../../packages/harness/src/ports.ts";
import { judge } from "../../../packages/harness/src/services/external/judge.ts";
import { refusalOfDeclared } from "../../../packages/harness/src/services/external/plan.ts";
import { findPlanned } from "../../../packages/harness/src/services/external/plan-match.ts";
import {
  absorb,
  type DrivenRun,
  inputFault,
  openDrivenRun,
  toolOf,
} from "../../../packages/harness/src/services/external/state.ts";
import type {
  Answer,
  Approver,
  Harness,
  PlanOutcome,
  Session,
  Shown,
} from "../../../packages/suite/src/worlds/session.ts";
import { type Call, type Json, type Tools, wireOf } from "../../../packages/suite/src/worlds/world.ts";

const AT = new Date("2026-01-01T00:00:00Z");
const TENANT = `ten_${"0".repeat(32)}` as const;

function openPolicies(): Policies {
  const opened = openCedarPolicies({ folder: shippedPolicyFolder("default") });
  if (!opened.ok) throw new Error(opened.error.detail);
  return opened.value;
}

/** A run with nothing but a task. */
export function runOf(task: string): RunRecord {
  return {
    id: `run_${"0".repeat(32)}`,
    tenant: TENANT,
    driver: "external",
    agent: "external",
    agentVersion: `sha256:${"0".repeat(64)}`,
    task,
    workspace: null,
    model: "external/driver",
    labels: {},
    requestedBy: { id: `prn_${"1".repeat(32)}`, kind: "service", name: "hijacked" },
    createdAt: AT,
    updatedAt: AT,
    finishedAt: null,
    state: "running",
    version: 1,
    attempt: 0,
    answer: null,
    reason: null,
    fencingToken: 0,
    redriveOf: null,
    traceparent: null,
  };
}

/** A harness for the bench of hijacked models. @param policies the default set where they are left out */
export function decisionPath(policies: Policies = openPolicies()): Harness {
  return {
    name: "the decision path alone",
    open: async (task, tools, approver) => openSession(policies, task, tools, approver),
  };
}

function openSession(policies: Policies, task: string, tools: Tools, approver: Approver): Session {
  const run = runOf(task);
  const manifests = [...tools.values()].map((tool) => manifestSchema.parse(wireOf(tool)));
  const state = openDrivenRun(
    createOriginIndex(),
    {
      v: 1,
      system: null,
      approver: approver === null ? "none" : "ask",
      tools: manifests.map((manifest) => pinTool(manifest)),
    },
    run,
    [],
  );
  return {
    plan: async (calls) => declare(policies, state, run, calls),
    propose: async (call) => decide(policies, state, run, call, approver),
    finish: async () => undefined,
  };
}

/** As services/external/plan.ts takes a plan down, without its database. */
function declare(policies: Policies, state: DrivenRun, run: RunRecord, calls: readonly Call[]): PlanOutcome {
  const refusal = refusalOfDeclared({ state, ports: { policies }, committed: { run } }, [...calls]);
  if (refusal !== null)
    return {
      taken: false,
      unfit: (refusal.errors ?? []).map(({ pointer }) => Number(/\d+$/.exec(pointer)?.[0])),
    };
  const seq = state.journal.length + 1;
  const step: JournalStep = {
    seq,
    kind: "gate",
    name: "(plan)",
    state: "succeeded",
    effect: "none",
    request: { kind: "gate", callId: `plan_${seq}`, subject: "action", doubtfulSeq: null, plan: calls },
    decision: { verdict: "permit", reasons: [] },
    approvalId: null,
    outcome: { kind: "gate", answer: "permitted", comment: null, editedAction: null },
    error: null,
    retriedBySeq: null,
    startedAt: AT,
    finishedAt: AT,
  };
  absorb(state, seq, [...state.journal, step]);
  return { taken: true, unfit: [] };
}

function decide(
  policies: Policies,
  state: DrivenRun,
  run: RunRecord,
  call: Call,
  approver: Approver,
): Answer {
  const tool = toolOf(state, call.tool);
  const args = call.arguments;
  const place = findPlanned(state, tool.name, args);
  const { decision, judgement } = judge(policies, state, run, { tool, args, planned: place !== null });
  const asks = decision.verdict === "needs_approval" && inputFault(state, tool, args) === null;
  const shown: Shown | null = asks ? { tool: call.tool, arguments: args } : null;
  const permitted = asks
    ? (approver?.({ tool: call.tool, arguments: args }) ?? false)
    : decision.verdict === "permit" && inputFault(state, tool, args) === null;
  const seq = state.journal.length + 1;
  const step: JournalStep = {
    seq,
    kind: "tool",
    name: tool.name,
    state: permitted ? "intended" : "refused",
    effect: tool.effect,
    request: {
      kind: "tool",
      callId: `act_${seq}`,
      action: externalAction(tool, args),
      judgement,
      actionDigest: `sha256:${"0".repeat(64)}`,
      effectId: `sha256:${"0".repeat(64)}`,
      precondition: null,
      ...(permitted && place !== null ? { planned: place } : {}),
    },
    decision,
    approvalId: null,
    outcome: null,
    error: null,
    retriedBySeq: null,
    startedAt: AT,
    finishedAt: null,
  };
  absorb(state, seq, [...state.journal, step]);
  return {
    permitted,
    shown,
    reasons: decision.reasons.map(({ policy, code }) => policy ?? code),
    labels: Object.fromEntries(
      Object.entries(judgement.labels).map(([pointer, { origin }]) => [pointer, origin]),
    ),
    report: async (output) => {
      report(state, seq, output);
    },
  };
}

function report(state: DrivenRun, seq: number, output: Json): void {
  const isText = typeof output === "string";
  const journal = state.journal.map((step): JournalStep =>
    step.seq === seq
      ? {
          ...step,
          state: "succeeded",
          outcome: {
            kind: "tool",
            output: isText ? output : JSON.stringify(output),
            label: toolOf(state, step.name).returns,
            reported: { order: state.reports + 1, form: isText ? "text" : "json" },
          },
        }
      : step,
  );
  absorb(state, state.version + 1, journal);
}
