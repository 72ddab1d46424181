// A hundred malformed requests and more: a 4xx problem document each, no 5xx, and nothing written.

import { afterAll, beforeAll, expect, test } from "vitest";
import { problemSchema } from "@assent/contract";
import { MALFORMED_REQUESTS } from "../../packages/suite/src/fixtures/malformed-requests.ts";
import { send } from "../../packages/suite/src/http.ts";
import { createInProcessTarget } from "../support/target/local-target.ts";

const target = createInProcessTarget();

beforeAll(async () => {
  await target.start();
});
afterAll(async () => {
  await target.stop();
});

async function countRuns(): Promise<number> {
  const answer = await request(
    { method: "GET", path: "/api/harness/runs?limit=100", headers: {}, body: null },
    "run",
  );
  const page: unknown = JSON.parse(answer.text);
  if (typeof page !== "object" || page === null || !("data" in page) || !Array.isArray(page.data))
    throw new Error("no list of runs");
  return page.data.length;
}

async function request(
  sent: Parameters<typeof send>[1],
  endpoint: "run" | "approve",
): Promise<{ readonly status: number; readonly type: string; readonly text: string }> {
  const key = target.key(endpoint === "run" ? "requester" : "approver") ?? "";
  const { status, headers, bytes } = await send(
    target.endpoints()[0] ?? "",
    { ...sent, headers: { authorization: `Bearer ${key}`, ...sent.headers } },
    { timeoutMs: 30_000, signal: new AbortController().signal },
  );
  return { status, type: headers["content-type"] ?? "", text: Buffer.from(bytes).toString("utf8") };
}

test("each is refused with a problem document of its status, and nothing is written", async () => {
  const before = await countRuns();
  const wrong: string[] = [];
  for (const { name, endpoint, request: sent, statuses } of MALFORMED_REQUESTS) {
    const answer = await request(sent, endpoint);
    const problem = problemSchema.safeParse(JSON.parse(answer.text === "" ? "null" : answer.text));
    const right =
      statuses.includes(answer.status) &&
      answer.type.startsWith("application/problem+json") &&
      problem.success &&
      problem.data.status === answer.status;
    if (!right)
      wrong.push(`${endpoint}, ${name}: ${answer.status} ${answer.type} ${answer.text.slice(0, 200)}`);
  }
  expect(wrong).toEqual([]);
  expect(await countRuns()).toBe(before);
});
