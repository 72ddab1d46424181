// Puts the parts together. This file and its folder alone may import everything; what it starts it stops in reverse.

import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { openWorkspaces } from "./adapters/files/workspaces.ts";
import { type Connection, connectPool } from "./adapters/postgres/connect.ts";
import { announceWorker } from "./adapters/postgres/presence.ts";
import { openQueue } from "./adapters/postgres/queue.ts";
import { postgresStore } from "./adapters/postgres/store.ts";
import { systemClock } from "./adapters/system/clock.ts";
import { systemRandom } from "./adapters/system/random.ts";
import { loadTokenCounter } from "./adapters/tokens/count-tokens.ts";
import { type ApiServer, createServer } from "./api/server.ts";
import { openArtifactStore } from "./assemble/artifact-store.ts";
import { openDatabase, setUp } from "./assemble/database.ts";
import { openGuardedTools } from "./assemble/guarded-tools.ts";
import { openMcpTools } from "./assemble/mcp-tools.ts";
import { type Parts, prepareParts } from "./assemble/parts.ts";
import { openRedaction } from "./assemble/redaction.ts";
import type { StartRefusal } from "./assemble/refusal.ts";
import { DATABASE_CONNECTIONS_MAX } from "./base/limits.ts";
import { err, ok, type Result } from "./base/result.ts";
import { type Environment, readConfig } from "./config.ts";
import { makeHome, readSecrets, type Secrets, writeCredentials } from "./home.ts";
import type { ArtifactFiles, Log } from "./ports.ts";
import { createAnswerSeal } from "./services/answer-seal.ts";
import { createHarness } from "./services/create-harness.ts";
import { createCursors } from "./services/cursors.ts";
import type { OrchestratorPorts } from "./services/held.ts";
import { startExpiry } from "./services/expiry.ts";
import { keyHasher } from "./services/keys.ts";
import { createGates } from "./services/models/gates.ts";
import type { Redaction } from "./services/redaction.ts";
import { createShown } from "./services/shown.ts";
import { startContentSweeper } from "./services/content-sweeper.ts";
import { startSweeper } from "./services/sweeper.ts";
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
  const made = makeHome(home);
  if (!made.ok) return made;
  const guarded = await openGuardedTools(config.value, join(home, "sandbox"), systemRandom, onProgress);
  if (!guarded.ok) return guarded;
  const mcp = openMcpTools(config.value, log);
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
  const given = [...config.value.mcp.servers.values()].flatMap((server) => server.secrets);
  const redaction = openRedaction(
    environment,
    secrets.value,
    operator.value.key,
    [app, owner],
    log,
    given.map((secret) => ["mcp_secret", secret]),
  );
  const redacted = { ...options, log: redaction.wrapLog(log) };
  const kept: Kept = { secrets: secrets.value, redaction, app, files: files.value };
  const served = await startParts(redacted, parts.value, kept, started);
  if (!served.ok) return served;
  const { url } = served.value;
  // Beside everything else: a server that is slow to answer keeps nobody waiting.
  void mcp.value.check();
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

/** What only this process knows of: its keys, what hides them, and who it is to the database. */
type Kept = {
  readonly secrets: Secrets;
  readonly redaction: Redaction;
  readonly app: Connection;
  readonly files: ArtifactFiles;
};

async function startParts(
  options: StartOptions,
  { config, tools, models, agents, policies, access }: Parts,
  { secrets, redaction, app, files }: Kept,
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
    files,
    policies,
    agents,
    redaction,
    clock,
    random,
    log,
    loadTokenCounter,
    routing: config,
    gates: createGates({ breakers: store.breakers, clock, random, log, settings: config.providers }),
  };
  const worker = Buffer.from(random.bytes(4)).readInt32BE() >>> 1;
  const presence = await announceWorker(app, worker, { clock, log });
  started.defer(async () => {
    await presence.end();
  });
  const harness = createHarness({
    ...ports,
    workspaceNames: Object.keys(config.workspaces),
    hashKey: keyHasher(secrets.keys),
    access,
    answerSeal: createAnswerSeal(secrets.answers, random),
    quotas: config.limits.quotas,
    cursors: createCursors(secrets.cursors),
    shown: createShown(redaction),
    isWorkerReady: () => presence.isPresent(),
  });
  const consumer = await startWorker(ports, queue, worker);
  started.defer(async () => {
    await consumer.stop();
  });
  startHousekeeping(ports, started);
  const server = await createServer(harness, { log, addressQuota: config.limits.address });
  started.defer(async () => {
    await server.close();
  });
  return await listen(server, options);
}

function startHousekeeping(
  ports: Pick<OrchestratorPorts, "store" | "files" | "clock" | "log">,
  started: AsyncDisposableStack,
): void {
  for (const loop of [startSweeper(ports), startExpiry(ports), startContentSweeper(ports)])
    started.defer(async () => {
      await loop.stop();
    });
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
