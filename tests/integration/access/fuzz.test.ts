import { afterAll, beforeAll, expect, test } from "vitest";
import { fuzz, openFuzzed } from "./api-fuzz.ts";
import type { Edge } from "./support.ts";

let edge: Edge;
beforeAll(async () => {
  edge = await openFuzzed();
});
afterAll(async () => await edge[Symbol.asyncDispose]());

test("300 requests from the served document: no 5xx, no undocumented status, no effect without permission", async () => {
  const statuses = await fuzz(edge, 300, 42);
  for (const status of [200, 400, 401, 403, 404]) expect(statuses.get(status) ?? 0).toBeGreaterThan(0);
});
