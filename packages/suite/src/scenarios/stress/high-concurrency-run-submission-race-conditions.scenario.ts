import type { Answer } from "../../client.ts";
import { fieldsOf, isProblem, readRun, TERMINAL_STATES, textOf } from "../../run-reading.ts";
import { RETRY_AFTER_SECONDS_MAX } from "../../objectives.ts";
import type { Pace, RaceEntry, Scenario, ScenarioContext } from "../../scenario.ts";
import { secondsToWait } from "../../patience.ts";
import { waitSeconds } from "../../wait.ts";
import { approveUntilEnd } from "../moves.ts";

/** Sixty requests: the gate's size of the plan's five hundred. A pace can ask for more. */
const FLOOD = { runs: 12, requestsPerRun: 5 };

const sizeOf = ({ pace }: ScenarioContext): NonNullable<Pace["flood"]> => pace.flood ?? FLOOD;

/** Rounds that let nobody in and in which announced refusals are sent again: who refuses for ever has not accepted. */
const ROUNDS_MAX = 10;

/** Runs that are approved at once: as many people as press a button in the same second. */
const APPROVING_AT_ONCE = 6;

export const highConcurrencyRunSubmissionRaceConditions: Scenario = {
  id: "harness_stress/high_concurrency_run_submission_race_conditions",
  title: "Many submissions at once, most of them repetitions, are exactly the runs that were asked for",
  tier: 1,
  phase: "stress",
  why: "Under load every guard that only looks right does wrong: runs appear twice, get lost, or act twice.",
  remedy:
    "Insert key and run in one transaction under a unique constraint; refuse past capacity with 429 or 503 and Retry-After before anything is written; lease each run under a fencing token.",
  needs: ["submit", "approve"],
  invariants: ["one-key-one-run", "refuse-early", "at-most-once"],
  implies: { spans: ["POST /api/harness/run"], events: ["run_queued", "run_succeeded"] },
  seed: "backend/tests/harness_stress/test_high_concurrency_run_submission_race_conditions.py",
  timeLimitMs: 600_000,
  run: async (context) => {
    const label = context.unique("flood");
    const from = context.target.sink?.calls().length ?? 0;
    const ids = await submitFlood(context, label);
    await context.part("the list has exactly these runs", ["list"], async () => {
      await checkList(context, label, ids);
    });
    await endAll(context, ids);
    await context.part("every run has its effects once", ["tool_sink"], async () => {
      checkEffects(context, from);
    });
    await context.part(
      "each effect is the one of its own run's step",
      ["tool_sink", "contract"],
      async () => {
        for (const id of ids) await checkEffectsOf(context, id);
      },
    );
    await context.part("nothing was added afterwards", ["list"], async () => {
      await checkList(context, label, ids);
    });
  },
};

function labelled(body: unknown, flood: string): unknown {
  const fields = fieldsOf(body);
  return { ...fields, labels: { ...fieldsOf(fields["labels"]), flood } };
}

/** The requests of one key go round the endpoints, so that no server sees them all if there are several. */
function submissions(context: ScenarioContext, label: string): Extract<RaceEntry, { submit: unknown }>[] {
  const body = context.capabilities.has("list")
    ? labelled(context.target.gatedTask.body, label)
    : context.target.gatedTask.body;
  const { runs, requestsPerRun } = sizeOf(context);
  const keys = Array.from({ length: runs }, () => context.unique("flood"));
  return keys.flatMap((idempotencyKey, run) =>
    Array.from({ length: requestsPerRun }, (_, copy) => ({
      role: "requester" as const,
      endpoint: run + copy,
      submit: body,
      idempotencyKey,
    })),
  );
}

/** @returns the ids of the runs, one a key */
async function submitFlood(context: ScenarioContext, label: string): Promise<readonly string[]> {
  const named = new Map<string, string[]>();
  let left = submissions(context, label);
  const elapsedMs: number[] = [];
  let sent = 0;
  let refused = 0;
  for (let inVain = 0; left.length > 0;) {
    context.check(
      `some of the submissions are accepted within ${ROUNDS_MAX} rounds`,
      inVain < ROUNDS_MAX,
      left.length,
    );
    const answers = await context.race(left, "shown");
    sent += left.length;
    elapsedMs.push(...answers.map((answer) => answer.elapsedMs));
    const again: typeof left = [];
    for (const [at, answer] of answers.entries()) {
      const entry = left[at];
      if (entry === undefined) throw new Error("there is an answer to what nobody sent");
      if (answer.status === 202)
        named.set(entry.idempotencyKey, [
          ...(named.get(entry.idempotencyKey) ?? []),
          readRun(answer.json)?.id ?? "none",
        ]);
      else {
        checkRefusal(context, answer);
        again.push(entry);
      }
    }
    refused += again.length;
    inVain = again.length < left.length ? 0 : inVain + 1;
    left = again;
    const refusals = answers.filter(({ status }) => status !== 202);
    const seconds = Math.max(0, ...refusals.map((answer) => secondsToWait(answer) ?? 0));
    if (left.length > 0) await waitSeconds(seconds, context.signal);
  }
  context.read("submissions", { sent, refused, endpoints: context.target.endpoints().length });
  context.read("milliseconds until a submission is answered", percentiles(elapsedMs));
  return namedRuns(context, named);
}

/** Reported, and no reason to fail: they tell as much of the machine as of the harness. */
function percentiles(values: readonly number[]): Readonly<Record<string, number>> {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number): number =>
    Math.round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0);
  return { p50: at(0.5), p99: at(0.99), most: at(1) };
}

function checkRefusal(context: ScenarioContext, answer: Answer): void {
  const { status } = answer;
  const seconds = secondsToWait(answer);
  context.check("nothing but 202, 429 and 503 is answered", status === 429 || status === 503, status);
  context.check(
    "a refusal says when to come again",
    // A server that is overloaded by so little must be itself again soon; how long a caller's quota lasts is its own business.
    seconds !== null && (status === 429 || seconds <= RETRY_AFTER_SECONDS_MAX),
    answer.headers["retry-after"] ?? "no Retry-After",
  );
  context.precondition(
    `the harness asks for ${seconds} s of rest, which is more than it is waited`,
    (seconds ?? 0) * 1_000 <= context.pace.waitMsMax,
  );
  context.check("a 429 is a problem document", status === 503 || isProblem(answer));
}

function namedRuns(
  context: ScenarioContext,
  named: ReadonlyMap<string, readonly string[]>,
): readonly string[] {
  const { runs, requestsPerRun } = sizeOf(context);
  const torn = [...named.values()].filter((ids) => new Set(ids).size !== 1 || ids.includes("none"));
  context.check("repetitions name the run of the first", torn.length === 0, torn);
  const complete = [...named.values()].every((ids) => ids.length === requestsPerRun);
  context.check("every request has been accepted once", named.size === runs && complete, named.size);
  const ids = [...new Set([...named.values()].flat())];
  context.check(`${runs} keys are ${runs} runs`, ids.length === runs, ids.length);
  return ids;
}

async function checkList(context: ScenarioContext, label: string, ids: readonly string[]): Promise<void> {
  const listed: string[] = [];
  for (let cursor = ""; ;) {
    const next = cursor === "" ? "" : `&cursor=${encodeURIComponent(cursor)}`;
    const answer = await context.client("requester").listRuns(`limit=100&label=flood:${label}${next}`);
    const { data: rows, next_cursor } = fieldsOf(answer.json);
    context.check("runs can be listed", answer.status === 200 && Array.isArray(rows), answer.status);
    for (const row of Array.isArray(rows) ? rows.map(fieldsOf) : [])
      if (fieldsOf(row["labels"])["flood"] === label) listed.push(textOf(row["id"]));
    cursor = textOf(next_cursor);
    if (cursor === "" || listed.length > ids.length) break;
  }
  const strays = listed.filter((id) => !ids.includes(id));
  const lost = ids.filter((id) => !listed.includes(id));
  context.check(
    "the list holds every accepted run once and no other",
    listed.length === ids.length && strays.length === 0 && lost.length === 0,
    { listed: listed.length, strays, lost },
  );
}

/** A few at a time, over all endpoints, until every run has ended. */
async function endAll(context: ScenarioContext, ids: readonly string[]): Promise<void> {
  const left = [...ids.entries()];
  const ends: string[] = [];
  const approveNext = async (): Promise<void> => {
    for (let next = left.shift(); next !== undefined; next = left.shift()) {
      const [at, id] = next;
      const run = await approveUntilEnd(
        context,
        context.client("requester", at),
        context.client("approver", at + 1),
        id,
      );
      ends.push(run.status);
    }
  };
  await Promise.all(Array.from({ length: APPROVING_AT_ONCE }, approveNext));
  const unfinished = ends.filter((status) => !TERMINAL_STATES.includes(status));
  context.check(
    "every run comes to an end",
    ends.length === ids.length && unfinished.length === 0,
    unfinished,
  );
  const failed = ends.filter((status) => status !== "succeeded");
  context.check("every approved run succeeds", failed.length === 0, failed);
}

function checkEffects(context: ScenarioContext, from: number): void {
  const calls = context.target.sink?.calls().slice(from) ?? [];
  const applied = calls.filter(({ outcome }) => outcome === "applied").length;
  const repeated = calls.filter(({ outcome }) => outcome === "repeated").length;
  const due = sizeOf(context).runs * context.target.gatedTask.sinkEffects;
  context.read("at the tool sink", { applied, repeated, due });
  context.check("the tool sink has the effects of these runs and no more", applied === due, { applied, due });
  context.check("no effect is delivered twice", repeated === 0, repeated);
}

async function checkEffectsOf(context: ScenarioContext, id: string): Promise<void> {
  const { json } = await context.client("requester").getRun(id);
  const steps = fieldsOf(json)["steps"];
  const effects = context.target.sink?.effects() ?? new Map<string, number>();
  const own = (Array.isArray(steps) ? steps : [])
    .map((step: unknown) => effects.get(textOf(fieldsOf(step)["effect_id"])) ?? 0)
    .reduce((sum, times) => sum + times, 0);
  context.check(
    "a run's effects at the sink are its own steps'",
    own === context.target.gatedTask.sinkEffects,
    own,
  );
}
