import type { Escalation, EscalationStatus } from "@assent/contract";
import { err, ok } from "../../base/result.ts";
import type { PageFlags } from "../../client/client.ts";
import type { Context, Outcome } from "../context.ts";
import { failureOfClient } from "../failure.ts";
import { relativeTime } from "../output/time.ts";
import { visibleLine } from "../output/visible.ts";

export async function listEscalations(
  context: Context,
  filter: PageFlags & { readonly status?: EscalationStatus },
): Outcome {
  const client = await context.openClient();
  if (!client.ok) return client;
  const escalations = await client.value.listEscalations(filter);
  if (!escalations.ok) return err(failureOfClient(escalations.error));
  const { data, next_cursor } = escalations.value;
  const now = context.deps.clock.now();
  context.show({ data, next_cursor }, () => [
    ...(data.length === 0 ? ["Nothing was put before people."] : data.flatMap(linesOf(now))),
    ...(next_cursor === null ? [] : [`More: --cursor ${next_cursor}`]),
  ]);
  return ok("ok");
}

const linesOf =
  (now: Date) =>
  (one: Escalation): string[] => [
    visibleLine(
      `${one.id}  ${one.status}  ${one.kind ?? "unreadable"}  ${one.tool ?? ""}  ${relativeTime(one.escalated_at, now)}` +
        (one.seen_count > 1 ? `, asked ${one.seen_count} times` : ""),
    ),
    visibleLine(`  ${one.reason}`),
    ...(one.resolved_by === null || one.resolved_at === null
      ? []
      : [
          visibleLine(
            `  ${one.answer?.decision ?? "answered"} by ${one.resolved_by} ${relativeTime(one.resolved_at, now)}` +
              (one.answer === null || one.answer.comment === "" ? "" : `: ${one.answer.comment}`),
          ),
        ]),
  ];

export async function resolveEscalation(
  context: Context,
  id: string,
  flags: { readonly comment: string },
): Outcome {
  const client = await context.openClient();
  if (!client.ok) return client;
  const resolved = await client.value.resolveEscalation(id, flags.comment);
  if (!resolved.ok) return err(failureOfClient(resolved.error));
  context.show(resolved.value, () => [
    visibleLine(`Resolved: ${resolved.value.reason} (${resolved.value.resolved_by ?? "somebody"})`),
  ]);
  return ok("ok");
}
