// What happens when something inside is wrong: nothing of it gets out, and the operator can find it.

import { expect, test } from "vitest";
import {
  APPROVAL,
  ARTIFACT,
  ARTIFACT_BYTES,
  ARTIFACT_ID,
  CREATED_KEY,
  KEY,
  KEYS,
  RUN,
  RUN_DETAIL,
  VALID_RUN_REQUEST,
  summaryOf,
} from "./samples.ts";
import { bearer, expectProblem, startApi } from "./support.ts";

const SECRET = "postgres://assent:hunter2@10.0.0.7/assent";
const JSON_TYPE = { "content-type": "application/json" };

test("an unexpected exception is a bare 500, logged once under the id that the caller was given", async () => {
  await using api = await startApi({
    getRun: async () => await Promise.reject(new Error(SECRET)),
  });
  const answer = await fetch(`${api.url}/api/harness/runs/${RUN}`, { headers: bearer(KEYS.all) });
  const body = await answer.text();
  const document = expectProblem(answer, body);
  expect(document).toMatchObject({ code: "internal_error", status: 500 });
  expect(body).not.toContain("hunter2");
  expect(JSON.stringify([...answer.headers])).not.toContain("hunter2");
  expect(answer.headers.get("etag")).toBeNull();
  expect(api.logs).toHaveLength(1);
  expect(api.logs[0]).toMatchObject({ level: "error", fields: { request_id: document.request_id } });
});

test.each([
  ["an error with a status", Object.assign(new Error(SECRET), { statusCode: 404 })],
  [
    "an error with Fastify's code but not its own",
    Object.assign(new Error(SECRET), { code: "FST_ERR_MADE_UP", statusCode: 400 }),
  ],
  ["a broken connection of our own", Object.assign(new Error(SECRET), { code: "ECONNRESET" })],
  ["what is no error", SECRET],
])("%s that is thrown inside is no answer of ours", async (_, thrown) => {
  await using api = await startApi({
    listKeys: async () => {
      throw thrown;
    },
  });
  const answer = await fetch(`${api.url}/api/harness/keys`, { headers: bearer(KEYS.all) });
  const body = await answer.text();
  expect(expectProblem(answer, body).code).toBe("internal_error");
  expect(body).not.toContain("hunter2");
  expect(api.logs).toHaveLength(1);
});

test("a field that no schema names becomes a 500, not a leak, and the log does not hold it either", async () => {
  const leak = { password_hash: SECRET };
  await using api = await startApi({
    getRun: async () => await Promise.resolve({ ok: true, value: { ...RUN_DETAIL, ...leak } }),
    listRuns: async () =>
      await Promise.resolve({
        ok: true,
        value: { data: [{ ...summaryOf(RUN), ...leak }], next_cursor: null },
      }),
    cancelRun: async () => await Promise.resolve({ ok: true, value: { ...summaryOf(RUN), ...leak } }),
    listKeys: async () => await Promise.resolve({ ok: true, value: [{ ...CREATED_KEY }] }),
    revokeKey: async () => await Promise.resolve({ ok: true, value: { ...KEY, ...leak } }),
    decide: async () => await Promise.resolve({ ok: true, value: { ...APPROVAL, ...leak } }),
    submitRun: async () =>
      await Promise.resolve({
        ok: true,
        value: { body: JSON.stringify({ ...summaryOf(RUN), ...leak }), runId: RUN, replayed: false },
      }),
  });
  const requests: readonly (readonly [string, RequestInit])[] = [
    [`/api/harness/runs/${RUN}`, {}],
    ["/api/harness/runs", {}],
    [`/api/harness/runs/${RUN}/cancel`, { method: "POST" }],
    ["/api/harness/keys", {}],
    [`/api/harness/keys/${KEY.id}`, { method: "DELETE" }],
    [
      "/api/harness/run",
      {
        method: "POST",
        headers: { ...JSON_TYPE, "idempotency-key": "k" },
        body: JSON.stringify(VALID_RUN_REQUEST),
      },
    ],
    [
      "/api/harness/approve",
      {
        method: "POST",
        headers: JSON_TYPE,
        body: JSON.stringify({ approval_id: APPROVAL.id, decision: "deny", comment: "no" }),
      },
    ],
  ];
  for (const [path, init] of requests) {
    const answer = await fetch(`${api.url}${path}`, {
      ...init,
      headers: new Headers([...new Headers(init.headers), ...Object.entries(bearer(KEYS.all))]),
    });
    const body = await answer.text();
    expect([path, expectProblem(answer, body).code]).toEqual([path, "internal_error"]);
    expect(body).not.toContain("hunter2");
    expect(body).not.toContain(CREATED_KEY.secret);
  }
  expect(api.logs).toHaveLength(requests.length);
  expect(JSON.stringify(api.logs)).not.toContain("hunter2");
  expect(JSON.stringify(api.logs)).not.toContain(CREATED_KEY.secret);
});

test("an event with a field too many is neither paged nor streamed", async () => {
  const leak = { password_hash: SECRET };
  await using api = await startApi({
    listEvents: async (_caller, id) =>
      await Promise.resolve({
        ok: true,
        value: {
          events: [
            {
              v: 1,
              run_id: id,
              version: 1,
              at: RUN_DETAIL.created_at,
              kind: "run_queued",
              actor: null,
              data: {},
              digest: `sha256:${"0".repeat(64)}`,
              ...leak,
            },
          ],
          ended: true,
        },
      }),
  });
  for (const accept of ["application/json", "text/event-stream"]) {
    const answer = await fetch(`${api.url}/api/harness/runs/${RUN}/events`, {
      headers: { ...bearer(KEYS.all), accept },
    });
    const body = await answer.text();
    expect(body).not.toContain("hunter2");
    expect(JSON.stringify(api.logs)).not.toContain("hunter2");
  }
  expect(api.logs).toHaveLength(2);
});

test.each([
  [
    "a line break",
    "a\r\nset-cookie: x=1.txt",
    "filename=\"a__set-cookie_ x_1.txt\"; filename*=UTF-8''a__set-cookie%3A%20x%3D1.txt",
  ],
  ["quotes", 'a".exe;x="b.txt', "filename=\"a_.exe_x__b.txt\"; filename*=UTF-8''a%22.exe%3Bx%3D%22b.txt"],
  ["a path", "../../etc/passwd", "filename=\"__.._etc_passwd\"; filename*=UTF-8''__.._etc_passwd"],
  [
    "other letters",
    "Änderung 変更.patch",
    "filename=\"_nderung __.patch\"; filename*=UTF-8''%C3%84nderung%20%E5%A4%89%E6%9B%B4.patch",
  ],
  ["a direction mark", "a\u202Egpj.exe", "filename=\"a_gpj.exe\"; filename*=UTF-8''a_gpj.exe"],
  ["half a pair", "a\ud800.txt", "filename=\"a_.txt\"; filename*=UTF-8''a%EF%BF%BD.txt"],
  ["nothing", "", "filename=\"artifact\"; filename*=UTF-8''artifact"],
  ["RFC 8187's marks", "a'(b)*.txt", "filename=\"a__b__.txt\"; filename*=UTF-8''a%27%28b%29%2A.txt"],
])("an artifact's name with %s stays a name", async (_, name, expected) => {
  await using api = await startApi({
    openArtifact: async () =>
      await Promise.resolve({
        ok: true,
        value: {
          artifact: { ...ARTIFACT, name, media_type: "text/html\r\nset-cookie: x=1" },
          bytes: ARTIFACT_BYTES,
        },
      }),
  });
  const answer = await fetch(`${api.url}/api/harness/runs/${RUN}/artifacts/${ARTIFACT_ID}`, {
    headers: bearer(KEYS.all),
  });
  expect(answer.status).toBe(200);
  expect(answer.headers.get("content-disposition")).toBe(`attachment; ${expected}`);
  expect(answer.headers.get("content-type")).toBe("application/octet-stream");
  expect(answer.headers.get("set-cookie")).toBeNull();
});

test("a refusal of the harness is passed on with its status, code and faults", async () => {
  await using api = await startApi({
    decide: async () =>
      await Promise.resolve({
        ok: false,
        error: {
          code: "edit_refused",
          detail: "The path is outside of the workspace.",
          errors: [{ pointer: "#/arguments/path", detail: "outside" }],
        },
      }),
    cancelRun: async () =>
      await Promise.resolve({ ok: false, error: { code: "run_already_finished", detail: "It succeeded." } }),
  });
  const edit = await fetch(`${api.url}/api/harness/approve`, {
    method: "POST",
    headers: { ...bearer(KEYS.all), ...JSON_TYPE },
    body: JSON.stringify({ approval_id: APPROVAL.id, decision: "deny", comment: "no" }),
  });
  expect(expectProblem(edit, await edit.text())).toMatchObject({
    code: "edit_refused",
    status: 422,
    detail: "The path is outside of the workspace.",
    errors: [{ pointer: "#/arguments/path", detail: "outside" }],
  });
  const cancel = await fetch(`${api.url}/api/harness/runs/${RUN}/cancel`, {
    method: "POST",
    headers: bearer(KEYS.all),
  });
  expect(expectProblem(cancel, await cancel.text())).toMatchObject({
    code: "run_already_finished",
    status: 409,
  });
  expect(api.logs).toEqual([]);
});
