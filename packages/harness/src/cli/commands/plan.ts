// Which of the calls that wait for a person a change would alter, before the change is made.

import { existsSync } from "node:fs";
import { resolve } from "node:path";
import type { ApprovalId, WaitingCall } from "@assent/contract";
import { z } from "zod";
import { err, ok, type Result } from "../../base/result.ts";
import { decisionRecordSchema } from "../../core/decide/decision-record.ts";
import { type Candidate, planWaiting } from "../../core/decide/waiting.ts";
import type { Manifest } from "../../core/tool.ts";
import type { Context, Outcome } from "../context.ts";
import { type Failure, failureOfClient, usageFailure } from "../failure.ts";
import { table } from "../output/table.ts";
import { visibleLine } from "../output/visible.ts";

export type PlanFlags = {
  readonly config?: string;
  readonly model?: string;
  readonly set?: "default" | "strict";
};

type Planned = Pick<WaitingCall, "approval_id" | "run_id" | "step" | "status" | "outcome" | "reasons"> & {
  readonly tool: string;
};

/** @param folder of rules that might replace the ones in force */
export async function planChange(context: Context, folder: string | undefined, flags: PlanFlags): Outcome {
  const candidate = await openChange(context, folder, flags);
  if (!candidate.ok) return candidate;
  const waiting = await waitingOfServer(context);
  if (!waiting.ok) return waiting;
  const planned: Planned[] = [];
  for (const call of waiting.value) {
    const plan = candidate.value === null ? ok(call) : planCall(call, candidate.value);
    if (!plan.ok) return plan;
    const { approval_id, run_id, step, status, record } = call;
    const { outcome, reasons } = plan.value;
    planned.push({ approval_id, run_id, step, status, tool: record.action.tool, outcome, reasons });
  }
  const altered = planned.filter(({ outcome }) => outcome !== "unchanged");
  context.show({ waiting: planned.length, altered: altered.length, data: planned }, () => [
    ...(altered.length === 0
      ? []
      : table(
          ["RUN", "STEP", "TOOL", "NOW", "A YES WOULD BE"],
          altered.map(({ run_id, step, tool, status, outcome }) => [
            run_id,
            String(step),
            tool,
            status,
            outcome === "denied" ? "refused" : "asked again",
          ]),
        )),
    ...altered.flatMap(({ run_id, step, reasons }) =>
      reasons.flatMap(({ code, detail }) =>
        detail
          .split("\n")
          .map((line, index) =>
            visibleLine(index === 0 ? `${run_id} ${step}: ${line} (${code})` : `  ${line}`),
          ),
      ),
    ),
    `${planned.length} calls wait for a person; ${altered.length} of them would be altered.`,
  ]);
  return ok("ok");
}

// Null: what the server itself has loaded, and says.
async function openChange(
  context: Context,
  folder: string | undefined,
  flags: PlanFlags,
): Promise<Result<Candidate | null, Failure>> {
  const { config } = flags;
  if (config !== undefined && (folder !== undefined || flags.set !== undefined))
    return err(
      usageFailure(
        "usage",
        "rules are part of a configuration",
        "Give a folder of rules, or --config, not both.",
      ),
    );
  if (config !== undefined) {
    const file = resolve(context.deps.cwd, config);
    if (!existsSync(file)) return err(usageFailure("config_missing", `there is no ${file}`, "Name another."));
    const { openCandidate } = await import("../../assemble/plan-candidate.ts");
    const { processEnvironment } = await import("../../config.ts");
    const opened = await openCandidate(file, processEnvironment(), flags.model ?? null);
    return opened.ok ? opened : err({ exit: "usage", ...opened.error });
  }
  if (folder === undefined && flags.set === undefined) return ok(null);
  const { openCedarPolicies } = await import("../../adapters/cedar/policies.ts");
  const { shippedPolicyFolder } = await import("../../adapters/cedar/policy-folder.ts");
  const path =
    folder === undefined ? shippedPolicyFolder(flags.set ?? "default") : resolve(context.deps.cwd, folder);
  const policies = openCedarPolicies({ folder: path });
  if (policies.ok) return ok({ policies: policies.value });
  const { code, file, detail } = policies.error;
  return err(usageFailure(code, `${file}: ${detail}`, "Look at it with `assent policy check`."));
}

async function waitingOfServer(context: Context): Promise<Result<readonly WaitingCall[], Failure>> {
  const client = await context.openClient();
  if (!client.ok) return client;
  const calls: WaitingCall[] = [];
  let cursor: ApprovalId | null = null;
  do {
    const page = await client.value.listWaiting(cursor);
    if (!page.ok) return err(failureOfClient(page.error));
    calls.push(...page.value.data);
    cursor = page.value.next_cursor;
  } while (cursor !== null);
  return ok(calls);
}

const sha256Schema = z.templateLiteral(["sha256:", z.string()]);

function planCall(
  call: WaitingCall,
  candidate: Candidate,
): Result<Pick<WaitingCall, "outcome" | "reasons">, Failure> {
  const record = decisionRecordSchema.safeParse(call.record);
  if (!record.success)
    return err({
      exit: "unreachable",
      code: "answer_unexpected",
      detail: `the server's record of ${call.approval_id} is no decision record`,
      remedy: "Check that server and command line are of the same version.",
    });
  const { approvers, quorum, separate_duties: separateDuties, timeout_ms: timeoutMs } = call.requirement;
  const plan = planWaiting(
    {
      record: record.data,
      requirement: {
        quorum,
        separateDuties,
        timeoutMs,
        onTimeout: "deny",
        ...(approvers === null ? {} : { approvers }),
      },
      agentVersion: call.agent_version === null ? null : sha256Schema.parse(call.agent_version),
      destination: call.destination ?? null,
      manifest: manifestOf(call.manifest),
      // It stays on the server: a system prompt is not for everybody who may look at what waits.
      definition: null,
    },
    candidate,
  );
  return ok({
    outcome: plan.outcome,
    reasons: plan.outcome === "unchanged" ? [] : [...plan.reasons],
  });
}

// Only held against another, member by member, and shown: whatever it is, it is a JSON object.
const manifestSchema = z.custom<Manifest>((value) => typeof value === "object" && value !== null);

const manifestOf = (given: WaitingCall["manifest"]): Manifest | null =>
  given === null ? null : manifestSchema.parse(given);
