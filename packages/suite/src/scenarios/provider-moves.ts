// Moves of the scenarios that look at what the models were sent.

import type { HarnessClient } from "../client.ts";
import { fieldsOf, readRun, type RunReading, TERMINAL_STATES } from "../run-reading.ts";
import { PreconditionMissing, type ScenarioContext } from "../scenario.ts";
import type { ProviderBench } from "../target.ts";
import { awaitStatus } from "./moves.ts";

export function benchOf(context: ScenarioContext): ProviderBench {
  const { provider } = context.target;
  if (provider === undefined) throw new PreconditionMissing("the target calls none of the suite's providers");
  return provider;
}

export async function submitBody(
  context: ScenarioContext,
  client: HarnessClient,
  body: unknown,
): Promise<string> {
  const answer = await client.submit(body, context.unique("run"));
  context.check("the run is accepted", answer.status === 202, answer.status);
  return readRun(answer.json)?.id ?? "";
}

/** Waits until the run has ended or asks a person. */
export async function settleRun(
  context: ScenarioContext,
  client: HarnessClient,
  id: string,
): Promise<RunReading> {
  return await awaitStatus(context, client, id, ["awaiting_approval", ...TERMINAL_STATES]);
}

/** The names of the models that the run's record says have answered. */
export async function recordedModels(client: HarnessClient, id: string): Promise<readonly string[]> {
  const { json } = await client.getRun(id);
  const steps = fieldsOf(json)["steps"];
  return (Array.isArray(steps) ? steps : [])
    .map(fieldsOf)
    .filter((step) => step["kind"] === "model" && step["state"] === "succeeded")
    .map((step) => String(step["name"]));
}

export const sinkEffects = (context: ScenarioContext): number =>
  [...(context.target.sink?.effects().values() ?? [])].reduce((sum, times) => sum + times, 0);
