// How people decide.

import { err, ok } from "../../base/result.ts";
import type { Context, Outcome } from "../context.ts";
import { failureOfClient } from "../failure.ts";
import { table } from "../output/table.ts";

export async function showQuality(context: Context, { days }: { readonly days: number }): Outcome {
  const client = await context.openClient();
  if (!client.ok) return client;
  const found = await client.value.getQuality(days);
  if (!found.ok) return err(failureOfClient(found.error));
  const { data, unanswered, complete } = found.value;
  context.show(found.value, () => [
    ...(data.length === 0
      ? [`Nobody answered a question in the last ${days} days.`]
      : table(
          ["WHO", "ANSWERED", "YES", "MEDIAN SECONDS", "TAKEN BACK SINCE"],
          data.map((one) => [
            one.kind === "human" ? one.name : `${one.kind}/${one.name}`,
            String(one.answered),
            `${Math.round(100 * one.approved_share)} %`,
            one.median_seconds.toFixed(1),
            String(one.reversed),
          ]),
        )),
    `${unanswered} ended without an answer.`,
    ...(complete ? [] : ["There is more than one look takes: this is of the newest runs."]),
  ]);
  return ok("ok");
}
