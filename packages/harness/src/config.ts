// Everything that can be set, read and checked once, at start. No other file reads the environment. What is unknown
// is refused: a misspelt setting must not be a missing one.

import { readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { type ApiAction, API_ACTIONS, isApiAction, nameSchema, modelNameSchema } from "@assent/contract";
import { z } from "zod";
import { sha256Hex } from "./base/digest.ts";
import {
  ADDRESS_QUOTA,
  PRINCIPAL_QUOTA,
  QUEUE_RUNS_MAX,
  QUEUE_TENANT_RUNS_MAX,
  TENANT_QUOTA,
} from "./base/limits.ts";
import { ok, type Result } from "./base/result.ts";
import type { Quota, Quotas } from "./core/access/quota.ts";
import { providersSchema } from "./core/access/identity-provider.ts";
import type { IdentityProvider } from "./core/access/token-subject.ts";
import { type AgentDefinition, agentDefinitionSchema } from "./core/agent.ts";
import { type BudgetSettings, budgetSettingsSchema } from "./core/budget/settings.ts";
import { type AllowlistEntry, parseAllowlistEntry } from "./core/egress/allowlist.ts";
import { type ProviderSettings, providerSettingsSchema } from "./core/resilience/settings.ts";
import { type ModelSettings, modelSettingsSchema } from "./core/route/settings.ts";
import { mcpSchema } from "./core/mcp/mcp-config.ts";
import { type ConfigRefusal, readFolder, readJsonFile, refuse } from "./config-files.ts";
import { type EvidenceConfig, evidenceConfigOf, evidenceSchema } from "./evidence-config.ts";
import { type HttpToolDeclared, httpToolSchema, readHttpTools } from "./http-tool-config.ts";
import { type McpDeclared, readMcp } from "./mcp-config.ts";

export type { ConfigRefusal } from "./config-files.ts";

const allowedHostSchema = z.string().transform((text, context): AllowlistEntry => {
  const entry = parseAllowlistEntry(text);
  if (entry.ok) return entry.value;
  context.addIssue(entry.error);
  return z.NEVER;
});

const telemetrySchema = z.strictObject({
  /** Base URL of an OpenTelemetry collector (OTLP over HTTP); else OTEL_EXPORTER_OTLP_ENDPOINT. */
  endpoint: z.url({ protocol: /^https?$/ }).optional(),
  /** Whether spans carry what people and models wrote, redacted. */
  content: z.boolean().default(false),
});

/** Where the outputs of runs are kept: a bucket that speaks the S3 protocol, instead of a folder of the home. */
const objectStoreSchema = z.strictObject({
  /** With the bucket: `https://s3.example/bucket` or `https://bucket.s3.example`. */
  endpoint: z.url({ protocol: /^https?$/ }).refine((text) => {
    const url = URL.parse(text);
    return url !== null && url.username === "" && url.password === "" && url.search === "";
  }, "must be a URL without credentials and query"),
  region: z
    .string()
    .regex(/^[a-z0-9-]{1,40}$/)
    .default("us-east-1"),
  prefix: z
    .string()
    .regex(/^(?:[A-Za-z0-9][A-Za-z0-9._-]{0,62}\/){0,8}$/, "must be empty or end in a slash")
    .default(""),
});
export type ObjectStoreConfig = z.infer<typeof objectStoreSchema>;

const quotaSchema = z
  .strictObject({
    requests: z.int().min(1).max(1_000_000_000),
    window_seconds: z.int().min(1).max(86_400),
  })
  .transform(({ requests, window_seconds }): Quota => ({ requests, windowSeconds: window_seconds }));
const quotaOrOffSchema = z.union(
  [quotaSchema, z.literal("off").transform(() => null)],
  'give { "requests": …, "window_seconds": … } in whole numbers, or "off"',
);

const actionQuotasSchema = z.record(z.string(), quotaSchema).transform((quotas, context) => {
  const known: Partial<Record<ApiAction, Quota>> = {};
  for (const [action, quota] of Object.entries(quotas)) {
    if (isApiAction(action)) known[action] = quota;
    else context.addIssue(`${action} is none of ${Object.keys(API_ACTIONS).join(", ")}`);
  }
  return known;
});

const limitsSchema = z.strictObject({
  /** All requests of a tenant, of a principal, of an address. */
  tenant: quotaOrOffSchema.optional(),
  principal: quotaOrOffSchema.optional(),
  address: quotaOrOffSchema.optional(),
  /** A principal's requests for one action, for example `runs.submit`. */
  actions: actionQuotasSchema.optional(),
  /** Runs of one tenant that all workers together advance at the same time. */
  tenant_slots: z.int().min(1).max(100_000).optional(),
  /** Queued runs of one tenant and of all; past them submissions are refused. */
  queue: z
    .strictObject({
      tenant_runs: z.int().min(1).max(QUEUE_TENANT_RUNS_MAX).default(QUEUE_TENANT_RUNS_MAX),
      runs: z.int().min(1).max(QUEUE_RUNS_MAX).default(QUEUE_RUNS_MAX),
    })
    .prefault({}),
});

export const configFileSchema = z.strictObject({
  $schema: z.string().optional(),
  workspaces: z.record(nameSchema, z.strictObject({ path: z.string().min(1) })).default({}),
  /** Folders, relative to the file. Agents in them are added to the bundled ones. */
  agents: z.string().optional(),
  transcripts: z.string().optional(),
  tools: z.array(httpToolSchema).default([]),
  /** MCP servers whose tools agents may name (docs/tools.md). */
  mcp: mcpSchema.optional(),
  /** Hosts that the tool `fetch_url` may ask; without any there is no such tool. */
  egress: z.strictObject({ allow: z.array(allowedHostSchema).max(1_000) }).default({ allow: [] }),
  /** Folders with programs beyond the system's own, relative to the file; commands of agents see them read-only. */
  toolchains: z.array(z.string().min(1)).max(20).default([]),
  telemetry: telemetrySchema.prefault({}),
  /** A model by whose embeddings documents are found too: `openai/…` or `openai-compatible/…`. */
  embeddings: z.strictObject({ model: modelNameSchema }).optional(),
  artifacts: z.strictObject({ s3: objectStoreSchema }).optional(),
  /** Which models may answer whom (docs/models.md), what that may cost, and how failing providers are met. */
  models: modelSettingsSchema.prefault({}),
  budgets: budgetSettingsSchema.prefault({}),
  providers: providerSettingsSchema.prefault({}),
  /** A shipped set of rules by name, or a folder of `*.cedar` files that stands instead of them. */
  policies: z
    .union(
      [z.enum(["default", "strict"]), z.strictObject({ folder: z.string().min(1) })],
      'give "default", "strict" or { "folder": "…" }',
    )
    .default("default"),
  /** A folder of `*.cedar` files that say who may ask the API for what, in place of the shipped ones. */
  access: z.strictObject({ folder: z.string().min(1) }).optional(),
  /** How the logs are signed and witnessed. */
  evidence: evidenceSchema,
  limits: limitsSchema.prefault({}),
  /** Whether a server gives out the web console (docs/console.md). */
  console: z.boolean().default(true),
  /** Where webhooks of tenants may lead: on the open Internet everywhere, or to these; and to hosts of the own network (docs/webhooks.md). */
  webhooks: z
    .strictObject({
      allow: z.array(allowedHostSchema).max(1_000).optional(),
      private_network: z.array(allowedHostSchema).max(1_000).default([]),
    })
    .prefault({}),
  /** Whose bearer tokens are taken beside keys (OpenID Connect); see docs/access.md. */
  identity_providers: providersSchema.default([]),
});

export type Config = {
  readonly artifacts: ObjectStoreConfig | null;
  readonly workspaces: Readonly<Record<string, string>>;
  readonly agents: ReadonlyMap<string, AgentDefinition>;
  readonly transcripts: string | null;
  readonly httpTools: readonly HttpToolDeclared[];
  readonly mcp: McpDeclared;
  readonly egress: readonly AllowlistEntry[];
  readonly toolchains: readonly string[];
  readonly models: ModelSettings;
  readonly budgets: BudgetSettings;
  readonly providers: ProviderSettings;
  readonly policies: "default" | "strict" | { readonly folder: string };
  readonly embeddingModel: string | null;
  readonly telemetry: { readonly endpoint: string | null; readonly content: boolean };
  /** Null: the shipped rules. */
  readonly accessFolder: string | null;
  readonly evidence: EvidenceConfig;
  /** SHA-256 of the file that all of this comes from; null where there is none. */
  readonly sha256: string | null;
  readonly limits: Limits;
  /** Whether the web console is served. */
  readonly console: boolean;
  readonly identityProviders: readonly IdentityProvider[];
  /** Null: every host on the open Internet; and those that may be elsewhere. */
  readonly webhooks: {
    readonly allow: readonly AllowlistEntry[] | null;
    readonly own: readonly AllowlistEntry[];
  };
  readonly environment: Environment;
};

export type Limits = {
  /** Runs that may be queued. */
  readonly queue: { readonly runs: number; readonly tenantRuns: number };
  readonly quotas: Quotas;
  readonly address: Quota | null;
  /** Null: as many as there are. */
  readonly tenantSlots: number | null;
};

/** What the environment may say. Keys of providers are read here and handed on; nothing prints them. */
export type Environment = {
  readonly databaseUrl: string | undefined;
  readonly databaseMigrationUrl: string | undefined;
  readonly secret: string | undefined;
  readonly anthropic: { readonly apiKey: string; readonly baseUrl: string | undefined } | null;
  readonly openai: { readonly apiKey: string; readonly baseUrl: string | undefined } | null;
  readonly openaiCompatible: { readonly apiKey: string | undefined; readonly baseUrl: string } | null;
  readonly objectStore: { readonly accessKeyId: string; readonly secretAccessKey: string } | null;
  readonly streaming: boolean;
  readonly logTarget: LogTarget;
  /** A collector of OpenTelemetry, and what it wants to be sent along. */
  readonly otlp: {
    readonly endpoint: string | null;
    readonly headers: Readonly<Record<string, string>>;
    /** Between exports of spans, and of metrics; undefined: as usual. */
    readonly intervalMs: number | undefined;
    readonly metricIntervalMs: number | undefined;
  };
  /** Any other variable that the configuration names; undefined where it is not set or empty. */
  readonly variable: (name: string) => string | undefined;
};

/** `file` is `assent.log` in the home folder. */
export type LogTarget = "file" | "stderr";

export function readEnvironment(env: NodeJS.ProcessEnv): Environment {
  const get = (name: string): string | undefined => (env[name] === "" ? undefined : env[name]);
  const anthropicKey = get("ANTHROPIC_API_KEY");
  const openaiKey = get("OPENAI_API_KEY");
  const objectKeyId = get("ASSENT_S3_ACCESS_KEY_ID");
  const objectKey = get("ASSENT_S3_SECRET_ACCESS_KEY");
  const compatibleUrl = get("ASSENT_OPENAI_COMPATIBLE_BASE_URL");
  return {
    databaseUrl: get("DATABASE_URL"),
    databaseMigrationUrl: get("DATABASE_MIGRATION_URL"),
    secret: get("ASSENT_SECRET"),
    anthropic:
      anthropicKey === undefined ? null : { apiKey: anthropicKey, baseUrl: get("ANTHROPIC_BASE_URL") },
    openai: openaiKey === undefined ? null : { apiKey: openaiKey, baseUrl: get("OPENAI_BASE_URL") },
    openaiCompatible:
      compatibleUrl === undefined
        ? null
        : { apiKey: get("ASSENT_OPENAI_COMPATIBLE_API_KEY"), baseUrl: compatibleUrl },
    objectStore:
      objectKeyId === undefined || objectKey === undefined
        ? null
        : { accessKeyId: objectKeyId, secretAccessKey: objectKey },
    streaming: get("ASSENT_STREAMING") !== "off",
    otlp: {
      endpoint: get("OTEL_EXPORTER_OTLP_ENDPOINT") ?? null,
      headers: readHeaders(get("OTEL_EXPORTER_OTLP_HEADERS")),
      intervalMs: readMs(get("OTEL_BSP_SCHEDULE_DELAY")),
      metricIntervalMs: readMs(get("OTEL_METRIC_EXPORT_INTERVAL")),
    },
    logTarget: get("ASSENT_LOG") === "stderr" ? "stderr" : "file",
    variable: get,
  };
}

// Anything but a plain number of milliseconds is as if it were not there, as OpenTelemetry says.
const readMs = (text: string | undefined): number | undefined =>
  text !== undefined && /^[1-9][0-9]{0,7}$/.test(text) ? Number(text) : undefined;

// `name=value,name=value`, values percent-encoded, as OpenTelemetry writes them.
function readHeaders(text: string | undefined): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const pair of (text ?? "").split(",")) {
    const at = pair.indexOf("=");
    if (at > 0) headers[pair.slice(0, at).trim().toLowerCase()] = decoded(pair.slice(at + 1).trim());
  }
  return headers;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** The process's own environment. */
export const processEnvironment = (): Environment => readEnvironment(process.env);

/**
 * Reads a configuration file and all that it names.
 * @param file absolute; null for none: then there are the bundled agents and nothing else
 * @param bundledAgents null where agents do not matter
 */
export function readConfig(
  file: string | null,
  environment: Environment,
  bundledAgents: string | null,
): Result<Config, ConfigRefusal> {
  const parsed = file === null ? ok(configFileSchema.parse({})) : readJsonFile(file, configFileSchema);
  if (!parsed.ok) return parsed;
  const folder = file === null ? "/" : dirname(file);
  const agents = new Map<string, AgentDefinition>();
  for (const source of [
    ...(bundledAgents === null ? [] : [bundledAgents]),
    ...(parsed.value.agents === undefined ? [] : [resolve(folder, parsed.value.agents)]),
  ]) {
    const read = readAgents(source, agents);
    if (!read.ok) return read;
  }
  const mcp = readMcp(parsed.value.mcp ?? null, folder, environment.variable);
  if (!mcp.ok) return mcp;
  const httpTools = readHttpTools(parsed.value.tools, environment.variable);
  if (!httpTools.ok) return httpTools;
  return ok({
    workspaces: Object.fromEntries(
      Object.entries(parsed.value.workspaces).map(([name, { path }]) => [name, resolve(folder, path)]),
    ),
    agents,
    transcripts: parsed.value.transcripts === undefined ? null : resolve(folder, parsed.value.transcripts),
    httpTools: httpTools.value,
    mcp: mcp.value,
    artifacts: parsed.value.artifacts?.s3 ?? null,
    egress: parsed.value.egress.allow,
    toolchains: parsed.value.toolchains.map((path) => resolve(folder, path)),
    embeddingModel: parsed.value.embeddings?.model ?? null,
    telemetry: {
      endpoint: parsed.value.telemetry.endpoint ?? null,
      content: parsed.value.telemetry.content,
    },
    models: parsed.value.models,
    budgets: parsed.value.budgets,
    providers: parsed.value.providers,
    policies:
      typeof parsed.value.policies === "string"
        ? parsed.value.policies
        : { folder: resolve(folder, parsed.value.policies.folder) },
    accessFolder: parsed.value.access === undefined ? null : resolve(folder, parsed.value.access.folder),
    evidence: evidenceConfigOf(parsed.value.evidence, folder),
    sha256: file === null ? null : sha256Hex(readFileSync(file)),
    limits: limitsOf(parsed.value.limits),
    console: parsed.value.console,
    identityProviders: parsed.value.identity_providers,
    webhooks: {
      allow: parsed.value.webhooks.allow ?? null,
      own: parsed.value.webhooks.private_network,
    },
    environment,
  });
}

function limitsOf(limits: z.infer<typeof limitsSchema>): Limits {
  const { tenant, principal, address, actions, tenant_slots: tenantSlots = null, queue } = limits;
  return {
    tenantSlots,
    queue: { runs: queue.runs, tenantRuns: queue.tenant_runs },
    quotas: {
      tenant: tenant === undefined ? TENANT_QUOTA : tenant,
      principal: principal === undefined ? PRINCIPAL_QUOTA : principal,
      actions: actions ?? {},
    },
    address: address === undefined ? ADDRESS_QUOTA : address,
  };
}

function readAgents(folder: string, agents: Map<string, AgentDefinition>): Result<null, ConfigRefusal> {
  const files = readFolder(folder);
  if (!files.ok) return files;
  for (const file of files.value.filter((name) => name.endsWith(".json"))) {
    const path = join(folder, file);
    const agent = readJsonFile(path, agentDefinitionSchema);
    if (!agent.ok) return agent;
    // The rules know driven runs by this name.
    if (agent.value.name === "external")
      return refuse("agent_name_reserved", `${path} names its agent external.`, "Give it another name.");
    if (agents.has(agent.value.name))
      return refuse(
        "agent_defined_twice",
        `${path} defines ${agent.value.name} again.`,
        "Give it another name.",
      );
    agents.set(agent.value.name, agent.value);
  }
  return ok(null);
}
