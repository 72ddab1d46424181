import { ROUTES, type RouteRow, SCOPES, scopeOf } from "@assent/contract";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import {
  ACTION_ANSWER,
  APPROVAL_ID,
  ARTIFACT_ID,
  DIGEST,
  DOCUMENT,
  KEYS,
  KEY_ID,
  KEY_OF_SCOPE,
  RUN,
  SIGNING_KEY,
  VALID_RUN_REQUEST,
  WEBHOOK,
} from "./samples.ts";
import { type Fixture, expectProblem, startApi } from "./support.ts";

let api: Fixture;
beforeAll(async () => {
  api = await startApi();
});
afterAll(async () => await api.server.close());
beforeEach(() => {
  api.harness.calls.length = 0;
});

const ROWS: readonly RouteRow[] = Object.values(ROUTES);
const GUARDED = ROWS.filter((row) => row.action !== "open");
const IDS: Readonly<Record<string, string>> = {
  artifact: ARTIFACT_ID,
  action: ACTION_ANSWER.action_id,
  epoch: "1",
  version: "1",
};
const BODIES: Readonly<Record<string, unknown>> = {
  submitRun: VALID_RUN_REQUEST,
  proposePlan: { calls: [{ tool: "read", arguments: {} }] },
  proposeAction: { tool: "read", arguments: {} },
  reportResult: { output: null },
  finishRun: { output: null },
  nextCompensation: {},
  reportCompensation: { output: null },
  decideApproval: { approval_id: APPROVAL_ID, decision: "approve", action_digest: DIGEST },
  revokePrecedent: { reason: "A mistake." },
  resolveEscalation: { comment: "Taken back by hand." },
  tryPolicies: { text: "permit (principal, action, resource);", days: 7 },
  redriveRun: {},
  addDocument: { name: "handbook", text: "All of it." },
  createKey: { principal: { name: "ci", kind: "service" }, scopes: ["runs:read"] },
  rotateKey: {},
  changePrincipal: { principal: { name: "ci", kind: "service" }, must_sign: true },
  createSigningKey: { principal: { name: "ci", kind: "service" }, algorithm: "hmac-sha256" },
  rotateSigningKey: {},
  createWebhook: { url: "https://hooks.example.org/assent" },
  rotateWebhook: {},
  redeliver: {},
  eraseAuditPayload: { epoch: 1, index: 0, reason: "The person asked for it." },
  beginAuditEpoch: { reason: "A backup was restored." },
  rotateAuditSigner: { step: "add" },
  rekeyAudit: { lost: false },
  pruneAudit: {},
};

const QUERIES: Readonly<Record<string, string>> = {
  listDecisions: "?since=2026-01-01T00:00:00Z",
  searchDocuments: "?q=refunds",
};

function ownId(path: string): string {
  if (path.includes("/keys/")) return KEY_ID;
  if (path.includes("/signing-keys/")) return SIGNING_KEY.id;
  if (path.includes("/webhooks/")) return WEBHOOK.id;
  if (path.includes("/approvals/")) return APPROVAL_ID;
  if (path.includes("/documents/")) return DOCUMENT.id;
  return /\/(?:precedents|escalations)\//.test(path) ? DIGEST : RUN;
}

/** A request that would succeed with the right key. */
async function call(
  row: RouteRow,
  headers: Record<string, string>,
  method: string = row.method,
): Promise<Response> {
  const own = ownId(row.path);
  const path = row.path.replaceAll(/\{([a-z]+)\}/g, (_, name: string) => IDS[name] ?? own);
  const body = BODIES[row.operationId];
  return await fetch(`${api.url}${path}${QUERIES[row.operationId] ?? ""}`, {
    method,
    headers: {
      "idempotency-key": "k",
      ...(body === undefined ? {} : { "content-type": "application/json" }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
}

const BAD_CREDENTIALS: readonly (readonly [string, Record<string, string>])[] = [
  ["nothing", {}],
  ["an empty header", { authorization: "" }],
  ["a scheme alone", { authorization: "Bearer" }],
  ["an unknown key", { authorization: "Bearer assent_unknown" }],
  ["a revoked key", { authorization: `Bearer ${KEYS.revoked}` }],
  ["a good key without a scheme", { authorization: KEYS.all }],
  ["a good key under Basic", { authorization: `Basic ${KEYS.all}` }],
  ["a good key in base64", { authorization: `Basic ${Buffer.from(`x:${KEYS.all}`).toString("base64")}` }],
  ["a good key with more behind it", { authorization: `Bearer ${KEYS.all} x` }],
  ["two keys", { authorization: `Bearer ${KEYS.all}, Bearer ${KEYS.all}` }],
  ["a key in capitals", { authorization: `Bearer ${KEYS.all.toUpperCase()}` }],
  ["a very long key", { authorization: `Bearer ${"a".repeat(4_000)}` }],
  ["a good key in another header", { "x-api-key": KEYS.all, cookie: `key=${KEYS.all}` }],
];

describe.each(GUARDED.map((row) => [row.operationId, row] as const))("%s", (_, row) => {
  test.each(BAD_CREDENTIALS)("refuses %s", async (_name, headers) => {
    const answer = await call(row, headers);
    expect(answer.status).toBe(401);
    expect(answer.headers.get("www-authenticate")).toMatch(/^Bearer realm="assent"/);
    expect(expectProblem(answer, await answer.text()).code).toBe("unauthenticated");
    expect(api.harness.calls).toEqual([]);
  });

  test("takes a key with its scope, in any case of the scheme", async () => {
    const scope = scopeOf(row.action);
    const key = scope === null ? KEYS.decide : KEY_OF_SCOPE[scope];
    for (const scheme of ["Bearer", "bearer", "BEARER"]) {
      const answer = await call(row, { authorization: `${scheme} ${key}` });
      expect(answer.status).toBe(row.success.status);
    }
  });

  test("refuses a key with all scopes but its own", async () => {
    const needed = scopeOf(row.action);
    if (needed === null) return;
    api.harness.keys.set(
      "assent_others",
      SCOPES.filter((scope) => scope !== needed),
    );
    const answer = await call(row, { authorization: "Bearer assent_others" });
    expect(answer.status).toBe(403);
    expect(expectProblem(answer, await answer.text())).toMatchObject({ code: "scope_missing" });
    expect(answer.headers.get("www-authenticate")).toContain(`scope="${needed}"`);
    expect(api.harness.calls).toEqual([]);
  });

  test("refuses HEAD without a key where it knows GET", async () => {
    if (row.method !== "GET") return;
    expect((await call(row, {}, "HEAD")).status).toBe(401);
    expect(api.harness.calls).toEqual([]);
  });
});

test("only the health checks and the console's files are open", () => {
  const open = ROWS.filter((row) => row.action === "open").map((row) => `${row.method} ${row.path}`);
  expect(open).toEqual(["GET /healthz", "GET /readyz", "GET /console", "GET /console/{file}"]);
  expect(GUARDED.length).toBeGreaterThan(10);
});

test("a revoked key is refused from the next request on", async () => {
  api.harness.keys.set("assent_short", SCOPES);
  const headers = { authorization: "Bearer assent_short" };
  expect((await fetch(`${api.url}/api/harness/keys`, { headers })).status).toBe(200);
  api.harness.keys.delete("assent_short");
  expect((await fetch(`${api.url}/api/harness/keys`, { headers })).status).toBe(401);
});

test("an unauthenticated body is not parsed", async () => {
  const answer = await fetch(`${api.url}/api/harness/run`, {
    method: "POST",
    body: "{",
    headers: { "content-type": "application/json" },
  });
  expect(answer.status).toBe(401);
});

test("when keys cannot be looked up, nobody gets in", async () => {
  await using broken = await startApi({
    admit: async () => await Promise.reject(new Error("connection to 10.0.0.7 lost")),
  });
  const answer = await fetch(`${broken.url}/api/harness/keys`, { headers: { authorization: "Bearer x" } });
  const body = await answer.text();
  expect(expectProblem(answer, body)).toMatchObject({ code: "not_ready", status: 503 });
  expect(answer.headers.get("retry-after")).toMatch(/^[1-9]\d*$/);
  expect(body).not.toContain("10.0.0.7");
  expect(broken.harness.calls).toEqual([]);
});
