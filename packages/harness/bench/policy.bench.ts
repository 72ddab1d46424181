// Prints the time of one decision: the shipped sets and growing sets of rules, calls with growing numbers of arguments.
// Run: node --conditions=assent-source packages/harness/bench/policy.bench.ts

import { openCedarPolicies } from "../src/adapters/cedar/policies.ts";
import { shippedPolicyFolder } from "../src/adapters/cedar/policy-folder.ts";
import type { ActionRequest } from "../src/core/decide/action-request.ts";
import type { Policies } from "../src/core/decide/policy-point.ts";

const WARM_UPS = 200;
const DECISIONS = 2_000;

function request(count: number, isTrusted: boolean): ActionRequest {
  const names = Array.from({ length: count }, (_, at) => `argument_${at}`);
  const origin = isTrusted ? "trusted" : "untrusted";
  return {
    tenant: `ten_${"0".repeat(32)}`,
    run: `run_${"0".repeat(32)}`,
    requester: { id: `prn_${"1".repeat(32)}`, kind: "human", name: "anna" },
    agent: { name: "external", version: "1" },
    action: {
      tool: "send_mail",
      tool_version: "1",
      manifest_digest: `sha256:${"a".repeat(64)}`,
      effect: "once",
      harm: ["egress"],
      arguments: Object.fromEntries(names.map((name, at) => [name, `person${at}@mail.example.com`])),
    },
    controlArguments: names.slice(0, Math.ceil(count / 2)),
    labels: Object.fromEntries(names.map((name) => [`/${name}`, { origin, sources: [] }])),
    tainted: true,
    askable: true,
    planned: false,
  };
}

function measure(name: string, policies: Policies, asked: ActionRequest): string {
  for (let at = 0; at < WARM_UPS; at += 1) policies.decide(asked);
  const timesMs: number[] = [];
  for (let at = 0; at < DECISIONS; at += 1) {
    const before = process.cpuUsage();
    const start = performance.now();
    policies.decide(asked);
    const wallMs = performance.now() - start;
    const spent = process.cpuUsage(before);
    // Of the two the smaller: wall time counts what others do on the machine, CPU time what other threads do here.
    timesMs.push(Math.min(wallMs, (spent.user + spent.system) / 1_000));
  }
  timesMs.sort((a, b) => a - b);
  const at = (share: number): string =>
    (timesMs[Math.floor(timesMs.length * share)] ?? Number.NaN).toFixed(3);
  return `${name.padEnd(44)} p50 ${at(0.5)} ms  p99 ${at(0.99)} ms`;
}

function open(source: Parameters<typeof openCedarPolicies>[0]): Policies {
  const policies = openCedarPolicies(source);
  if (!policies.ok) throw new Error(policies.error.detail);
  return policies.value;
}

const lines: string[] = [];
for (const set of ["default", "strict"] as const)
  for (const count of [1, 10, 100])
    for (const isTrusted of [true, false])
      lines.push(
        measure(
          `${set}, ${count} ${isTrusted ? "trusted" : "untrusted"} arguments`,
          open({ folder: shippedPolicyFolder(set) }),
          request(count, isTrusted),
        ),
      );
for (const count of [10, 100, 500]) {
  const rules = Array.from(
    { length: count },
    (_, at) =>
      `@id("r${at}") forbid (principal, action, resource == Tool::"t${at}") when { context.harm.contains("money") };`,
  );
  const texts = { "rules.cedar": `@id("all") permit (principal, action, resource);\n${rules.join("\n")}` };
  lines.push(measure(`${count} rules, 10 trusted arguments`, open({ texts }), request(10, true)));
}
process.stdout.write(`${lines.join("\n")}\n`);
