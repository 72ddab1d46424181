// What is asked of a model in the newest step, the same whoever is asked: prompt, tools, size, and who may be asked.

import type { Decision } from "@assent/contract";
import { ok, type Result } from "../../base/result.ts";
import type { Reservation } from "../../core/budget/budget.ts";
import {
  type CountTokens,
  estimateTokens,
  type InputSize,
  sizeOf,
  tokensMax,
} from "../../core/budget/estimate.ts";
import { guardPrompt } from "../../core/prompt/guard.ts";
import { dataClassesOf } from "../../core/route/data-classes.ts";
import { profileOf } from "../../core/route/profile.ts";
import { modelsFor, type Route, routeCall } from "../../core/route/route.ts";
import type { ModelQuestion } from "../../core/route/rules.ts";
import type { StepError } from "../../core/run/journal.ts";
import type { ModelCall } from "../../ports.ts";
import type { Held } from "../held.ts";
import { createTenantSlugs, SLUGS_MAX } from "./tenant-slugs.ts";

export type Question = {
  readonly call: ModelCall;
  readonly size: InputSize;
  readonly route: Route;
  readonly asked: ModelQuestion;
  readonly slug: string;
  /** Null: without a vocabulary each byte counts as one token. */
  readonly countTokens: CountTokens | null;
};

export async function prepareQuestion(held: Held, call: ModelCall): Promise<Result<Question, StepError>> {
  const { definition, committed, ports } = held;
  const guarded = guardPrompt(call, definition.system, committed.journal);
  if (!guarded.ok) return guarded;
  const size = sizeOf(call);
  const slug = await tenantSlug(held);
  const { run, journal } = committed;
  const asked: ModelQuestion = {
    tenant: slug,
    agent: definition.name,
    data: dataClassesOf(ports.routing.models, run.workspace?.name ?? null, journal),
  };
  const countTokens = await counterFor(held, call, size);
  const route = routeCall(ports.routing.models, {
    definition,
    runModel: run.model,
    question: asked,
    tools: call.tools.length,
    estimate: (model) => closestReservation({ call, size, countTokens }, model),
  });
  return ok({ call, size, route, asked, slug, countTokens });
}

/** What a call may take at most; never less than it is. */
export const worstReservation = ({ call, size }: Pick<Question, "call" | "size">): Reservation => ({
  inputTokens: tokensMax(size),
  outputTokens: call.outputTokensMax,
});

/** The same, counted where there is a vocabulary to count by. */
export function closestReservation(
  question: Pick<Question, "call" | "size" | "countTokens">,
  model: string,
): Reservation {
  const worst = worstReservation(question);
  if (question.countTokens === null) return worst;
  const counted = estimateTokens(question.size, model, question.countTokens);
  return { ...worst, inputTokens: Math.min(counted, worst.inputTokens) };
}

// The vocabulary takes 80 MB: it is loaded only where bytes alone would rule a model out.
async function counterFor(held: Held, call: ModelCall, size: InputSize): Promise<CountTokens | null> {
  const { ports, definition, committed } = held;
  const worst = worstReservation({ call, size });
  const isClose = modelsFor(definition, committed.run.model).some((model) => {
    const context = profileOf(ports.routing.models.catalogue, model).context_tokens;
    return context !== undefined && worst.inputTokens + worst.outputTokens > context;
  });
  return isClose ? await loadCounter(held) : null;
}

export const loadCounter = async (held: Held): Promise<CountTokens | null> =>
  (await held.ports.loadTokenCounter?.()) ?? null;

const slugOf = createTenantSlugs(SLUGS_MAX);

const tenantSlug = async ({ fence, ports }: Held): Promise<string> =>
  await slugOf(
    fence.tenant,
    async () =>
      await ports.store.transaction(fence.tenant, async (tx) => await tx.budgets.tenantSlug(), {
        isRepeatable: true,
      }),
  );

/** The first reason of a decision that lets no model answer. */
export function denialOf({ reasons }: Decision): StepError {
  const [first] = reasons;
  const forbidden = reasons.find(({ code }) => code === "model_forbidden" || code === "model_not_permitted");
  const code = (forbidden ?? first)?.code ?? "model_not_allowed";
  return { code, detail: reasons.map(({ detail }) => detail).join(" ") };
}
