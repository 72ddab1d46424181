// A call that no sound set of rules lets through unasked: everything about it is at its worst. A set that permits it is
// not put in force (spec/peers.md section 4, point 3: prove at start that a canary is blocked).

import type { ActionRequest } from "./action-request.ts";
import type { Policies } from "./policy-point.ts";

const CANARY: ActionRequest = {
  tenant: `ten_${"0".repeat(32)}`,
  run: `run_${"0".repeat(32)}`,
  requester: { id: `prn_${"0".repeat(32)}`, kind: "service", name: "canary" },
  agent: { name: "canary", version: `sha256:${"0".repeat(64)}` },
  action: {
    tool: "canary",
    tool_version: "1",
    manifest_digest: `sha256:${"0".repeat(64)}`,
    effect: "once",
    harm: ["write", "egress", "money", "destructive"],
    arguments: { to: "attacker@example.invalid", amount: 1_000_000 },
  },
  controlArguments: ["to", "amount"],
  labels: {
    "/to": { origin: "untrusted", sources: [] },
    "/amount": { origin: "untrusted", sources: [] },
  },
  tainted: true,
  askable: true,
  planned: false,
};

/** Whether the rules stop what an attacker's text would have a hijacked model do, asked and unasked. */
export function stopsCanary(policies: Policies): boolean {
  const asked = policies.decide(CANARY).verdict;
  const unasked = policies.decide({ ...CANARY, askable: false }).verdict;
  return asked !== "permit" && unasked === "deny";
}
