// A log that is pruned while its sealing key is changed and payloads of it are erased, where any statement and any file
// operation can be made to fail, or the process to die there. Each life begins with a copy of one database and one home.

import { cpSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { uuidOf } from "@assent/contract";
import { createFailpoints, type Failpoints, type PointFault, withFailpoints } from "@assent/suite";
import { verifyProof } from "@assent/tlog";
import {
  diskOperations,
  type FileOperations,
} from "../../../packages/harness/src/adapters/files/file-operations.ts";
import { openSealingFiles } from "../../../packages/harness/src/adapters/files/sealing-files.ts";
import { sealingState } from "../../../packages/harness/src/services/audit/sealing-keys.ts";
import { connectThrowAwayDatabase, type ThrowAwayDatabase } from "../database.ts";
import { faultyPool, replacing } from "../faulty-pool.ts";
import { keysOf, leftIn, review, verifyFolder } from "../pruned-log.ts";
import { sealingPorts } from "../sealing.ts";
import { isPythonHere, secondVerifier } from "../second-verifier.ts";
import { addFacts, advanced, logPorts, type LogPorts, originOf, scratchFolder } from "../tenant-log.ts";
import {
  type ActName,
  ACTS,
  type Base,
  begin,
  type LogProcess,
  MINIMUM,
  SEALED_ABOVE,
  soundProcess,
} from "./log-acts.ts";

const FILE_METHODS = [
  "makeFolder",
  "list",
  "read",
  "size",
  "create",
  "overwrite",
  "sync",
  "rename",
  "remove",
] as const;

export type PrunedLives = AsyncDisposable & {
  /** Names of the statements and file operations that these acts go through. */
  points(acts: readonly ActName[]): Promise<readonly string[]>;
  /** One life in which the k-th point meets the fault. @returns what contradicts what must hold, and the point */
  live(
    acts: readonly ActName[],
    k: number,
    fault: PointFault,
  ): Promise<{ readonly found: readonly string[]; readonly at: string | null }>;
  /** One life in which a second process does `beside` when the first is at its k-th point. */
  meet(
    act: ActName,
    k: number,
    beside: readonly ActName[],
  ): Promise<{ readonly found: readonly string[]; readonly at: string | null }>;
};

export async function openPrunedLives(): Promise<PrunedLives> {
  await using stack = new AsyncDisposableStack();
  const home = stack.use(scratchFolder());
  const database = stack.use(await connectThrowAwayDatabase());
  const base = await begin(database, home.path);
  const rest = stack.move();
  const lived = async (work: (life: Life) => Promise<string[]>): Promise<readonly string[]> => {
    await using life = await openLife(base);
    return await work(life);
  };
  return {
    async points(acts) {
      let seen: readonly string[] = [];
      const found = await lived(async (life) => {
        life.points.clear();
        for (const act of acts) await ACTS[act](life.faulty);
        seen = [...life.points.calls()];
        return await ended(life, acts);
      });
      if (found.length > 0) throw new Error(`without any fault: ${found.join("; ")}`);
      return seen;
    },
    async live(acts, k, fault) {
      let at: string | null = null;
      const found = await lived(async (life) => {
        await strikeAt(life, acts, k, fault);
        at = life.points.fired();
        life.points.disarm();
        return [...(await between(life)), ...(await ended(life, acts))];
      });
      return { found, at };
    },
    async meet(act, k, beside) {
      let at: string | null = null;
      const found = await lived(async (life) => {
        const others: Promise<string[]>[] = [];
        const what = async (): Promise<void> => {
          const other = doAll(life.sound(), beside);
          others.push(other);
          await endedOrBlocked(life, other);
        };
        life.points.arm(null, k, { do: "run", when: "before", what });
        const own = await doAll(life.faulty, [act]);
        at = life.points.fired();
        const theirs = (await Promise.all(others)).flat();
        return [...own, ...theirs, ...(await ended(life, [act, ...beside]))];
      });
      return { found, at };
    },
    [Symbol.asyncDispose]: async () => await rest.disposeAsync(),
  };
}

/** Of two that keep a log at once one is sent back to look anew, and is then done again; nothing else may go wrong. */
async function doAll(process: LogProcess, acts: readonly ActName[]): Promise<string[]> {
  const failed: string[] = [];
  for (const act of acts) {
    try {
      await ACTS[act](process);
    } catch (error) {
      const why = error instanceof Error ? error.message : "unknown";
      if (!why.startsWith("signer_busy")) failed.push(`${act}: ${why}`);
    }
  }
  return failed;
}

/** Until the other process is done, or waits for what the first one holds. */
async function endedOrBlocked({ database }: Life, other: Promise<unknown>): Promise<void> {
  let isDone = false;
  const done = async (): Promise<void> => {
    await other;
    isDone = true;
  };
  void done();
  for (;;) {
    const { rows } = await database.ownerPool().query<{ waits: boolean }>(
      `select exists (select from pg_locks l, pg_stat_activity a
         where not l.granted and a.pid = l.pid and a.datname = current_database()) as waits`,
    );
    if (isDone || rows[0]?.waits === true) return;
  }
}

type Life = AsyncDisposable & {
  readonly base: Base;
  readonly database: ThrowAwayDatabase;
  readonly home: string;
  readonly points: Failpoints;
  readonly faulty: LogProcess;
  sound(): LogProcess;
  abandon(): void;
};

async function openLife(base: Base): Promise<Life> {
  await using stack = new AsyncDisposableStack();
  const { path } = stack.use(scratchFolder());
  cpSync(base.home, path, { recursive: true });
  const database = stack.use(await base.database.copy());
  const points = createFailpoints();
  const faulty = faultyPool(database.appPool(), points);
  const abandon = (): void => faulty.abandon();
  stack.defer(abandon);
  const operations: FileOperations = withFailpoints(diskOperations, "fs", points, FILE_METHODS);
  const process = {
    tenant: base.tenant,
    ports: logPorts(replacing(database, { appPool: () => faulty.pool }), path, { operations }),
    keys: sealingPorts(faulty.pool, openSealingFiles(join(path, "sealing"), operations)),
  };
  const rest = stack.move();
  return {
    base,
    database,
    home: path,
    points,
    faulty: process,
    sound: () => soundProcess(database, path, base.tenant),
    abandon,
    [Symbol.asyncDispose]: async () => await rest.disposeAsync(),
  };
}

/** What is killed is gone with its connections; what failed is heard of, and nothing is done about it here. */
async function strikeAt(life: Life, acts: readonly ActName[], k: number, fault: PointFault): Promise<void> {
  life.points.arm(null, k, fault);
  const dead = life.points.died();
  for (const act of acts) {
    const done = ACTS[act](life.faulty).catch(() => undefined);
    if ((await Promise.race([done, dead])) !== undefined) break;
  }
  life.abandon();
}

const publishedOf = ({ home, base }: Life): string => join(home, "logs", originOf(base.tenant, 1));

/** What must hold of a log at any moment, whatever is half done. */
async function between(life: Life): Promise<string[]> {
  const { base, database } = life;
  const { ports } = life.sound();
  const origin = originOf(base.tenant, 1);
  const verified = verifyFolder(ports, publishedOf(life), origin, base.kept);
  return [
    ...verified.findings.map(({ code, at }) => `verify: ${code} at ${at}`),
    ...(await review(database, ports, base.tenant)).map((text) => `review: ${text}`),
  ];
}

/** In seconds: some of what happens is dated a year ahead. */
const NOW = String(Math.floor(Date.now() / 1_000) + 400 * 86_400);

async function pythonFinds(life: Life, ports: LogPorts): Promise<string[]> {
  if (!isPythonHere) return [];
  const kept = join(life.home, "kept");
  writeFileSync(kept, life.base.kept);
  const keys = ports.signer.vkeys(originOf(life.base.tenant, 1)).flatMap((key) => ["--key", key]);
  const { code, said } = await secondVerifier(
    "export",
    publishedOf(life),
    ...keys,
    "--remembered",
    kept,
    "--published",
    "--now",
    NOW,
  );
  return code === 0 ? [] : [`verify.py: ${said}`];
}

/** Another process does all of it once more, and the log goes on. @returns what is not as it has to be then */
async function ended(life: Life, acts: readonly ActName[]): Promise<string[]> {
  const { base } = life;
  const { tenant } = base;
  const process = life.sound();
  for (const act of acts) await ACTS[act](process);
  await addFacts(process.ports.store, tenant, "after", 1);
  await advanced(process.ports, tenant);
  const found = [...(await between(life)), ...(await pythonFinds(life, process.ports))];
  const hold = (claim: string, is: unknown, wanted: unknown): void => {
    if (JSON.stringify(is) !== JSON.stringify(wanted))
      found.push(`${claim}: ${JSON.stringify(is)}, not ${JSON.stringify(wanted)}`);
  };
  const { events, leaves, waiting } = await process.ports.store.transaction(
    tenant,
    async (tx) => await tx.count(),
  );
  hold("each event has one place", [leaves, waiting], [events, 0]);
  await holdRecords(life, acts, hold);
  if (acts.includes("prune")) await holdPruned(life, process, events, hold);
  await holdSealed(life, process, acts, hold);
  const { proof, leaf } = base.receipt;
  const origin = originOf(tenant, 1);
  hold("a receipt of before", verifyProof(proof, leaf, origin, keysOf(process.ports, origin)).ok, true);
  return found;
}

type Hold = (claim: string, is: unknown, wanted: unknown) => void;

async function holdRecords({ database, base }: Life, acts: readonly ActName[], hold: Hold): Promise<void> {
  const { rows } = await database.ownerPool().query<{ kind: string; subject: string; n: number }>(
    `select kind, subject, count(*)::int as n from assent.audit_facts
     where tenant_id = $1 and kind in ('log.pruned', 'payload.erased') group by 1, 2 order by 1, 2`,
    [uuidOf(base.tenant)],
  );
  const counts = rows.map(({ subject, n }) => `${subject} ${n}`);
  if (acts.includes("prune"))
    hold("one record of the pruning", counts.includes(`pruned:1:${MINIMUM} 1`), true);
  hold(
    "no record twice",
    counts.filter((text) => !text.endsWith(" 1")),
    [],
  );
  if (acts.includes("eraseAbove"))
    hold("one record of the erasure", counts.includes(`entry:1:${SEALED_ABOVE[0]} 1`), true);
}

async function holdPruned(life: Life, { ports }: LogProcess, events: number, hold: Hold): Promise<void> {
  const left = await leftIn(life.database, life.base.tenant);
  hold("rows that are left", [left.leaves, left.hashes], [events - MINIMUM, events]);
  const folder = join(publishedOf(life), "tile", "entries");
  const full = readdirSync(folder).filter((name) => /^\d{3}$/u.test(name));
  hold("full bundles that are left", full, []);
  hold(
    "the minimum that is told",
    readFileSync(join(publishedOf(life), "minimum-index"), "utf8"),
    `${MINIMUM}\n`,
  );
  const origin = originOf(life.base.tenant, 1);
  const { pruned, minimum } = verifyFolder(ports, publishedOf(life), origin, null);
  hold("what was pruned", [pruned, minimum], [MINIMUM, MINIMUM]);
}

/** What was not erased opens, what was erased does not, and no key rests on a sealing key of before. */
async function holdSealed(
  life: Life,
  process: LogProcess,
  acts: readonly ActName[],
  hold: Hold,
): Promise<void> {
  const { tenant } = life.base;
  const entries = await process.ports.store.transaction(
    tenant,
    async (tx) => await tx.opened(1, SEALED_ABOVE[0], SEALED_ABOVE.length),
  );
  hold(
    "what opens",
    entries.map(({ opened }) => JSON.stringify(opened?.fields ?? null).includes("somebody's")),
    [!acts.includes("eraseAbove"), true],
  );
  const state = await sealingState(process.keys, tenant);
  hold("the key's change", [state.isChanging, state.isHeld], [false, true]);
  if (!acts.includes("rekey")) return;
  const left = (await process.keys.store.generations()).filter(({ isDestroyed }) => !isDestroyed);
  hold("sealing keys that are left", left.length, 1);
  hold("keys that are behind", await process.keys.store.behind(), []);
}
