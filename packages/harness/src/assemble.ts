// Puts the parts together. This file and its folder alone may import everything; what it starts it stops in reverse.

import { openTrial } from "./adapters/cedar/trial.ts";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { openWorkspaces } from "./adapters/files/workspaces.ts";
import { type Connection, connectPool } from "./adapters/postgres/connect.ts";
import { openEar } from "./adapters/postgres/ear.ts";
import { postgresStore } from "./adapters/postgres/store.ts";
import { createWakeUps } from "./adapters/postgres/wake-ups.ts";
import { systemClock } from "./adapters/system/clock.ts";
import { systemRandom } from "./adapters/system/random.ts";
import { loadTokenCounter } from "./adapters/tokens/count-tokens.ts";
import { openArtifactStore } from "./assemble/artifact-store.ts";
import { openConsole } from "./assemble/console.ts";
import { openDatabase, type Operator, setUp } from "./assemble/database.ts";
import { entranceOf } from "./assemble/entrance.ts";
import { startEvidence } from "./assemble/evidence.ts";
import { refuseFailingDatabase } from "./assemble/failing-database.ts";
import { openGuardedTools } from "./assemble/guarded-tools.ts";
import { openMcpTools } from "./assemble/mcp-tools.ts";
import { type Parts, prepareParts } from "./assemble/parts.ts";
import { openRedaction, secretsOfTools } from "./assemble/redaction.ts";
import type { StartRefusal } from "./assemble/refusal.ts";
import { startServing } from "./assemble/serving.ts";
import { type Telling, tellingOf } from "./assemble/webhooks.ts";
import { startWorking } from "./assemble/working.ts";
import { DATABASE_CONNECTIONS_MAX, WORKER_RUNS_MAX } from "./base/limits.ts";
import { ok, type Result } from "./base/result.ts";
import { withInstallation } from "./core/access/installation-actions.ts";
import { type Environment, readConfig } from "./config.ts";
import { makeHome, readSecrets, type Secrets, writeCredentials } from "./home.ts";
import { openTelemetry, tracedLog, tracingOf, uncounted, watch } from "./assemble/telemetry.ts";
import type { ArtifactFiles, Clock, Log, RunNews, Telemetry } from "./ports.ts";
import { createClockWatch } from "./services/clock-watch.ts";
import { CAPACITY_LIMITS, createCapacity } from "./services/capacity.ts";
import { createHarness, type HarnessPorts } from "./services/create-harness.ts";
import { createCursors } from "./services/cursors.ts";
import type { OrchestratorPorts } from "./services/held.ts";
import { TENANT_SEARCHES_MAX } from "./services/documents.ts";
import { createTenantPlaces } from "./services/places.ts";
import { createGates } from "./services/models/gates.ts";
import type { Redaction } from "./services/redaction.ts";
import { redactedParts } from "./services/models/redacted-models.ts";
import { createRunNews } from "./services/run-news.ts";
import { createShown } from "./services/shown.ts";
import { createTrials } from "./services/trials.ts";
import { retriedTools } from "./services/retried-tools.ts";
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
  /** `all` in one process; or the API without a worker, or a worker without the API, of which there may be many. */
  readonly role?: Role;
  /** Runs that its worker advances at the same time, where not as many as usual. */
  readonly runsMax?: number;
  readonly environment: Environment;
  readonly log: Log;
};

export type Role = "all" | "server" | "worker";

export type Running = {
  /** Empty for a worker: it serves nothing. */
  readonly url: string;
  /** Where people find the web console; null where this process gives out none. */
  readonly consoleUrl: string | null;
  readonly home: string;
  /** The operator's own key, with every scope. */
  readonly adminKey: string;
  /** Nobody had started an installation in this home before. */
  readonly firstStart: boolean;
  /** Gives work back, then stops what was started here; the embedded database only if nobody else uses it. */
  stop(): Promise<void>;
};

const BUNDLED_AGENTS = fileURLToPath(new URL("../agents/", import.meta.url));

/**
 * Starts a harness in this process: the database, and of API, worker and sweeper what its role says.
 * Refuses for what an operator can mend; rejects for what nobody foresaw. Either way nothing is left running.
 */
export async function startHarness(
  options: StartOptions,
  onProgress: (line: string) => void,
): Promise<Result<Running, StartRefusal>> {
  return await refuseFailingDatabase(async () => await start(options, onProgress));
}

async function start(
  options: StartOptions,
  onProgress: (line: string) => void,
): Promise<Result<Running, StartRefusal>> {
  await using started = new AsyncDisposableStack();
  const { home, environment, log } = options;
  const config = readConfig(options.configFile, environment, BUNDLED_AGENTS);
  if (!config.ok) return config;
  const made = makeHome(home);
  if (!made.ok) return made;
  const place = { folder: join(home, "sandbox"), isWorking: options.role !== "server" };
  const guarded = await openGuardedTools(config.value, { ...place, random: systemRandom, onProgress });
  if (!guarded.ok) return guarded;
  const mcp = await openMcpTools(config.value);
  if (!mcp.ok) return mcp;
  started.defer(async () => {
    await mcp.value.close();
  });
  const parts = prepareParts(config.value, options.model, [...guarded.value, ...mcp.value.tools]);
  if (!parts.ok) return parts;
  const secrets = readSecrets(home, environment.secret, systemRandom);
  if (!secrets.ok) return secrets;
  const files = openArtifactStore(config.value, join(home, "artifacts"), systemRandom);
  if (!files.ok) return files;
  const database = await openDatabase(options, started, onProgress);
  if (!database.ok) return database;
  const operator = await setUp(database.value, home, secrets.value);
  if (!operator.ok) return operator;
  const { app, owner } = database.value;
  const redactions = uncounted();
  const redaction = openRedaction(
    environment,
    secrets.value,
    operator.value.key,
    [app, owner],
    log,
    secretsOfTools(config.value),
    redactions,
  );
  const telemetry = await openTelemetry(
    config.value,
    systemRandom,
    (text) => redaction.redactText(text),
    redactions,
  );
  started.defer(async () => {
    await telemetry.stop();
  });
  const redacted = { ...options, log: tracedLog(redaction.wrapLog(log), telemetry) };
  const tenants = operator.value;
  const kept: Kept = { secrets: secrets.value, redaction, app, files: files.value, telemetry, tenants };
  const access = withInstallation(parts.value.access, tenants.operators);
  const served = await startParts(redacted, { ...parts.value, access }, kept, started);
  if (!served.ok) return served;
  const { url } = served.value;
  // Beside everything else: a server that is slow to answer keeps nobody waiting.
  void mcp.value.watch(redacted.log);
  if (url !== "" && (options.announce || operator.value.firstStart))
    writeCredentials(home, { url, key: operator.value.key }, systemRandom);
  const running = started.move();
  return ok({
    ...served.value,
    home,
    adminKey: operator.value.key,
    firstStart: operator.value.firstStart,
    stop: async () => {
      log("info", "stopping");
      await running.disposeAsync();
    },
  });
}

/** What only this process knows of: its keys, what hides them, and who it is to the database. */
type Kept = {
  readonly secrets: Secrets;
  readonly redaction: Redaction;
  readonly app: Connection;
  readonly files: ArtifactFiles;
  readonly telemetry: Telemetry;
  readonly tenants: Pick<Operator, "installation" | "operators">;
};

async function startParts(
  options: StartOptions,
  given: Parts,
  kept: Kept,
  started: AsyncDisposableStack,
): Promise<Result<Pick<Running, "url" | "consoleUrl">, StartRefusal>> {
  const { home, host, port, log, role = "all", runsMax = WORKER_RUNS_MAX } = options;
  const { config } = given;
  const slots = { runsMax, tenantSlots: config.limits.tenantSlots };
  const { telemetry } = kept;
  const parts = redactedParts(given, config.models.redact, kept.redaction);
  const pool = openPool(kept.app, log, started);
  const [clock, random] = [systemClock, systemRandom];
  const { wakeUps, news } = openNews(pool, log);
  const workspaces = openWorkspaces({ folder: join(home, "workspaces"), sources: config.workspaces, random });
  const inForce = { role, configuration: config.sha256, policies: parts.policies.version };
  const base = { ...kept, ...kept.tenants, home, pool, clock, random, log };
  const evidence = await startEvidence(
    { ...base, ...config.evidence, inForce, isServing: role !== "worker" },
    started,
  );
  if (!evidence.ok) return evidence;
  const { store, tools, models, policies } = watch(
    { ...parts, store: postgresStore({ pool, wakeUps, clock, random, news, ...evidence.value.stored }) },
    { telemetry, clock, ...tracingOf(config, parts.agents) },
  );
  const gates = createGates({ breakers: store.breakers, clock, random, log, settings: config.providers });
  const ports: OrchestratorPorts & Telling = {
    ...tellingOf(kept.secrets, config),
    store,
    tools: retriedTools(tools, { gates, clock, random, settings: config.providers }),
    workspaces,
    openWorkspace: openWorkspaceOfRun(workspaces, tools),
    models,
    files: kept.files,
    policies,
    agents: parts.agents,
    redaction: kept.redaction,
    clock,
    clockWatch: openClockWatch({ store, clock, log }, started),
    random,
    log,
    telemetry,
    embedder: parts.embedder,
    searches: createTenantPlaces(TENANT_SEARCHES_MAX),
    loadTokenCounter,
    routing: config,
    gates,
  };
  const working =
    role === "server" ? null : await startWorking(ports, { ...base, wakeUps, ...slots }, started);
  if (role === "worker") return ok({ url: "", consoleUrl: null });
  if (working === null) await hearAnswers({ ...base, wakeUps }, started);
  const harness = createHarness({
    ...ports,
    workspaceNames: Object.keys(config.workspaces),
    ...entranceOf(kept.secrets, parts.access, config, { random, clock, log }),
    ...answeringOf(kept),
    news,
    capacity: createCapacity(ports, { ...CAPACITY_LIMITS, ...config.limits.queue }),
    evidence: evidence.value.evidence,
    isWorkerReady: () => working?.isPresent() ?? true,
  });
  return await startServing(
    harness,
    { host, port, log, telemetry, addressQuota: config.limits.address, console: openConsole(config.console) },
    started,
  );
}

type News = { readonly wakeUps: ReturnType<typeof createWakeUps>; readonly news: RunNews };

/** What other processes say of a person's answer is news here. */
function openNews(pool: ReturnType<typeof connectPool>, log: Log): News {
  const wakeUps = createWakeUps(pool, log);
  const news = createRunNews();
  wakeUps.listenToAnswers((run) => {
    news.hint(run);
  });
  return { wakeUps, news };
}

/** A process with a worker hears of them on that one's connection. */
async function hearAnswers(
  { app, wakeUps, ...ports }: Pick<Kept, "app"> & Pick<News, "wakeUps"> & { clock: Clock; log: Log },
  started: AsyncDisposableStack,
): Promise<void> {
  const ear = await openEar(app, { ...ports, heard: wakeUps.heard });
  started.defer(async () => {
    await ear.end();
  });
}

/** What is said to whoever asks, and how many may ask for much at the same time. */
const answeringOf = ({ secrets, redaction }: Kept): Pick<HarnessPorts, "cursors" | "shown" | "trials"> => ({
  cursors: createCursors(secrets.cursors),
  shown: createShown(redaction),
  trials: createTrials(openTrial),
});

function openClockWatch(
  ports: Pick<OrchestratorPorts, "store" | "clock" | "log">,
  started: AsyncDisposableStack,
): OrchestratorPorts["clockWatch"] {
  const watching = createClockWatch({ ...ports, steadyMs: () => performance.now() });
  started.defer(async () => {
    await watching.stop();
  });
  return watching;
}

function openPool(app: Connection, log: Log, started: AsyncDisposableStack): ReturnType<typeof connectPool> {
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
  return pool;
}
