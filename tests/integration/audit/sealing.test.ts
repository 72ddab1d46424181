// An erasure and the change of the sealing key after it reach backups: a copy of the database from before, and all that
// the installation has now, open what was not erased never again, and what lives on opens as before.

import { cpSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type Actor, idFromUuid, type TenantId, uuidOf } from "@assent/contract";
import { AgentProvenance, newAuditEntry } from "@assent/harmony";
import { expect, test } from "vitest";
import { openSealingFiles } from "../../../packages/harness/src/adapters/files/sealing-files.ts";
import { createSealing, findNewest } from "../../../packages/harness/src/adapters/postgres/sealing.ts";
import { postgresStore } from "../../../packages/harness/src/adapters/postgres/store.ts";
import { systemClock } from "../../../packages/harness/src/adapters/system/clock.ts";
import { systemRandom } from "../../../packages/harness/src/adapters/system/random.ts";
import { unwrapDataKey } from "../../../packages/harness/src/core/audit/sealed.ts";
import type { Store, StoreTx } from "../../../packages/harness/src/ports.ts";
import {
  changeSealingKey,
  createSealingKeys,
  replaceLostKey,
  type SealingKeyPorts,
  sealingState,
} from "../../../packages/harness/src/services/audit/sealing-keys.ts";
import { connectThrowAwayDatabase, type ThrowAwayDatabase } from "../../support/database.ts";
import { dyingAt } from "../../support/dying-operations.ts";
import { sealingIn } from "../../support/sealing.ts";
import { advanced, logPorts, newTenant, scratchFolder } from "../../support/tenant-log.ts";
import { until } from "../../support/until.ts";

const NAME = "ann-whose-name-has-to-go";
const STAYS = "bob-who-stays";

/** What a process has on this database and this home. */
function processOn(database: ThrowAwayDatabase, home: string): { store: Store; keys: SealingKeyPorts } {
  const pool = database.appPool();
  const keys = sealingIn(pool, join(home, "sealing"));
  const given = { pool, wakeUps: { ring: () => undefined }, clock: systemClock, random: systemRandom };
  return { keys, store: postgresStore({ ...given, sealing: createSealing(keys) }) };
}

async function newActor(database: ThrowAwayDatabase, tenant: TenantId): Promise<Actor> {
  const id = "00000000-0000-7000-8000-000000000001";
  await database.ownerPool().query(
    `insert into assent.principals (tenant_id, id, kind, name, created_at)
     values ($1, $2, 'human', 'operator', now()) on conflict do nothing`,
    [uuidOf(tenant), id],
  );
  return { id: idFromUuid("prn", id), kind: "human", name: "operator" };
}

const refusal = async (tx: StoreTx, actor: Actor, name: string): Promise<void> => {
  const data = { code: "signature_refused", detail: `It is not ${name}'s.`, path: `/api/${name}` };
  await tx.access.append({ at: new Date(), kind: "signature_refused", actor, data });
};

/** One fact of every kind that holds something of a person, but for a run's. */
async function tell(store: Store, tenant: TenantId, actor: Actor, name: string): Promise<void> {
  await store.transaction(tenant, async (tx) => {
    await refusal(tx, actor, name);
    const by = AgentProvenance.human(name);
    const metadata = { resolution_id: "sha256:00", rationale: `${name} said so.` };
    await tx.memory.appendAudit(
      newAuditEntry({ eventType: "resolution_saved", at: new Date(), actor: by, metadata }),
    );
    const document = {
      id: idFromUuid("doc", crypto.randomUUID()),
      name,
      source: `https://example.org/${name}`,
      metadata: {},
      sha256: `sha256:${"0".repeat(64)}`,
      chars: 1,
      createdAt: new Date(),
      createdBy: actor,
    } as const;
    await tx.documents.insert(document, [{ start: 0, text: "x" }], null);
    await tx.documents.remove(document.id, actor.id);
  });
}

/** Of each entry what is sealed in it, as text; null where it does not open. Entries without anything sealed are left out. */
async function openedIn(
  database: ThrowAwayDatabase,
  home: string,
  tenant: TenantId,
): Promise<Map<number, string | null>> {
  const { store } = logPorts(database, home);
  const entries = await store.transaction(tenant, async (tx) => await tx.opened(1, 0, 1_000));
  return new Map(
    entries
      .filter(({ payload }) => payload?.includes('"sealed"') === true)
      .map(({ index, opened }) => [index, opened === null ? null : JSON.stringify(opened.fields)]),
  );
}

const rowsWith = async (database: ThrowAwayDatabase, text: string): Promise<string[]> => {
  const found: string[] = [];
  for (const table of ["audit_events", "audit_facts", "harmony_audit", "access_events", "documents"]) {
    const sql = `select count(*)::int as n from assent.${table} t where t::text like $1`;
    const { rows } = await database.ownerPool().query<{ n: number }>(sql, [`%${text}%`]);
    if ((rows[0]?.n ?? 0) > 0) found.push(table);
  }
  return found;
};

const seedsIn = (folder: string): Buffer[] =>
  readdirSync(folder)
    .filter((name) => name.endsWith(".key"))
    .map((name) => readFileSync(join(folder, name)));

/** Keys of a database that whoever has these sealing keys, and the installation's secret, unwraps. */
async function unwrappedWith(
  database: ThrowAwayDatabase,
  { secret }: SealingKeyPorts,
  seeds: readonly Buffer[],
): Promise<number> {
  const { rows } = await database
    .ownerPool()
    .query<{ tenant_id: string; id: Buffer; wrapped: Buffer }>(
      "select tenant_id, id, wrapped from assent.sealed_keys where wrapped is not null",
    );
  return rows.filter(({ tenant_id, id, wrapped }) =>
    seeds.some(
      (privateKey) =>
        unwrapDataKey({ privateKey, secret }, idFromUuid("ten", tenant_id), id, wrapped) !== null,
    ),
  ).length;
}

async function eraseAll(
  database: ThrowAwayDatabase,
  home: string,
  tenant: TenantId,
  places: readonly number[],
): Promise<void> {
  const { store } = logPorts(database, home);
  for (const index of places)
    await store.transaction(tenant, async (tx) => {
      const erasure = {
        epoch: 1,
        index,
        reason: "They asked for it.",
        actor: crypto.randomUUID(),
        at: new Date(),
      };
      expect(await tx.erase(erasure)).toBe(true);
    });
}

const changed = async (keys: SealingKeyPorts): Promise<void> => {
  const done = await changeSealingKey(keys);
  expect(done).toMatchObject({ ok: true });
  expect(done.ok && done.value !== null).toBe(true);
};

test("after an erasure and a change of the key a backup of before says nothing of whom it was about", async () => {
  using home = scratchFolder();
  await using database = await connectThrowAwayDatabase();
  const tenant = await newTenant(database, "sealed");
  const actor = await newActor(database, tenant);
  await tell(processOn(database, home.path).store, tenant, actor, NAME);
  await tell(processOn(database, home.path).store, tenant, actor, STAYS);
  await advanced(logPorts(database, home.path), tenant);
  // Nowhere but sealed; the document is gone from its table.
  expect(await rowsWith(database, NAME)).toEqual([]);
  const before = await openedIn(database, home.path, tenant);
  const places = [...before].flatMap(([index, text]) => (text?.includes(NAME) === true ? [index] : []));
  // A refusal, a fact of the memory, a document's coming and its going.
  expect(places).toHaveLength(4);
  expect([...before.values()].filter((text) => text?.includes(STAYS))).toHaveLength(4);

  await using backup = await database.copy();
  const { keys } = processOn(database, home.path);
  const uncoveredSince = async (): Promise<Date | null> => await keys.store.uncoveredSince();
  expect(await uncoveredSince()).toBeNull();
  await eraseAll(database, home.path, tenant, places);
  // Of all tenants together, and the first of them.
  expect(await uncoveredSince()).toEqual((await sealingState(keys, tenant)).uncoveredSince);
  expect(await uncoveredSince()).not.toBeNull();
  expect((await openedIn(database, home.path, tenant)).size).toBe(before.size - places.length);
  expect(await sealingState(keys, tenant)).toMatchObject({ kept: 3, erased: 3, uncovered: 3 });
  // Until the key is changed the backup opens with what the installation has.
  expect(await openedIn(backup, home.path, tenant)).toEqual(before);
  expect(await unwrappedWith(backup, keys, seedsIn(join(home.path, "sealing")))).toBe(6);
  const old = seedsIn(join(home.path, "sealing"));

  await changed(keys);
  expect(await sealingState(keys, tenant)).toMatchObject({ kept: 3, erased: 3, uncovered: 0, isHeld: true });
  expect(await uncoveredSince()).toBeNull();
  expect([...(await openedIn(backup, home.path, tenant)).values()]).toEqual(Array(before.size).fill(null));
  const seeds = seedsIn(join(home.path, "sealing"));
  expect(seeds).toHaveLength(1);
  expect(await unwrappedWith(backup, keys, seeds)).toBe(0);
  // It was the change, not the backup: with the key that was destroyed it opens.
  expect(await unwrappedWith(backup, keys, old)).toBe(6);
  // What lives on opens as before, and is listed as before.
  const left = await openedIn(database, home.path, tenant);
  expect([...left.values()].every((text) => text?.includes(STAYS))).toBe(true);
  const { store } = processOn(database, home.path);
  const shown = await store.transaction(tenant, async (tx) =>
    JSON.stringify([await tx.access.list(null, 10), await tx.memory.listAudit()]),
  );
  expect([shown.includes(STAYS), shown.includes(NAME)]).toEqual([true, false]);
});

test("a process that knows the old key only writes on with the new one; what it was writing is wrapped anew", async () => {
  using home = scratchFolder();
  await using database = await connectThrowAwayDatabase();
  const tenant = await newTenant(database, "fleet");
  const actor = await newActor(database, tenant);
  const { store, keys } = processOn(database, home.path);
  await store.transaction(tenant, async (tx) => await refusal(tx, actor, STAYS));
  const changes: Promise<void>[] = [];
  await store.transaction(tenant, async (tx) => {
    await refusal(tx, actor, STAYS);
    changes.push(changed(keys));
    // It waits for this transaction, and this one need not wait for it.
    await until("the change waits", async () => {
      const { rows } = await database
        .ownerPool()
        .query("select from pg_locks where not granted and relation = 'assent.sealed_keys'::regclass");
      return rows.length > 0;
    });
  });
  await Promise.all(changes);
  expect(changes).toHaveLength(1);
  // The process has heard of nothing.
  await store.transaction(tenant, async (tx) => await refusal(tx, actor, STAYS));
  const { rows } = await database
    .ownerPool()
    .query<{ generation: number }>("select generation from assent.sealed_keys");
  expect(rows.map(({ generation }) => generation)).toEqual([2, 2, 2]);
  await advanced(logPorts(database, home.path), tenant);
  const opened = [...(await openedIn(database, home.path, tenant)).values()];
  expect(opened).toHaveLength(3);
  expect(opened.every((text) => text?.includes(STAYS))).toBe(true);
});

/** A store of which the k-th call fails, before it is carried out or after, as all that follow. */
function dyingStore(keys: SealingKeyPorts, k: number, when: "before" | "after"): SealingKeyPorts["store"] {
  let calls = 0;
  return new Proxy(keys.store, {
    get(target, name): unknown {
      const work: unknown = Reflect.get(target, name);
      if (typeof work !== "function") return work;
      return async (...given: unknown[]): Promise<unknown> => {
        calls += 1;
        if (calls > k || (calls === k && when === "before")) throw new Error("died here");
        const result: unknown = await Reflect.apply(work, target, given);
        if (calls === k) throw new Error("died here");
        return result;
      };
    },
  });
}

test("how long a name or a reason is shows in steps of 64 bytes alone, and it opens as it was", async () => {
  using home = scratchFolder();
  await using database = await connectThrowAwayDatabase();
  const tenant = await newTenant(database, "lengths");
  const { store } = processOn(database, home.path);
  const actor = await newActor(database, tenant);
  const names = ["x", "n".repeat(20), "\u00fc".repeat(30)];
  for (const name of names) await tell(store, tenant, actor, name);
  await advanced(logPorts(database, home.path), tenant);
  const { rows } = await database
    .ownerPool()
    .query<{ sealed: string }>(
      "select data ->> 'sealed' as sealed from assent.audit_facts where data ->> 'sealed' is not null",
    );
  const TAG = 16;
  const lengths = rows.map(
    ({ sealed }) => Buffer.from(sealed.split(".")[2] ?? "", "base64").byteLength - TAG,
  );
  expect(lengths.filter((length) => length % 64 !== 0 || length === 0)).toEqual([]);
  // The shortest and the next one look alike, wherever they stand.
  expect(Math.min(...lengths)).toBe(64);
  const opened = [...(await openedIn(database, home.path, tenant)).values()];
  for (const name of names) expect(opened.some((text) => text?.includes(name))).toBe(true);
});

test("dies at each step of a change: nothing that lives is lost, and the next change ends it", async () => {
  using home = scratchFolder();
  await using database = await connectThrowAwayDatabase();
  const tenant = await newTenant(database, "dying");
  const other = await newTenant(database, "dying-too");
  const { store, keys } = processOn(database, home.path);
  for (const one of [tenant, other]) {
    const actor = await newActor(database, one);
    await store.transaction(one, async (tx) => await refusal(tx, actor, STAYS));
    await advanced(logPorts(database, home.path), one);
  }
  const folder = join(home.path, "sealing");
  const readable = async (): Promise<boolean> => {
    const texts = [];
    for (const one of [tenant, other]) texts.push(...(await openedIn(database, home.path, one)).values());
    return texts.length === 2 && texts.every((text) => text?.includes(STAYS));
  };
  const dead: Record<string, number> = {};
  for (const [what, at] of [
    ["files", (k: number) => ({ ...keys, files: openSealingFiles(folder, dyingAt(k).operations) })],
    ["before", (k: number) => ({ ...keys, store: dyingStore(keys, k, "before") })],
    ["after", (k: number) => ({ ...keys, store: dyingStore(keys, k, "after") })],
  ] as const) {
    for (let k = 1; ; k += 1) {
      const outcome = await changeSealingKey(at(k)).then(
        () => "survived",
        () => "died",
      );
      expect(await readable(), `${what} ${k}`).toBe(true);
      if (outcome === "survived") break;
      dead[what] = k;
      await changed(keys);
      expect(await readable(), `${what} ${k}, gone on with`).toBe(true);
      expect((await sealingState(keys, tenant)).isChanging).toBe(false);
    }
  }
  // Files: asking, making, destroying; statements: asking, beginning, each tenant's keys, ending.
  expect(dead["files"]).toBeGreaterThan(12);
  expect(dead["before"]).toBeGreaterThan(9);
  expect(dead["after"]).toBe(dead["before"]);
  // No key is left but the newest, and those of which nobody was ever told.
  const { rows } = await database
    .ownerPool()
    .query<{ public_key: Buffer }>(
      "select public_key from assent.sealing_keys where destroyed_at is not null",
    );
  expect(rows.length).toBeGreaterThan(20);
  for (const { public_key } of rows)
    expect(readdirSync(folder)).not.toContain(`${public_key.toString("hex")}.key`);
});

test("a sealed text of another event, and a key of another tenant, open nothing", async () => {
  using home = scratchFolder();
  await using database = await connectThrowAwayDatabase();
  const ours = await newTenant(database, "ours");
  const theirs = await newTenant(database, "theirs");
  const { store } = processOn(database, home.path);
  for (const tenant of [ours, theirs]) {
    const actor = await newActor(database, tenant);
    await store.transaction(tenant, async (tx) => {
      await refusal(tx, actor, `${tenant} first`);
      await refusal(tx, actor, `${tenant} second`);
    });
  }
  const owner = database.ownerPool();
  await owner.query("alter table assent.access_events disable trigger user");
  const shown = async (tenant: TenantId): Promise<string> =>
    await store.transaction(tenant, async (tx) => JSON.stringify(await tx.access.list(null, 10)));
  expect(await shown(theirs)).toContain("first");
  // Within the tenant, from one event to the other.
  await owner.query(
    `update assent.access_events e set data = (select x.data from assent.access_events x
       where x.tenant_id = e.tenant_id and x.id <> e.id) where e.tenant_id = $1`,
    [uuidOf(ours)],
  );
  const moved = await shown(ours);
  expect([moved.includes("first"), moved.includes("second"), moved.includes('"sealed"')]).toEqual([
    false,
    false,
    true,
  ]);
  // From one tenant to the other, text, key, event and all.
  await owner.query("delete from assent.access_events where tenant_id = $1", [uuidOf(ours)]);
  await owner.query(
    `insert into assent.access_events select $1::uuid, x.id, x.at, x.kind, x.actor_id, x.data
     from assent.access_events x where x.tenant_id = $2::uuid`,
    [uuidOf(ours), uuidOf(theirs)],
  );
  await owner.query(
    `insert into assent.sealed_keys select $1::uuid, x.id, x.generation, x.wrapped, null
     from assent.sealed_keys x where x.tenant_id = $2::uuid`,
    [uuidOf(ours), uuidOf(theirs)],
  );
  expect(await shown(ours)).not.toContain("first");
  expect(await shown(theirs)).toContain("first");
});

test("the service reads and writes no other tenant's keys, and ends none", async () => {
  using home = scratchFolder();
  await using database = await connectThrowAwayDatabase();
  const ours = await newTenant(database, "ours");
  const theirs = await newTenant(database, "theirs");
  const { store } = processOn(database, home.path);
  const actor = await newActor(database, theirs);
  await store.transaction(theirs, async (tx) => await refusal(tx, actor, NAME));
  const app = database.appPool();
  const as = async (tenant: TenantId, sql: string): Promise<number> => {
    const client = await app.connect();
    try {
      await client.query("begin");
      await client.query("select set_config('assent.tenant', $1, true)", [uuidOf(tenant)]);
      return (await client.query(sql)).rowCount ?? 0;
    } finally {
      await client.query("rollback");
      client.release();
    }
  };
  expect(await as(theirs, "select from assent.sealed_keys")).toBe(1);
  expect(await as(ours, "select from assent.sealed_keys")).toBe(0);
  expect(await as(ours, "update assent.sealed_keys set generation = 9")).toBe(0);
  const insert = `insert into assent.sealed_keys (tenant_id, id, generation, wrapped)
    values ('${uuidOf(theirs)}', decode(repeat('00', 32), 'hex'), 1, decode(repeat('00', 80), 'hex'))`;
  await expect(as(ours, insert)).rejects.toThrow(/row-level security/u);
  for (const sql of [
    "delete from assent.sealed_keys",
    "update assent.sealed_keys set erased_at = now(), wrapped = null",
    "update assent.sealing_keys set destroyed_at = now()",
    `insert into assent.sealing_keys (generation, public_key, began_at) values (9, decode(repeat('00', 32), 'hex'), now())`,
    "select assent.destroy_sealed_key('00000000-0000-7000-8000-000000000001', '{}', now())",
  ])
    await expect(as(theirs, sql)).rejects.toThrow(/permission denied/u);
  await expect(as(theirs, "update assent.sealed_keys set wrapped = null")).rejects.toThrow(/violates check/u);
  await expect(as(theirs, "update assent.sealed_keys set generation = 2")).rejects.toThrow(/is the newest/u);
});

test("what programs of before recorded in plain verifies, shows and erases as it did", async () => {
  using home = scratchFolder();
  await using database = await connectThrowAwayDatabase();
  const tenant = await newTenant(database, "before");
  const actor = await newActor(database, tenant);
  const ports = logPorts(database, home.path);
  const id = crypto.randomUUID();
  await database.ownerPool().query(
    `insert into assent.documents (tenant_id, id, name, source, metadata, sha256, chars, passages, created_at, created_by)
     values ($1, $2, $3, null, '{}', decode(repeat('00', 32), 'hex'), 1, 1, now(), $4)`,
    [uuidOf(tenant), id, NAME, uuidOf(actor.id)],
  );
  await database.ownerPool().query("delete from assent.documents where id = $1", [id]);
  await advanced(ports, tenant);
  const read = async (): Promise<(string | null)[]> =>
    (await ports.store.transaction(tenant, async (tx) => await tx.opened(1, 0, 10))).map(
      ({ payload }) => payload,
    );
  const payloads = await read();
  // Told at its coming, as that program did, and not once more at its going; the first is of the principal.
  expect(payloads.map((payload) => payload?.includes(NAME))).toEqual([false, true, false]);
  await eraseAll(database, home.path, tenant, [1]);
  expect((await read())[1]).toBeNull();
  await advanced(ports, tenant);
  expect((await read())[3]).toContain("They asked for it.");
  expect(await rowsWith(database, NAME)).toEqual([]);
});

test("a backup from before a change is restored: what it seals from then on opens, and is changed as ever", async () => {
  using home = scratchFolder();
  await using database = await connectThrowAwayDatabase();
  const tenant = await newTenant(database, "restored");
  const actor = await newActor(database, tenant);
  await tell(processOn(database, home.path).store, tenant, actor, NAME);
  await using restored = await database.copy();
  await changed(processOn(database, home.path).keys);
  const { store, keys } = processOn(restored, home.path);
  await store.transaction(tenant, async (tx) => await refusal(tx, actor, STAYS));
  const listed = async (): Promise<string> =>
    await store.transaction(tenant, async (tx) => JSON.stringify(await tx.access.list(null, 10)));
  expect([(await listed()).includes(STAYS), (await listed()).includes(NAME)]).toEqual([true, false]);
  await changed(keys);
  expect(await listed()).toContain(STAYS);
});

test("of several that begin with a key at the same time one does, and the others take it", async () => {
  using home = scratchFolder();
  await using database = await connectThrowAwayDatabase();
  await newTenant(database, "races");
  const { keys } = processOn(database, home.path);
  const folder = join(home.path, "sealing");
  const counts: unknown[] = [];
  const race = async (): Promise<void> => {
    const found = await Promise.all(Array.from({ length: 4 }, async () => await findNewest(keys)));
    counts.push([new Set(found.map(({ generation }) => generation)).size, seedsIn(folder).length]);
  };
  await race();
  // A backup is restored that knows a key which is gone.
  const [first] = await keys.store.generations();
  await keys.files.destroy(first?.publicKey ?? expect.unreachable());
  await race();
  expect(counts).toEqual([
    [1, 1],
    [1, 1],
  ]);
  expect((await keys.store.generations()).map(({ isDestroyed }) => isDestroyed)).toEqual([true, false]);
});

test("where the key is in another home, or lost, sealing goes on; only who has it can change it", async () => {
  using home = scratchFolder();
  using elsewhere = scratchFolder();
  await using database = await connectThrowAwayDatabase();
  const tenant = await newTenant(database, "homes");
  const actor = await newActor(database, tenant);
  await tell(processOn(database, home.path).store, tenant, actor, STAYS);
  const away = processOn(database, elsewhere.path);
  await away.store.transaction(tenant, async (tx) => await refusal(tx, actor, NAME));
  expect(readdirSync(elsewhere.path)).toEqual([]);
  const there = async (store: Store): Promise<string> =>
    await store.transaction(tenant, async (tx) => JSON.stringify(await tx.access.list(null, 10)));
  expect(await there(away.store)).not.toContain(NAME);
  expect(await there(processOn(database, home.path).store)).toContain(NAME);
  expect(await changeSealingKey(away.keys)).toMatchObject({
    ok: false,
    error: { code: "sealing_key_missing" },
  });
  expect(await replaceLostKey(processOn(database, home.path).keys)).toMatchObject({ ok: false });
  // A folder that is put there later opens all of it.
  cpSync(join(home.path, "sealing"), join(elsewhere.path, "copied"), { recursive: true });
  const copied = sealingIn(database.appPool(), join(elsewhere.path, "copied"));
  expect(await sealingState(copied, tenant)).toMatchObject({ isHeld: true });

  expect(await replaceLostKey(away.keys)).toMatchObject({ ok: true });
  const after = processOn(database, elsewhere.path).store;
  await after.transaction(tenant, async (tx) => await refusal(tx, actor, "carol"));
  expect(await there(after)).toContain("carol");
  expect(await there(after)).not.toContain(NAME);
  await changed(away.keys);
  expect(await there(after)).toContain("carol");
  // The memory still tells what it may, of entries that it cannot open.
  const audit = await after.transaction(tenant, async (tx) => await tx.memory.listAudit());
  expect(audit.map(({ metadata }) => metadata)).toEqual([{ resolution_id: "sha256:00" }]);
  expect(audit[0]?.actor.principalId).toBeNull();
});

test("only the operators' tenant changes the key, which is everybody's, and the installation is told", async () => {
  using home = scratchFolder();
  await using database = await connectThrowAwayDatabase();
  const operators = await newTenant(database, "operators");
  const guest = await newTenant(database, "guest");
  const { store, keys } = processOn(database, home.path);
  const actor = await newActor(database, guest);
  await store.transaction(guest, async (tx) => {
    await refusal(tx, actor, STAYS);
  });
  const told: string[] = [];
  const sealing = createSealingKeys(keys, {
    operators,
    onOperated: async (subject, kind, data) =>
      await Promise.resolve(void told.push(`${subject} ${kind} ${Object.keys(data).join()}`)),
    wake: async () => await Promise.resolve(),
  });
  for (const isLost of [false, true])
    expect(await sealing.change(guest, isLost)).toMatchObject({
      ok: false,
      error: { code: "scope_missing" },
    });
  expect([(await sealing.state(guest)).generation, told]).toEqual([1, []]);
  expect(await sealing.change(operators, false)).toEqual({ ok: true, value: null });
  expect([(await sealing.state(guest)).generation, told]).toEqual([
    2,
    ["sealing sealing.rekeyed public_key"],
  ]);
});
