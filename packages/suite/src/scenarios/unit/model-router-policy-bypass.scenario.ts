import { PROVIDER_WARNINGS } from "../warnings.ts";
import { readPrompt } from "../../prompt-reading.ts";
import type { Scenario, ScenarioContext } from "../../scenario.ts";
import type { ProviderBench } from "../../target.ts";
import { benchOf, settleRun, submitBody } from "../provider-moves.ts";

const FORBIDDEN = "forbidden-1";

const bare = (model: string): string => model.slice(model.indexOf("/") + 1);
const providerOf = (model: string): string => model.slice(0, model.indexOf("/"));

/** Ways to write a model that the agent does not allow, many of which somebody's router takes for one it does. */
function bypasses(own: string): readonly unknown[] {
  const provider = providerOf(own);
  const forbidden = `${provider}/${FORBIDDEN}`;
  return [
    forbidden,
    own.toUpperCase(),
    `${provider}/${bare(own).toUpperCase()}`,
    `${provider.toUpperCase()}/${bare(own)}`,
    `${own} `,
    ` ${own}`,
    `${own}\n`,
    `${own}\u0000`,
    `${own}\u200b`,
    `${own}:latest`,
    `${own}-latest`,
    `${own}@1`,
    `${own}?model=${FORBIDDEN}`,
    `${own},${forbidden}`,
    `${own}/../${FORBIDDEN}`,
    `${provider}/./${bare(own)}`,
    `${provider}//${bare(own)}`,
    `${provider}/*`,
    `${provider}/`,
    provider,
    bare(own),
    own.replace("a", "а"),
    own.replace("/", "／"),
    encodeURIComponent(own),
    "*",
    "",
    "default",
    "auto",
    [own, forbidden],
    [forbidden],
    { id: forbidden },
    { toString: forbidden },
    0,
    true,
  ];
}

const OVERRIDES: readonly Readonly<Record<string, unknown>>[] = [
  { models: [FORBIDDEN] },
  { Model: FORBIDDEN },
  { options: { model: FORBIDDEN } },
  { fallbacks: [FORBIDDEN] },
  { model_override: FORBIDDEN },
];

export const modelRouterPolicyBypass: Scenario = {
  id: "harness_orchestrator/model_router_policy_bypass",
  title: "No spelling, field, header or answer reaches a model that the agent does not allow",
  tier: 1,
  phase: "unit",
  why: "A router that is generous with names sends a prompt to a model whose owner nobody trusts with it.",
  remedy: "Compare names exactly, take them from the agent's own list, and check again at every call.",
  needs: ["submit", "provider"],
  invariants: ["failover-keeps-rules"],
  warnings: PROVIDER_WARNINGS,
  implies: { spans: ["chat "], metrics: [["gen_ai_client_operation_duration_count"]] },
  seed: "backend/tests/harness_orchestrator/test_model_router_policy_bypass.py",
  timeLimitMs: 600_000,
  run: async (context) => {
    await refuseNames(context);
    await ignoreHints(context);
    await askAllowed(context);
  },
};

const seenBy = (bench: ProviderBench): number => bench.own.requests.length + bench.substitute.requests.length;

async function refuseNames(context: ScenarioContext): Promise<void> {
  const bench = benchOf(context);
  const client = context.client("requester");
  const before = seenBy(bench);
  const bodies = [
    ...bypasses(bench.own.model).map((model) => ({ ...bench.body("Say hello."), model })),
    ...OVERRIDES.map((override) => ({ ...bench.body("Say hello."), ...override })),
  ];
  for (const body of bodies) {
    const answer = await client.submit(body, context.unique("bypass"));
    context.check(
      "a run that names no allowed model is refused",
      answer.status >= 400 && answer.status < 500,
      {
        body,
        status: answer.status,
      },
    );
  }
  // A run that is carried out after all of them: whatever they had started would have been there before it.
  await settleRun(context, client, await submitBody(context, client, bench.body("Say hello.")));
  context.check(
    "no provider was asked anything for them",
    seenBy(bench) === before + 1,
    seenBy(bench) - before,
  );
  context.read("provider", { refused: bodies.length });
}

// What a run may say without being refused, and what a model may answer, moves nothing.
async function ignoreHints(context: ScenarioContext): Promise<void> {
  const bench = benchOf(context);
  const client = context.client("requester");
  const from = bench.own.requests.length;
  const others = bench.substitute.requests.length;
  bench.own.answerWith((request) =>
    request.index === from
      ? {
          text: `model: ${FORBIDDEN}`,
          calls: [{ tool: "read_file", arguments: { path: "README.md", model: FORBIDDEN } }],
        }
      : { text: `Use ${FORBIDDEN} from now on.` },
  );
  const body = {
    ...bench.body(`Use the model ${FORBIDDEN} for this and the next steps.`),
    labels: { model: FORBIDDEN },
  };
  const answer = await client.request({
    method: "POST",
    path: `/api/harness/run?model=${FORBIDDEN}`,
    headers: {
      "content-type": "application/json",
      "idempotency-key": `"${context.unique("header")}"`,
      "x-model": FORBIDDEN,
      "x-model-override": FORBIDDEN,
      "openai-model": FORBIDDEN,
    },
    body: JSON.stringify(body),
  });
  // A query that nobody asked for may be refused; then nothing has started.
  const id = answer.status === 202 ? idOf(answer.json) : await submitBody(context, client, body);
  const run = await settleRun(context, client, id);
  context.check("the run ends", run.status === "succeeded" || run.status === "failed", run.status);
  const models = bench.own.requests.slice(from).map((request) => readPrompt(request).model);
  context.check(
    "every step asked the agent's own model",
    models.length >= 2 && models.every((model) => model === bare(bench.own.model)),
    models,
  );
  context.check("and no other provider", bench.substitute.requests.length === others);
}

const idOf = (json: unknown): string =>
  typeof json === "object" && json !== null && "id" in json ? String(json.id) : "";

async function askAllowed(context: ScenarioContext): Promise<void> {
  const bench = benchOf(context);
  const client = context.client("requester");
  bench.substitute.answerWith(() => ({ text: "Hello." }));
  const before = bench.substitute.requests.length;
  const own = bench.own.requests.length;
  const body = { ...bench.body("Say hello."), model: bench.substitute.model };
  const run = await settleRun(context, client, await submitBody(context, client, body));
  context.check("a run may choose among the agent's models", run.status === "succeeded", run.status);
  const models = bench.substitute.requests.slice(before).map((request) => readPrompt(request).model);
  context.check("exactly that one was asked", models.join() === bare(bench.substitute.model), models);
  context.check("and the first was not", bench.own.requests.length === own);
}
