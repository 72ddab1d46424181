// Telemetry of this process, wired to the redaction that everything goes through before it leaves.

import { openLocal } from "../adapters/telemetry/local.ts";
import type { OtelTelemetry } from "../adapters/telemetry/otel.ts";
import { SERVICE_VERSION } from "../base/version.ts";
import type { Config } from "../config.ts";
import type { AgentDefinition } from "../core/agent.ts";
import { ASSENT } from "../core/telemetry/names.ts";
import type { Clock, Log, Models, Random, Store, Telemetry, Tools } from "../ports.ts";
import type { Policies } from "../core/decide/policy-point.ts";
import { watchGauges } from "../services/traced/gauges.ts";
import { tracedModels } from "../services/traced/models.ts";
import { countedPolicies } from "../services/traced/policies.ts";
import { countedStore } from "../services/traced/store.ts";
import { tracedTools } from "../services/traced/tools.ts";

/** Redaction is there before telemetry, which needs it; what it takes out is counted once there is telemetry. */
export type RedactionCount = { report: (kind: string, times: number) => void };

export const uncounted = (): RedactionCount => ({ report: () => undefined });

export async function openTelemetry(
  config: Config,
  random: Random,
  redact: (text: string) => string,
  redactions: RedactionCount,
): Promise<OtelTelemetry> {
  const endpoint = config.telemetry.endpoint ?? config.environment.otlp.endpoint;
  const telemetry =
    endpoint === null
      ? openLocal({ redact, random })
      : await openSent(endpoint, config.environment, random, redact);
  redactions.report = (kind, times) => {
    telemetry.count("assent.redactions", { [ASSENT.redaction]: kind }, times);
  };
  return telemetry;
}

// The vendor's code is loaded only by those who send something: it takes a quarter of a second of processor.
async function openSent(
  endpoint: string,
  { otlp }: Config["environment"],
  random: Random,
  redact: (text: string) => string,
): Promise<OtelTelemetry> {
  const { openOtel } = await import("../adapters/telemetry/otel.ts");
  return openOtel({
    endpoint,
    headers: otlp.headers,
    ...(otlp.intervalMs === undefined ? {} : { exportIntervalMs: otlp.intervalMs }),
    ...(otlp.metricIntervalMs === undefined ? {} : { metricIntervalMs: otlp.metricIntervalMs }),
    serviceVersion: SERVICE_VERSION,
    instance: Buffer.from(random.bytes(8)).toString("hex"),
    redact,
  });
}

/** Every record says which trace it is of, where there is one. */
export const tracedLog =
  (log: Log, telemetry: OtelTelemetry): Log =>
  (level, message, fields) => {
    const current = telemetry.current();
    log(level, message, current === null ? fields : { ...fields, ...current });
  };

type Watched = {
  readonly store: Store;
  readonly models: Models;
  readonly tools: Tools;
  readonly policies: Policies;
};

type Tracing = { readonly withContent: boolean; readonly named: ReadonlySet<string> };

/** Models that the operator has written down are labels for that reason; `provider/*` names none. */
export const tracingOf = (
  { telemetry, models: { catalogue } }: Pick<Config, "telemetry" | "models">,
  agents: ReadonlyMap<string, AgentDefinition>,
): Tracing => ({
  withContent: telemetry.content,
  named: new Set([...[...agents.values()].flatMap(({ models }) => models), ...Object.keys(catalogue)]),
});

/** The same parts, of which telemetry hears. */
export function watch(
  { store, models, tools, policies }: Watched,
  ports: Tracing & { readonly telemetry: Telemetry; readonly clock: Clock },
): Watched {
  const { telemetry, clock } = ports;
  watchGauges(telemetry, { store, clock });
  return {
    store: countedStore(store, telemetry),
    models: tracedModels(models, ports),
    tools: tracedTools(tools, ports),
    policies: countedPolicies(policies, telemetry),
  };
}
