// Rows of the memory's and the access record's own tables that a program of before sealed fields wrote in plain: a change of
// the sealing key seals them, wherever it was cut short, and from then on an erasure reaches them.

import { type Actor, idFromUuid, type TenantId, uuidOf } from "@assent/contract";
import { AgentProvenance, newAuditEntry } from "@assent/harmony";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createSealing, type Sealing } from "../../../packages/harness/src/adapters/postgres/sealing.ts";
import { postgresStore } from "../../../packages/harness/src/adapters/postgres/store.ts";
import { systemClock } from "../../../packages/harness/src/adapters/system/clock.ts";
import { systemRandom } from "../../../packages/harness/src/adapters/system/random.ts";
import type { Store } from "../../../packages/harness/src/ports.ts";
import { changeSealingKey } from "../../../packages/harness/src/services/audit/sealing-keys.ts";
import { connectThrowAwayDatabase, type ThrowAwayDatabase } from "../../support/database.ts";
import {
  addFacts,
  advanced,
  logPorts,
  type LogPorts,
  newTenant,
  scratchFolder,
} from "../../support/tenant-log.ts";

const NAME = "ann-whose-name-has-to-go";

// One home: the sealing key is a database's, whatever tenant it serves.
const home = scratchFolder();
let database: ThrowAwayDatabase;
beforeAll(async () => {
  database = await connectThrowAwayDatabase();
});
afterAll(async () => {
  await database[Symbol.asyncDispose]();
  home[Symbol.dispose]();
});

/** As programs did that sealed nothing. */
const NO_SEALING: Sealing = {
  sealed: async (_scope, _subject, _kind, data) => await Promise.resolve(data),
  seal: async (_scope, _subject, _kind, data, keep) => await keep(data, null),
  opened: async (_scope, texts) => await Promise.resolve(texts.map(() => null)),
};

const storeWith = (sealing: Sealing): Store =>
  postgresStore({
    pool: database.appPool(),
    wakeUps: { ring: () => undefined },
    clock: systemClock,
    random: systemRandom,
    sealing,
  });

async function tell(store: Store, tenant: TenantId): Promise<void> {
  const id = "00000000-0000-7000-8000-000000000001";
  await database.ownerPool().query(
    `insert into assent.principals (tenant_id, id, kind, name, created_at)
     values ($1, $2, 'human', 'operator', now()) on conflict do nothing`,
    [uuidOf(tenant), id],
  );
  const actor: Actor = { id: idFromUuid("prn", id), kind: "human", name: "operator" };
  await store.transaction(tenant, async (tx) => {
    const data = { code: "signature_refused", detail: `It is not ${NAME}'s.`, path: `/api/${NAME}` };
    await tx.access.append({ at: new Date(), kind: "signature_refused", actor, data });
    const metadata = { resolution_id: "sha256:00", rationale: `${NAME} said so.` };
    const by = AgentProvenance.human(NAME);
    await tx.memory.appendAudit(
      newAuditEntry({ eventType: "resolution_saved", at: new Date(), actor: by, metadata }),
    );
  });
}

async function plainIn(tenant: TenantId): Promise<string[]> {
  const found: string[] = [];
  for (const table of ["harmony_audit", "access_events"]) {
    const sql = `select count(*)::int as n from assent.${table} t where t.tenant_id = $1 and t::text like $2`;
    const { rows } = await database.ownerPool().query<{ n: number }>(sql, [uuidOf(tenant), `%${NAME}%`]);
    if ((rows[0]?.n ?? 0) > 0) found.push(table);
  }
  return found;
}

async function shown(ports: LogPorts, tenant: TenantId): Promise<string> {
  const store = storeWith(createSealing(ports.sealing));
  return await store.transaction(tenant, async (tx) =>
    JSON.stringify([await tx.access.list(null, 10), await tx.memory.listAudit()]),
  );
}

const keysOf = async (tenant: TenantId): Promise<unknown> => {
  const sql = `select count(wrapped)::int as kept, count(erased_at)::int as erased
    from assent.sealed_keys where tenant_id = $1`;
  return (await database.ownerPool().query<{ kept: number; erased: number }>(sql, [uuidOf(tenant)])).rows[0];
};

test("rows of before are sealed by a change of the key, however often it is cut short, and show as they did", async () => {
  const tenant = await newTenant(database, "older");
  const ports = logPorts(database, home.path);
  for (let i = 0; i < 3; i += 1) await tell(storeWith(NO_SEALING), tenant);
  await addFacts(ports.store, tenant, "s", 1);
  await advanced(ports, tenant);
  // What was sealed already stays as it is.
  await tell(storeWith(createSealing(ports.sealing)), tenant);
  expect(await plainIn(tenant)).toEqual(["harmony_audit", "access_events"]);
  const before = await shown(ports, tenant);
  expect(before.split(NAME)).toHaveLength(1 + 4 * 4);
  const { older } = ports.sealing;
  let [sealed, died] = [0, 0];
  for (let isOver = false; !isOver;) {
    let left = 1;
    // One row a batch, and then the process is gone.
    const dying = {
      ...older,
      seal: async (...[of, after, , at]: Parameters<typeof older.seal>) => {
        if (left === 0) throw new Error("died here");
        const place = await older.seal(of, after, 1, at);
        left -= 1;
        sealed += 1;
        return place;
      },
    };
    isOver = await changeSealingKey({ ...ports.sealing, older: dying }).then(
      () => true,
      () => false,
    );
    if (!isOver) died += 1;
    expect(await shown(ports, tenant)).toBe(before);
    if (died > 5) isOver = true;
  }
  expect(died).toBeGreaterThan(3);
  expect(sealed).toBeGreaterThan(3);
  const done = await changeSealingKey(ports.sealing);
  expect(done).toMatchObject({ ok: true });
  expect(await plainIn(tenant)).toEqual([]);
  expect(await shown(ports, tenant)).toBe(before);
  expect(await keysOf(tenant)).toEqual({ kept: 8, erased: 0 });
  // Once more there is nothing to seal.
  expect(await changeSealingKey(ports.sealing)).toMatchObject({ ok: true });
  expect(await keysOf(tenant)).toEqual({ kept: 8, erased: 0 });
});

test("an erasure of a plain fact reaches its copy, sealed before it or after", async () => {
  const tenant = await newTenant(database, "older-erased");
  const ports = logPorts(database, home.path);
  await tell(storeWith(NO_SEALING), tenant);
  await tell(storeWith(NO_SEALING), tenant);
  await advanced(ports, tenant);
  const erase = async (index: number): Promise<void> => {
    const erasure = { epoch: 1, index, reason: "Art. 17", actor: crypto.randomUUID(), at: new Date() };
    await ports.store.transaction(tenant, async (tx) => expect(await tx.erase(erasure)).toBe(true));
  };
  // Those of the first act before, of the second after; entry 0 is of the principal.
  for (const index of [1, 2]) await erase(index);
  await addFacts(ports.store, tenant, "s", 1);
  await tell(storeWith(createSealing(ports.sealing)), tenant);
  expect(await changeSealingKey(ports.sealing)).toMatchObject({ ok: true });
  expect(await plainIn(tenant)).toEqual([]);
  expect(await keysOf(tenant)).toEqual({ kept: 4, erased: 2 });
  expect((await shown(ports, tenant)).split(NAME)).toHaveLength(1 + 2 * 4);
  for (const index of [3, 4]) await erase(index);
  expect(await keysOf(tenant)).toEqual({ kept: 2, erased: 4 });
  expect((await shown(ports, tenant)).split(NAME)).toHaveLength(1 + 4);
});

test("rows stay insert-only: nothing but fields whose sealed text has its key goes", async () => {
  const tenant = await newTenant(database, "older-guarded");
  await tell(storeWith(NO_SEALING), tenant);
  const owner = database.ownerPool();
  const sealed = `v1.${"0".repeat(64)}.x`;
  for (const data of [
    { code: "another" },
    { code: "signature_refused", sealed },
    { code: "another", sealed },
    { sealed: "v2" },
  ])
    await expect(
      owner.query("update assent.access_events set data = $2 where tenant_id = $1", [
        uuidOf(tenant),
        JSON.stringify(data),
      ]),
    ).rejects.toThrow("never changed");
  await expect(
    owner.query("update assent.harmony_audit set at = now() where tenant_id = $1", [uuidOf(tenant)]),
  ).rejects.toThrow("never changed");
  await expect(
    owner.query("delete from assent.harmony_audit where tenant_id = $1", [uuidOf(tenant)]),
  ).rejects.toThrow("never changed");
});
