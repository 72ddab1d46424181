// Stays with one run until it ends, or until whoever waits has had enough.

import type { AuditEvent, Run, RunId } from "@assent/contract";
import { err, ok, type Result } from "../base/result.ts";
import { isTerminal } from "../core/run/run.ts";
import type { Client } from "../client/client.ts";
import { type Failure, failureOfClient } from "./failure.ts";
import type { Deps } from "./world.ts";

export type Supervision = {
  readonly after?: number;
  readonly onEvent: (event: AuditEvent) => void;
  readonly onReconnect: (detail: string) => void;
  /** The run waits at a gate; may be called more than once for one gate. `leave` ends the supervision. */
  readonly onGate: (run: Run) => Promise<Result<"stay" | "leave", Failure>>;
  readonly signal: AbortSignal;
};

/** @returns the run as it is when it ended or was left */
export async function superviseRun(
  client: Client,
  id: RunId,
  clock: Deps["clock"],
  supervision: Supervision,
): Promise<Result<Run, Failure>> {
  const { signal } = supervision;
  const items = client.followRun(id, {
    after: supervision.after ?? 0,
    signal,
    sleep: async (ms, stop) => await clock.sleep(ms, stop),
  });
  for await (const item of items) {
    if (item.type === "failed") return err(failureOfClient(item.failure));
    if (item.type === "reconnecting") {
      supervision.onReconnect(item.detail);
      continue;
    }
    supervision.onEvent(item.event);
    if (item.event.kind !== "run_parked") continue;
    const run = await client.getRun(id, signal);
    if (!run.ok) return err(failureOfClient(run.error));
    // An old event of a run that went on since is no gate.
    if (run.value.status !== "awaiting_approval") continue;
    const next = await supervision.onGate(run.value);
    if (!next.ok) return next;
    if (next.value === "leave") return ok(run.value);
  }
  const run = await client.getRun(id, signal);
  if (!run.ok) return err(failureOfClient(run.error));
  if (isTerminal(run.value.status)) return ok(run.value);
  const detail = `the event stream has ended, and the run is ${run.value.status}`;
  return err(failureOfClient({ kind: "unexpected", detail }));
}

export function openApprovals(run: Run): Run["approvals"] {
  return run.approvals.filter((approval) => approval.status === "open");
}
