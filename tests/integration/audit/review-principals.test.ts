// `assent audit verify --db --state` on principals: a program that whoever owns the database made a person, a name that was changed, rows
// put there or taken away. And what the database itself refuses and records while its rules are on.

import { uuidOf } from "@assent/contract";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Caller } from "../../../packages/harness/src/ports.ts";
import { type Engine, openEngine } from "../../support/engine.ts";
import { foundIn, stateAfter } from "../../support/state-after.ts";

let engine: Engine;
let robot: Caller;

beforeAll(async () => {
  engine = await openEngine();
  robot = await engine.newCaller("robot", "default", "service");
  await engine.newCaller("ann", "default", "human");
});
afterAll(async () => await engine[Symbol.asyncDispose]());

const NOBODY = "00000000-0000-7000-8000-00000000abcd";
const after = async (...statements: string[]): Promise<string[]> =>
  foundIn(await stateAfter(engine, statements)).filter((found) => found.includes(" prn_"));
const set = (to: string): string =>
  `update assent.principals set ${to} where id = '${uuidOf(robot.actor.id)}'`;
const facts = async (): Promise<readonly { readonly kind: string; readonly data: unknown }[]> =>
  (
    await engine.database
      .ownerPool()
      .query<{ kind: string; data: unknown }>(
        "select kind, data from assent.audit_facts where subject = $1 order by version",
        [robot.actor.id.replace("prn_", "principal_")],
      )
  ).rows;

test("an honest database has nothing to be found", async () => {
  expect(await after()).toEqual([]);
});

test.each([
  ["a program that was made a person", "kind = 'human'"],
  ["a name", "name = 'ann''s robot'"],
  ["that requests have to be signed no more", "must_sign = not must_sign"],
  ["since when it is there, by a microsecond", "created_at = created_at + interval '1 microsecond'"],
])("is found of principals: %s", async (_, to) => {
  expect(await after(set(to))).toEqual([`row_altered at ${robot.actor.id}`]);
});

test("is found of principals: one that was put there, and one that is gone", async () => {
  expect(
    await after(
      `insert into assent.principals (tenant_id, id, kind, name, created_at)
       values ('${uuidOf(engine.tenant)}', '${NOBODY}', 'human', 'eve', now())`,
    ),
  ).toEqual([`row_added at prn_${NOBODY.replaceAll("-", "")}`]);
  expect(await after(`delete from assent.principals where id = '${uuidOf(robot.actor.id)}'`)).toEqual([
    `row_removed at ${robot.actor.id}`,
  ]);
});

test.each([
  "kind = 'human'",
  "name = 'eve'",
  `id = '${NOBODY}'`,
  `tenant_id = '${NOBODY}'`,
  "created_at = now()",
])("by the database's own rules nobody becomes another: %s", async (to) => {
  await expect(engine.database.ownerPool().query(set(to))).rejects.toMatchObject({ code: "AS003" });
});

test("what changes of one is recorded by the database, whoever changes it, and without a name", async () => {
  expect(await facts()).toEqual([
    { kind: "principal_stored", data: { principal: robot.actor.id, kind: "service", must_sign: false } },
  ]);
  await engine.database.ownerPool().query(set("must_sign = true"));
  expect((await facts()).slice(1)).toEqual([
    { kind: "principal_changed", data: { principal: robot.actor.id, kind: "service", must_sign: true } },
  ]);
  expect(await after()).toEqual([]);
  expect(await after(set("must_sign = false"))).toEqual([`row_altered at ${robot.actor.id}`]);
});
