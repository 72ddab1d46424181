import { type Action, EFFECTS, HARMS } from "@assent/contract";
import fc from "fast-check";
import { expect, test } from "vitest";
import { firstRules } from "./decision.ts";

const base: Action = {
  tool: "t",
  tool_version: "1",
  manifest_digest: `sha256:${"a".repeat(64)}`,
  effect: "once",
  harm: [],
  arguments: {},
};

test("only a pure read is permitted, only a mere write can be asked for, all else is denied", () => {
  fc.assert(
    fc.property(fc.constantFrom(...EFFECTS), fc.subarray([...HARMS]), (effect, harm) => {
      const { verdict, reasons } = firstRules({ ...base, effect, harm });
      const expected =
        harm.length === 0
          ? effect === "none"
            ? "permit"
            : "deny"
          : harm.length === 1 && harm[0] === "write"
            ? "needs_approval"
            : "deny";
      expect(verdict).toBe(expected);
      expect(reasons).toHaveLength(1);
    }),
    { seed: 42 },
  );
});
