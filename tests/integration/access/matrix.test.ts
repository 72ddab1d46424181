// Who may not, over every route that the router knows (invariants 4, deny wins, and 8, tenant walls): a route that
// somebody adds is here without being listed.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createServer } from "../../../packages/harness/src/api/server.ts";
import { API_ACTIONS, isApiAction, SCOPES, uuidOf } from "@assent/contract";
import { bodyOf, pathOf } from "./requests.ts";
import { type Edge, openEdge } from "./support.ts";

let edge: Edge;
let keys: Readonly<Record<string, string>>;
let foreignRun: string;
beforeAll(async () => {
  edge = await openEdge();
  const { engine } = edge;
  const revoked = await engine.newKey("revoked");
  const expired = await engine.newKey("expired");
  const owner = engine.database.ownerPool();
  await owner.query(
    `update assent.api_keys k set revoked_at = case when p.name = 'revoked' then now() end,
       expires_at = case when p.name = 'expired' then now() - interval '1 second' end
     from assent.principals p
     where p.tenant_id = k.tenant_id and p.id = k.principal_id and p.name in ('revoked', 'expired')`,
  );
  keys = { revoked, expired, stranger: await engine.newKey("stranger", "other", { roles: ["admin"] }) };
  foreignRun = await engine.submit();
});
afterAll(async () => await edge[Symbol.asyncDispose]());

const guarded = (): NonNullable<(typeof edge.servers)[number]>["routes"] =>
  (edge.servers[0]?.routes ?? []).filter(({ action }) => action !== "open");

const base64 = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
const CLAIMS = { iss: "https://issuer.example", sub: "x", aud: "assent", exp: 4_102_444_800 };

function credentials(): Readonly<Record<string, string | null>> {
  return {
    nothing: null,
    garbage: "Bearer garbage",
    "the form of a key": `Bearer ask_${"A".repeat(43)}`,
    "another scheme": `Basic ${Buffer.from("a:b").toString("base64")}`,
    "an expired key": `Bearer ${keys["expired"]}`,
    "a revoked key": `Bearer ${keys["revoked"]}`,
    "alg none": `Bearer ${base64({ alg: "none", typ: "at+jwt" })}.${base64(CLAIMS)}.`,
    "a token of nobody": `Bearer ${base64({ alg: "HS256", typ: "at+jwt" })}.${base64(CLAIMS)}.AAAA`,
  };
}

async function send(
  route: { readonly method: string; readonly path: string; readonly action: string },
  authorization: string | null,
  id?: string,
): Promise<Response> {
  if (!isApiAction(route.action)) throw new Error(`${route.path} is no guarded route`);
  const known = { ...route, action: route.action };
  const body = bodyOf(known);
  return await fetch(edge.urls[0] + pathOf(known, id), {
    method: route.method,
    headers: {
      ...(authorization === null ? {} : { authorization }),
      ...(body === undefined ? {} : { "content-type": "application/json" }),
      ...(route.method === "GET" || route.method === "HEAD" ? {} : { "idempotency-key": "k" }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
}

test("whoever shows nothing good gets 401 from every route, and nothing has changed", async () => {
  expect(guarded().length).toBeGreaterThan(30);
  const before = await edge.rows();
  for (const route of guarded())
    for (const [name, authorization] of Object.entries(credentials())) {
      const answer = await send(route, authorization);
      await answer.arrayBuffer();
      expect(`${route.method} ${route.path} with ${name}: ${answer.status}`).toBe(
        `${route.method} ${route.path} with ${name}: 401`,
      );
    }
  expect(await edge.rows()).toEqual(before);
});

test("whoever holds all scopes but the route's own gets 403, and nothing has changed", async () => {
  const lacking = new Map<string, string>();
  for (const scope of SCOPES)
    lacking.set(
      scope,
      await edge.engine.newKey(`no-${scope}`, "default", { scopes: SCOPES.filter((held) => held !== scope) }),
    );
  const before = await edge.rows();
  for (const route of guarded()) {
    const scope = isApiAction(route.action) ? API_ACTIONS[route.action] : null;
    if (scope === null) continue;
    const answer = await send(route, `Bearer ${lacking.get(scope)}`);
    await answer.arrayBuffer();
    expect(`${route.method} ${route.path}: ${answer.status}`).toBe(`${route.method} ${route.path}: 403`);
  }
  expect(await edge.rows()).toEqual(before);
});

test("an id of another tenant is answered as one that does not exist, byte for byte", async () => {
  const unknown = `run_${"7".repeat(32)}`;
  const routes = guarded().filter(({ path }) => path.includes("/runs/:id"));
  expect(routes.length).toBeGreaterThan(8);
  const before = await rowsOfRun();
  for (const route of routes) {
    const told: string[] = [];
    for (const id of [foreignRun, unknown]) {
      const answer = await send(route, `Bearer ${keys["stranger"]}`, id);
      const text = (await answer.text()).replaceAll(/req_[0-9a-f]{32}/g, "req_").replaceAll(id, "run_");
      const headers = [...answer.headers]
        .filter(([name]) => !["date", "x-request-id", "ratelimit", "traceparent"].includes(name))
        .map(([name, value]) => `${name}: ${value}`);
      told.push([answer.status, ...headers, text].join("\n"));
    }
    expect(told[0]).toBe(told[1]);
    expect(`${route.method} ${route.path} ${told[0]?.slice(0, 3)}`).toBe(`${route.method} ${route.path} 404`);
  }
  expect(await rowsOfRun()).toBe(before);
});

async function rowsOfRun(): Promise<string> {
  const { rows } = await edge.engine.database
    .ownerPool()
    .query<{ row: string }>("select row_to_json(r)::text as row from assent.runs r where r.id = $1", [
      uuidOf(`run_${foreignRun.slice(4)}`),
    ]);
  return rows[0]?.row ?? "";
}

describe("a server", () => {
  test("knows of every route which action it is", async () => {
    const server = await createServer(edge.engine.harness, { log: () => undefined });
    try {
      for (const { action } of server.routes) expect(action === "open" || isApiAction(action)).toBe(true);
    } finally {
      await server.close();
    }
  });
});
