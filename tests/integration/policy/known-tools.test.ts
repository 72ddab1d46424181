// What a task names is read once for a run's tools; a tool that becomes another under way is read anew.

import { expect, test } from "vitest";
import type { Policies } from "../../../packages/harness/src/core/decide/policy-point.ts";
import { createOriginIndex } from "../../../packages/harness/src/core/label/origins.ts";
import type { Manifest } from "../../../packages/harness/src/core/tool.ts";
import { judge } from "../../../packages/harness/src/services/judge.ts";
import { actionOf } from "../../../packages/harness/src/services/steps/tool.ts";
import { runOf } from "../../support/decision/decision-path.ts";
import { agentOf } from "../../support/engine-defaults.ts";
import { countingTool } from "../../support/engine.ts";

const policies: Policies = {
  version: `sha256:${"0".repeat(64)}`,
  rules: [],
  decide: () => ({ verdict: "permit", reasons: [], assent: null }),
};

test("a tool whose manifest changes between two calls is named by what it says now", () => {
  const tool = countingTool("sterge", "once");
  const definition = agentOf({ tools: [tool] });
  const isNamed = (manifest: Manifest, task: string): boolean | undefined => {
    const now = { ...tool, manifest };
    const seen = {
      run: runOf(task),
      definition,
      journal: [],
      origins: createOriginIndex(),
      tools: { get: () => now },
    };
    return judge(policies, seen, manifest, actionOf(now, {})).request.circumstances?.named;
  };
  const other: Manifest = { ...tool.manifest, namedBy: ["golește"] };
  expect(isNamed(tool.manifest, "Golește coșul.")).toBe(false);
  expect(isNamed(other, "Golește coșul.")).toBe(true);
  expect(isNamed(other, "Citește coșul.")).toBe(false);
  expect(isNamed(tool.manifest, "Golește coșul.")).toBe(false);
});
