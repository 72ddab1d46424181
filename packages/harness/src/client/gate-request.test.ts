import { expect, test } from "vitest";
import { GateFailure } from "./gate-request.ts";

test("a loop that finds nobody is told where it looked", () => {
  const failure = { kind: "unreachable", url: "http://127.0.0.1:4999", detail: "ECONNREFUSED" } as const;
  expect(new GateFailure(failure).message).toBe("http://127.0.0.1:4999 cannot be reached: ECONNREFUSED");
});
