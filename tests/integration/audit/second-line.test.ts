// The second line of checkpoints (ML-DSA-44), made by the log's own signer: switched on and off over a log that goes on,
// rotated with the first, and demanded by whoever pinned its key: a verifier, a witness, a review of the database.

import { join } from "node:path";
import { type TenantId, uuidOf } from "@assent/contract";
import { openCheckpoint, parseVerifierKey, SIGNATURE_TYPES, type VerifierKey } from "@assent/tlog";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readPublicKeys } from "../../../packages/harness/src/adapters/files/log-keys.ts";
import { reviewTransaction } from "../../../packages/harness/src/adapters/postgres/audit-review.ts";
import { transaction } from "../../../packages/harness/src/adapters/postgres/connect.ts";
import { openLogFolder } from "../../../packages/harness/src/cli/verify/log-folder.ts";
import { without } from "../../../packages/harness/src/core/audit/testing/made-export.ts";
import { verifyLog } from "../../../packages/harness/src/core/audit/verify-log.ts";
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
