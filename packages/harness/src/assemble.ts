// Puts the parts together. This file alone may import everything; what it starts it stops in reverse.

import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { SCOPES, uuidOf } from "@assent/contract";
import { openCedarPolicies } from "./adapters/cedar/policies.ts";
import { shippedPolicyFolder } from "./adapters/cedar/policy-folder.ts";
import { openArtifactFiles } from "./adapters/files/artifact-files.ts";
import { openWorkspaces } from "./adapters/files/workspaces.ts";
import { type ModelsConfig, openModels } from "./adapters/models/models.ts";
import {
  asApp,
  ensureAppRole,
  ensureKey,
  ensureTenant,
  matchesInstallation,
} from "./adapters/postgres/bootstrap.ts";
import {
  type Connection,
  connectPool,
  readDatabaseAddress,
  transaction,
} from "./adapters/postgres/connect.ts";
import { openEmbedded } from "./adapters/postgres/embedded/embedded.ts";
import { migrate } from "./adapters/postgres/migrate.ts";
import { announceWorker } from "./adapters/postgres/presence.ts";
import { migrateQueue, openQueue } from "./adapters/postgres/queue.ts";
import { postgresStore } from "./adapters/postgres/store.ts";
import { systemClock } from "./adapters/system/clock.ts";
import { systemRandom } from "./adapters/system/random.ts";
import { loadTokenCounter } from "./adapters/tokens/count-tokens.ts";
import { type ApiServer, createServer } from "./api/server.ts";
import { AssertionFailed } from "./base/assert.ts";
import { DATABASE_CONNECTIONS_MAX } from "./base/limits.ts";
import { err, ok, type Result } from "./base/result.ts";
import { type Config, type Environment, type HttpToolConfig, readConfig } from "./config.ts";
import { type AgentDefinition, isModelAllowed } from "./core/agent.ts";
import { stopsCanary } from "./core/decide/canary.ts";
import type { Policies } from "./core/decide/policy-point.ts";
import { makeHome, readCredentials, readSecrets, type Secrets, writeCredentials } from "./home.ts";
import type { Log, Models, Tool, Tools } from "./ports.ts";
import { createHarness } from "./services/create-harness.ts";
import { createCursors } from "./services/cursors.ts";
import type { OrchestratorPorts } from "./services/held.ts";
import { keyHasher, keyPrefix, newKey } from "./services/keys.ts";
import { startSweeper } from "./services/sweeper.ts";
import { createHttpTool } from "./services/tools/http.ts";
import { createTools, workspaceTools } from "./services/tools/registry.ts";
import { startWorker } from "./services/worker.ts";
import { openWorkspaceOfRun } from "./services/workspace-of-run.ts";

export type StartOptions = {
  /** Where database, keys, copies and artifacts are kept; absolute. */
  readonly home: string;
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  /** Absolute; null for none. */
  readonly configFile: string | null;
  /** `<provider>/<model>` for every agent that may use it, where a run names none; null for the agents' own. */
  readonly model: string | null;
  /** Whether the home's credentials are to name this server; one that is only passing by (a demo) leaves them alone. */
  readonly announce: boolean;
  readonly environment: Environment;
  readonly log: Log;
};

export type StartRefusal = { readonly code: string; readonly detail: string; readonly remedy: string };

export type Running = {
  readonly url: string;
  readonly home: string;
  /** The operator's own key, with every scope. */
  readonly adminKey: string;
  /** Nobody had started an installation in this home before. */
  readonly firstStart: boolean;
  /** Gives work back, then stops what was started here; the embedded database only if nobody else uses it. */
  stop(): Promise<void>;
};

const BUNDLED_AGENTS = fileURLToPath(new URL("../agents/", import.meta.url));
const DEFAULT_TENANT = "default";

/**
 * Starts a whole harness in this process: database, API, worker and sweeper.
 * Refuses for what an operator can mend; rejects for what nobody foresaw. Either way nothing is left running.
 */
export async function startHarness(
  options: StartOptions,
  onProgress: (line: string) => void,
): Promise<Result<Running, StartRefusal>> {
  await using started = new AsyncDisposableStack();
  const { home, environment, log } = options;
  const config = readConfig(options.configFile, environment, BUNDLED_AGENTS);
  if (!config.ok) return config;
  const parts = prepareParts(config.value, options.model);
  if (!parts.ok) return parts;
  const made = makeHome(home);
  if (!made.ok) return made;
  const secrets = readSecrets(home, environment.secret, systemRandom);
  if (!secrets.ok) return secrets;
  const database = await openDatabase(options, started, onProgress);
  if (!database.ok) return database;
  const operator = await setUp(database.value.owner, home, secrets.value);
  if (!operator.ok) return operator;
  const served = await startParts(options, parts.value, secrets.value, database.value.app, started);
  if (!served.ok) return served;
  const { url } = served.value;
  if (options.announce || operator.value.firstStart)
    writeCredentials(home, { url, key: operator.value.key }, systemRandom);
  const running = started.move();
  return ok({
    url,
    home,
    adminKey: operator.value.key,
    firstStart: operator.value.firstStart,
    stop: async () => {
      log("info", "stopping");
      await running.disposeAsync();
    },
  });
}

type Parts = {
  readonly config: Config;
  readonly tools: Tools;
  readonly models: Models;
  readonly agents: ReadonlyMap<string, AgentDefinition>;
  readonly policies: Policies;
};

// Everything that can be wrong without anything running is found out before anything runs.
function prepareParts(config: Config, model: string | null): Result<Parts, StartRefusal> {
  const tools = readTools(config.httpTools);
  if (!tools.ok) return tools;
  for (const agent of config.agents.values()) {
    const missing = agent.tools.find((name) => tools.value.get(name) === undefined);
    if (missing !== undefined)
      return err({
        code: "tool_unknown",
        detail: `The agent ${agent.name} names the tool ${missing}, and there is none.`,
        remedy: "Mend the name, or declare the tool in the configuration.",
      });
  }
  const policies = openPolicies(config.policies);
  if (!policies.ok) return policies;
  const models = openModels(modelsConfig(config));
  const callable = model === null ? ok(null) : models.check(model);
  if (!callable.ok)
    return err({
      code: "model_not_callable",
      detail: callable.error,
      remedy: "Set what it names, or choose another --model.",
    });
  const agents = new Map([...config.agents].map(([name, agent]) => [name, preferModel(agent, model)]));
  return ok({ config, tools: tools.value, models, agents, policies: policies.value });
}

function openPolicies(source: Config["policies"]): Result<Policies, StartRefusal> {
  const folder = typeof source === "string" ? shippedPolicyFolder(source) : source.folder;
  const opened = openCedarPolicies({ folder });
  if (!opened.ok) {
    const { code, file, line, detail } = opened.error;
    return err({
      code,
      detail: `${file}${line === null ? "" : `:${line}`}: ${detail}.`,
      remedy:
        "Mend the rules (`assent policy check` looks at them without starting); none are in force until then.",
    });
  }
  if (!stopsCanary(opened.value))
    return err({
      code: "policies_let_canary_through",
      detail: `The rules in ${folder} permit a payment that untrusted text chose, unasked.`,
      remedy: "Add a forbid for it, or use the shipped set `default`.",
    });
  return opened;
}

function readTools(declared: readonly HttpToolConfig[]): Result<Tools, StartRefusal> {
  try {
    return ok(createTools([...workspaceTools, ...declared.map(toHttpTool)]));
  } catch (error) {
    if (!(error instanceof AssertionFailed)) throw error;
    return err({
      code: "tool_invalid",
      detail: `The configuration declares a tool that cannot be: ${error.message}.`,
      remedy: "Mend the tool's declaration.",
    });
  }
}

type Database = { readonly app: Connection; readonly owner: Connection };

async function openDatabase(
  { home, environment }: StartOptions,
  started: AsyncDisposableStack,
  onProgress: (line: string) => void,
): Promise<Result<Database, StartRefusal>> {
  const address = readDatabaseAddress({
    DATABASE_URL: environment.databaseUrl,
    DATABASE_MIGRATION_URL: environment.databaseMigrationUrl,
  });
  if (!address.ok)
    return err({
      code: address.error.reason,
      detail: address.error.message,
      remedy: "Mend the variable, or unset it to use the embedded database.",
    });
  const database =
    address.value === undefined
      ? await openOwnDatabase(home, started, onProgress)
      : await openGivenDatabase(address.value);
  if (!database.ok) return database;
  const migrated = await migrate({
    connection: database.value.owner,
    afterMigrate: migrateQueue,
    onProgress,
  });
  if (!migrated.ok)
    return err({
      code: migrated.error.reason,
      detail: migrated.error.message,
      remedy: "Nothing was changed. Mend what it names and start again.",
    });
  return database;
}

async function openOwnDatabase(
  home: string,
  started: AsyncDisposableStack,
  onProgress: (line: string) => void,
): Promise<Result<Database, StartRefusal>> {
  const opened = await openEmbedded({ folder: home, onProgress });
  if (!opened.ok) {
    const { reason, message, remedy, detail } = opened.error;
    return err({ code: reason, detail: detail === undefined ? message : `${message} (${detail})`, remedy });
  }
  const server = started.use(opened.value);
  return ok({ app: server.connection("app"), owner: server.connection("owner") });
}

async function openGivenDatabase({ app, owner }: Database): Promise<Result<Database, StartRefusal>> {
  try {
    await ensureAppRole(owner, app.user);
  } catch (error) {
    // The server's message names roles and hosts, never the password.
    return err({
      code: "database_unusable",
      detail: `The database of DATABASE_URL cannot be set up: ${error instanceof Error ? error.message : "unknown error"}.`,
      remedy:
        "It must be reachable, and its user (or DATABASE_MIGRATION_URL's) may create schemas and roles.",
    });
  }
  return ok({ app: asApp(app), owner });
}

type Operator = { readonly key: string; readonly firstStart: boolean };

async function setUp(
  owner: Connection,
  home: string,
  secrets: Secrets,
): Promise<Result<Operator, StartRefusal>> {
  const kept = readCredentials(home);
  const key = kept?.key ?? newKey(systemRandom);
  const pool = connectPool({ connection: owner, role: "owner", connectionsMax: 1 });
  try {
    const matches = await transaction(pool, async (client) => {
      const setup = { client, clock: systemClock, random: systemRandom };
      if (!(await matchesInstallation(setup, secrets.check))) return false;
      const tenant = await ensureTenant(setup, DEFAULT_TENANT);
      await ensureKey(setup, uuidOf(tenant), {
        principal: { name: "operator", kind: "human" },
        hash: keyHasher(secrets.keys)(key),
        prefix: keyPrefix(key),
        scopes: SCOPES,
      });
      return true;
    });
    if (!matches)
      return err({
        code: "secret_differs",
        detail: "This database was set up with another secret, so no key would be known.",
        remedy:
          "Set ASSENT_SECRET to the value that the other processes use, or copy their home's `secret` file.",
      });
  } finally {
    await pool.end();
  }
  return ok({ key, firstStart: kept === null });
}

async function startParts(
  options: StartOptions,
  { config, tools, models, agents, policies }: Parts,
  secrets: Secrets,
  app: Connection,
  started: AsyncDisposableStack,
): Promise<Result<{ readonly url: string }, StartRefusal>> {
  const { home, log } = options;
  const clock = systemClock;
  const random = systemRandom;
  const pool = connectPool({
    connection: app,
    role: "app",
    connectionsMax: DATABASE_CONNECTIONS_MAX,
    onIdleError: (error) => {
      log("warn", "a database connection broke", { error: error.message });
    },
  });
  started.defer(async () => {
    await pool.end();
  });
  const queue = await openQueue(app, true, log);
  started.defer(async () => {
    await queue.close();
  });
  const store = postgresStore({ pool, queue, clock, random });
  const workspaces = openWorkspaces({ folder: join(home, "workspaces"), sources: config.workspaces, random });
  const ports: OrchestratorPorts = {
    store,
    tools,
    workspaces,
    openWorkspace: openWorkspaceOfRun(workspaces, tools),
    models,
    files: openArtifactFiles({ folder: join(home, "artifacts"), random }),
    policies,
    clock,
    random,
    log,
    loadTokenCounter,
  };
  const worker = Buffer.from(random.bytes(4)).readInt32BE() >>> 1;
  const presence = await announceWorker(app, worker, { clock, log });
  started.defer(async () => {
    await presence.end();
  });
  const harness = createHarness({
    ...ports,
    workspaceNames: Object.keys(config.workspaces),
    agents,
    hashKey: keyHasher(secrets.keys),
    cursors: createCursors(secrets.cursors),
    isWorkerReady: () => presence.isPresent(),
  });
  const consumer = await startWorker(ports, queue, worker);
  started.defer(async () => {
    await consumer.stop();
  });
  const sweeper = startSweeper({ store, clock, log });
  started.defer(async () => {
    await sweeper.stop();
  });
  const server = await createServer(harness, { log });
  started.defer(async () => {
    await server.close();
  });
  return await listen(server, options);
}

async function listen(
  server: ApiServer,
  { host, port }: StartOptions,
): Promise<Result<{ readonly url: string }, StartRefusal>> {
  try {
    return ok(await server.listen(host, port));
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (typeof code !== "string" || !LISTEN_FAULTS.includes(code)) throw error;
    return err({
      code: "address_unavailable",
      detail: `${host}:${port} cannot be listened on (${code}).`,
      remedy: "Stop whoever has it (another `assent up`?), or name another --port.",
    });
  }
}

const LISTEN_FAULTS: readonly string[] = ["EADDRINUSE", "EADDRNOTAVAIL", "EACCES", "ENOTFOUND"];

/** A tool of the operator's gets this long where nothing else is said; then its outcome is unknown. */
const HTTP_TOOL_TIMEOUT_MS = 30_000;

const preferModel = (agent: AgentDefinition, model: string | null): AgentDefinition =>
  model !== null && isModelAllowed(agent, model) ? { ...agent, models: [model, ...agent.models] } : agent;

function modelsConfig({ transcripts, environment }: Config): ModelsConfig {
  const { anthropic, openai, openaiCompatible, streaming } = environment;
  return {
    streaming,
    ...(anthropic === null ? {} : { anthropic }),
    ...(openai === null ? {} : { openai }),
    ...(openaiCompatible === null ? {} : { openaiCompatible }),
    ...(transcripts === null ? {} : { scripted: { folder: transcripts } }),
  };
}

function toHttpTool({ manifest, url, check_url }: HttpToolConfig): Tool {
  const properties = manifest.input_schema["properties"];
  const all = typeof properties === "object" && properties !== null ? Object.keys(properties) : [];
  return createHttpTool({
    manifest: {
      name: manifest.name,
      version: manifest.version,
      description: manifest.description,
      inputSchema: manifest.input_schema,
      effect: manifest.effect,
      harm: manifest.harm,
      // What the operator did not call content is control.
      controlArguments: manifest.control_arguments ?? all,
      returns: manifest.returns,
    },
    url,
    ...(check_url === undefined ? {} : { checkUrl: check_url }),
    timeoutMs: HTTP_TOOL_TIMEOUT_MS,
    fetch: globalThis.fetch,
  });
}
