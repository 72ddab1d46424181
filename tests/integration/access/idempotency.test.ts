// Idempotency keys on every mutating endpoint, over two servers (invariant 6, one key, one run).

import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { bodyOf, pathOf } from "./requests.ts";
import { ask, type Edge, openEdge } from "./support.ts";

let edge: Edge;
let admin: string;
beforeAll(async () => {
  edge = await openEdge();
  admin = await edge.engine.newKey("admin", "default", { roles: ["admin"] });
});
afterAll(async () => await edge[Symbol.asyncDispose]());

const KEYS = "/api/harness/keys";
const keyed = (key: string): Record<string, string> => ({ "idempotency-key": `"${key}"` });
const unique = (): string => randomBytes(8).toString("hex");
const REQUEST = { principal: { name: "ci", kind: "service" }, scopes: ["runs:read"] };

type Asked = Awaited<ReturnType<typeof ask>>;

async function create(key: string, body: object = REQUEST, server: 0 | 1 = 0, who = admin): Promise<Asked> {
  return await ask(edge.urls[server], who, "POST", KEYS, body, keyed(key));
}

async function countKeys(): Promise<number> {
  const listed = await ask(edge.urls[0], admin, "GET", KEYS);
  return Array.isArray(listed.body["data"]) ? listed.body["data"].length : -1;
}

test("every mutating route of the router repeats its answer under a key, and does nothing for the repeat", async () => {
  const mutating = edge.servers[0]?.routes.filter(({ method }) => ["POST", "DELETE"].includes(method)) ?? [];
  expect(mutating.length).toBeGreaterThan(10);
  for (const route of mutating) {
    const headers = keyed(unique());
    const path = pathOf(route);
    const send = async (server: 0 | 1): Promise<Asked> =>
      await ask(edge.urls[server], admin, route.method, path, bodyOf(route), headers);
    const first = await send(0);
    const before = await edge.rows();
    const second = await send(1);
    expect(`${route.path} ${second.status}`).toBe(`${route.path} ${first.status}`);
    expect(await edge.rows()).toEqual(before);
    expect(`${route.path} ${second.headers.get("idempotent-replayed")}`).toBe(`${route.path} true`);
    const { request_id: _, ...firstBody } = first.body;
    const { request_id: __, ...secondBody } = second.body;
    expect(secondBody).toEqual(firstBody);
  }
});

test("sixty at once over both servers make one key, and all get its secret", async () => {
  const before = await countKeys();
  const key = unique();
  const asked = await Promise.all(
    Array.from({ length: 60 }, async (_, at) => await create(key, REQUEST, at % 2 === 0 ? 0 : 1)),
  );
  expect(asked.map(({ status }) => status)).toEqual(asked.map(() => 201));
  expect(new Set(asked.map(({ body }) => JSON.stringify(body))).size).toBe(1);
  expect(asked.filter(({ headers }) => headers.get("idempotent-replayed") === "true")).toHaveLength(59);
  expect(await countKeys()).toBe(before + 1);
});

test("another spelling of the path is the same resource, so the key is the same key", async () => {
  const before = await countKeys();
  const key = unique();
  const made = await create(key);
  for (const path of ["/api/harness/%6beys", "/api/harness/k%65ys", "/api/h%61rness/keys"]) {
    const again = await ask(edge.urls[1], admin, "POST", path, REQUEST, keyed(key));
    expect([again.status, again.headers.get("idempotent-replayed")]).toEqual([201, "true"]);
    expect(again.body).toEqual(made.body);
  }
  expect(await countKeys()).toBe(before + 1);
});

test("the secret of a kept answer is not in the database", async () => {
  const made = await create(unique());
  const secret = String(made.body["secret"]);
  const { rows } = await edge.engine.database
    .ownerPool()
    .query<{ body: string }>("select body from assent.idempotency_keys where route = $1", [`POST ${KEYS}`]);
  expect(rows.length).toBeGreaterThan(0);
  expect(rows.map(({ body }) => body).join("\n")).not.toContain(secret.slice(4));
  expect(rows.some(({ body }) => Buffer.from(body, "base64").includes(secret.slice(4)))).toBe(false);
});

test("another body under the key is refused; the key of another principal, or for another path, is another key", async () => {
  const key = unique();
  expect((await create(key)).status).toBe(201);
  const other = await create(key, { ...REQUEST, scopes: ["runs:write"] });
  expect(other).toMatchObject({ status: 422, body: { code: "idempotency_key_reused" } });
  const colleague = await edge.engine.newKey("colleague", "default", { roles: ["admin"] });
  const theirs = await create(key, REQUEST, 0, colleague);
  expect([theirs.status, theirs.headers.get("idempotent-replayed")]).toEqual([201, null]);
  const removed = await ask(
    edge.urls[0],
    admin,
    "DELETE",
    `${KEYS}/${String(theirs.body["id"])}`,
    undefined,
    keyed(key),
  );
  expect([removed.status, removed.headers.get("idempotent-replayed")]).toEqual([200, null]);
});

test("what was not understood or not allowed is not kept: the key is free for a better request", async () => {
  const key = unique();
  expect((await create(key, { ...REQUEST, scopes: ["everything"] })).status).toBe(400);
  const clerk = await edge.engine.newKey("clerk", "default", { scopes: ["keys:admin"] });
  expect((await create(key, { ...REQUEST, scopes: ["runs:write"] }, 0, clerk)).status).toBe(403);
  expect((await create(key, { ...REQUEST, scopes: ["keys:admin"] }, 0, clerk)).status).toBe(201);
  expect((await create(key)).status).toBe(201);
});

/** While another request of the administrator has the key and is not done with it. */
async function whileHeld(route: string, key: string, work: () => Promise<void>): Promise<void> {
  const client = await edge.engine.database.ownerPool().connect();
  try {
    await client.query("begin");
    await client.query(
      `insert into assent.idempotency_keys (tenant_id, principal_id, route, key, expires_at)
       select tenant_id, id, $1, $2, now() + interval '1 day' from assent.principals where name = 'admin'`,
      [`POST ${route}`, key],
    );
    await work();
  } finally {
    await client.query("rollback");
    client.release();
  }
}

test("a key that is held for long is answered with 409, and its request is not carried out", async () => {
  const before = await countKeys();
  const key = unique();
  await whileHeld(KEYS, key, async () => {
    expect(await create(key)).toMatchObject({ status: 409, body: { code: "idempotency_key_busy" } });
    expect(await countKeys()).toBe(before);
  });
  expect((await create(key)).status).toBe(201);
});

const SUBMISSIONS = "/api/harness/run";

// Taken in by a statement of its own, which keeps the key itself.
const submit = async (key: string): Promise<Asked> =>
  await ask(edge.urls[0], admin, "POST", SUBMISSIONS, { agent: "tester", task: "Do it." }, keyed(key));

const countRuns = async (): Promise<number> =>
  Number((await edge.engine.database.ownerPool().query("select count(*) as n from assent.runs")).rows[0].n);

test("a submission whose key is held for long is answered with 409, and there is no run of it", async () => {
  const before = await countRuns();
  const key = unique();
  await whileHeld(SUBMISSIONS, key, async () => {
    expect(await submit(key)).toMatchObject({ status: 409, body: { code: "idempotency_key_busy" } });
    expect(await countRuns()).toBe(before);
  });
  expect((await submit(key)).status).toBe(202);
});

// The clock stays: runs that nobody takes for two days would be reason enough to refuse another. (One that jumps ahead is not believed
// at once: clock-set-back.test.ts.)
async function expire(key: string): Promise<void> {
  await edge.engine.database
    .ownerPool()
    .query("update assent.idempotency_keys set expires_at = '2000-01-01' where key = $1", [key]);
}

test("past its announced time the key of a submission is free again", async () => {
  const key = unique();
  const first = await submit(key);
  expect((await submit(key)).headers.get("idempotent-replayed")).toBe("true");
  await expire(key);
  const second = await submit(key);
  expect([second.status, second.headers.get("idempotent-replayed")]).toEqual([202, null]);
  expect(second.body["id"]).not.toBe(first.body["id"]);
});

test("past its announced time a key is free again", async () => {
  const key = unique();
  const first = await create(key);
  await expire(key);
  const second = await create(key);
  expect([second.status, second.headers.get("idempotent-replayed")]).toEqual([201, null]);
  expect(second.body["id"]).not.toBe(first.body["id"]);
});

test.each(["", "   ", "\u00e9", `"${"x".repeat(256)}"`, "x".repeat(256), '"a\\b"', '"a'])(
  "the key %j is refused",
  async (value) => {
    const before = await countKeys();
    const sent = await ask(edge.urls[0], admin, "POST", KEYS, REQUEST, { "idempotency-key": value });
    expect(sent.status).toBe(400);
    expect(await countKeys()).toBe(before);
  },
);

test("bare and quoted spellings are one key", async () => {
  const key = unique();
  const first = await create(key);
  const second = await ask(edge.urls[1], admin, "POST", KEYS, REQUEST, { "idempotency-key": key });
  expect(second.body["id"]).toBe(first.body["id"]);
});
