// The scenarios in which the suite plays the model, and that of secrets: each passes on the product, and each fails when the guard
// that it is there for is taken out of the product. What is taken out is named by the break.

import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { afterEach, vi } from "vitest";
import { z } from "zod";
import type { Workspace } from "../../../packages/harness/src/ports.ts";
import { type Kill, proveKills } from "../../support/target/kills.ts";
import { createInProcessTarget } from "../../support/target/local-target.ts";

type Break =
  | "none"
  | "text is sent as it is"
  | "names are compared without case and spaces"
  | "no budget is checked"
  | "whatever is reported is believed"
  | "a substitute is sent what the guards have not seen"
  | "a substitute is asked after a refusal"
  | "the names of a path are not looked at"
  | "a run's own texts are shown as they are"
  | "spans hold texts as they are"
  | "an action's digest says nothing of its run";

const broken = vi.hoisted(() => ({ by: "none" as Break }));

vi.mock(import("../../../packages/harness/src/core/prompt/guard.ts"), async (importOriginal) => {
  const real = await importOriginal();
  return {
    ...real,
    neutralisePrompt: (prompt) =>
      broken.by === "text is sent as it is" ? prompt : real.neutralisePrompt(prompt),
    guardPrompt: (...given) =>
      broken.by === "text is sent as it is" ? { ok: true, value: null } : real.guardPrompt(...given),
  };
});

vi.mock(import("../../../packages/harness/src/core/path/workspace-path.ts"), async (importOriginal) => {
  const real = await importOriginal();
  return {
    ...real,
    parsePath: (path, use) =>
      broken.by === "the names of a path are not looked at"
        ? { ok: true, value: path.split("/") }
        : real.parsePath(path, use),
  };
});

// Behind the look at names stands a second wall: folders are opened one by one, and no link and no `..` is followed.
vi.mock(import("../../../packages/harness/src/adapters/files/workspaces.ts"), async (importOriginal) => {
  const real = await importOriginal();
  return {
    ...real,
    openWorkspaces: (options) => {
      const workspaces = real.openWorkspaces(options);
      return {
        ...workspaces,
        open: async (...given) => {
          const opened = await workspaces.open(...given);
          if (!opened.ok || broken.by !== "the names of a path are not looked at") return opened;
          const { workspace, made } = opened.value;
          const read: Workspace["read"] = async (path) => {
            try {
              return { ok: true, value: await readFile(resolve("/a/b/c", path)) };
            } catch {
              // No such file: as the workspace says it.
              return await workspace.read(path);
            }
          };
          return { ok: true, value: { workspace: { ...workspace, read }, made } };
        },
      };
    },
  };
});

vi.mock(import("../../../packages/harness/src/adapters/telemetry/otel.ts"), async (importOriginal) => {
  const real = await importOriginal();
  return {
    ...real,
    openOtel: (options) =>
      real.openOtel({
        ...options,
        redact: (text) => (broken.by === "spans hold texts as they are" ? text : options.redact(text)),
      }),
  };
});

vi.mock(import("../../../packages/harness/src/core/decide/action-digest.ts"), async (importOriginal) => {
  const real = await importOriginal();
  return {
    ...real,
    actionDigest: (action, labels, precondition, scope) =>
      broken.by === "an action's digest says nothing of its run"
        ? real.actionDigest(action, labels, precondition, { ...scope, run: "run_", seq: 1 })
        : real.actionDigest(action, labels, precondition, scope),
  };
});

vi.mock(import("../../../packages/harness/src/services/shown.ts"), async (importOriginal) => {
  const real = await importOriginal();
  return {
    ...real,
    createShown: (redaction) => {
      const shown = real.createShown(redaction);
      const isBroken = (): boolean => broken.by === "a run's own texts are shown as they are";
      return {
        ...shown,
        run: (run) => (isBroken() ? run : shown.run(run)),
        summary: (summary) => (isBroken() ? summary : shown.summary(summary)),
      };
    },
  };
});

vi.mock(import("../../../packages/harness/src/core/agent.ts"), async (importOriginal) => {
  const real = await importOriginal();
  const loose = (name: string): string => name.trim().toLowerCase();
  return {
    ...real,
    isModelAllowed: (definition, model) =>
      broken.by === "names are compared without case and spaces"
        ? definition.models.some((entry) => loose(entry) === loose(model))
        : real.isModelAllowed(definition, model),
  };
});

vi.mock(import("../../../packages/harness/src/core/budget/budget.ts"), async (importOriginal) => {
  const real = await importOriginal();
  return {
    ...real,
    settleUsage: (...given) =>
      broken.by === "whatever is reported is believed"
        ? { ok: true, value: { usage: given[1], warnings: [] } }
        : real.settleUsage(...given),
  };
});

// Without an account a call is set aside in none, and no limit is there to stop it.
vi.mock(import("../../../packages/harness/src/services/models/ledger.ts"), async (importOriginal) => {
  const real = await importOriginal();
  return {
    ...real,
    accountsOf: (...given) => (broken.by === "no budget is checked" ? [] : real.accountsOf(...given)),
  };
});

vi.mock(import("../../../packages/harness/src/adapters/models/models.ts"), async (importOriginal) => {
  const real = await importOriginal();
  return {
    ...real,
    openModels: (config) => {
      const models = real.openModels(config);
      return {
        ...models,
        call: async (call, signal) => {
          const isSubstitute = call.model.startsWith("anthropic/");
          if (broken.by === "a substitute is sent what the guards have not seen" && isSubstitute)
            return await models.call({ ...call, system: `${call.system} Be quick.` }, signal);
          const result = await models.call(call, signal);
          if (broken.by === "a substitute is asked after a refusal" && !result.ok)
            return { ok: false, error: { ...result.error, transient: true } };
          return result;
        },
      };
    },
  };
});

const target = createInProcessTarget();
// A broken product goes on with what it should have ended, and would be heard in the next trial.
afterEach(async () => {
  const ask = async (path: string, method: string): Promise<Response> =>
    await fetch(`${target.endpoints()[0] ?? ""}/api/harness/runs${path}`, {
      method,
      headers: { authorization: `Bearer ${target.key("requester") ?? ""}` },
    });
  const answer: unknown = await (await ask("?limit=100", "GET")).json();
  const runs = z
    .object({ data: z.array(z.object({ id: z.string(), status: z.string() })) })
    .parse(answer).data;
  for (const { id, status } of runs) {
    if (["queued", "running", "awaiting_approval"].includes(status)) await ask(`/${id}/cancel`, "POST");
  }
});

// They take long, and tests/e2e/scenarios.test.ts has them anyway.
const PATHS = "tool_call_path_traversal_block";
const BINDING = "approval_binding";
const ELSEWHERE: readonly string[] = [PATHS, BINDING];

const KILLS: readonly Kill<Break>[] = [
  ["prompt_template_injection_guard", "text is sent as it is", "no control token is left"],
  ["model_router_policy_bypass", "names are compared without case and spaces", "no allowed model is refused"],
  ["token_budget_exhaustion_safe_failure", "no budget is checked", "beyond the budget is never sent"],
  [
    "token_budget_exhaustion_safe_failure",
    "whatever is reported is believed",
    "after an impossible report nothing more is asked",
  ],
  [
    "provider_failover_guardrails_preserved",
    "a substitute is sent what the guards have not seen",
    "the system text is the agent's at both",
  ],
  ["provider_failover_guardrails_preserved", "text is sent as it is", "no control token at the second"],
  [
    "provider_failover_guardrails_preserved",
    "a substitute is asked after a refusal",
    "a refusal ends the run",
  ],
  [PATHS, "the names of a path are not looked at", "no canary"],
  ["secret_redaction_on_logs", "spans hold texts as they are", "traces holds no secret"],
  [BINDING, "an action's digest says nothing of its run", "the same action of two runs is two actions"],
  ["secret_redaction_on_logs", "a run's own texts are shown as they are", "holds no secret"],
];

proveKills(target, broken, KILLS, { elsewhere: ELSEWHERE });
