// Finds the approval that is meant by an id, and its run.

import type { Approval, Run } from "@assent/contract";
import { err, ok, type Result } from "../base/result.ts";
import type { Client } from "../client/client.ts";
import type { GateId } from "./argument.ts";
import { type Failure, failureOfClient, usageFailure } from "./failure.ts";
import { openApprovals } from "./supervise.ts";

export type Gate = { readonly approval: Approval; readonly run: Run };

export async function findGate(client: Client, gate: GateId): Promise<Result<Gate, Failure>> {
  return gate.kind === "run" ? await ofRun(client, gate.id) : await byApproval(client, gate.id);
}

async function ofRun(client: Client, id: Run["id"]): Promise<Result<Gate, Failure>> {
  const run = await client.getRun(id);
  if (!run.ok) return err(failureOfClient(run.error));
  const open = openApprovals(run.value);
  const [approval] = open;
  if (approval === undefined) return err(nothingWaits(`run ${id} has no open approval`));
  if (open.length > 1)
    return err(
      usageFailure(
        "approval_ambiguous",
        `run ${id} has ${open.length} open approvals`,
        `Name one: ${open.map((one) => one.id).join(", ")}.`,
      ),
    );
  // By itself it says as well what differs from what was answered before.
  const whole = await client.getApproval(approval.id);
  return whole.ok ? ok({ approval: whole.value, run: run.value }) : err(failureOfClient(whole.error));
}

async function byApproval(client: Client, id: Approval["id"]): Promise<Result<Gate, Failure>> {
  const found = await client.getApproval(id);
  if (!found.ok) return err(failureOfClient(found.error));
  const approval = found.value;
  if (approval.status !== "open") return err(decidedBefore(approval));
  const run = await client.getRun(approval.run_id);
  return run.ok ? ok({ approval, run: run.value }) : err(failureOfClient(run.error));
}

/** In the server's own words for who decides it once more. */
function decidedBefore({ id, run_id, status, decided_by }: Approval): Failure {
  const isExpired = status === "expired";
  return {
    exit: "refused",
    code: isExpired ? "approval_expired" : "approval_already_decided",
    detail: `approval ${id} is ${status}${decided_by === null ? "" : `, decided by ${decided_by.name}`}`,
    remedy: isExpired
      ? "Nothing was changed. Expiry counts as a denial; submit the task again if it is still wanted."
      : `Nothing was changed. See what became of it with \`assent show ${run_id}\`.`,
  };
}

function nothingWaits(detail: string): Failure {
  return {
    exit: "refused",
    code: "approval_not_found",
    detail: `${detail}: it may have been decided, or have expired`,
    remedy: "See what waits with `assent runs --status awaiting_approval`.",
  };
}
