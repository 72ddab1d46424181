// What a harness of others tells of itself, as far as it tells the suite: spans sent to a receiver of the suite's own,
// metrics where it serves them, and the file that it writes its log to.

import { readFileSync } from "node:fs";
import { send } from "./http.ts";
import { startOtlpReceiver } from "./otlp-receiver.ts";
import type { ObservationBench, Signal } from "./target.ts";

/** Where to look; more than one process has more than one URL of metrics. */
export type Observed = {
  /** The port of the loopback interface on which spans are taken; null: none are sent. */
  readonly otlpPort: number | null;
  readonly metrics: readonly string[];
  readonly logFile: string | null;
};

const METRICS_TIMEOUT_MS = 10_000;

/**
 * @param key the bearer key for metrics; null: they are open
 * @throws what listening throws, where the port is taken
 */
export async function observe(
  { otlpPort, metrics, logFile }: Observed,
  key: string | null,
): Promise<{ readonly bench: ObservationBench; readonly stop: () => Promise<void> }> {
  const receiver = otlpPort === null ? null : await startOtlpReceiver(otlpPort);
  const tells = new Set<Signal>([
    ...(receiver === null ? [] : (["spans"] as const)),
    ...(metrics.length === 0 ? [] : (["metrics"] as const)),
    ...(logFile === null ? [] : (["log"] as const)),
  ]);
  const scrape = async (url: string): Promise<{ readonly process: string; readonly text: string }> => {
    const { origin, pathname, search } = new URL(url);
    const answer = await send(
      origin,
      {
        method: "GET",
        path: `${pathname}${search}`,
        headers: key === null ? {} : { authorization: `Bearer ${key}` },
        body: null,
      },
      { timeoutMs: METRICS_TIMEOUT_MS, signal: new AbortController().signal },
    );
    return { process: url, text: Buffer.from(answer.bytes).toString("utf8") };
  };
  return {
    bench: {
      tells,
      spans: async () => await Promise.resolve(receiver?.spans.slice() ?? []),
      metrics: async () => await Promise.all(metrics.map(scrape)),
      log: async () =>
        await Promise.resolve(
          logFile === null
            ? []
            : readFileSync(logFile, "utf8")
                .split("\n")
                .filter((line) => line !== ""),
        ),
    },
    stop: async () => {
      await receiver?.stop();
    },
  };
}
