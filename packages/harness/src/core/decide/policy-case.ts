// A test of a set of rules, as its author writes it in JSON: one call, and what is to come of it.

import { type Actor, EFFECTS, HARMS, VERDICTS } from "@assent/contract";
import { z } from "zod";
import type { ActionRequest, ArgumentLabel } from "./action-request.ts";
import type { PolicyBudget } from "./policy-context.ts";
import type { Policies } from "./policy-point.ts";
import type { PolicyVerdict } from "./policy-verdict.ts";

const argumentSchema = z.strictObject({
  value: z.unknown(),
  /** Of every value inside it. `stored`: trusted, by standing in what a trusted tool returned. */
  origin: z.enum(["trusted", "stored", "untrusted", "model"]),
});

const callSchema = z.strictObject({
  tool: z.string().default("tool"),
  effect: z.enum(EFFECTS),
  harm: z.array(z.enum(HARMS)),
  control: z.record(z.string(), argumentSchema).default({}),
  content: z.record(z.string(), argumentSchema).default({}),
  tainted: z.boolean(),
  askable: z.boolean().default(true),
  planned: z.boolean().default(false),
  /** As is most favourable, so that a case is about what it says. */
  named: z.boolean().default(true),
  repeated: z.boolean().default(false),
  pieced: z.boolean().default(false),
  agent: z.string().default("agent"),
  requester: z
    .strictObject({ name: z.string(), kind: z.enum(["human", "service", "agent"]) })
    .default({ name: "requester", kind: "human" }),
  budget: z
    .strictObject({ tokens_left: z.int().optional(), microdollars_left: z.int().optional() })
    .default({}),
});

const expectationSchema = z.strictObject({
  verdict: z.enum(VERDICTS),
  /** Exactly the rules that decide; the order does not matter. */
  policies: z.array(z.string()),
  approvers: z.array(z.string()).optional(),
  quorum: z.int().optional(),
  separate_duties: z.boolean().optional(),
  timeout_ms: z.int().optional(),
});

/** Unknown members are refused: a misspelt expectation would be one that nothing can fail. */
export const policyCasesSchema = z.strictObject({
  cases: z
    .array(z.strictObject({ name: z.string().min(1), call: callSchema, expect: expectationSchema }))
    .min(1),
});

export type PolicyCase = z.infer<typeof policyCasesSchema>["cases"][number];

/** Null when the rules say what the case expects; else what they said instead, for the rules' author. */
export function runPolicyCase(policies: Policies, test: PolicyCase): string | null {
  const verdict = policies.decide(requestOfCase(test.call), budgetOfCase(test.call));
  const faults = [
    difference("verdict", test.expect.verdict, verdict.verdict),
    difference("policies", test.expect.policies.toSorted(), decidingPolicies(verdict)),
    ...assentFaults(test.expect, verdict),
  ].filter((fault) => fault !== null);
  return faults.length === 0 ? null : faults.join("; ");
}

function decidingPolicies({ reasons }: PolicyVerdict): string[] {
  return reasons.flatMap(({ policy }) => (policy === undefined ? [] : [policy])).toSorted();
}

function assentFaults(expected: PolicyCase["expect"], { assent }: PolicyVerdict): (string | null)[] {
  return [
    check("approvers", expected.approvers?.toSorted(), assent?.approvers),
    check("quorum", expected.quorum, assent?.quorum),
    check("separate_duties", expected.separate_duties, assent?.separateDuties),
    check("timeout_ms", expected.timeout_ms, assent?.timeoutMs),
  ];
}

function check(name: string, wanted: unknown, found: unknown): string | null {
  return wanted === undefined ? null : difference(name, wanted, found ?? null);
}

function difference(name: string, wanted: unknown, found: unknown): string | null {
  const [a, b] = [JSON.stringify(wanted), JSON.stringify(found)];
  return a === b ? null : `${name}: expected ${a}, got ${b}`;
}

type Call = PolicyCase["call"];

function requestOfCase(call: Call): ActionRequest {
  const given = [...Object.entries(call.control), ...Object.entries(call.content)];
  const labels = new Map<string, ArgumentLabel>();
  for (const [name, { value, origin }] of given)
    for (const pointer of pointersIn(`/${escape(name)}`, value)) labels.set(pointer, labelOf(origin));
  const requester: Actor = { id: `prn_${"0".repeat(32)}`, ...call.requester };
  return {
    tenant: `ten_${"0".repeat(32)}`,
    run: `run_${"0".repeat(32)}`,
    requester,
    agent: { name: call.agent, version: "1" },
    action: {
      tool: call.tool,
      tool_version: "1",
      manifest_digest: `sha256:${"0".repeat(64)}`,
      effect: call.effect,
      harm: call.harm,
      arguments: Object.fromEntries(given.map(([name, { value }]) => [name, value])),
    },
    controlArguments: Object.keys(call.control),
    labels: Object.fromEntries(labels),
    tainted: call.tainted,
    askable: call.askable,
    planned: call.planned,
    circumstances: {
      named: call.named,
      repeated: call.repeated,
      pieced: call.pieced,
      alarm: 0,
    },
  };
}

type CaseOrigin = Call["control"][string]["origin"];

const labelOf = (origin: CaseOrigin): ArgumentLabel =>
  origin === "stored"
    ? { origin: "trusted", sources: [{ source: "step:1", start: 0, end: 1 }] }
    : { origin, sources: [] };

function budgetOfCase({ budget }: Call): PolicyBudget {
  return {
    ...(budget.tokens_left === undefined ? {} : { tokensLeft: budget.tokens_left }),
    ...(budget.microdollars_left === undefined ? {} : { microdollarsLeft: budget.microdollars_left }),
  };
}

const escape = (name: string): string => name.replaceAll("~", "~0").replaceAll("/", "~1");

// The value itself too: an empty list is a leaf, and a label on a filled one is looked at by nobody.
function pointersIn(pointer: string, value: unknown): string[] {
  if (typeof value !== "object" || value === null) return [pointer];
  return [
    pointer,
    ...Object.entries(value).flatMap(([name, item]) => pointersIn(`${pointer}/${escape(name)}`, item)),
  ];
}
