// A backup of the database is restored while the home has gone on: signer and files know more than the rows. Nothing is
// put in the places that are taken, a new epoch accounts for what was lost, and `verify --db` reads it from the files.

import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { TenantId } from "@assent/contract";
import { parseVerifierKey } from "@assent/tlog";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openAnchorFiles } from "../../../packages/harness/src/adapters/files/anchor-files.ts";
import { reviewTransaction } from "../../../packages/harness/src/adapters/postgres/audit-review.ts";
import type { OutsideKnowledge } from "../../../packages/harness/src/ports.ts";
import { createEvidence } from "../../../packages/harness/src/services/audit/evidence.ts";
import { advance } from "../../../packages/harness/src/services/audit/keeper.ts";
import { findingsOf, reviewEvidence } from "../../../packages/harness/src/services/audit/review.ts";
import { connectThrowAwayDatabase, type ThrowAwayDatabase } from "../../support/database.ts";
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

const BACKED_UP = 6;
/** Past the end of a bundle of 256. */
const SIGNED = 300;
/** Its payload was erased after the backup. */
const ERASED = 2;

const started = new AsyncDisposableStack();
const home = started.use(scratchFolder());
let tenant: TenantId;
let installation: TenantId;
let restored: ThrowAwayDatabase;

beforeAll(async () => {
  const database = started.use(await connectThrowAwayDatabase());
  tenant = await newTenant(database, "restored");
  installation = await newTenant(database, "installation");
  const before = logPorts(database, home.path);
  await addFacts(before.store, tenant, "s", BACKED_UP);
  await addFacts(before.store, installation, "s", 2);
  await advanced(before, tenant);
  await advanced(before, installation);
  restored = started.use(await database.copy());
  const after = logPorts(database, home.path);
  await addManyFacts(database, tenant, SIGNED - BACKED_UP - 1);
  await evidenceOf(after).erase(adminOf(tenant), 1, ERASED, "They asked for it.");
  await addFacts(after.store, installation, "s", 1);
  await advanced(after, tenant);
  await advanced(after, installation);
});
afterAll(async () => {
  await started.disposeAsync();
});

/** The restored database, as it was at first, beside a home of its own that has what the home had. */
async function restore(): Promise<
  AsyncDisposable & { readonly database: ThrowAwayDatabase; readonly path: string }
> {
  await using stack = new AsyncDisposableStack();
  const { path } = stack.use(scratchFolder());
  cpSync(home.path, path, { recursive: true });
  const database = stack.use(await restored.copy());
  const rest = stack.move();
  return { database, path, [Symbol.asyncDispose]: async () => await rest.disposeAsync() };
}

const evidenceOf = (ports: LogPorts) =>
  createEvidence({
    ...ports,
    wake: async () => await Promise.resolve(),
    holds: () => false,
    onCheckpoint: () => () => undefined,
    stoppedBy: () => null,
    rotate: () => undefined,
    onOperated: async () => await Promise.resolve(),
    witnessed: null,
    installation,
    operators: null,
    retentionDays: null,
    gaps: () => 0,
    stopped: () => 0,
  });

/** `assent audit verify --db` with this home. */
async function verify(database: ThrowAwayDatabase, path: string) {
  const ports = logPorts(database, path);
  const outside = new Map<string, OutsideKnowledge>();
  for (const origin of [tenant, installation].flatMap((of) => [originOf(of, 1), originOf(of, 2)]))
    outside.set(origin, {
      anchor: await openAnchorFiles(join(path, "signer")).read(origin),
      published: await ports.files.readCheckpoint(origin),
      remembered: null,
      readFile: async (file) => await ports.files.read(origin, file),
    });
  const keysOf = (origin: string) =>
    ports.signer.vkeys(origin).map((text) => {
      const key = parseVerifierKey(text);
      return key.ok ? key.value : expect.unreachable();
    });
  const outsideOf = (origin: string) => outside.get(origin) ?? expect.unreachable();
  const reviewed = await reviewTransaction(
    database.ownerPool(),
    async (tx) => await reviewEvidence(tx, { keysOf, outsideOf }, true),
  );
  const logs = reviewed.find((each) => each.tenant === "restored")?.logs ?? expect.unreachable();
  return { logs, found: findingsOf(reviewed).map(({ code, at, detail }) => `${code} at ${at}: ${detail}`) };
}

const HAS_REST = "; the published files have the rest, and no epoch that follows accounts for it";

const NOT_ERASED = `payload_not_erased at entry ${ERASED}: an entry records that its payload was erased, and it is still there`;

test("what is recorded after the restore waits, and stands after the new epoch's beginning; nothing is lost unseen", async () => {
  await using at = await restore();
  const ports = logPorts(at.database, at.path);
  await addFacts(ports.store, tenant, "since", 2);
  expect(await advance(ports, tenant)).toMatchObject({ code: "history_cut" });
  const count = async () => await ports.store.transaction(tenant, async (tx) => await tx.count());
  expect(await count()).toEqual({ events: BACKED_UP + 2, leaves: BACKED_UP, waiting: 2 });
  const before = await verify(at.database, at.path);
  expect(before.logs).toMatchObject([{ size: BACKED_UP, lost: SIGNED - BACKED_UP }]);
  expect(before.found.filter((text) => !text.endsWith(HAS_REST))).toEqual([NOT_ERASED]);
  expect(before.found).toContain(
    `history_cut at entry ${BACKED_UP}: the log ends after ${BACKED_UP} entries, but the signer's memory has ${SIGNED}${HAS_REST}`,
  );

  const evidence = evidenceOf(ports);
  expect(await evidence.beginEpoch(adminOf(tenant), { reason: "A backup was restored." })).toMatchObject({
    ok: true,
  });
  await advanced(ports, tenant);
  // Nobody could have begun the installation's anew.
  await advanced(ports, installation);
  const began = await evidence.entries(tenant, 2, 0, 10);
  const payload: unknown = JSON.parse(began?.entries[0]?.payload ?? "null");
  const published = (await ports.files.readCheckpoint(originOf(tenant, 1))) ?? expect.unreachable();
  expect(payload).toEqual({
    sealed: expect.stringMatching(/^v1\./u),
    before: originOf(tenant, 1),
    last_checkpoint: published,
    database_size: BACKED_UP,
    signer_remembers: SIGNED,
  });
  expect(began?.entries[0]?.opened?.fields).toEqual({ reason: "A backup was restored." });
  expect(began?.entries.slice(1).map((entry) => entry.payload)).toEqual([
    expect.stringContaining('"since"'),
    expect.stringContaining('"since"'),
  ]);
  const after = await verify(at.database, at.path);
  expect(after.found).toEqual([NOT_ERASED]);
  expect(after.logs).toMatchObject([
    { epoch: 1, size: BACKED_UP, lost: SIGNED - BACKED_UP },
    { epoch: 2, size: 3, signedSize: 3, lost: 0 },
  ]);
});

test("what was erased after the backup is there again, is told, and can be erased again", async () => {
  await using at = await restore();
  const ports = logPorts(at.database, at.path);
  const evidence = evidenceOf(ports);
  await evidence.beginEpoch(adminOf(tenant), { reason: "A backup was restored." });
  await advanced(ports, tenant);
  await advanced(ports, installation);
  const { found } = await verify(at.database, at.path);
  expect(found).toEqual([NOT_ERASED]);
  // The other one is the old log's, too, and was never erased before: its record stands in the new epoch only.
  for (const place of [ERASED, ERASED + 1]) {
    expect(await evidence.erase(adminOf(tenant), 1, place, "They asked for it.")).toEqual({
      ok: true,
      value: null,
    });
    expect(
      (await verify(at.database, at.path)).found.filter((text) => text.includes(`entry ${place}`)),
    ).toEqual([]);
  }
  await advanced(ports, tenant);
  const after = await verify(at.database, at.path);
  expect(after.found).toEqual([]);
  expect(after.logs[0]).toMatchObject({ epoch: 1, erased: 2 });
});

const logFolder = (path: string): string => join(path, "logs", originOf(tenant, 1));

test.each<[string, (path: string) => void, string]>([
  [
    "without the files the rest is nowhere",
    (path) => rmSync(join(logFolder(path), "tile", "entries"), { recursive: true }),
    `history_cut at entry ${BACKED_UP}: the log ends after ${BACKED_UP} entries, but the signer's memory has ${SIGNED}`,
  ],
  [
    "an entry of the rest that was changed is not what was signed",
    (path) => {
      const file = join(logFolder(path), "tile", "entries", "000");
      const text = readFileSync(file, "latin1");
      const at = text.lastIndexOf('"kind":"test_happened"');
      writeFileSync(file, `${text.slice(0, at)}"kind":"test_happenex"${text.slice(at + 22)}`, "latin1");
    },
    `history_rewritten at entries ${BACKED_UP} to ${SIGNED - 1}`,
  ],
])("%s, whatever the new epoch says", async (_, damage, found) => {
  await using at = await restore();
  const ports = logPorts(at.database, at.path);
  await evidenceOf(ports).beginEpoch(adminOf(tenant), { reason: "A backup was restored." });
  await advanced(ports, tenant);
  await advanced(ports, installation);
  damage(at.path);
  const verified = await verify(at.database, at.path);
  expect(verified.found[0]?.startsWith(found)).toBe(true);
});

test("where the signer's memory was lost with the disk, the published files stop it all the same", async () => {
  await using at = await restore();
  for (const name of readdirSync(join(at.path, "signer")))
    if (/^[0-9a-f]{32}$/.test(name)) rmSync(join(at.path, "signer", name), { recursive: true });
  const ports = logPorts(at.database, at.path);
  expect(await ports.signer.remembered(originOf(tenant, 1))).toBe(0);
  await addFacts(ports.store, tenant, "since", 1);
  expect(await advance(ports, tenant)).toMatchObject({ code: "history_cut" });
});
