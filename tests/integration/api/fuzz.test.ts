// Whatever is sent, the answer is no 5xx, and a problem unless it is a success.

import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Answered, send } from "./client.ts";
import { SUBMIT } from "./malformed-bodies.ts";
import { APPROVAL_ID, DIGEST, RUN } from "./samples.ts";
import { type Fixture, expectProblem, startApi } from "./support.ts";

let api: Fixture;
beforeAll(async () => {
  api = await startApi();
});
afterAll(async () => await api.server.close());

const judge = (answer: Answered): void => {
  expect(answer.status).toBeLessThan(500);
  if (answer.status >= 400) expectProblem(answer, answer.body);
  else expect([200, 201, 202, 204, 304]).toContain(answer.status);
};

describe("whatever is sent, the answer is no 5xx and a problem unless it is a success", () => {
  const anyJson = fc.jsonValue({ maxDepth: 4 });
  // Near the schemas: the right names with anything behind them.
  const nearRun = fc.record(
    {
      agent: fc.oneof(fc.constant("maintainer"), anyJson),
      task: fc.oneof(fc.string(), anyJson),
      workspace: fc.oneof(fc.constant("main"), anyJson),
      model: fc.oneof(fc.constant("scripted/x"), anyJson),
      labels: fc.oneof(fc.dictionary(fc.string(), fc.oneof(fc.string(), anyJson)), anyJson),
    },
    { requiredKeys: [] },
  );
  const nearApproval = fc.record(
    {
      approval_id: fc.oneof(fc.constant(APPROVAL_ID), anyJson),
      decision: fc.oneof(fc.constantFrom("approve", "deny", "confirm"), anyJson),
      action_digest: fc.oneof(fc.constant(DIGEST), anyJson),
      arguments: anyJson,
      comment: fc.oneof(fc.string(), anyJson),
    },
    { requiredKeys: [] },
  );
  const nearKey = fc.record(
    {
      principal: fc.oneof(fc.record({ name: fc.string(), kind: fc.constantFrom("human", "x") }), anyJson),
      scopes: fc.oneof(fc.array(fc.constantFrom("runs:read", "x")), anyJson),
      expires_at: fc.oneof(fc.string(), anyJson),
    },
    { requiredKeys: [] },
  );

  test.each([
    ["/api/harness/run", nearRun],
    ["/api/harness/approve", nearApproval],
    ["/api/harness/keys", nearKey],
  ] as const)("bodies of %s", async (path, near) => {
    await fc.assert(
      fc.asyncProperty(fc.oneof<fc.Arbitrary<unknown>[]>(near, anyJson), async (value) => {
        judge(await send(api, { method: "POST", path, headers: SUBMIT, body: JSON.stringify(value) }));
      }),
      { seed: 42, numRuns: 150 },
    );
  });

  test("bytes as bodies", async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (bytes) => {
        const answer = await send(api, {
          method: "POST",
          path: "/api/harness/run",
          headers: SUBMIT,
          body: Buffer.from(bytes),
        });
        judge(answer);
      }),
      { seed: 42, numRuns: 150 },
    );
  });

  test("paths, queries and headers", async () => {
    const visible = fc.string({
      unit: fc.constantFrom(..."abz09%/?&=.,:;-_~!$'()*+@[]{}|\\^`\"<>".split("")),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom("/api/harness/runs?", `/api/harness/runs/${RUN}/events?`, "/api/harness/runs/", "/"),
        visible,
        visible,
        async (prefix, rest, header) => {
          const headers = { "if-none-match": header, "last-event-id": header, "idempotency-key": header };
          judge(
            await send(api, { path: prefix + rest, headers: { ...headers, accept: "application/json" } }),
          );
        },
      ),
      { seed: 42, numRuns: 300 },
    );
  });
});
