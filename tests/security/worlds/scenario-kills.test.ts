// The scenarios that drive a run: each passes on the product, and each fails when the guard that it is there for is
// taken out of the product. What is taken out is named by the break.

import { vi } from "vitest";
import { type Kill, proveKills } from "../../support/target/kills.ts";
import { createInProcessTarget } from "../../support/target/local-target.ts";

type Break =
  | "none"
  | "a permit outweighs a deny"
  | "a permit is named beside the deny"
  | "arguments are not held against the schema"
  | "missing fields count as harmless"
  | "everything that was read counts as the requester's words"
  | "nothing that was read taints";

const broken = vi.hoisted(() => ({ by: "none" as Break }));

vi.mock(import("../../../packages/harness/src/core/decide/policy-verdict.ts"), async (importOriginal) => {
  const real = await importOriginal();
  return {
    ...real,
    policyVerdict: (...given) => {
      const verdict = real.policyVerdict(...given);
      if (verdict.verdict === "permit") return verdict;
      const permits = [...given[0].values()].filter(({ effect }) => effect === "permit");
      const reasons = permits.map(({ id }) => ({ code: "permit", policy: id, detail: "It permits." }));
      if (broken.by === "a permit outweighs a deny") return { verdict: "permit", reasons, assent: null };
      if (broken.by === "a permit is named beside the deny")
        return { ...verdict, reasons: [...verdict.reasons, ...reasons] };
      return verdict;
    },
  };
});

vi.mock(import("../../../packages/harness/src/core/external.ts"), async (importOriginal) => {
  const real = await importOriginal();
  return {
    ...real,
    pinTool: (manifest) =>
      real.pinTool(
        broken.by === "missing fields count as harmless"
          ? { effect: "none", harm: [], control_arguments: [], ...manifest }
          : manifest,
      ),
  };
});

vi.mock(import("../../../packages/harness/src/services/external/input-schema.ts"), async (importOriginal) => {
  const real = await importOriginal();
  return {
    ...real,
    compileInputSchema: (schema) =>
      broken.by === "arguments are not held against the schema"
        ? { ok: true, value: () => null }
        : real.compileInputSchema(schema),
  };
});

vi.mock(import("../../../packages/harness/src/services/external/judge.ts"), async (importOriginal) => {
  const real = await importOriginal();
  return {
    ...real,
    judge: (policies, state, ...rest) =>
      broken.by === "nothing that was read taints"
        ? real.judge(policies, { ...state, tainted: false }, ...rest)
        : real.judge(policies, state, ...rest),
  };
});

vi.mock(import("../../../packages/harness/src/core/label/origins.ts"), async (importOriginal) => {
  const real = await importOriginal();
  return {
    ...real,
    createOriginIndex: () => {
      const index = real.createOriginIndex();
      return {
        ...index,
        add: (source) => {
          const trusts = broken.by === "everything that was read counts as the requester's words";
          index.add(trusts ? { ...source, id: "task", label: "trusted" } : source);
        },
      };
    },
  };
});

const PRECEDENCE = "allow_deny_precedence";
const EXFILTRATION = "prompt_injection_exfiltration_blocked";

const KILLS: readonly Kill<Break>[] = [
  [PRECEDENCE, "a permit outweighs a deny", "the deny wins over the permits"],
  [PRECEDENCE, "a permit is named beside the deny", "a deny names what denies, and no permit"],
  [PRECEDENCE, "missing fields count as harmless", "counts as the worst"],
  [PRECEDENCE, "arguments are not held against the schema", "an argument of another type is denied"],
  [EXFILTRATION, "a permit outweighs a deny", "the canary reaches no sink"],
  [EXFILTRATION, "everything that was read counts as the requester's words", "the canary reaches no sink"],
  [EXFILTRATION, "nothing that was read taints", "the canary reaches no sink"],
];

// That the other one passes takes a minute, and tests/e2e/scenarios.test.ts shows it.
proveKills(createInProcessTarget(), broken, KILLS, { elsewhere: [EXFILTRATION] });
