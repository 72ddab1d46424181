// Rate limits, exact over two servers (invariant 14, refuse early): what is published is what is served.

import { afterAll, beforeAll, expect, test } from "vitest";
import { ask, type Edge, openEdge } from "./support.ts";

const PRINCIPAL = { requests: 40, windowSeconds: 3_600 };
const TENANT = { requests: 60, windowSeconds: 3_600 };
const RUNS = { requests: 7, windowSeconds: 3_600 };

let edge: Edge;
beforeAll(async () => {
  edge = await openEdge({
    quotas: { tenant: TENANT, principal: PRINCIPAL, actions: { "runs.cancel": RUNS } },
  });
});
afterAll(async () => await edge[Symbol.asyncDispose]());

const CANCEL = `/api/harness/runs/run_${"0".repeat(32)}/cancel`;

type Asked = Awaited<ReturnType<typeof ask>>;

// All at once, every other to the other server.
const burst = async (key: string, count: number, method: string, path: string): Promise<Asked[]> =>
  await Promise.all(
    Array.from(
      { length: count },
      async (_, at) => await ask(edge.urls[at % 2 === 0 ? 0 : 1], key, method, path),
    ),
  );

const served = (asked: readonly Asked[]): number => asked.filter(({ status }) => status !== 429).length;

/** Every bucket as it would be after so long: the windows are the database's time, which no test waits for. */
async function pass(seconds: number): Promise<void> {
  await edge.engine.database
    .ownerPool()
    .query("update assent.quota_buckets set filled_at = filled_at - make_interval(secs => $1)", [seconds]);
}

test("a burst over both servers gets exactly the quota of its action, and the rest is told why and when", async () => {
  const key = await edge.engine.newKey("burst", "t1");
  const asked = await burst(key, 30, "POST", CANCEL);
  expect(served(asked)).toBe(RUNS.requests);
  for (const { status, headers, body } of asked) {
    if (status !== 429) continue;
    expect(body).toMatchObject({
      type: "https://iana.org/assignments/http-problem-types#quota-exceeded",
      status: 429,
      code: "quota_exceeded",
      "violated-policies": ["runs.cancel"],
    });
    expect(headers.get("content-type")).toBe("application/problem+json");
    const left = /^"runs\.cancel";r=0;t=(\d+)$/.exec(headers.get("ratelimit") ?? "")?.[1];
    expect(Number(headers.get("retry-after"))).toBeGreaterThanOrEqual(Number(left));
  }
});

test("a principal's quota holds over all routes, and what it refused took nothing from the tenant's", async () => {
  const key = await edge.engine.newKey("one", "t2");
  expect(served(await burst(key, 55, "GET", "/api/harness/runs"))).toBe(PRINCIPAL.requests);
  const other = await edge.engine.newKey("two", "t2");
  const asked = await burst(other, 30, "GET", "/api/harness/runs");
  expect(served(asked)).toBe(TENANT.requests - PRINCIPAL.requests);
  const refused = asked.find(({ status }) => status === 429);
  expect(refused?.body["violated-policies"]).toEqual(["tenant"]);
});

test("two keys of one principal share its quota; another tenant's callers do not notice", async () => {
  const first = await edge.engine.newKey("pair", "t3");
  const second = await edge.engine.newKey("pair", "t3");
  const asked = [
    ...(await burst(first, 30, "GET", "/api/harness/runs")),
    ...(await burst(second, 30, "GET", "/api/harness/runs")),
  ];
  expect(served(asked)).toBe(PRINCIPAL.requests);
  const foreign = await edge.engine.newKey("pair", "t4");
  expect((await ask(edge.urls[0], foreign, "GET", "/api/harness/runs")).status).toBe(200);
});

test("what is published is what is left, and after the window it is whole again", async () => {
  const key = await edge.engine.newKey("patient", "t5");
  const first = await ask(edge.urls[0], key, "GET", "/api/harness/runs");
  expect(first.headers.get("ratelimit-policy")).toBe('"principal";q=40;w=3600, "tenant";q=60;w=3600');
  expect(first.headers.get("ratelimit")).toBe('"principal";r=39;t=3600, "tenant";r=59;t=3600');
  expect(served(await burst(key, 45, "GET", "/api/harness/runs"))).toBe(PRINCIPAL.requests - 1);
  await pass(PRINCIPAL.windowSeconds - 60);
  const early = await ask(edge.urls[1], key, "GET", "/api/harness/runs");
  expect([early.status, Number(early.headers.get("retry-after")) <= 60]).toEqual([429, true]);
  await pass(Number(early.headers.get("retry-after")));
  expect((await ask(edge.urls[1], key, "GET", "/api/harness/runs")).status).toBe(200);
});

test("without a credential nothing is counted against anybody", async () => {
  const before = await countBuckets();
  for (const key of ["ask_unknown", `ask_${"A".repeat(43)}`])
    expect((await ask(edge.urls[0], key, "GET", "/api/harness/runs")).status).toBe(401);
  expect(await countBuckets()).toBe(before);
});

async function countBuckets(): Promise<string> {
  const { rows } = await edge.engine.database
    .ownerPool()
    .query<{ found: string }>("select count(*) || ' ' || sum(used) as found from assent.quota_buckets");
  return rows[0]?.found ?? "";
}

test("buckets that nobody has used for long are removed", async () => {
  const key = await edge.engine.newKey("gone", "t6");
  expect((await ask(edge.urls[0], key, "GET", "/api/harness/runs")).status).toBe(200);
  expect(await countBuckets()).not.toBe("");
  await pass(2 * 86_400);
  expect(await edge.engine.store.sweepExpired(new Date(), 1_000)).toBeGreaterThan(0);
  expect(await countBuckets()).toBe("");
});
