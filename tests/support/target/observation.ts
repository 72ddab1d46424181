// What Assent tells of itself: spans as a collector gets them, metrics as they are scraped, and its log.

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { ObservationBench, OtlpReceiver } from "@assent/suite";
import { readCredentials } from "../../../packages/harness/src/home.ts";
import { until } from "../until.ts";
import type { ServerProcess } from "./server-process.ts";

export type Observed = {
  readonly telemetry: OtlpReceiver;
  readonly servers: readonly ServerProcess[];
  readonly installation: { readonly home: string };
};

/** One more request to every server; what is sent after it holds all that came before. */
export async function sendTelemetry({ telemetry, servers }: Observed): Promise<OtlpReceiver> {
  const looks = (): number => telemetry.spans.filter(({ name }) => name === "GET /healthz").length;
  const before = looks();
  for (const { url } of servers) await fetch(`${url}/healthz`);
  await until("telemetry is sent", () => looks() >= before + servers.length);
  return telemetry;
}

export const observe = (now: () => Observed): ObservationBench => ({
  spans: async () => (await sendTelemetry(now())).spans,
  metrics: async () => {
    const operator = readCredentials(now().installation.home);
    if (operator === null) throw new Error("the operator has no key");
    const headers = { authorization: `Bearer ${operator.key}` };
    return await Promise.all(
      now().servers.map(async ({ url }) => ({
        process: url,
        text: await (await fetch(`${url}/metrics`, { headers })).text(),
      })),
    );
  },
  log: async () => {
    const text = await readFile(join(now().installation.home, "assent.log"), "utf8");
    return text.split("\n").filter((line) => line !== "");
  },
});
