import { createHash } from "node:crypto";
import { runPageSchema, runSchema, runSummarySchema } from "@assent/contract";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import {
  APPROVAL,
  APPROVAL_ID,
  ARTIFACT,
  ARTIFACT_BYTES,
  ARTIFACT_ID,
  CREATED_KEY,
  DIGEST,
  FOREIGN_RUN,
  KEY_ID,
  KEYS,
  RUN,
  RUN_DETAIL,
  VALID_RUN_REQUEST,
  summaryOf,
} from "./samples.ts";
import { type Fixture, bearer, expectProblem, startApi } from "./support.ts";

let api: Fixture;
beforeAll(async () => {
  api = await startApi({
    openArtifact: async (_caller, run) =>
      await Promise.resolve(
        run === RUN
          ? {
              ok: true,
              value: {
                artifact: { ...ARTIFACT, sha256: createHash("sha256").update(ARTIFACT_BYTES).digest("hex") },
                bytes: ARTIFACT_BYTES,
              },
            }
          : { ok: false, error: { code: "run_not_found", detail: "unknown" } },
      ),
  });
});
afterAll(async () => await api.server.close());
beforeEach(() => {
  api.harness.calls.length = 0;
});

const call = async (path: string, init: RequestInit = {}): Promise<Response> =>
  await fetch(`${api.url}${path}`, {
    ...init,
    headers: new Headers([...Object.entries(bearer(KEYS.all)), ...new Headers(init.headers)]),
  });

const post = async (path: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> =>
  await call(path, {
    method: "POST",
    body: JSON.stringify(body),
    headers: { "content-type": "application/json", ...headers },
  });

test("a run is submitted: 202, its place, its summary byte for byte", async () => {
  const answer = await post("/api/harness/run", VALID_RUN_REQUEST, { "idempotency-key": '"k-1"' });
  expect(answer.status).toBe(202);
  expect(answer.headers.get("location")).toBe(`/api/harness/runs/${RUN}`);
  expect(answer.headers.get("idempotent-replayed")).toBeNull();
  const body = await answer.text();
  expect(body).toBe(JSON.stringify(summaryOf(RUN)));
  expect(runSummarySchema.parse(JSON.parse(body)).id).toBe(RUN);
  expect(api.harness.calls).toMatchObject([{ name: "submitRun", args: [{}, VALID_RUN_REQUEST, "k-1"] }]);
});

test("a replayed submission says so", async () => {
  const answer = await post("/api/harness/run", VALID_RUN_REQUEST, { "idempotency-key": "again" });
  expect(answer.status).toBe(202);
  expect(answer.headers.get("idempotent-replayed")).toBe("true");
});

test.each([
  ["bare", "8e03978e-40d5", "8e03978e-40d5"],
  ["quoted", '"8e03978e-40d5"', "8e03978e-40d5"],
  ["quoted with escapes", String.raw`"a\"b\\c"`, String.raw`a"b\c`],
  ["of 255 characters", "k".repeat(255), "k".repeat(255)],
  ["of 255 characters, quoted", `"${"k".repeat(255)}"`, "k".repeat(255)],
])("an idempotency key is accepted %s", async (_, header, key) => {
  const answer = await post("/api/harness/run", VALID_RUN_REQUEST, { "idempotency-key": header });
  expect(answer.status).toBe(202);
  expect(api.harness.calls[0]?.args[2]).toBe(key);
});

test("a run is read, and read again only when it has changed", async () => {
  const first = await call(`/api/harness/runs/${RUN}`);
  expect(first.status).toBe(200);
  expect(runSchema.parse(await first.json())).toEqual(RUN_DETAIL);
  const etag = first.headers.get("etag");
  expect(etag).toBe('"7"');
  for (const header of ['"7"', 'W/"7"', '"1", "7"', "*"]) {
    const again = await call(`/api/harness/runs/${RUN}`, { headers: { "if-none-match": header } });
    expect(again.status).toBe(304);
    expect(again.headers.get("etag")).toBe(etag);
    expect(await again.text()).toBe("");
  }
  for (const header of ['"6"', "7", '"77"', ""]) {
    const again = await call(`/api/harness/runs/${RUN}`, { headers: { "if-none-match": header } });
    expect(again.status).toBe(200);
  }
});

test("HEAD answers like GET without a body", async () => {
  const answer = await call(`/api/harness/runs/${RUN}`, { method: "HEAD" });
  expect(answer.status).toBe(200);
  expect(answer.headers.get("etag")).toBe('"7"');
  expect(Number(answer.headers.get("content-length"))).toBe(JSON.stringify(RUN_DETAIL).length);
  expect(await answer.text()).toBe("");
  expect((await fetch(`${api.url}/api/harness/runs/${RUN}`, { method: "HEAD" })).status).toBe(401);
});

test("runs are listed with filters, and the next page's link repeats them", async () => {
  const answer = await call(
    "/api/harness/runs?status=queued,running&status=failed&agent=maintainer&label=team:a%3Ab%20c&limit=5",
  );
  expect(answer.status).toBe(200);
  expect(runPageSchema.parse(await answer.json()).next_cursor).toBe("abc=+/");
  expect(api.harness.calls[0]?.args[1]).toEqual({
    states: ["queued", "running", "failed"],
    agent: "maintainer",
    label: { name: "team", value: "a:b c" },
    cursor: null,
    limit: 5,
  });
  const next = /^<([^>]+)>; rel="next"$/.exec(answer.headers.get("link") ?? "")?.[1] ?? "";
  const second = await call(next);
  expect(second.status).toBe(200);
  expect(second.headers.get("link")).toBeNull();
  expect(api.harness.calls[1]?.args[1]).toEqual({
    states: ["queued", "running", "failed"],
    agent: "maintainer",
    label: { name: "team", value: "a:b c" },
    cursor: "abc=+/",
    limit: 5,
  });
});

test("a list without a question has its defaults", async () => {
  expect((await call("/api/harness/runs")).status).toBe(200);
  expect(api.harness.calls[0]?.args[1]).toEqual({
    states: null,
    agent: null,
    label: null,
    cursor: null,
    limit: 20,
  });
});

test.each([
  ["nothing at all", {}],
  ["no body but a media type", { headers: { "content-type": "application/json" } }],
  ["an empty object", { headers: { "content-type": "application/json" }, body: "{}" }],
])("a run is cancelled with %s", async (_, init) => {
  const answer = await call(`/api/harness/runs/${RUN}/cancel`, { method: "POST", ...init });
  expect(answer.status).toBe(200);
  expect(runSummarySchema.parse(await answer.json()).id).toBe(RUN);
});

test("an approval is decided", async () => {
  const request = { approval_id: APPROVAL_ID, decision: "approve", action_digest: DIGEST };
  const answer = await post("/api/harness/approve", request);
  expect(answer.status).toBe(200);
  expect(await answer.json()).toEqual(APPROVAL);
  expect(api.harness.calls[0]?.args[1]).toEqual(request);
});

test("an artifact is downloaded as bytes that nothing runs", async () => {
  const path = `/api/harness/runs/${RUN}/artifacts/${ARTIFACT_ID}`;
  const answer = await call(path, { headers: { accept: "text/x-diff" } });
  expect(answer.status).toBe(200);
  expect(Buffer.from(await answer.arrayBuffer())).toEqual(ARTIFACT_BYTES);
  const sha256 = createHash("sha256").update(ARTIFACT_BYTES);
  expect(Object.fromEntries(answer.headers)).toMatchObject({
    "content-type": "text/x-diff",
    "content-disposition": "attachment; filename=\"changes.patch\"; filename*=UTF-8''changes.patch",
    etag: `"${sha256.copy().digest("hex")}"`,
    "content-digest": `sha-256=:${sha256.copy().digest("base64")}:`,
    "x-content-type-options": "nosniff",
    "content-length": String(ARTIFACT_BYTES.length),
  });
  expect(answer.headers.get("content-security-policy")).toMatch(/^sandbox;/);
  const again = await call(path, { headers: { "if-none-match": answer.headers.get("etag") ?? "" } });
  expect(again.status).toBe(304);
});

test("keys are created, listed and revoked", async () => {
  const created = await post("/api/harness/keys", {
    principal: { name: "ci", kind: "service" },
    scopes: ["runs:read"],
  });
  expect(created.status).toBe(201);
  expect(created.headers.get("cache-control")).toBe("no-store");
  expect(await created.json()).toEqual(CREATED_KEY);
  const listed = await call("/api/harness/keys");
  expect(JSON.stringify(await listed.json())).not.toContain(CREATED_KEY.secret);
  const revoked = await call(`/api/harness/keys/${KEY_ID}`, { method: "DELETE" });
  expect(revoked.status).toBe(200);
  expect(await revoked.json()).toMatchObject({ id: KEY_ID, revoked_at: expect.any(String) });
});

test("an id that is malformed, unknown or foreign is answered in the very same way (tenant walls)", async () => {
  const unknown = `run_${"0".repeat(32)}`;
  for (const [method, suffix] of [
    ["GET", ""],
    ["POST", "/cancel"],
    ["GET", "/events"],
    ["GET", `/artifacts/${ARTIFACT_ID}`],
  ] as const) {
    const answers = await Promise.all(
      [FOREIGN_RUN, unknown, "nonsense", "run_", `${RUN}0`, RUN.toUpperCase(), "%00", "..%2f..", "a%20b"].map(
        async (id) => {
          const answer = await call(`/api/harness/runs/${id}${suffix}`, { method });
          const { request_id: _, ...document } = expectProblem(answer, await answer.text());
          return { status: answer.status, names: [...answer.headers.keys()], document };
        },
      ),
    );
    expect(answers[0]?.document).toMatchObject({ code: "run_not_found", status: 404 });
    for (const answer of answers) expect(answer).toEqual(answers[0]);
  }
});

test("whatever a malformed id is to name, the answer says in a sentence that there is none", async () => {
  for (const [method, path, body] of [
    ["GET", "documents/nonsense"],
    ["DELETE", "documents/nonsense"],
    ["DELETE", "keys/nonsense"],
    ["DELETE", "signing-keys/nonsense"],
    ["POST", "precedents/nonsense/revoke", { reason: "No more." }],
    ["POST", "escalations/nonsense/resolve", { comment: "Done." }],
    ["GET", "audit/logs/nonsense/checkpoint"],
    ["GET", `audit/logs/nonsense/entries`],
    ["GET", `runs/${RUN}/actions/nonsense`],
  ] as const) {
    const answer = await call(`/api/harness/${path}`, {
      method,
      ...(body === undefined
        ? {}
        : { body: JSON.stringify(body), headers: { "content-type": "application/json" } }),
    });
    const problem = expectProblem(answer, await answer.text());
    expect([path, problem.status]).toEqual([path, 404]);
    expect(problem.detail).toMatch(/^(There is no|The run has no) .*\.$/u);
  }
});

test("health needs no key, and readiness says what is missing", async () => {
  expect(await (await fetch(`${api.url}/healthz`)).json()).toEqual({ status: "ok" });
  expect(await (await fetch(`${api.url}/readyz`)).json()).toEqual({
    status: "ready",
    database: true,
    worker: true,
    breakers_open: 1,
    audit_gaps: 2,
    audit_stopped: 3,
  });
  await using lame = await startApi({
    readiness: async () =>
      await Promise.resolve({
        database: true,
        clock: "The clock here is 60 s ahead of that of the database.",
        worker: false,
        breakersOpen: 0,
        auditGaps: 0,
        auditStopped: 0,
      }),
  });
  const answer = await fetch(`${lame.url}/readyz`);
  expect(answer.headers.get("retry-after")).toMatch(/^\d+$/);
  expect(expectProblem(answer, await answer.text())).toMatchObject({
    code: "not_ready",
    status: 503,
    detail: "Missing: agreement on the time (The clock here is 60 s ahead of that of the database.), worker.",
  });
});

test.each([
  "*/*",
  "application/*",
  "application/json",
  "*/*;q=0, application/json;q=0.1",
  "text/html, APPLICATION/JSON ; q=0.5",
])("JSON is given to whoever accepts %s", async (accept) => {
  expect((await call("/api/harness/runs", { headers: { accept } })).status).toBe(200);
});

test("a request id that came from outside is not trusted", async () => {
  const answer = await call("/api/harness/keys", {
    headers: { "x-request-id": "forged", "request-id": "forged" },
  });
  expect(answer.headers.get("x-request-id")).toMatch(/^req_[0-9a-f]{32}$/);
});

test.each(["/api/harness/waiting", "/api/harness/decisions?since=2026-01-01T00:00:00.000Z"])(
  "%s names its next page in a header, with what it was asked for",
  async (path) => {
    const first = await call(path);
    const next = /^<([^>]+)>; rel="next"$/.exec(first.headers.get("link") ?? "")?.[1] ?? "";
    const asked = new URL(next, api.url).searchParams;
    expect(asked.get("cursor")).not.toBeNull();
    expect(await first.json()).toMatchObject({ next_cursor: asked.get("cursor") });
    expect(asked.get("since")).toBe(new URL(path, api.url).searchParams.get("since"));
    const second = await call(next);
    expect([second.status, second.headers.get("link")]).toEqual([200, null]);
  },
);
