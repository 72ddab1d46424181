// Finds the approval that is meant by an id: there is no endpoint for one approval, it is read with its run.

import type { Approval, Run } from "@assent/contract";
import { PAGE_ROWS_MAX } from "../base/limits.ts";
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
  return ok({ approval, run: run.value });
}

async function byApproval(client: Client, id: Approval["id"]): Promise<Result<Gate, Failure>> {
  let cursor: string | null = null;
  do {
    const page = await client.listRuns({
      // A driven run goes on while its approvals wait.
      states: ["awaiting_approval", "running"],
      limit: PAGE_ROWS_MAX,
      ...(cursor !== null && { cursor }),
    });
    if (!page.ok) return err(failureOfClient(page.error));
    for (const { id: runId } of page.value.data) {
      const run = await client.getRun(runId);
      if (!run.ok) return err(failureOfClient(run.error));
      const approval = openApprovals(run.value).find((one) => one.id === id);
      if (approval !== undefined) return ok({ approval, run: run.value });
    }
    // A server that names the same page again would keep us here for ever.
    if (page.value.next_cursor === cursor) break;
    cursor = page.value.next_cursor;
  } while (cursor !== null);
  return err(nothingWaits(`no open approval ${id} waits`));
}

function nothingWaits(detail: string): Failure {
  return {
    exit: "refused",
    code: "approval_not_found",
    detail: `${detail}: it may have been decided, or have expired`,
    remedy: "See what waits with `assent runs --status awaiting_approval`.",
  };
}
