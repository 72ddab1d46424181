// The second line of checkpoints (ML-DSA-44), made by the log's own signer: switched on and off over a log that goes on,
// rotated with the first, and demanded by whoever pinned its key: a verifier, a witness, a review of the database.

import { join } from "node:path";
import { type TenantId, uuidOf } from "@assent/contract";
import {
  openCheckpoint,
  parseVerifierKey,
  SIGNATURE_TYPES,
  signerKey,
  signNote,
  type VerifierKey,
} from "@assent/tlog";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readPublicKeys } from "../../../packages/harness/src/adapters/files/log-keys.ts";
import { reviewTransaction } from "../../../packages/harness/src/adapters/postgres/audit-review.ts";
import { transaction } from "../../../packages/harness/src/adapters/postgres/connect.ts";
import { openLogFolder } from "../../../packages/harness/src/cli/verify/log-folder.ts";
import { without } from "../../../packages/harness/src/core/audit/testing/made-export.ts";
import { verifyLog } from "../../../packages/harness/src/core/audit/verify-log.ts";
import { startKeeper } from "../../../packages/harness/src/services/audit/keeper.ts";
import { addOwnLines } from "../../../packages/harness/src/services/audit/own-lines.ts";
import { findingsOf, reviewEvidence } from "../../../packages/harness/src/services/audit/review.ts";
import { connectThrowAwayDatabase, type ThrowAwayDatabase } from "../../support/database.ts";
import {
  adminOf,
  addFacts,
  advanced,
  keptEvidence,
  logPorts,
  type LogPorts,
  newTenant,
  originOf,
  scratchFolder,
} from "../../support/tenant-log.ts";

let database: ThrowAwayDatabase;
beforeAll(async () => {
  database = await connectThrowAwayDatabase();
});
afterAll(async () => {
  await database[Symbol.asyncDispose]();
});

const keysOf = (ports: LogPorts, origin: string): readonly VerifierKey[] =>
  ports.signer.vkeys(origin).map((text) => {
    const key = parseVerifierKey(text);
    return key.ok ? key.value : expect.unreachable();
  });

const secondOf = (keys: readonly VerifierKey[]): VerifierKey =>
  keys.findLast(({ type }) => type === SIGNATURE_TYPES.mldsa) ?? expect.unreachable();

async function noteOf(ports: LogPorts, tenant: TenantId): Promise<string> {
  return (await ports.store.transaction(tenant, async (tx) => await tx.checkpoint(1, 0)))?.note ?? "";
}

const signersOf = (note: string, origin: string, keys: readonly VerifierKey[]): number[] => {
  const opened = openCheckpoint(note, origin, keys, "any");
  return opened.ok ? opened.value.signers.map(({ type }) => type) : [];
};

test("a log that had one line goes on with two, and with one again, under the key that it was given first", async () => {
  using folder = scratchFolder();
  const tenant = await newTenant(database, "second-line");
  const origin = originOf(tenant, 1);
  const signed = async (mldsa: boolean): Promise<{ ports: LogPorts; note: string }> => {
    const ports = logPorts(database, folder.path, { mldsa });
    await addFacts(ports.store, tenant, "s", 1);
    await advanced(ports, tenant);
    return { ports, note: await noteOf(ports, tenant) };
  };
  const first = await signed(false);
  const second = await signed(true);
  const keys = keysOf(second.ports, origin);
  expect(keys.map(({ type }) => type)).toEqual([0x01, 0x06]);
  expect(keysOf(first.ports, origin)[0]?.vkey).toBe(keys[0]?.vkey);
  expect(signersOf(first.note, origin, keys)).toEqual([0x01]);
  expect(signersOf(second.note, origin, keys)).toEqual([0x01, 0x06]);
  // Switched off the line is gone, and who pinned its key is told; its key stays this home's.
  const third = await signed(false);
  expect(signersOf(third.note, origin, keys)).toEqual([0x01]);
  expect(openCheckpoint(third.note, origin, keys).ok).toBe(false);
  expect(third.ports.signer.held(origin).map(({ vkey }) => vkey)).toContain(secondOf(keys).vkey);
  const again = await signed(true);
  expect(keysOf(again.ports, origin).map(({ vkey }) => vkey)).toEqual(keys.map(({ vkey }) => vkey));
  expect(openCheckpoint(again.note, origin, keys).ok).toBe(true);
  expect(readPublicKeys(join(folder.path, "signer")).map(({ type }) => type)).toEqual([0x01, 0x06]);
  // Published, kept from before and verified offline, with both keys and with the one that everybody knows.
  for (const by of [keys, keys.slice(0, 1)])
    expect(
      verifyLog({
        source: openLogFolder(join(folder.path, "logs", origin)),
        origin,
        keys: by,
        remembered: first.note,
        policy: null,
        now: new Date(),
        cosignedSince: null,
      }),
    ).toMatchObject({ findings: [], size: 4, rememberedSize: 1 });
});

test("both keys are rotated together, and both lines are made of old and new ones meanwhile", async () => {
  using folder = scratchFolder();
  const tenant = await newTenant(database, "second-rotated");
  const origin = originOf(tenant, 1);
  const ports = logPorts(database, folder.path, { mldsa: true });
  const evidence = keptEvidence(ports);
  await addFacts(ports.store, tenant, "s", 1);
  await advanced(ports, tenant);
  const before = keysOf(ports, origin);
  const rotate = async (step: "add" | "retire"): Promise<readonly VerifierKey[]> => {
    expect((await evidence.rotate(adminOf(tenant), step)).ok).toBe(true);
    await advanced(ports, tenant);
    return keysOf(ports, origin);
  };
  const during = await rotate("add");
  expect(during.map(({ type }) => type)).toEqual([0x01, 0x01, 0x06, 0x06]);
  const after = during.filter(({ vkey }) => !before.some((key) => key.vkey === vkey));
  const noteDuring = await noteOf(ports, tenant);
  for (const keys of [before, after]) expect(openCheckpoint(noteDuring, origin, keys).ok).toBe(true);
  expect((await rotate("retire")).map(({ vkey }) => vkey)).toEqual(after.map(({ vkey }) => vkey));
  const noteAfter = await noteOf(ports, tenant);
  expect(openCheckpoint(noteAfter, origin, after).ok).toBe(true);
  expect(openCheckpoint(noteAfter, origin, before).ok).toBe(false);
  // What the old keys signed is this home's still: the log goes on after a restart.
  expect(ports.signer.held(origin)).toHaveLength(4);
  const restarted = logPorts(database, folder.path, { mldsa: true });
  await addFacts(restarted.store, tenant, "s", 1);
  await advanced(restarted, tenant);
});

test("a review of the database finds the second line taken away, for who pinned its key", async () => {
  using folder = scratchFolder();
  const tenant = await newTenant(database, "second-review");
  const origin = originOf(tenant, 1);
  const ports = logPorts(database, folder.path, { mldsa: true });
  await addFacts(ports.store, tenant, "s", 2);
  await advanced(ports, tenant);
  const keys = keysOf(ports, origin);
  const note = await noteOf(ports, tenant);
  const found = async (published: string, wanted: "each_type" | "any"): Promise<string[]> => {
    const outside = { anchor: null, remembered: null, readFile: async () => await Promise.resolve(null) };
    const reviewed = await reviewTransaction(
      database.ownerPool(),
      async (tx) =>
        await reviewEvidence(
          tx,
          {
            keysOf: (of) => (of === origin ? keys : []),
            outsideOf: (of) => ({ ...outside, published: of === origin ? published : null }),
            wanted,
          },
          false,
        ),
    );
    const mine = reviewed.filter(({ tenant: slug }) => slug === "second-review");
    return findingsOf(mine).map(({ code, at }) => `${code} at ${at}`);
  };
  const stripped = without(note, secondOf(keys));
  expect(await found(note, "each_type")).toEqual([]);
  expect(await found(stripped, "any")).toEqual([]);
  expect(await found(stripped, "each_type")).toEqual(["checkpoint_invalid at the published checkpoint"]);
  await transaction(database.ownerPool(), async (client) => {
    // As whoever owns the database can.
    await client.query("alter table assent.audit_checkpoints disable trigger user");
    await client.query("update assent.audit_checkpoints set note = $2 where tenant_id = $1", [
      uuidOf(tenant),
      stripped,
    ]);
    await client.query("alter table assent.audit_checkpoints enable trigger user");
  });
  expect(await found(note, "each_type")).toEqual(["checkpoint_invalid at checkpoint of 2 entries"]);
});

async function verifyPublished(
  folder: string,
  ports: LogPorts,
  tenant: TenantId,
): Promise<{ readonly size: number; readonly found: readonly string[] }> {
  const origin = originOf(tenant, 1);
  const report = verifyLog({
    source: openLogFolder(join(folder, "logs", origin)),
    origin,
    keys: keysOf(ports, origin),
    remembered: await noteOf(ports, tenant),
    policy: null,
    now: new Date(),
    cosignedSince: null,
  });
  return { size: report.size, found: report.findings.map(({ code }) => code) };
}

test("a log that nothing happens in has the lines of the present keys from the keeper's next look on, once", async () => {
  using folder = scratchFolder();
  await using own = await connectThrowAwayDatabase();
  const tenants = [await newTenant(own, "idle-one"), await newTenant(own, "idle-two")];
  await newTenant(own, "without-a-log");
  const before = logPorts(own, folder.path);
  for (const tenant of tenants) {
    await addFacts(before.store, tenant, "s", 3);
    await advanced(before, tenant);
  }
  const lines = async (): Promise<number> => {
    const { rows } = await own
      .ownerPool()
      .query<{ n: number }>("select count(*)::int as n from assent.audit_cosignatures");
    return rows[0]?.n ?? -1;
  };
  const keeping = async (ports: LogPorts): Promise<readonly string[]> => {
    const told: string[] = [];
    const looked = Promise.withResolvers<undefined>();
    // It sleeps once it has looked.
    const sleep = async (): Promise<void> => {
      looked.resolve(undefined);
      await Promise.resolve();
    };
    const keeper = startKeeper({
      ...ports,
      clock: { ...ports.clock, sleep },
      hold: () => ({
        take: async () => await Promise.resolve(true),
        end: async () => await Promise.resolve(),
      }),
      log: (_, text) => void told.push(text),
    });
    await looked.promise;
    await keeper.stop();
    return told;
  };
  const IDLE = "checkpoints of idle logs have lines of the present keys";
  expect(await keeping(before)).toEqual([]);
  expect(await lines()).toBe(0);
  const after = logPorts(own, folder.path, { mldsa: true });
  expect((await verifyPublished(folder.path, after, tenants[0] ?? expect.unreachable())).found).toEqual([
    "checkpoint_invalid",
  ]);
  expect(await keeping(after)).toEqual([IDLE]);
  expect(await lines()).toBe(2);
  for (const tenant of tenants)
    expect(await verifyPublished(folder.path, after, tenant)).toEqual({ size: 3, found: [] });
  // A review of the database by whoever pinned both finds both, and no look makes them again.
  expect(await keeping(logPorts(own, folder.path, { mldsa: true }))).toEqual([]);
  expect(await lines()).toBe(2);
  const found = await reviewTransaction(own.ownerPool(), async (tx) => {
    const outsideOf = () => ({
      anchor: null,
      remembered: null,
      published: null,
      readFile: async () => await Promise.resolve(null),
    });
    const trust = { keysOf: (of: string) => keysOf(after, of), outsideOf, wanted: "each_type" } as const;
    return findingsOf(await reviewEvidence(tx, trust, false));
  });
  expect(found).toEqual([]);
  // Rotated keys as well: an old one that is forgotten leaves a checkpoint that who knows the new ones alone can verify.
  after.keys.add();
  expect(await keeping(after)).toEqual([IDLE]);
  expect(await lines()).toBe(6);
  after.keys.retire();
  expect(await keeping(after)).toEqual([]);
  for (const tenant of tenants)
    expect(await verifyPublished(folder.path, after, tenant)).toEqual({ size: 3, found: [] });
  // They go on as ever.
  for (const tenant of tenants) {
    await addFacts(after.store, tenant, "s", 1);
    await advanced(after, tenant);
    expect(await verifyPublished(folder.path, after, tenant)).toEqual({ size: 4, found: [] });
  }
});

test("no line is added to what the signer would not sign: another tree, another home's log, a checkpoint that is behind", async () => {
  using folder = scratchFolder();
  using elsewhere = scratchFolder();
  await using own = await connectThrowAwayDatabase();
  const tenant = await newTenant(own, "idle-forged");
  const before = logPorts(own, folder.path);
  await addFacts(before.store, tenant, "s", 3);
  await advanced(before, tenant);
  expect(await addOwnLines(logPorts(own, elsewhere.path, { mldsa: true }))).toBe(0);
  // As whoever owns the database and has the first key can: the same size with another root.
  const real = await noteOf(before, tenant);
  const root = Buffer.alloc(32, 7).toString("base64");
  const forged = signNote(`${originOf(tenant, 1)}\n3\n${root}\n`, [
    signerKey(
      originOf(tenant, 1),
      SIGNATURE_TYPES.ed25519,
      before.keys.seeds(SIGNATURE_TYPES.ed25519)[0] ?? Buffer.alloc(32),
    ),
  ]);
  const put = async (note: string): Promise<void> =>
    await transaction(own.ownerPool(), async (client) => {
      await client.query("alter table assent.audit_checkpoints disable trigger user");
      await client.query("update assent.audit_checkpoints set note = $1", [note]);
      await client.query("alter table assent.audit_checkpoints enable trigger user");
    });
  await put(forged.ok ? forged.value : expect.unreachable());
  const after = logPorts(own, folder.path, { mldsa: true });
  expect(await addOwnLines(after)).toBe(0);
  await put(real);
  expect(await addOwnLines(after)).toBe(1);
});
