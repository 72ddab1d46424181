import { policySetSchema } from "@assent/contract";
import { expect, test } from "vitest";
import { openCedarPolicies } from "../../../packages/harness/src/adapters/cedar/policies.ts";
import { loadedRules } from "../../../packages/harness/src/services/loaded-rules.ts";

const TEXT = `@id("act")
permit (principal, action == Action::"call", resource);

// Said of the next one.
@id("ask/many") @description("It pays.") @needs_approval @quorum("2") @approvers("anna, ben") @separate_duties @timeout("15m")
forbid (principal, action == Action::"call", resource);`;

test("every rule is told with what it asks for, and as it is written", () => {
  const opened = openCedarPolicies({ texts: { "secret-place.cedar": TEXT } });
  if (!opened.ok) throw new Error(opened.error.detail);
  const told = loadedRules(opened.value);
  expect(policySetSchema.parse(told)).toEqual(told);
  expect(told).toMatchObject({
    version: opened.value.version,
    rules: [
      { id: "act", effect: "permit", description: null, asks: null },
      {
        id: "ask/many",
        effect: "forbid",
        description: "It pays.",
        asks: { approvers: ["anna", "ben"], quorum: 2, separate_duties: true, timeout_seconds: 900 },
      },
    ],
  });
  for (const { id, text } of told.rules) expect(text).toContain(`@id("${id}")`);
  expect(JSON.stringify(told)).not.toContain("secret-place");
});
