// A backup of before a pruning is restored: of the database, of the home, or of both. What was pruned comes back with the
// rows, and what the signer, a review, published files, mirrors and verifiers say of it has a name, and a way on.

import { cpSync, existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { TenantId } from "@assent/contract";
import { afterAll, beforeAll, expect, test } from "vitest";
import { copyLog } from "../../../packages/harness/src/cli/verify/copy-log.ts";
import { advance } from "../../../packages/harness/src/services/audit/keeper.ts";
import { createAuditTrail } from "../../../packages/harness/src/services/audit/trail.ts";
import { connectThrowAwayDatabase, type ThrowAwayDatabase } from "../../support/database.ts";
import { leftIn, oldEvidence, review, verifyFolder } from "../../support/pruned-log.ts";
import {
  adminOf,
  addFacts,
  addManyFacts,
  advanced,
  logPorts,
  type LogPorts,
  newTenant,
  originOf,
  scratchFolder,
} from "../../support/tenant-log.ts";

const BACKED_UP = 300;
const SIGNED = 600;
/** Two bundles; the backup has one of them, and a piece of the other. */
const PRUNED = 512;

const started = new AsyncDisposableStack();
const home = started.use(scratchFolder());
const homeBefore = started.use(scratchFolder());
/** Of when all was signed, and nothing pruned. */
const homeUnpruned = started.use(scratchFolder());
const outside = started.use(scratchFolder());
let tenant: TenantId;
let before: ThrowAwayDatabase;
let after: ThrowAwayDatabase;
/** What somebody outside kept from before the pruning. */
let kept: string;

const [first, second] = [1, 2].map((epoch) => () => originOf(tenant, epoch));
const one = (): string => first?.() ?? "";
const two = (): string => second?.() ?? "";
const publishedIn = (path: string, origin = one()): string => join(path, "logs", origin);

beforeAll(async () => {
  const database = started.use(await connectThrowAwayDatabase());
  tenant = await newTenant(database, "restored-pruned");
  await addManyFacts(database, tenant, BACKED_UP);
  await advanced(logPorts(database, home.path), tenant);
  before = started.use(await database.copy());
  cpSync(home.path, homeBefore.path, { recursive: true });
  await addManyFacts(database, tenant, SIGNED - BACKED_UP);
  const ports = logPorts(database, home.path);
  await advanced(ports, tenant);
  kept = readFileSync(join(publishedIn(home.path), "checkpoint"), "utf8");
  cpSync(home.path, homeUnpruned.path, { recursive: true });
  const copied = await mirror(ports, join(outside.path, "mirror"), 1);
  const pruned = await oldEvidence(ports).prune(adminOf(tenant));
  if (copied !== "copied" || !pruned.ok) throw new Error("there is no mirror, or nothing was pruned");
  after = started.use(await database.copy());
});
afterAll(async () => {
  await started.disposeAsync();
});

type Restored = AsyncDisposable & {
  readonly database: ThrowAwayDatabase;
  readonly path: string;
  readonly ports: LogPorts;
};

async function restore(from: ThrowAwayDatabase, folder: string): Promise<Restored> {
  await using stack = new AsyncDisposableStack();
  const { path } = stack.use(scratchFolder());
  cpSync(folder, path, { recursive: true });
  const database = stack.use(await from.copy());
  const ports = logPorts(database, path);
  const rest = stack.move();
  return { database, path, ports, [Symbol.asyncDispose]: async () => await rest.disposeAsync() };
}

/** `assent audit mirror` into a folder. @returns the refusal's code where there is one */
async function mirror(ports: LogPorts, folder: string, epoch: number): Promise<string> {
  const trail = createAuditTrail(oldEvidence(ports));
  const aborted = { ok: false, error: { kind: "aborted" } } as const;
  const client = {
    getAuditCheckpoint: async (of: number) => {
      const found = await trail.checkpoint(adminOf(tenant), of);
      return found.ok ? found : aborted;
    },
    listAuditEntries: async (of: number, from: number, limit: number) => {
      const found = await trail.entries(adminOf(tenant), of, from, limit);
      return found.ok ? found : aborted;
    },
  };
  const logs = (await trail.logs(adminOf(tenant))).data;
  const log = logs.find((each) => each.epoch === epoch) ?? expect.unreachable();
  const copied = await copyLog(client, log, folder, "bare");
  return copied.ok ? "copied" : copied.error.code;
}

/** Somebody's mirror of before, as they go on with it. */
function mirrorOfBefore({ path }: Restored): string {
  const folder = join(path, "mirror");
  cpSync(join(outside.path, "mirror"), folder, { recursive: true });
  return folder;
}

test("the database of before a pruning: nothing is signed, and the next epoch accounts for what was pruned and lost", async () => {
  await using at = await restore(before, home.path);
  const { ports, database, path } = at;
  expect(await advance(ports, tenant)).toMatchObject({ code: "history_cut" });
  const found = await review(database, ports, tenant);
  expect(found).toEqual([`history_cut at entry ${BACKED_UP}`]);
  expect(await mirror(ports, mirrorOfBefore(at), 1)).toBe("copy_diverges");
  // What is published is whole: it is from after.
  const whole = { findings: [], pruned: PRUNED, minimum: PRUNED, size: SIGNED + 1, rememberedSize: SIGNED };
  expect(verifyFolder(ports, publishedIn(path), one(), kept)).toMatchObject(whole);

  const evidence = oldEvidence(ports);
  await evidence.beginEpoch(adminOf(tenant), { reason: "A backup was restored." });
  await advanced(ports, tenant);
  // Of what was pruned the files have hashes, and the record of it among the entries that were lost.
  expect(await review(database, ports, tenant)).toEqual([]);
  expect(verifyFolder(ports, publishedIn(path), one(), kept)).toMatchObject(whole);

  // The rows of what was pruned are back; they go again, by a record of the next epoch.
  expect((await leftIn(database, tenant)).leaves).toBe(BACKED_UP + 1);
  await addManyFacts(database, tenant, 1);
  // Somebody has put a bundle back into the files, too.
  const bundle = join(publishedIn(path), "tile", "entries", "000");
  cpSync(join(publishedIn(homeBefore.path), "tile", "entries", "000"), bundle);
  await evidence.prune(adminOf(tenant));
  expect(existsSync(bundle)).toBe(false);
  expect((await leftIn(database, tenant)).leaves).toBe(BACKED_UP + 1 + 2 - 256);
  expect(await review(database, ports, tenant)).toEqual([]);
  // The files know of more than that, and go on saying so.
  expect(readFileSync(join(publishedIn(path), "minimum-index"), "utf8")).toBe(`${PRUNED}\n`);
  expect(verifyFolder(ports, publishedIn(path), one(), kept)).toMatchObject(whole);
  expect(verifyFolder(ports, publishedIn(path, two()), two(), null)).toMatchObject({ findings: [] });
  expect(await mirror(ports, join(path, "mirror-2"), 2)).toBe("copied");
});

test("a hash of what was pruned and lost that is another now is found, whatever the next epoch says", async () => {
  await using at = await restore(before, home.path);
  const { ports, database, path } = at;
  await oldEvidence(ports).beginEpoch(adminOf(tenant), { reason: "A backup was restored." });
  await advanced(ports, tenant);
  const tiles = join(publishedIn(path), "tile", "0");
  const tile = readFileSync(join(tiles, "001"));
  const changed = Buffer.from(tile);
  // Of entry 356, which the backup has not.
  changed[32 * 100] = (changed[32 * 100] ?? 0) ^ 1;
  writeFileSync(join(tiles, "001"), changed);
  expect(await review(database, ports, tenant)).toEqual([
    `history_rewritten at entries ${BACKED_UP} to ${SIGNED}`,
  ]);
  writeFileSync(join(tiles, "001"), tile);
  expect(await review(database, ports, tenant)).toEqual([]);
});

test("of the lost entries nothing may be gone without a record of it, hashes or not", async () => {
  await using at = await restore(before, homeUnpruned.path);
  const { ports, database, path } = at;
  await oldEvidence(ports).beginEpoch(adminOf(tenant), { reason: "A backup was restored." });
  await advanced(ports, tenant);
  expect(await review(database, ports, tenant)).toEqual([]);
  rmSync(join(publishedIn(path), "tile", "entries", "001"));
  expect(await review(database, ports, tenant)).toEqual([
    `entries_missing at entries ${BACKED_UP} to ${PRUNED - 1}`,
  ]);
});

test("the home of before a pruning: files come forward, and what was pruned goes from them again", async () => {
  await using at = await restore(after, homeBefore.path);
  const { ports, database, path } = at;
  const bundles = join(publishedIn(path), "tile", "entries");
  expect(existsSync(join(bundles, "000"))).toBe(true);
  await addFacts(ports.store, tenant, "since", 1);
  await advanced(ports, tenant);
  expect(["000", "001", "001.p/44"].map((name) => existsSync(join(bundles, name)))).toEqual([
    false,
    false,
    false,
  ]);
  expect(readFileSync(join(publishedIn(path), "minimum-index"), "utf8")).toBe(`${PRUNED}\n`);
  expect(verifyFolder(ports, publishedIn(path), one(), kept)).toMatchObject({
    findings: [],
    pruned: PRUNED,
    size: SIGNED + 2,
  });
  expect(await review(database, ports, tenant)).toEqual([]);
  expect(await mirror(ports, mirrorOfBefore(at), 1)).toBe("copied");
});

test("both of before a pruning: the installation cannot tell, and whoever kept a checkpoint or a mirror can", async () => {
  await using at = await restore(before, homeBefore.path);
  const { ports, database, path } = at;
  await advanced(ports, tenant);
  expect(await review(database, ports, tenant)).toEqual([]);
  expect(verifyFolder(ports, publishedIn(path), one(), kept).findings).toMatchObject([
    { code: "history_cut" },
  ]);
  expect(await mirror(ports, mirrorOfBefore(at), 1)).toBe("copy_diverges");
  // It goes on past what was kept: another history by then.
  await addManyFacts(database, tenant, SIGNED);
  await advanced(ports, tenant);
  expect(verifyFolder(ports, publishedIn(path), one(), kept).findings).toMatchObject([
    { code: "history_rewritten" },
  ]);
  expect(await mirror(ports, mirrorOfBefore({ ...at, path: join(path, "later") }), 1)).toBe("copy_diverges");
});
