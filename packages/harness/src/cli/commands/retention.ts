// How long what is kept.

import type { Retention } from "@assent/contract";
import { err, ok } from "../../base/result.ts";
import type { Context, Outcome } from "../context.ts";
import { failureOfClient } from "../failure.ts";
import { table } from "../output/table.ts";

const THEN = { by_itself: "removed by itself", when_asked: "removed when asked", never: "stays" } as const;
const [DAY_SECONDS, HOUR_SECONDS] = [86_400, 3_600];

const timeOf = (seconds: number | null): string =>
  seconds === null
    ? "no end"
    : seconds % DAY_SECONDS === 0
      ? `${seconds / DAY_SECONDS} d`
      : `${seconds / HOUR_SECONDS} h`;

const settingOf = ({ setting }: Retention["data"][number]): string => setting ?? "";

export async function showRetention(context: Context): Outcome {
  const client = await context.openClient();
  if (!client.ok) return client;
  const found = await client.value.getRetention();
  if (!found.ok) return err(failureOfClient(found.error));
  context.show(found.value, () =>
    table(
      ["WHAT", "KEPT", "THEN", "SET BY"],
      found.value.data.map((one) => [
        one.what.replaceAll("_", " "),
        timeOf(one.seconds),
        THEN[one.removed],
        settingOf(one),
      ]),
    ),
  );
  return ok("ok");
}
