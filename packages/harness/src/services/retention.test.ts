import { KEPT_THINGS, retentionSchema } from "@assent/contract";
import { expect, test } from "vitest";
import { retentionOf } from "./retention.ts";

test("of everything that is kept it is said how long, once", () => {
  for (const days of [null, 400]) {
    const { data } = retentionSchema.parse(retentionOf(days));
    expect(data.map(({ what }) => what)).toEqual([...KEPT_THINGS]);
    // What stays has no end, and what goes by itself has one.
    for (const { seconds, removed } of data) {
      if (removed === "never") expect(seconds).toBeNull();
      if (removed === "by_itself") expect(seconds).toBeGreaterThan(0);
    }
  }
});

test("the evidence stays where the configuration says nothing, and goes when asked where it does", () => {
  const evidence = (days: number | null): unknown =>
    retentionOf(days).data.find(({ what }) => what === "audit_entries");
  const setting = "evidence.retention_days";
  expect(evidence(null)).toEqual({ what: "audit_entries", seconds: null, removed: "never", setting });
  expect(evidence(400)).toEqual({
    what: "audit_entries",
    seconds: 400 * 86_400,
    removed: "when_asked",
    setting,
  });
});
