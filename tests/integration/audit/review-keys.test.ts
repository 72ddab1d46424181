// `assent audit verify --db --state` on keys to the API: how many nobody made by a request. A key that whoever owns the database puts there
// with all rules on is recorded by the database, and so no finding; but nobody made it.

import { type KeyId, uuidOf } from "@assent/contract";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Engine, openEngine, value } from "../../support/engine.ts";
import { stateAfter } from "../../support/state-after.ts";

let engine: Engine;
let made: KeyId;

beforeAll(async () => {
  engine = await openEngine();
  const robot = { name: "robot", kind: "service" } as const;
  const first = value(
    await engine.harness.createKey(engine.caller, { principal: robot, scopes: ["runs:read"] }),
  );
  made = value(await engine.harness.rotateKey(engine.caller, first.id, { overlap_seconds: 600 })).id;
});
afterAll(async () => await engine[Symbol.asyncDispose]());

const NOBODY = "00000000-0000-7000-8000-00000000abcd";
const KEY = `key_${NOBODY.replaceAll("-", "")}`;
const PUT = `insert into assent.api_keys (tenant_id, id, principal_id, hash, prefix, scopes, roles, created_at)
  select tenant_id, '${NOBODY}', principal_id, sha256('x'), prefix, scopes, roles, now() from assent.api_keys
  where id = '`;
const put = (): string => `${PUT}${uuidOf(made)}'`;
const erased = (kind: string): string =>
  `update assent.audit_facts set data = '{"erased":true}' where kind = '${kind}'`;

test("keys that somebody made are known by their events, and the caller's own is named", async () => {
  const { findings, keys } = await stateAfter(engine, [], "on");
  expect(findings).toEqual([]);
  expect(keys).toEqual({ held: 3, ofNobody: 1, ids: [engine.caller.key] });
});

test("one that was put there with all rules on is no finding, and is named", async () => {
  const { findings, keys } = await stateAfter(engine, [put()], "on");
  expect(findings).toEqual([]);
  expect(keys).toMatchObject({ held: 4, ofNobody: 2 });
  expect(new Set<unknown>(keys.ids)).toEqual(new Set([KEY, engine.caller.key]));
  // With the rules off the database says nothing of it either.
  const without = await stateAfter(engine, [put()]);
  expect(without.findings).toMatchObject([{ code: "row_added", at: KEY }]);
});

test("one of which the event was erased may have been made by it; another is not excused", async () => {
  for (const kind of ["key_created", "key_rotated"])
    expect((await stateAfter(engine, [erased(kind)])).keys).toMatchObject({ held: 3, ofNobody: 1 });
  expect((await stateAfter(engine, [erased("key_created"), put()])).keys).toMatchObject({
    held: 4,
    ofNobody: 2,
  });
});
