import type { Precedent } from "@assent/contract";
import { err, ok } from "../../base/result.ts";
import type { PageFlags } from "../../client/client.ts";
import type { Context, Outcome } from "../context.ts";
import { failureOfClient } from "../failure.ts";
import { table } from "../output/table.ts";
import { relativeTime } from "../output/time.ts";
import { visibleLine } from "../output/visible.ts";

export async function listPrecedents(context: Context, page: PageFlags): Outcome {
  const client = await context.openClient();
  if (!client.ok) return client;
  const precedents = await client.value.listPrecedents(page);
  if (!precedents.ok) return err(failureOfClient(precedents.error));
  const { data, next_cursor } = precedents.value;
  const now = context.deps.clock.now();
  context.show({ data, next_cursor }, () => [
    ...(data.length === 0
      ? [
          "Nothing is remembered. `assent approve … --remember` and `assent deny … --remember` make a precedent.",
        ]
      : table(
          ["PRECEDENT", "TOOL", "ANSWER", "BY", "GIVEN", "USES", "LAST USED", "ENDS", "STATE"],
          data.map(rowOf(now)),
        )),
    ...(next_cursor === null ? [] : [`More: --cursor ${next_cursor}`]),
  ]);
  return ok("ok");
}

const rowOf =
  (now: Date) =>
  (one: Precedent): string[] => [
    one.id,
    one.tool,
    one.decision,
    one.decided_by ?? "",
    relativeTime(one.decided_at, now),
    String(one.uses),
    one.last_used_at === null ? "never" : relativeTime(one.last_used_at, now),
    one.expires_at.slice(0, 10),
    stateOf(one, now),
  ];

function stateOf({ revoked_at, revoked_reason, expires_at }: Precedent, now: Date): string {
  if (revoked_at !== null) return `revoked: ${revoked_reason ?? ""}`;
  return Date.parse(expires_at) <= now.getTime() ? "ended" : "in force";
}

export async function revokePrecedent(
  context: Context,
  id: string,
  flags: { readonly reason: string },
): Outcome {
  const client = await context.openClient();
  if (!client.ok) return client;
  const revoked = await client.value.revokePrecedent(id, flags.reason);
  if (!revoked.ok) return err(failureOfClient(revoked.error));
  const { tool, uses } = revoked.value;
  context.show(revoked.value, () => [
    visibleLine(
      `Revoked. It had answered ${uses} question(s) about ${tool}; people are asked again from now on.`,
    ),
  ]);
  return ok("ok");
}
