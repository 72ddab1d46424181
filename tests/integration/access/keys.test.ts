// Keys over HTTP, on two servers that share a database: what is said to the one holds at the other at once.

import { afterAll, beforeAll, expect, test } from "vitest";
import { ask, type Edge, openEdge } from "./support.ts";

let edge: Edge;
let admin: string;
beforeAll(async () => {
  edge = await openEdge();
  admin = await edge.engine.newKey("admin", "default", { roles: ["admin"] });
});
afterAll(async () => await edge[Symbol.asyncDispose]());

const KEYS = "/api/harness/keys";

async function create(grant: object): Promise<{ id: string; secret: string }> {
  const made = await ask(edge.urls[0], admin, "POST", KEYS, {
    principal: { name: "ci", kind: "service" },
    scopes: [],
    ...grant,
  });
  expect(made.status).toBe(201);
  return { id: String(made.body["id"]), secret: String(made.body["secret"]) };
}

const opens = async (key: string, server: 0 | 1 = 1): Promise<boolean> =>
  (await ask(edge.urls[server], key, "GET", "/openapi.json")).status === 200;

test("a revoked key opens nothing from the next request on, on any server", async () => {
  const key = await create({ roles: ["requester"] });
  expect([await opens(key.secret, 0), await opens(key.secret, 1)]).toEqual([true, true]);
  expect((await ask(edge.urls[0], admin, "DELETE", `${KEYS}/${key.id}`)).status).toBe(200);
  expect([await opens(key.secret, 0), await opens(key.secret, 1)]).toEqual([false, false]);
});

test("a key that has expired opens nothing", async () => {
  const now = edge.engine.clock.now().getTime();
  const key = await create({ roles: ["requester"], expires_at: new Date(now + 60_000).toISOString() });
  expect(await opens(key.secret)).toBe(true);
  edge.engine.clock.advance(60_000);
  expect(await opens(key.secret)).toBe(false);
});

test("a rotated key stays good for the overlap and no longer; the new one may do the same", async () => {
  const old = await create({ roles: ["approver"], scopes: ["runs:write"], must_sign: false });
  const rotated = await ask(edge.urls[0], admin, "POST", `${KEYS}/${old.id}/rotate`, { overlap_seconds: 60 });
  expect(rotated).toMatchObject({ status: 201, body: { roles: ["approver"], scopes: ["runs:write"] } });
  const secret = String(rotated.body["secret"]);
  expect([await opens(old.secret), await opens(secret)]).toEqual([true, true]);
  edge.engine.clock.advance(60_000);
  expect([await opens(old.secret), await opens(secret)]).toEqual([false, true]);
  const again = await ask(edge.urls[0], admin, "POST", `${KEYS}/${old.id}/rotate`, {});
  expect(again).toMatchObject({ status: 409, body: { code: "key_ended" } });
});

test("a rotation without an overlap ends the old key now", async () => {
  const old = await create({ roles: ["requester"] });
  expect((await ask(edge.urls[1], admin, "POST", `${KEYS}/${old.id}/rotate`, {})).status).toBe(201);
  expect(await opens(old.secret, 0)).toBe(false);
});

test("nobody gets through a key, new or replaced, what they may not do themselves", async () => {
  const clerk = (await create({ scopes: ["keys:admin"] })).secret;
  const strong = await create({ roles: ["admin"] });
  const wanted = { principal: { name: "x", kind: "service" } };
  for (const grant of [{ roles: ["admin"] }, { roles: ["approver"] }, { scopes: ["runs:write"] }])
    expect(await ask(edge.urls[0], clerk, "POST", KEYS, { ...wanted, scopes: [], ...grant })).toMatchObject({
      status: 403,
      body: { code: "scope_missing" },
    });
  expect(await ask(edge.urls[0], clerk, "POST", `${KEYS}/${strong.id}/rotate`, {})).toMatchObject({
    status: 403,
  });
  expect(await opens(strong.secret)).toBe(true);
  expect((await ask(edge.urls[0], clerk, "POST", KEYS, { ...wanted, scopes: ["keys:admin"] })).status).toBe(
    201,
  );
});

test("a key's row holds neither the key nor anything that it could be found from", async () => {
  const key = await create({ roles: ["requester"] });
  const { rows } = await edge.engine.database
    .ownerPool()
    .query<{ row: string }>("select row_to_json(k)::text as row from assent.api_keys k");
  const text = rows.map(({ row }) => row).join("\n");
  expect(text).not.toContain(key.secret);
  expect(text).not.toContain(key.secret.slice(12, 30));
});

test("what was done about keys is recorded with it, and can only be added to", async () => {
  const key = await create({ roles: ["requester"] });
  await ask(edge.urls[0], admin, "POST", `${KEYS}/${key.id}/rotate`, {});
  const auditor = (await create({ roles: ["auditor"] })).secret;
  const events = await ask(edge.urls[1], auditor, "GET", "/api/harness/access-events");
  expect(events.body["data"]).toEqual(
    expect.arrayContaining([
      expect.objectContaining({ kind: "key_created", data: expect.objectContaining({ key_id: key.id }) }),
      expect.objectContaining({ kind: "key_rotated", data: expect.objectContaining({ replaces: key.id }) }),
    ]),
  );
  const requester = (await create({ roles: ["requester"] })).secret;
  expect((await ask(edge.urls[1], requester, "GET", "/api/harness/access-events")).status).toBe(403);
  for (const sql of ["update assent.access_events set kind = 'x'", "delete from assent.access_events"])
    await expect(edge.engine.database.ownerPool().query(sql)).rejects.toMatchObject({ code: "AS003" });
});

test("when a key was used is known to the minute, and written no more often", async () => {
  const key = await create({ roles: ["requester"] });
  const used = async (): Promise<unknown> => {
    const listed = await ask(edge.urls[0], admin, "GET", KEYS);
    const found = Array.isArray(listed.body["data"]) ? (listed.body["data"] as unknown[]) : [];
    const row = found.find(
      (one) => typeof one === "object" && one !== null && "id" in one && one.id === key.id,
    );
    return typeof row === "object" && row !== null && "last_used_at" in row ? row.last_used_at : undefined;
  };
  expect(await used()).toBeNull();
  await opens(key.secret);
  const first = await used();
  expect(Date.parse(String(first))).toBeGreaterThan(0);
  edge.engine.clock.advance(30_000);
  await opens(key.secret);
  expect(await used()).toBe(first);
  edge.engine.clock.advance(31_000);
  await opens(key.secret);
  expect(Date.parse(String(await used())) - Date.parse(String(first))).toBeGreaterThan(60_000);
});
