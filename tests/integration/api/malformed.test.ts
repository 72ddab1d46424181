// "A hundred malformed requests of every kind: a 4xx problem document each, no 5xx, nothing written."
// Those that Node's parser already refuses are in wire.test.ts.

import { PROBLEMS } from "@assent/contract";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { send } from "./client.ts";
import { JSON_TYPE, SUBMIT, VALID_BODY, key, runWith } from "./malformed-bodies.ts";
import { type Bad, MALFORMED } from "./malformed-requests.ts";
import { APPROVAL_ID, KEY_ID } from "./samples.ts";
import { type Fixture, expectProblem, startApi } from "./support.ts";

let api: Fixture;
beforeAll(async () => {
  api = await startApi();
});
afterAll(async () => await api.server.close());

async function expectRefused(bad: Bad): Promise<void> {
  api.harness.calls.length = 0;
  const answer = await send(api, bad);
  const document = expectProblem(answer, answer.body);
  expect(document).toMatchObject({ code: bad.code, status: PROBLEMS[bad.code].status });
  expect(document.status).toBeGreaterThanOrEqual(400);
  expect(document.status).toBeLessThan(500);
  expect(api.harness.calls).toEqual([]);
  expect(api.logs).toEqual([]);
}

test("there are more than a hundred of them, each with a name of its own", () => {
  expect(MALFORMED.length).toBeGreaterThan(200);
  expect(new Set(MALFORMED.map(({ name }) => name)).size).toBe(MALFORMED.length);
});

describe("is refused, and reaches nothing", () => {
  test.each(MALFORMED.map((bad) => [bad.name, bad] as const))("%s", async (_, bad) => {
    await expectRefused(bad);
  });
});

test.each([
  [
    "/api/harness/run",
    { agent: "maintainer", task: "Do it.", labls: {} },
    /^has members .* agent, .*\blabels,/u,
  ],
  [
    "/api/harness/approve",
    { approval_id: APPROVAL_ID, decision: "approve", digest: "x" },
    /\baction_digest\b/u,
  ],
  ["/api/harness/runs?lable=a", null, /^has members .* agent, cursor, label, /u],
])("of a misspelt member of %s it is said which ones there are", async (path, body, says) => {
  const bad =
    body === null
      ? { method: "GET" as const, path }
      : { method: "POST" as const, path, headers: SUBMIT, body: JSON.stringify(body) };
  const answer = await send(api, bad);
  const faults = expectProblem(answer, answer.body).errors ?? [];
  expect(faults.filter(({ pointer }) => pointer === "#").map(({ detail }) => detail)).toEqual([
    expect.stringMatching(says),
  ]);
});

test("a fault is named by its place, and what the caller made up is not repeated", async () => {
  const secret = "s3cr3t-t0ken";
  const body = JSON.stringify({
    agent: `X${secret}`,
    task: 5,
    labels: { [`A${secret}`]: "x", ok: 3 },
    [secret]: { [secret]: secret },
  });
  const answer = await send(api, { method: "POST", path: "/api/harness/run", headers: SUBMIT, body });
  const document = expectProblem(answer, answer.body);
  expect(answer.body).not.toContain(secret);
  expect(document.errors?.map(({ pointer }) => pointer).toSorted()).toEqual([
    "#",
    "#/agent",
    "#/labels",
    "#/labels",
    "#/task",
  ]);
  const nested = await send(api, {
    method: "POST",
    path: "/api/harness/keys",
    headers: JSON_TYPE,
    body: key({ principal: { name: secret, kind: secret }, scopes: ["runs:read", secret] }),
  });
  expect(nested.body).not.toContain(secret);
  expect(
    expectProblem(nested, nested.body)
      .errors?.map(({ pointer }) => pointer)
      .toSorted(),
  ).toEqual(["#/principal/kind", "#/scopes/1"]);
});

test("a thousand faults do not make a large answer", async () => {
  const body = runWith({ labels: Object.fromEntries(Array.from({ length: 1_000 }, (_, n) => [`A${n}`, n])) });
  const answer = await send(api, { method: "POST", path: "/api/harness/run", headers: SUBMIT, body });
  expect(expectProblem(answer, answer.body).errors?.length).toBeLessThanOrEqual(20);
  expect(answer.body.length).toBeLessThan(4_096);
});

test("405 and OPTIONS name the methods that there are", async () => {
  for (const [path, allow] of [
    ["/api/harness/run", "POST, OPTIONS"],
    ["/api/harness/runs", "GET, HEAD, OPTIONS"],
    ["/api/harness/keys", "POST, GET, HEAD, OPTIONS"],
    [`/api/harness/keys/${KEY_ID}`, "DELETE, OPTIONS"],
    ["/openapi.json", "GET, HEAD, OPTIONS"],
  ] as const) {
    expect((await send(api, { method: "PATCH", path })).headers.get("allow")).toBe(allow);
    const options = await send(api, { method: "OPTIONS", path });
    expect(options.status).toBe(204);
    expect(options.headers.get("allow")).toBe(allow);
    expect(options.headers.get("access-control-allow-origin")).toBeNull();
  }
  expect((await send(api, { method: "OPTIONS", path: "*" })).status).toBe(204);
});

test("a body of just 256 KiB is read", async () => {
  const padding = " ".repeat(256 * 1024 - VALID_BODY.length);
  const answer = await send(api, {
    method: "POST",
    path: "/api/harness/run",
    headers: SUBMIT,
    body: VALID_BODY + padding,
  });
  expect(answer.status).toBe(202);
});
