// What an engine is where a test does not say otherwise.

import { systemRandom } from "../../packages/harness/src/adapters/system/random.ts";
import { type Telling, tellingOf } from "../../packages/harness/src/assemble/webhooks.ts";
import { createAnswerSeal } from "../../packages/harness/src/services/answer-seal.ts";
import { createCursors } from "../../packages/harness/src/services/cursors.ts";
import type { HarnessPorts } from "../../packages/harness/src/services/create-harness.ts";
import { signingSecrets } from "../../packages/harness/src/services/signing-keys.ts";
import type { Role, Run, RunId, RunState, Scope } from "@assent/contract";
import { openTrial } from "../../packages/harness/src/adapters/cedar/trial.ts";
import { DEFAULT_BUDGET_SETTINGS } from "../../packages/harness/src/core/budget/settings.ts";
import { DEFAULT_PROVIDER_SETTINGS } from "../../packages/harness/src/core/resilience/settings.ts";
import { DEFAULT_MODEL_SETTINGS } from "../../packages/harness/src/core/route/settings.ts";
import type { AgentDefinition } from "../../packages/harness/src/core/agent.ts";
import type { ClockWatch, Workspaces } from "../../packages/harness/src/ports.ts";
import type { Routing } from "../../packages/harness/src/services/held.ts";
import { createTrials } from "../../packages/harness/src/services/trials.ts";
import type { EngineOptions } from "./engine.ts";
import { until } from "./until.ts";

export const DEFAULT_ROUTING: Routing = {
  models: DEFAULT_MODEL_SETTINGS,
  budgets: DEFAULT_BUDGET_SETTINGS,
  providers: DEFAULT_PROVIDER_SETTINGS,
};

/** What one process has of its own. */
export const BESIDE = { evidence: null, trials: createTrials(openTrial) };

/** Tests move their clock as they like: what is moved is the time, and not this process's clock alone. */
export const agreeingClock: ClockWatch = {
  difference: () => null,
  agreed: async () => {
    await Promise.resolve();
  },
};

export const agentOf = ({ agent, tools = [] }: EngineOptions): AgentDefinition => ({
  name: "tester",
  description: "Does what its script says.",
  system: "You are a test.",
  models: ["scripted/test"],
  tools: tools.map((tool) => tool.manifest.name),
  workspace: "none",
  output_tokens_max: 1000,
  temperature: 0,
  seed: 0,
  ...agent,
});

export const noWorkspaces: Workspaces = {
  resolve: async () => await Promise.resolve({ ok: false, error: { code: "none", detail: "none" } }),
  open: async () => await Promise.resolve({ ok: false, error: { code: "none", detail: "none" } }),
  remove: async () => {
    await Promise.resolve();
  },
  list: async () => await Promise.resolve([]),
};

/** Waits for a run to be in one of these states. */
export async function reach(
  read: (id: RunId) => Promise<Run>,
  id: RunId,
  between: () => Promise<void>,
  states: readonly RunState[],
): Promise<Run> {
  return await until(`${id} is ${states.join(" or ")}`, async () => {
    await between();
    const now = await read(id);
    if (states.includes(now.status)) return now;
    // It does not change any more: whoever waits would learn in minutes what can be said now.
    if (now.finished_at !== null)
      throw new Error(`${id} is ${now.status}, not ${states.join(" or ")}: ${JSON.stringify(now.reason)}`);
    return undefined;
  });
}

/** What a new key is good for, and whose kind it is: a service's, where nothing is said. */
export type Grant = {
  readonly kind?: "human" | "service";
  readonly scopes?: readonly Scope[];
  readonly roles?: readonly Role[];
};

/** Of the installation. */
export const SECRET: Uint8Array = new Uint8Array(32).fill(7);

/** What the harness makes of it; webhooks are on the open Internet alone. */
export const DERIVED: Pick<HarnessPorts, "signingSecret" | "answerSeal" | "cursors"> & Telling = {
  signingSecret: signingSecrets(SECRET),
  answerSeal: createAnswerSeal(SECRET, systemRandom),
  cursors: createCursors(SECRET),
  ...tellingOf({ signing: SECRET }, { webhooks: { allow: null, own: [] } }),
};
