// A database whose tree had one row an entry is brought to batches: the same entries, the same root, and what waited
// still comes to its place.

import { cpSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { uuidOf } from "@assent/contract";
import { leafHash, treeHash } from "@assent/tlog";
import { expect, test } from "vitest";
import { transaction } from "../../../packages/harness/src/adapters/postgres/connect.ts";
import { migrate, MIGRATIONS_FOLDER } from "../../../packages/harness/src/adapters/postgres/migrate.ts";
import { connectThrowAwayDatabase } from "../../support/database.ts";
import {
  addManyFacts,
  advanced,
  logPorts,
  newTenant,
  originOf,
  scratchFolder,
} from "../../support/tenant-log.ts";

const BATCHES = 27;
/** More than a batch holds. */
const ENTRIES = 300;
const ERASED = 41;
const WAITING = 3;

test("entries that lay one a row lie in batches after the migration, and the log goes on", async () => {
  using folder = scratchFolder();
  await using database = await connectThrowAwayDatabase({ schema: "none" });
  const before = join(folder.path, "before");
  const names = readdirSync(MIGRATIONS_FOLDER).filter((name) => Number(name.slice(0, 4)) < BATCHES);
  for (const name of names) cpSync(join(MIGRATIONS_FOLDER, name), join(before, name));
  expect((await migrate({ connection: database.owner, folder: before })).ok).toBe(true);
  const tenant = await newTenant(database, "moved");
  await addManyFacts(database, tenant, ENTRIES);
  const ports = logPorts(database, folder.path);
  const origin = originOf(tenant, 1);
  const leaves = Array.from({ length: ENTRIES }, (_, i) => Buffer.from(`{"entry":${i}}`));
  const salts = leaves.map((_, i) => (i === ERASED ? null : Buffer.alloc(32, i)));
  await transaction(database.ownerPool(), async (client) => {
    const id = uuidOf(tenant);
    await client.query(
      "insert into assent.audit_logs (tenant_id, epoch, origin, vkey, began_at) values ($1, 1, $2, $3, now())",
      [id, origin, ports.signer.vkeys(origin)[0]],
    );
    const hashes = leaves.map(leafHash);
    await client.query(
      "insert into assent.audit_heads (tenant_id, epoch, size, root) values ($1, 1, $2, $3)",
      [id, ENTRIES, Buffer.from(treeHash(hashes))],
    );
    await client.query(
      `insert into assent.audit_leaves (tenant_id, epoch, idx, event_id, leaf, leaf_hash, salt)
       select $1, 1, n - 1, event_id, leaf, hash, salt from unnest(
         (select array_agg(event_id order by event_id) from assent.audit_inbox), $2::bytea[], $3::bytea[], $4::bytea[])
         with ordinality as u (event_id, leaf, hash, salt, n)`,
      [id, leaves, hashes, salts],
    );
    await client.query(
      "insert into assent.audit_nodes (tenant_id, epoch, level, n, hash) values ($1, 1, 1, 0, $2)",
      [id, Buffer.from(treeHash(hashes.slice(0, 256)))],
    );
    await client.query("delete from assent.audit_inbox");
  });
  await addManyFacts(database, tenant, WAITING);
  expect(await migrate({ connection: database.owner })).toMatchObject({ ok: true });
  await ports.store.transaction(tenant, async (tx) => {
    expect(await tx.count()).toEqual({ events: ENTRIES + WAITING, leaves: ENTRIES, waiting: WAITING });
    const opened = await tx.opened(1, 0, ENTRIES);
    expect(opened.map(({ leaf }) => Buffer.from(leaf))).toEqual(leaves);
    expect(opened.map(({ salt }) => (salt === null ? null : Buffer.from(salt)))).toEqual(salts);
    expect(opened.map(({ payload }) => payload === null)).toEqual(salts.map((salt) => salt === null));
    expect(await tx.hashes(1, 0, 250, 20)).toEqual(
      leaves.slice(250, 270).map((leaf) => Buffer.from(leafHash(leaf))),
    );
  });
  await advanced(ports, tenant);
  await ports.store.transaction(tenant, async (tx) => {
    const hashes = await tx.hashes(1, 0, 0, ENTRIES + WAITING);
    expect(hashes).toHaveLength(ENTRIES + WAITING);
    expect(await tx.head(1)).toMatchObject({ size: ENTRIES + WAITING, root: Buffer.from(treeHash(hashes)) });
    expect(await tx.count()).toMatchObject({ waiting: 0 });
  });
});
