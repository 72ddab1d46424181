// Redaction that knows every secret this installation was given.

import type { Connection } from "../adapters/postgres/connect.ts";
import type { Config, Environment } from "../config.ts";
import { createRedactor } from "../core/redact/redactor.ts";
import type { RedactionCount } from "./telemetry.ts";
import type { Secrets } from "../home.ts";
import type { Log } from "../ports.ts";
import { createRedaction, type Redaction } from "../services/redaction.ts";

export function openRedaction(
  environment: Environment,
  secrets: Secrets,
  operatorKey: string,
  databases: readonly Connection[],
  log: Log,
  more: readonly (readonly [kind: string, secret: string])[],
  redactions: RedactionCount,
): Redaction {
  const redactor = createRedactor();
  const given: readonly (readonly [string, string | undefined])[] = [
    ["anthropic_api_key", environment.anthropic?.apiKey],
    ["openai_api_key", environment.openai?.apiKey],
    ["openai_compatible_api_key", environment.openaiCompatible?.apiKey],
    ["s3_secret_access_key", environment.objectStore?.secretAccessKey],
    ["installation_secret", secrets.raw],
    ["operator_key", operatorKey],
    ...databases.map((database) => ["database_password", database.password()] as const),
    ...Object.values(environment.otlp.headers).map((value) => ["collector_credential", value] as const),
    ...more,
  ];
  const told = new Set<string>();
  for (const [kind, secret] of given) {
    // One password can stand in two URLs, and is told of once.
    if (secret === undefined || secret === "" || told.has(`${kind} ${secret}`)) continue;
    told.add(`${kind} ${secret}`);
    if (redactor.register(secret, kind) === "too_short")
      log("warn", "a secret is too short to be kept out of texts by its value", { kind });
  }
  return createRedaction({
    redactor,
    onRedacted: (kind, times) => {
      redactions.report(kind, times);
    },
  });
}

/** What the configuration took from the environment for tools, by kind. */
export const secretsOfTools = ({ mcp, httpTools }: Config): [kind: string, secret: string][] => [
  ...[...mcp.servers.values()].flatMap(({ secrets }) =>
    secrets.map((secret): [string, string] => ["mcp_secret", secret]),
  ),
  ...httpTools.map(({ bearerToken }): [string, string] => ["tool_secret", bearerToken ?? ""]),
];
