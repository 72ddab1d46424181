// Rotation of the key that signs: both keys sign while verifiers learn of the new one, then the old one is gone. What was
// signed before verifies as ever; what is signed after is not believed for the old key's sake.

import { join } from "node:path";
import type { TenantId } from "@assent/contract";
import {
  openCheckpoint,
  parseVerifierKey,
  SIGNATURE_TYPES,
  signerKey,
  signNote,
  type VerifierKey,
} from "@assent/tlog";
import { afterEach, beforeEach, expect, test } from "vitest";
import {
  LOCK_CLASS,
  LOCK_KEYS,
  transaction,
} from "../../../packages/harness/src/adapters/postgres/connect.ts";
import { reviewTransaction } from "../../../packages/harness/src/adapters/postgres/audit-review.ts";
import { findingsOf, reviewEvidence } from "../../../packages/harness/src/services/audit/review.ts";
import { openSignerKeys } from "../../../packages/harness/src/assemble/evidence.ts";
import { openLogKeys } from "../../../packages/harness/src/adapters/files/log-keys.ts";
import { systemRandom } from "../../../packages/harness/src/adapters/system/random.ts";
import { openLogFolder } from "../../../packages/harness/src/cli/verify/log-folder.ts";
import { verifyLog } from "../../../packages/harness/src/core/audit/verify-log.ts";
import type { Evidence } from "../../../packages/harness/src/services/audit/evidence.ts";
import { createAuditTrail } from "../../../packages/harness/src/services/audit/trail.ts";
import { SIGNING_KEYS_MAX } from "../../../packages/harness/src/services/audit/rotation.ts";
import { advance } from "../../../packages/harness/src/services/audit/keeper.ts";
import { connectThrowAwayDatabase, type ThrowAwayDatabase } from "../../support/database.ts";
import { until } from "../../support/until.ts";
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

// Of each test its own: a keeper goes on with every log of its database, and another test's was begun with other keys.
let database: ThrowAwayDatabase;
beforeEach(async () => {
  database = await connectThrowAwayDatabase();
});
afterEach(async () => {
  await database[Symbol.asyncDispose]();
});

const parsed = (vkeys: readonly string[]): readonly VerifierKey[] =>
  vkeys.map((text) => {
    const key = parseVerifierKey(text);
    return key.ok ? key.value : expect.unreachable();
  });

async function noteOf(ports: LogPorts, tenant: TenantId): Promise<string> {
  return (await ports.store.transaction(tenant, async (tx) => await tx.checkpoint(1, 0)))?.note ?? "";
}

test("checkpoints of before and after a rotation verify, each for its keys; the old key speaks for nothing new", async () => {
  using folder = scratchFolder();
  const tenant = await newTenant(database, "rotated");
  const ports = logPorts(database, folder.path);
  const origin = originOf(tenant, 1);
  const told: string[] = [];
  const evidence = keptEvidence(ports, {
    wake: async () => await Promise.resolve(),
    onOperated: async (_, kind) => await Promise.resolve(void told.push(kind)),
  });
  const opens = (note: string, ...by: readonly (readonly VerifierKey[])[]): boolean[] =>
    by.map((some) => openCheckpoint(note, origin, some).ok);

  await addFacts(ports.store, tenant, "s", 3);
  await advanced(ports, tenant);
  const before = await noteOf(ports, tenant);
  const old = parsed(ports.signer.vkeys(origin));

  const rotate = async (step: "add" | "retire"): Promise<readonly VerifierKey[]> => {
    const rotated = await evidence.rotate(adminOf(tenant), step);
    return parsed(rotated.ok ? rotated.value : expect.unreachable());
  };
  const both = await rotate("add");
  const fresh = both.slice(1);
  expect(both.map(({ vkey }) => vkey)).toEqual([old[0]?.vkey, fresh[0]?.vkey]);
  await advanced(ports, tenant);
  const during = await noteOf(ports, tenant);

  expect(await rotate("retire")).toMatchObject([{ vkey: fresh[0]?.vkey }]);
  await addFacts(ports.store, tenant, "s", 2);
  // A process that was started after it does the same.
  expect(await advance(logPorts(database, folder.path), tenant)).toBeNull();
  const after = await noteOf(ports, tenant);

  expect(opens(before, old, fresh)).toEqual([true, false]);
  expect(opens(during, old, fresh)).toEqual([true, true]);
  expect(opens(after, old, fresh)).toEqual([false, true]);
  expect(told).toEqual(["key.added", "key.rotated"]);

  // The log goes on through it: whoever kept a checkpoint of before verifies the later one with both keys, in any order.
  const verify = (by: readonly VerifierKey[], remembered: string | null): string[] =>
    verifyLog({
      source: openLogFolder(join(folder.path, "logs", origin)),
      origin,
      keys: by,
      remembered,
      policy: null,
      now: new Date(),
      cosignedSince: null,
    }).findings.map(({ code }) => code);
  expect(verify(both, before)).toEqual([]);
  expect(verify(fresh, during)).toEqual([]);
  expect(verify(fresh, before)).toEqual(["remembered_invalid"]);
  expect(verify(old, before)).toEqual(["checkpoint_invalid"]);
});

test("whoever forgets a key is told the keys that sign from now on, and not that one", async () => {
  using folder = scratchFolder();
  const tenant = await newTenant(database, "told");
  const ports = logPorts(database, folder.path);
  await addFacts(ports.store, tenant, "s", 1);
  await advanced(ports, tenant);
  // A keeper is woken by the change, and looks when somebody waits for it: nobody's answer is early by luck.
  let looked: Promise<unknown> = Promise.resolve();
  let woken = 0;
  const wake = async (): Promise<void> => {
    woken += 1;
    if (woken % 2 === 0) looked = looked.then(async () => await advance(ports, tenant));
    await Promise.resolve();
  };
  const trail = createAuditTrail(keptEvidence(ports, { wake, holds: () => false }));
  const keysAfter = async (step: "add" | "retire"): Promise<readonly string[] | undefined> => {
    const rotated = await trail.rotate(adminOf(tenant), step);
    return rotated.ok ? rotated.value.data.at(-1)?.keys : expect.unreachable();
  };
  const both = await keysAfter("add");
  expect(both).toHaveLength(2);
  expect(await keysAfter("retire")).toEqual(both?.slice(1));
  await looked;
});

test("a checkpoint by a key that the log gave up is found in the database, though the home knows that key", async () => {
  using folder = scratchFolder();
  const tenant = await newTenant(database, "given-up");
  const ports = logPorts(database, folder.path);
  const origin = originOf(tenant, 1);
  const evidence = keptEvidence(ports);
  await addFacts(ports.store, tenant, "s", 2);
  await advanced(ports, tenant);
  const [seed = expect.unreachable()] = ports.keys.seeds(SIGNATURE_TYPES.ed25519);
  const old = signerKey(origin, SIGNATURE_TYPES.ed25519, Uint8Array.from(seed));
  for (const step of ["add", "retire"] as const) await evidence.rotate(adminOf(tenant), step);
  await advanced(ports, tenant);
  const note = await noteOf(ports, tenant);
  const forged = signNote(note.slice(0, note.indexOf("\n\n") + 1), [old]);
  const found = async (published: string): Promise<string[]> => {
    const nothing = { anchor: null, remembered: null, readFile: async () => await Promise.resolve(null) };
    const reviewed = await reviewTransaction(
      database.ownerPool(),
      async (tx) =>
        await reviewEvidence(
          tx,
          {
            keysOf: (of) => (of === origin ? [old, ...parsed(ports.signer.vkeys(origin))] : []),
            outsideOf: (of) => ({ ...nothing, published: of === origin ? published : null }),
          },
          false,
        ),
    );
    const mine = reviewed.filter(({ tenant: slug }) => slug === "given-up");
    return findingsOf(mine).map(({ code, at }) => `${code} at ${at}`);
  };
  expect(await found(note)).toEqual([]);
  expect(await found(forged.ok ? forged.value : "")).toEqual([
    "checkpoint_by_retired_key at the published checkpoint",
  ]);
});

async function refusalOf(rotated: ReturnType<Evidence["rotate"]>): Promise<string | null> {
  const done = await rotated;
  return done.ok ? null : done.error.code;
}

test("no more keys sign than may, and a log goes on though its home was given more", async () => {
  using folder = scratchFolder();
  const tenant = await newTenant(database, "rotated-often");
  const ports = logPorts(database, folder.path);
  await addFacts(ports.store, tenant, "s", 1);
  await advanced(ports, tenant);
  const evidence = keptEvidence(ports);
  const add = async (): Promise<string | null> => await refusalOf(evidence.rotate(adminOf(tenant), "add"));
  for (let keys = 2; keys <= SIGNING_KEYS_MAX; keys += 1) expect(await add()).toBeNull();
  expect(await add()).toBe("rotation_refused");
  const { states } = await evidence.logs(tenant);
  expect(states[0]?.keys).toHaveLength(SIGNING_KEYS_MAX);
  expect(states[0]?.signedSize).toBe(SIGNING_KEYS_MAX);
  // As a version before this one could leave it behind.
  openLogKeys(join(folder.path, "signer"), systemRandom).add();
  await addFacts(ports.store, tenant, "s", 1);
  expect(await advance(logPorts(database, folder.path), tenant)).toBeNull();
  expect(await refusalOf(evidence.rotate(adminOf(tenant), "retire"))).toBeNull();
  expect(await add()).toBeNull();
});

test("the signer of all tenants is rotated by the operators' tenant alone, and where it is", async () => {
  using folder = scratchFolder();
  using elsewhere = scratchFolder();
  const [tenant, operators] = [await newTenant(database, "guest"), await newTenant(database, "operators")];
  const ports = logPorts(database, folder.path);
  for (const of of [tenant, operators]) {
    await addFacts(ports.store, of, "s", 1);
    await advanced(ports, of);
  }
  const before = ports.signer.vkeys("any");
  const evidence = keptEvidence(ports, { operators });
  for (const step of ["add", "retire"] as const) {
    expect(await refusalOf(evidence.rotate(adminOf(tenant), step))).toBe("scope_missing");
    // A server whose home has other keys than the log was begun with would add to those.
    const other = keptEvidence(logPorts(database, elsewhere.path), { operators });
    expect(await refusalOf(other.rotate(adminOf(operators), step))).toBe("rotation_refused");
  }
  expect(ports.signer.vkeys("any")).toEqual(before);
  expect(await refusalOf(evidence.rotate(adminOf(operators), "add"))).toBeNull();
});

test("places past what four bytes hold are looked up, and have nothing", async () => {
  using folder = scratchFolder();
  const tenant = await newTenant(database, "far");
  const ports = logPorts(database, folder.path);
  await addFacts(ports.store, tenant, "s", 1);
  await advanced(ports, tenant);
  const evidence = keptEvidence(ports);
  for (const index of [2 ** 31 - 1, 2 ** 31, 10 ** 15 - 1, Number.MAX_SAFE_INTEGER]) {
    expect(await evidence.entries(tenant, 1, index, 10)).toMatchObject({ entries: [], size: 1, hashes: [] });
    expect((await evidence.erase(adminOf(tenant), 1, index, "x")).ok).toBe(false);
  }
});

test("a home with another key does not go on with a log that was rotated, either", async () => {
  using folder = scratchFolder();
  using other = scratchFolder();
  const tenant = await newTenant(database, "rotated-elsewhere");
  const ports = logPorts(database, folder.path);
  await addFacts(ports.store, tenant, "s", 1);
  await advanced(ports, tenant);
  const keys = openLogKeys(join(folder.path, "signer"), systemRandom);
  keys.add();
  await addFacts(ports.store, tenant, "s", 1);
  await advanced(ports, tenant);
  keys.retire();
  await addFacts(ports.store, tenant, "s", 1);
  await advanced(ports, tenant);
  await addFacts(ports.store, tenant, "s", 1);
  expect((await advance(logPorts(database, other.path), tenant))?.code).toBe("key_differs");
});

/** Another process of this home changes the keys while `work` wants to: as late as can be. */
async function beside<T>(another: () => void, work: () => Promise<T>): Promise<T> {
  // In an object of its own, since a transaction that gave the promise back would wait for it.
  const { working } = await transaction(database.ownerPool(), async (client) => {
    await client.query("select pg_advisory_xact_lock($1, $2)", [LOCK_CLASS, LOCK_KEYS.signerKeys]);
    const begun = { working: work() };
    await until("the others wait for it", async () => {
      const { rowCount } = await client.query(
        "select from pg_locks where locktype = 'advisory' and not granted and classid = $1 and objid = $2",
        [LOCK_CLASS, LOCK_KEYS.signerKeys],
      );
      return rowCount === 1;
    });
    another();
    return begun;
  });
  return await working;
}

test("a rotation beside that of another process adds to it, and records what there was", async () => {
  using folder = scratchFolder();
  const tenant = await newTenant(database, "rotated-beside");
  const ports = logPorts(database, folder.path);
  await addFacts(ports.store, tenant, "s", 1);
  await advanced(ports, tenant);
  const evidence = keptEvidence(ports, { wake: async () => await advanced(ports, tenant) });
  const others = openLogKeys(join(folder.path, "signer"), systemRandom);
  const add = (): void => {
    others.add();
  };
  const rotated = await beside(add, async () => await evidence.rotate(adminOf(tenant), "add"));
  expect(rotated.ok && rotated.value).toHaveLength(3);
  expect(others.seeds(SIGNATURE_TYPES.ed25519)).toHaveLength(3);
  // Whether one more may sign is asked of the keys as they are then, too.
  const refused = await beside(add, async () => await evidence.rotate(adminOf(tenant), "add"));
  expect(refused).toMatchObject({ ok: false, error: { code: "rotation_refused" } });
  expect(others.seeds(SIGNATURE_TYPES.ed25519)).toHaveLength(SIGNING_KEYS_MAX);
});

test("of two processes that have a second line made for the first time, both use one key, and a rotation beside is kept", async () => {
  using folder = scratchFolder();
  const path = join(folder.path, "signer");
  const first = openLogKeys(path, systemRandom);
  const options = { pool: database.appPool(), random: systemRandom, mldsa: true };
  const opened = await beside(
    () => {
      first.add();
      openLogKeys(path, systemRandom, { mldsa: true });
    },
    async () => await openSignerKeys(path, options),
  );
  if (!opened.ok) throw new Error(opened.error.detail);
  const other = openLogKeys(path, systemRandom, { mldsa: true });
  expect(opened.value.seeds(SIGNATURE_TYPES.mldsa)).toHaveLength(1);
  expect(opened.value.seeds(SIGNATURE_TYPES.mldsa)).toEqual(other.seeds(SIGNATURE_TYPES.mldsa));
  expect(opened.value.seeds(SIGNATURE_TYPES.ed25519)).toHaveLength(2);
});
