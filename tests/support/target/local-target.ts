// Assent itself as a target: one process, or several on one home.

import { appendFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import {
  type DatabaseBench,
  type EndingBench,
  type PathBench,
  type ProviderBench,
  type OtlpReceiver,
  SPOKEN,
  startOtlpReceiver,
  startObjectServer,
  startTokenIssuer,
  startToolSink,
  type ObjectServer,
  type Target,
  type TokenIssuer,
  type ToolSink,
} from "@assent/suite";
import type { Pool } from "pg";
import { connectPool } from "../../../packages/harness/src/adapters/postgres/connect.ts";
import {
  type EmbeddedServer,
  openEmbedded,
} from "../../../packages/harness/src/adapters/postgres/embedded/embedded.ts";
import { startHarness } from "../../../packages/harness/src/assemble.ts";
import { readEnvironment } from "../../../packages/harness/src/config.ts";
import { readCredentials } from "../../../packages/harness/src/home.ts";
import { databaseBench } from "./database-bench.ts";
import { endingBench } from "./ending.ts";
import { deadLetterBench, drillBench, rollbackBench } from "./benches.ts";
import { inspectStateMachine } from "./inspection.ts";
import { observe, sendTelemetry } from "./observation.ts";
import { BURST_LIMITS, BURST_REQUESTS, createInstallation, type Installation } from "./installation.ts";
import { type Deputy, type DeputyOptions, ENVIRONMENT, startDeputy } from "./deputy.ts";
import { createPathBench } from "./paths.ts";
import { createKey, createKeys, type Keys, providerConfig, TOKEN_GROUP } from "./people.ts";
import { startProviders } from "./providers.ts";
import { storeFaults } from "./store-faults.ts";
import { createSettingsBench } from "./settings.ts";
import { type ServerProcess, startServerProcess } from "./server-process.ts";

/** Between exports of spans, for which every trial waits; and of metrics, which are read at their source. */
const EXPORT_MS = 50;
const METRIC_EXPORT_MS = 1_000;

export type LocalOptions = DeputyOptions;

type Launch = (installation: Installation) => Promise<ServerProcess>;

async function launchHere(installation: Installation): Promise<ServerProcess> {
  process.env[ENVIRONMENT.name] = ENVIRONMENT.value;
  const file = join(installation.home, "assent.log");
  appendFileSync(file, "");
  const started = await startHarness(
    {
      home: installation.home,
      host: "127.0.0.1",
      port: 0,
      configFile: installation.configFile,
      model: null,
      announce: true,
      environment: readEnvironment(installation.environment),
      log: (level, message, fields) => {
        const line = JSON.stringify({ level, message, ...fields });
        appendFileSync(file, `${line}\n`);
      },
    },
    () => undefined,
  );
  if (!started.ok) throw new Error(`${started.error.code}: ${started.error.detail}`);
  const harness = started.value;
  return {
    url: harness.url,
    stop: async () => {
      await harness.stop();
    },
    kill: async () => {
      await Promise.reject(new Error("this process cannot be killed from within"));
    },
  };
}

type Running = {
  readonly installation: Installation;
  readonly sink: ToolSink;
  readonly telemetry: OtlpReceiver;
  readonly provider: ProviderBench;
  readonly paths: PathBench;
  readonly deputy: Deputy;
  readonly database: EmbeddedServer;
  readonly owner: Pool;
  readonly faulty: DatabaseBench;
  readonly ending: EndingBench;
  readonly keys: Keys;
  /** Where the artifacts are, if not in a folder. */
  readonly bucket: ObjectServer | null;
  readonly issuer: TokenIssuer;
  servers: readonly ServerProcess[];
};

async function openBucket(started: AsyncDisposableStack): Promise<ObjectServer> {
  const bucket = await startObjectServer();
  started.defer(async () => {
    await bucket.stop();
  });
  return bucket;
}

function install(
  sinkUrl: string,
  bucket: ObjectServer | null,
  issuer: TokenIssuer,
  deputy: Deputy,
  environment: Readonly<Record<string, string>>,
  { queuedRunsMax }: LocalOptions,
): Installation {
  const evidence = { mldsa: true };
  const limits = {
    actions: BURST_LIMITS,
    ...(queuedRunsMax === undefined ? {} : { queue: { tenant_runs: queuedRunsMax } }),
  };
  const config = { identity_providers: [providerConfig(issuer)], evidence, limits, ...deputy.config };
  const credentials =
    bucket === null
      ? {}
      : {
          ASSENT_S3_ACCESS_KEY_ID: bucket.keys.accessKeyId,
          ASSENT_S3_SECRET_ACCESS_KEY: bucket.keys.secretAccessKey,
        };
  const stored =
    bucket === null ? {} : { artifacts: { s3: { endpoint: bucket.endpoint, region: bucket.keys.region } } };
  // With content, spans hold the most that they can: what must not be in them must not be in these.
  const installation = createInstallation(
    sinkUrl,
    { ...environment, ...credentials },
    true,
    { ...config, ...stored },
    deputy.tools,
  );
  deputy.install(installation.folder);
  return installation;
}

async function openOwner(
  installation: Installation,
  started: AsyncDisposableStack,
): Promise<Pick<Running, "database" | "owner">> {
  const opened = await openEmbedded({ folder: installation.home });
  if (!opened.ok) throw new Error(opened.error.message);
  const database = started.use(opened.value);
  const owner = connectPool({ connection: database.connection("owner"), role: "owner", connectionsMax: 1 });
  started.defer(async () => {
    await owner.end();
  });
  return { database, owner };
}

/** @param started is told of each thing as it starts, so that a start that fails half-way can be undone */
async function start(
  launch: Launch,
  count: number,
  inBucket: boolean,
  options: LocalOptions,
  started: AsyncDisposableStack,
): Promise<Running> {
  const sink = await startToolSink();
  started.defer(async () => {
    await sink.stop();
  });
  const telemetry = await startOtlpReceiver();
  started.defer(async () => {
    await telemetry.stop();
  });
  const providers = await startProviders(started, options.queuedRunsMax);
  const bucket = inBucket ? await openBucket(started) : null;
  const issuer = await startTokenIssuer([TOKEN_GROUP]);
  started.defer(async () => {
    await issuer.stop();
  });
  const deputy = await startDeputy(providers.bench.own, sink.url, options, started);
  const installation = install(
    sink.url,
    bucket,
    issuer,
    deputy,
    {
      ...providers.environment,
      OTEL_EXPORTER_OTLP_ENDPOINT: telemetry.url,
      OTEL_BSP_SCHEDULE_DELAY: String(EXPORT_MS),
      OTEL_METRIC_EXPORT_INTERVAL: String(METRIC_EXPORT_MS),
      [ENVIRONMENT.name]: ENVIRONMENT.value,
    },
    options,
  );
  started.defer(() => {
    installation.remove();
  });
  const servers: ServerProcess[] = [];
  for (let index = 0; index < count; index += 1) {
    const server = await launch(installation);
    servers.push(server);
    // A second stop does nothing; a start that fails from here on must leave no process behind.
    started.defer(async () => {
      await server.stop();
    });
  }
  const first = servers[0];
  const credentials = readCredentials(installation.home);
  if (first === undefined || credentials === null) throw new Error("the operator has no key");
  const { database, owner } = await openOwner(installation, started);
  const keys = await createKeys(first.url, credentials.key, installation.home, owner);
  return {
    installation,
    sink,
    telemetry,
    provider: providers.bench,
    paths: createPathBench(installation, providers.bench.own),
    deputy,
    database,
    owner,
    faulty: databaseBench(database, started),
    ending: endingBench(database, started),
    keys,
    bucket,
    issuer,
    servers,
  };
}

const inspect = (now: () => Running): NonNullable<Target["inspect"]> => ({
  stateMachine: inspectStateMachine(() => now().owner),
  readSinks: async () => {
    const { owner, installation } = now();
    const rows = async (sql: string): Promise<string> => JSON.stringify((await owner.query(sql)).rows);
    return {
      // One more request, and what is sent after it holds all that came before.
      traces: (await sendTelemetry(now())).bodies.join("\n"),
      log: await readFile(join(installation.home, "assent.log"), "utf8"),
      metrics: (await observe(now).metrics()).map(({ text }) => text).join("\n"),
      events: await rows("select to_jsonb(row) as row from assent.audit_events as row"),
      // A queued run is its own message.
      jobs: await rows(
        "select id, state, wake_at, message_version, lease_worker, reason_code, reason_detail from assent.runs",
      ),
    };
  },
});

/** Each burst needs somebody who has asked for nothing yet: windows are the database's time, which no test waits for. */
function quotaBench(now: () => Running): NonNullable<Target["quota"]> {
  let bursts = 0;
  return {
    path: "/api/harness/access-events",
    requests: BURST_REQUESTS,
    freshKey: async () => {
      const { servers, installation } = now();
      const operator = readCredentials(installation.home);
      if (servers[0] === undefined || operator === null) throw new Error("the operator has no key");
      bursts += 1;
      return await createKey(servers[0].url, operator.key, {
        principal: { name: `burst-${bursts}`, kind: "service" },
        scopes: ["audit:read"],
      });
    },
  };
}

const looks = (
  now: () => Running,
): Pick<Target, "drills" | "deadLetters" | "rollback" | "quota" | "tokens" | "observation" | "inspect"> => ({
  drills: drillBench(() => now().owner),
  deadLetters: deadLetterBench(() => now().owner),
  rollback: rollbackBench,
  quota: quotaBench(now),
  tokens: { make: (change) => now().issuer.make(change) },
  observation: observe(now),
  inspect: inspect(now),
});

// Looked up each time: before the start there are none, and after a new start they are others.
const benches = (now: () => Running, launch: Launch): Partial<Target> => ({
  get database() {
    return now().faulty;
  },
  get ending() {
    return now().ending;
  },
  get signing() {
    return now().keys.signing;
  },
  get provider() {
    return now().provider;
  },
  get paths() {
    return now().paths;
  },
  get deputy() {
    return now().deputy.deputy;
  },
  get mcp() {
    return now().deputy.mcp;
  },
  get egress() {
    return now().deputy.egress;
  },
  get commands() {
    return now().deputy.commands;
  },
  get settings() {
    return createSettingsBench(now().installation, launch);
  },
});

function createTarget(
  name: string,
  launch: Launch,
  count: number,
  canKill: boolean,
  options: LocalOptions,
): Target {
  let running: Running | undefined;
  let started = new AsyncDisposableStack();
  const now = (): Running => {
    if (running === undefined) throw new Error(`${name} has not been started`);
    return running;
  };
  const stopServers = async (how: "stop" | "kill"): Promise<void> => {
    for (const server of running?.servers ?? []) await server[how]();
    if (running !== undefined) running.servers = [];
  };
  const startServers = async (): Promise<void> => {
    const servers: ServerProcess[] = [];
    for (let index = 0; index < count; index += 1) servers.push(await launch(now().installation));
    now().servers = servers;
  };
  const target: Target = {
    name,
    speaks: new Set(SPOKEN),
    get gatedTask() {
      return now().installation.gatedTask;
    },
    start: async () => {
      try {
        running = await start(launch, count, !canKill, options, started);
      } catch (error) {
        await started.disposeAsync();
        started = new AsyncDisposableStack();
        throw error;
      }
    },
    stop: async () => {
      await stopServers("stop");
      await started.disposeAsync();
      started = new AsyncDisposableStack();
      running = undefined;
    },
    endpoints: () => now().servers.map(({ url }) => url),
    key: (role) => now().keys[role],
    get sink() {
      return now().sink;
    },
    ...looks(now),
    restart: async () => {
      await stopServers("stop");
      await startServers();
    },
    ...(canKill
      ? {
          kill: async () => {
            await stopServers("kill");
            await startServers();
          },
        }
      : { faults: storeFaults(() => now().bucket) }),
  };
  return Object.defineProperties(target, Object.getOwnPropertyDescriptors(benches(now, launch)));
}

/** Server, worker and sweeper in the test's own process. */
export const createInProcessTarget = (options: LocalOptions = {}): Target =>
  createTarget("assent in one process", launchHere, 1, false, options);

/** Two `assent up` as child processes on one home, so on one database. */
export const createProcessesTarget = (options: LocalOptions = {}): Target =>
  createTarget("assent in two processes", startServerProcess, 2, true, options);
