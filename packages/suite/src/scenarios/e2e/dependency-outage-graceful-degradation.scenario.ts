import { PROVIDER_WARNINGS } from "../warnings.ts";
import type { Fault, Reply } from "../../faults/script.ts";
import { fieldsOf, readRun, TERMINAL_STATES } from "../../run-reading.ts";
import type { Scenario, ScenarioContext } from "../../scenario.ts";
import { lookUntil } from "../../wait.ts";
import { DOWN, outageOf, type Watch, watchProvider } from "../outage-moves.ts";
import { settleRun, sinkEffects, submitBody } from "../provider-moves.ts";

const PARTIAL: Pick<Reply, "text" | "calls"> = {
  text: "I tell the sink at once.",
  calls: [{ id: "partial", tool: "tell_sink", arguments: { text: "from half an answer" } }],
};

/** Ways for a connection to be lost; each strikes once, then the provider is well. */
const BREAKS: readonly (readonly [where: string, fault: Fault])[] = [
  ["at connect", { kind: "reset" }],
  ["in the middle, cut", { kind: "cut", afterChunks: 6 }],
  ["in the middle, ended in order", { kind: "end_early", afterChunks: 6 }],
  ["in the middle, with an error", { kind: "error_in_stream", afterChunks: 6, word: "server_error" }],
  ["in the middle, with the connection left open", { kind: "stall", afterChunks: 6 }],
];

/** Beyond the time that it says itself: submissions, messages and looks on a busy machine. */
const SLACK_MS = 45_000;

export const dependencyOutageGracefulDegradation: Scenario = {
  id: "harness_e2e/dependency_outage_graceful_degradation",
  title: "An outage at any moment leaves a run that goes on, or has ended and says why",
  tier: 2,
  phase: "e2e",
  why: "A run that hangs with its provider, or acts on half an answer, is worse than one that fails.",
  remedy:
    "Bound every wait, use nothing of an answer that did not end, journal each step, give the run back while its provider is down, and say why it waits.",
  needs: ["submit", "provider", "outages", "tool_sink"],
  invariants: ["legal-transitions"],
  warnings: PROVIDER_WARNINGS,
  implies: { spans: ["chat "], metrics: [["assent_provider_retries_total"]], events: ["run_succeeded"] },
  seed: "backend/tests/harness_e2e/test_dependency_outage_graceful_degradation.py",
  timeLimitMs: 600_000,
  run: async (context) => {
    const watch = watchProvider(outageOf(context));
    await breakOnce(context, watch);
    await breakBetweenSteps(context, watch);
    await stayAway(context, watch);
  },
};

async function breakOnce(context: ScenarioContext, watch: Watch): Promise<void> {
  const { body } = outageOf(context);
  const client = context.client("requester");
  for (const [where, fault] of BREAKS) {
    const effects = sinkEffects(context);
    const from = watch.calls.length;
    watch.answer((_call, index) => (index === from ? { ...PARTIAL, fault } : { text: "Done." }));
    const run = await settleRun(
      context,
      client,
      await submitBody(context, client, body(context.unique("Question"))),
    );
    context.check("a run outlives a broken connection", run.status === "succeeded", {
      where,
      status: run.status,
    });
    const calls = watch.calls.slice(from);
    context.check("the answer that did not end was asked for again", calls.length >= 2, {
      where,
      calls: calls.length,
    });
    context.check(
      "and nothing of it was used",
      calls.every(({ turn }) => turn === 0),
      { where, calls },
    );
    context.check("no effect came of half an answer", sinkEffects(context) === effects, where);
    const { reason } = fieldsOf((await client.getRun(run.id)).json);
    context.check(
      "and gives no reason once it has ended well",
      reason === null || reason === undefined,
      reason,
    );
  }
}

// The first step is done and stays done; the second waits.
async function breakBetweenSteps(context: ScenarioContext, watch: Watch): Promise<void> {
  const { body, failures } = outageOf(context);
  const client = context.client("requester");
  const from = watch.calls.length;
  const read: Reply = { calls: [{ id: "read", tool: "read_file", arguments: { path: "README.md" } }] };
  watch.answer(({ turn }) => {
    if (turn === 0) return read;
    const second = watch.calls.slice(from).filter((call) => call.turn === 1).length;
    return second < failures ? DOWN : { text: "Done." };
  });
  const run = await settleRun(
    context,
    client,
    await submitBody(context, client, body(context.unique("Question"))),
  );
  context.check("a run goes on where it was", run.status === "succeeded", run.status);
  const turns = watch.calls.slice(from).map(({ turn }) => turn);
  context.check(
    "what was answered is not asked again",
    turns.filter((turn) => turn === 0).length === 1,
    turns,
  );
}

// It does not come back in time: an end, with the reason. While it is away the run says what it waits for. And when it
// is back new runs are served.
async function stayAway(context: ScenarioContext, watch: Watch): Promise<void> {
  const { body, outageMsMax, stepCallsMax } = outageOf(context);
  const client = context.client("requester");
  const from = watch.calls.length;
  watch.answer(() => DOWN);
  const id = await submitBody(context, client, body(context.unique("Question")));
  const reasons = new Set<string>();
  const waiting = new Set<string>();
  const { seen, satisfied } = await lookUntil(
    async () => {
      const answer = await client.getRun(id);
      const code = reasonOf(answer.json);
      const status = readRun(answer.json)?.status ?? "";
      if (code !== null) (TERMINAL_STATES.includes(status) ? reasons : waiting).add(code);
      return { status, reason: code };
    },
    ({ status }) => TERMINAL_STATES.includes(status),
    { timeoutMs: outageMsMax + SLACK_MS, signal: context.signal },
  );
  context.check("an outage without an end ends the run by its deadline", satisfied, seen);
  context.check("not as a success", ["failed", "dead_lettered"].includes(seen.status), seen);
  context.check("and says why", seen.reason !== null, seen);
  context.check(
    "and asked no more often than a step may",
    watch.calls.length - from <= stepCallsMax,
    watch.calls.length - from,
  );
  context.read("status", { ended: seen.status, reasons: [...reasons], waiting: [...waiting] });
  context.check("while it is away the run says what it waits for", waiting.size > 0, [...waiting]);
  watch.answer(() => ({ text: "Done." }));
  const again = await settleRun(
    context,
    client,
    await submitBody(context, client, body(context.unique("Question"))),
  );
  context.check("a provider that is back serves again", again.status === "succeeded", again.status);
}

function reasonOf(json: unknown): string | null {
  if (typeof json !== "object" || json === null || !("reason" in json)) return null;
  const { reason } = json;
  return typeof reason === "object" && reason !== null && "code" in reason ? String(reason.code) : null;
}
