// Deciding on an approval: what is sent is bound by digest to what was shown.

import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import type { Approval, ApproveRequest, Run } from "@assent/contract";
import { z } from "zod";
import { err, ok, type Result } from "../../base/result.ts";
import type { Client } from "../../client/client.ts";
import type { GateId } from "../argument.ts";
import type { Context, Outcome } from "../context.ts";
import { type Failure, failureOfClient, usageFailure } from "../failure.ts";
import { findGate } from "../gate.ts";
import { isAboutLostCopy, approvalLines, decidedLine } from "../output/approval.ts";
import { indent, visibleJson } from "../output/visible.ts";

export type ApproveFlags = {
  readonly args?: string;
  readonly comment?: string;
  readonly yes?: boolean;
  readonly remember?: boolean;
  readonly rememberDays?: number;
};

/** A number of days says that it is to be remembered. */
function rememberOf({ remember, rememberDays }: Pick<ApproveFlags, "remember" | "rememberDays">): {
  remember?: true;
  remember_days?: number;
} {
  if (rememberDays !== undefined) return { remember: true, remember_days: rememberDays };
  return remember === true ? { remember: true } : {};
}

type Edit = Readonly<Record<string, unknown>> | null;

export async function approve(context: Context, gate: GateId, flags: ApproveFlags): Outcome {
  // Before anything is read or sent: whoever cannot see the action cannot approve it.
  if (flags.yes !== true && !context.canAsk) return err(cannotAsk());
  const edit = await readEdit(context, flags.args);
  if (!edit.ok) return edit;
  return await decideShown(context, gate, flags.yes === true, edit.value, (approval) => ({
    approval_id: approval.id,
    decision: "approve",
    action_digest: approval.action_digest,
    ...(edit.value === null ? {} : { arguments: edit.value }),
    ...(flags.comment === undefined ? {} : { comment: flags.comment }),
    ...rememberOf(flags),
  }));
}

/** Only for a call in doubt: it did happen. */
export async function confirm(
  context: Context,
  gate: GateId,
  flags: { readonly comment: string; readonly yes?: boolean },
): Outcome {
  if (flags.yes !== true && !context.canAsk) return err(cannotAsk());
  return await decideShown(context, gate, flags.yes === true, null, (approval) => ({
    approval_id: approval.id,
    decision: "confirm",
    action_digest: approval.action_digest,
    comment: flags.comment,
  }));
}

export type DenyFlags = {
  readonly reason: string;
  readonly remember?: boolean;
  readonly rememberDays?: number;
};

/** A denial is safe whatever it is about, so nothing is shown or asked first. */
export async function deny(context: Context, gate: GateId, flags: DenyFlags): Outcome {
  const client = await context.openClient();
  if (!client.ok) return client;
  const id = await approvalIdOf(client.value, gate);
  if (!id.ok) return id;
  const request = {
    approval_id: id.value,
    decision: "deny",
    comment: flags.reason,
    ...rememberOf(flags),
  } as const;
  const decided = await client.value.decide(request);
  if (!decided.ok) return err(failureOfClient(decided.error));
  context.show(decided.value, () => [decidedLine(decided.value)]);
  return ok("ok");
}

async function approvalIdOf(client: Client, gate: GateId): Promise<Result<Approval["id"], Failure>> {
  if (gate.kind === "approval") return ok(gate.id);
  const found = await findGate(client, gate);
  return found.ok ? ok(found.value.approval.id) : found;
}

async function decideShown(
  context: Context,
  gate: GateId,
  yes: boolean,
  edit: Edit,
  requestOf: (approval: Approval) => ApproveRequest,
): Outcome {
  const client = await context.openClient();
  if (!client.ok) return client;
  const found = await findGate(client.value, gate);
  if (!found.ok) return found;
  const { approval, run } = found.value;
  const request = requestOf(approval);
  showBefore(context, approval, run, edit);
  if (!yes && !(await saysYes(context, questionOf(approval, request)))) {
    context.show(approval, () => ["Nothing was sent; it still waits."]);
    return ok("waiting");
  }
  const decided = await client.value.decide(request);
  if (!decided.ok) return err(failureOfClient(decided.error));
  context.show(decided.value, () => [decidedLine(decided.value)]);
  return ok("ok");
}

function showBefore(context: Context, approval: Approval, run: Run, edit: Edit): void {
  context.say([
    ...approvalLines(approval, run, context.deps.clock.now(), context.paint),
    ...(edit === null
      ? []
      : [
          context.paint("bold", "Your arguments, exactly, in place of these"),
          indent(visibleJson(edit, 2), "  "),
          "An edit is a new action: the server checks it and rules on it again before it runs.",
        ]),
  ]);
}

function questionOf(approval: Approval, request: ApproveRequest): string {
  if (request.decision === "confirm") return "It did happen: confirm? [y/N] ";
  if (isAboutLostCopy(approval)) return "Its copy is lost. Make it again on a fresh one? [y/N] ";
  return approval.subject === "in_doubt" ? "Its outcome is unknown. Try it again? [y/N] " : "Approve? [y/N] ";
}

async function saysYes(context: Context, question: string): Promise<boolean> {
  const answer = await context.io.ask(question, new AbortController().signal);
  return answer !== null && ["y", "yes"].includes(answer.trim().toLowerCase());
}

function cannotAsk(): Failure {
  return usageFailure(
    "cannot_ask",
    "there is no terminal to show the action on and to ask at",
    "Run this on a terminal, or add --yes once you know what waits.",
  );
}

async function readEdit(context: Context, source: string | undefined): Promise<Result<Edit, Failure>> {
  if (source === undefined) return ok(null);
  let text: string;
  try {
    text =
      source === "-"
        ? await context.io.readInput()
        : await readFile(resolve(context.deps.cwd, source), "utf8");
  } catch {
    return err(usageFailure("args_unreadable", `${source} cannot be read`, "Give a file, or - for input."));
  }
  try {
    return ok(z.record(z.string(), z.unknown()).parse(JSON.parse(text)));
  } catch {
    return err(usageFailure("args_malformed", `${source} holds no JSON object`, "Write { … } in it."));
  }
}
