// `assent audit verify --db --state` as somebody runs it on a database: what it says of walls, and which databases it does not judge.

import { idFromUuid, uuidOf } from "@assent/contract";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { ensureKey, ensureTenant } from "../../../packages/harness/src/adapters/postgres/bootstrap.ts";
import { transaction } from "../../../packages/harness/src/adapters/postgres/connect.ts";
import { systemClock } from "../../../packages/harness/src/adapters/system/clock.ts";
import { systemRandom } from "../../../packages/harness/src/adapters/system/random.ts";
import { run } from "../../../packages/harness/src/cli/main.ts";
import { connectThrowAwayDatabase, type ThrowAwayDatabase } from "../../support/database.ts";
import { createDeps, makeFolder } from "../cli/support/command.ts";
import { openTerminal } from "../cli/support/terminal.ts";

let database: ThrowAwayDatabase;
let folder: string;
beforeEach(async () => {
  database = await connectThrowAwayDatabase();
  folder = await makeFolder();
  vi.stubEnv("DATABASE_URL", urlOf(database.app));
  vi.stubEnv("DATABASE_MIGRATION_URL", urlOf(database.owner));
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await database[Symbol.asyncDispose]();
});

const urlOf = ({ user, password, host }: ThrowAwayDatabase["owner"]): string =>
  `postgres://${user}:${encodeURIComponent(password())}@localhost/${database.name}?host=${encodeURIComponent(host)}`;

async function verify(...more: readonly string[]): Promise<readonly [code: number, said: string]> {
  const terminal = openTerminal();
  const words = ["audit", "verify", "--db", "--state", "--home", folder, ...more];
  return [await run(words, terminal, createDeps(folder)), `${terminal.stdout()}${terminal.stderr()}`];
}

const owner = async (sql: string): Promise<void> => void (await database.ownerPool().query(sql));

test("a trigger that is off is a finding, and a database as it was made has none", async () => {
  expect(await verify()).toEqual([0, expect.stringMatching(/^Database verified\.\nWalls: \d{3} triggers/)]);
  await owner("alter table assent.runs disable trigger runs_guarded");
  expect(await verify()).toEqual([
    1,
    expect.stringContaining("trigger runs.runs_guarded: it is switched off (triggers_off)"),
  ]);
  const [, said] = await verify("--json");
  expect(JSON.parse(said)).toMatchObject({
    verified: false,
    findings: [{ code: "triggers_off", at: "trigger runs.runs_guarded" }],
  });
  await owner("alter table assent.runs enable trigger runs_guarded");
  expect((await verify())[0]).toBe(0);
});

test("what was held is said by the kind of row, and a key that nobody made by a request by its name", async () => {
  const tenant = await transaction(database.ownerPool(), async (client) => {
    const setup = { client, clock: systemClock, random: systemRandom };
    const id = await ensureTenant(setup, "default");
    await ensureKey(setup, uuidOf(id), {
      principal: { name: "operator", kind: "human" },
      hash: new Uint8Array(32).fill(1),
      prefix: "asn_x",
      scopes: ["runs:read"],
      roles: [],
    });
    return id;
  });
  const { rows } = await database
    .ownerPool()
    .query<{ id: string }>("select id from assent.api_keys where tenant_id = $1", [uuidOf(tenant)]);
  const key = idFromUuid("key", rows[0]?.id ?? expect.unreachable());
  const [, said] = await verify();
  expect(said).toContain(
    `1 keys to the API, of which 1 nobody made by a request, as an operator's own: ${key}, 0 keys that requests are signed with, 0 webhooks, 0 precedents`,
  );
});

test("a database of an older or a newer version is judged by the program that knows it", async () => {
  const { rows } = await database
    .ownerPool()
    .query<{ last: number }>("select max(version) as last from public.assent_migrations");
  const last = rows[0]?.last ?? expect.unreachable();
  await owner(`update public.assent_migrations set version = ${last + 1} where version = ${last}`);
  expect(await verify()).toEqual([2, expect.stringMatching(/\(database_newer\).*program that serves it/s)]);
  await owner(`delete from public.assent_migrations where version = ${last + 1}`);
  expect(await verify()).toEqual([2, expect.stringMatching(/\(database_older\).*start this one on it/s)]);
  await owner("alter table public.assent_migrations rename to elsewhere");
  expect(await verify()).toEqual([2, expect.stringContaining("(database_older)")]);
});
