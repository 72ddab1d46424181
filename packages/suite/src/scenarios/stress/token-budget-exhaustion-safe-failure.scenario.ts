import type { RecordedRequest, Reply } from "../../faults/script.ts";
import type { Scenario, ScenarioContext } from "../../scenario.ts";
import { isProblem, readRun } from "../../run-reading.ts";
import { benchOf, settleRun, sinkEffects, submitBody } from "../provider-moves.ts";

const TASK_CHARS = 20_000;

const fill = (unit: string): string => unit.repeat(Math.ceil(TASK_CHARS / unit.length)).slice(0, TASK_CHARS);

// Bytes of no pattern, the same every time.
function base64(): string {
  let state = 7;
  const bytes = Uint8Array.from({ length: TASK_CHARS }, () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return state >>> 24;
  });
  return Buffer.from(bytes).toString("base64").slice(0, TASK_CHARS);
}

/** Each is beyond the thrifty agent's budget by its true count, and within it by characters divided by four. */
const TOO_LARGE: Readonly<Record<string, string>> = {
  chinese: fill("天地玄黄宇宙洪荒日月盈昃辰宿列张寒来暑往秋收冬藏闰余成岁律吕调阳"),
  emoji: fill("🫠🦩🧿🪬🥷🫀🛸🪐"),
  base64: base64(),
};

const LOOP: Pick<Reply, "calls"> = { calls: [{ tool: "read_file", arguments: { path: "README.md" } }] };

/** A provider that counts as an honest one would, never more than a token for four bytes. */
const honest = (request: RecordedRequest): NonNullable<Reply["usage"]> => ({
  inputTokens: Math.ceil(Buffer.byteLength(request.rawBody) / 4),
  outputTokens: 20,
});

export const tokenBudgetExhaustionSafeFailure: Scenario = {
  id: "harness_stress/token_budget_exhaustion_safe_failure",
  title: "A run that would exceed its tokens ends before the call that would",
  tier: 1,
  phase: "stress",
  why: "A loop, a long file or a provider that lies about usage costs without a limit.",
  remedy:
    "Bound a prompt by its bytes, count before the call, set aside, settle by what was reported, and end the run where the report cannot be true.",
  needs: ["submit", "provider"],
  invariants: ["budget-before-spend"],
  warnings: ["model call failed"],
  implies: { spans: ["chat "], events: ["run_failed"] },
  seed: "backend/tests/harness_stress/test_token_budget_exhaustion_safe_failure.py",
  timeLimitMs: 600_000,
  run: async (context) => {
    await refuseLarge(context);
    await refuseMegabyte(context);
    await stopAtLargeResult(context);
    await stopLoop(context);
    await stopLiars(context);
  },
};

async function runThrifty(
  context: ScenarioContext,
  task: string,
  answer: (request: RecordedRequest) => Reply,
): Promise<{ readonly status: string; readonly requests: readonly RecordedRequest[] }> {
  const bench = benchOf(context);
  const requester = context.client("requester");
  const before = bench.own.requests.length;
  const others = bench.substitute.requests.length;
  bench.own.answerWith(answer);
  const id = await submitBody(context, requester, bench.thriftyBody(task));
  const run = await settleRun(context, requester, id);
  context.check("no other provider is asked instead", bench.substitute.requests.length === others);
  return { status: run.status, requests: bench.own.requests.slice(before) };
}

async function refuseLarge(context: ScenarioContext): Promise<void> {
  const small = await runThrifty(context, "Hello.", () => ({ text: "Hello." }));
  context.check(
    "what fits is asked",
    small.status === "succeeded" && small.requests.length === 1,
    small.status,
  );
  for (const [kind, task] of Object.entries(TOO_LARGE)) {
    const { status, requests } = await runThrifty(context, task, () => ({ text: "Hello." }));
    context.check("a prompt beyond the budget is never sent", requests.length === 0, { kind, status });
    context.check("and its run has failed in order", status === "failed", { kind, status });
  }
}

const MEGABYTE = 1_000_000;

/**
 * One letter, a million times: few tokens for its length, and for who counts them naively hours of work. A harness may also
 * refuse to take it in.
 */
async function refuseMegabyte(context: ScenarioContext): Promise<void> {
  const bench = benchOf(context);
  const client = context.client("requester");
  const before = bench.own.requests.length + bench.substitute.requests.length;
  const startedAt = performance.now();
  const body = bench.thriftyBody("a".repeat(MEGABYTE));
  const answer = await client.submit(body, context.unique("megabyte"));
  const id = readRun(answer.json)?.id;
  context.check(
    "a megabyte of one letter is taken in or refused, with a problem",
    answer.status === 202 ? id !== undefined : isProblem(answer),
    answer.status,
  );
  if (id !== undefined) {
    const { status } = await settleRun(context, client, id);
    context.check("and its run has failed in order", status === "failed", status);
  }
  const asked = bench.own.requests.length + bench.substitute.requests.length - before;
  context.check("no model is sent a megabyte of one letter", asked === 0, asked);
  context.read("a megabyte of one letter", {
    status: answer.status,
    decidedInMs: Math.round(performance.now() - startedAt),
  });
  const after = await runThrifty(context, "Hello again.", () => ({ text: "Hello." }));
  context.check("and whoever asks for little next is served", after.status === "succeeded", after.status);
}

async function stopAtLargeResult(context: ScenarioContext): Promise<void> {
  const { largeFile } = benchOf(context);
  const { status, requests } = await runThrifty(context, "Read it.", (request) => ({
    calls: [{ tool: "read_file", arguments: { path: largeFile } }],
    usage: honest(request),
  }));
  context.check("a result beyond the budget is never sent", requests.length === 1, requests.length);
  context.check("and its run has failed in order", status === "failed", status);
}

async function stopLoop(context: ScenarioContext): Promise<void> {
  const { thrift } = benchOf(context);
  let spentTokens = 0;
  const { status, requests } = await runThrifty(context, "Read it again and again.", (request) => {
    const usage = honest(request);
    spentTokens += usage.inputTokens;
    return { ...LOOP, usage };
  });
  context.check("a loop ends", status === "failed", status);
  context.check("after more than one round", requests.length > 1, requests.length);
  context.check("within the budget", spentTokens <= thrift.inputTokensMax, {
    spentTokens,
    requests: requests.length,
  });
  context.read("provider", { requests: requests.length, spentTokens });
}

async function stopLiars(context: ScenarioContext): Promise<void> {
  const lies: readonly Pick<Reply, "usage" | "fault" | "text">[] = [
    { usage: { inputTokens: 10_000_000, outputTokens: 7 } },
    { usage: { inputTokens: 400, outputTokens: 10_000_000 } },
    // Far less than whoever counts the answer finds in it.
    { usage: { inputTokens: 400, outputTokens: 1 }, text: "A word. ".repeat(150) },
  ];
  for (const lie of lies) {
    const effects = sinkEffects(context);
    const { status, requests } = await runThrifty(context, "Read it.", () => ({ ...LOOP, ...lie }));
    context.check("after an impossible report nothing more is asked", requests.length === 1, {
      lie,
      requests: requests.length,
    });
    context.check("the run has failed in order", status === "failed", status);
    context.check("and had no effect", sinkEffects(context) === effects);
  }
  for (const variant of ["missing", "zero", "negative", "huge"] as const) {
    const { status, requests } = await runThrifty(context, "Read it.", () => ({
      ...LOOP,
      fault: { kind: "usage", variant },
    }));
    // Each costs at least what was set aside for it, and one call of this agent takes more than a sixth of its budget.
    context.check("who reports nothing of use is not asked for ever", status === "failed", {
      variant,
      status,
    });
    context.check("and not beyond the budget", requests.length <= 6, { variant, requests: requests.length });
  }
}
