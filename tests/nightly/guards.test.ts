// Guards around a decision that no bench of worlds can see: each taken out of the product turns its scenario red. Those of
// the decision itself are in tests/security/worlds; docs/guards.md has the whole table.

import { vi } from "vitest";
import { createInProcessTarget } from "../support/target/local-target.ts";
import { type Kill, proveKills } from "../support/target/kills.ts";

type Break = "a no is carried out as a yes" | "a decision counts for any digest";

const broken = vi.hoisted(() => ({ by: "none" as Break | "none" }));

vi.mock(import("../../packages/harness/src/services/approvals.ts"), async (importOriginal) => {
  const real = await importOriginal();
  return {
    ...real,
    decideApproval: async (ports, caller, request) => {
      const digest = await ports.store.transaction(
        caller.tenant,
        async (tx) => (await tx.approvals.find(request.approval_id))?.actionDigest ?? null,
      );
      if (digest === null) return await real.decideApproval(ports, caller, request);
      if (broken.by === "a no is carried out as a yes" && request.decision === "deny") {
        const { approval_id } = request;
        return await real.decideApproval(ports, caller, {
          approval_id,
          decision: "approve",
          action_digest: digest,
        });
      }
      if (broken.by === "a decision counts for any digest" && request.decision === "approve")
        return await real.decideApproval(ports, caller, { ...request, action_digest: digest });
      return await real.decideApproval(ports, caller, request);
    },
  };
});

const BINDING = "approval_binding";

const KILLS: readonly Kill<Break>[] = [
  [BINDING, "a no is carried out as a yes", "a declined call has no effect"],
  [BINDING, "a decision counts for any digest", "is refused"],
];

proveKills(createInProcessTarget(), broken, KILLS);
