// A queue filled to its bound behind a provider that takes its time: what is refused then, how, and what becomes of it.

import type { Answer } from "../../client.ts";
import type { Reply } from "../../faults/script.ts";
import { AMPLIFICATION_MAX, FULL_QUEUE_RETRY_AFTER_SECONDS_MAX } from "../../objectives.ts";
import { fieldsOf, isProblem, readRun } from "../../run-reading.ts";
import type { ScenarioContext } from "../../scenario.ts";
import { secondsToWait } from "../../patience.ts";
import { waitSeconds } from "../../wait.ts";
import { letPass, outageOf, type Watch } from "../outage-moves.ts";
import { settleRun } from "../provider-moves.ts";

/** Longer than it takes to fill the queue. */
const HELD: Reply = { text: "At last.", fault: { kind: "slow", pauseMs: 1_500 } };
const FAST: Reply = { text: "Done.", fault: { kind: "slow", pauseMs: 10 } };
/** Runs that workers may have taken up by then, of all that were let in. */
const UNDER_WAY_MAX = 200;
/** Until every server has noticed what another one let in. */
const NOTICED_MS = 1_000;
/** How often whoever waited as long as was asked may be asked again. */
const ROUNDS_MAX = 3;

type Submission = { readonly body: unknown; readonly key: string };

export async function fillQueue(context: ScenarioContext, watch: Watch): Promise<void> {
  const label = context.unique("queue");
  const calls = watch.calls.length;
  watch.answer(() => HELD);
  const { accepted, refused } = await submitUntilRefused(context, label);
  await letPass(context, NOTICED_MS);
  const everywhere = [...refused, ...(await refuseEverywhere(context, label))];
  await repeatAccepted(context, accepted);
  await context.part("others are not refused for it", ["second_tenant"], async () => {
    const neighbour = context.client("other_tenant", 0, "shown");
    const answer = await neighbour.submit(context.target.gatedTask.body, context.unique("neighbour"));
    context.check("one tenant's full queue is not another's", answer.status === 202, answer.status);
  });
  await context.part("as many wait as may, and no more", ["list"], async () => {
    const queued = await countRuns(context, `status=queued&label=queue:${label}`);
    const { queuedRunsMax } = outageOf(context);
    context.check("the queue is not longer than its bound", queued <= (queuedRunsMax ?? 0), queued);
  });
  watch.answer(() => FAST);
  for (const entry of await comeAgain(context, everywhere)) accepted.push(entry);
  for (const { id } of accepted) {
    const run = await settleRun(context, context.client("requester"), id);
    context.check("what was let in is done", run.status === "succeeded", { id, status: run.status });
  }
  await context.part("what was refused left nothing behind", ["list"], async () => {
    const listed = await countRuns(context, `label=queue:${label}`);
    context.check("each accepted submission is one run", listed === accepted.length, { listed, accepted });
  });
  const made = watch.calls.length - calls;
  context.read("full queue", { accepted: accepted.length, refused: everywhere.length, calls: made });
  context.check("waiting multiplies no calls", made <= accepted.length * AMPLIFICATION_MAX, made);
}

type Accepted = Submission & { readonly id: string };

function submissionOf(context: ScenarioContext, label: string): Submission {
  const key = context.unique("queue");
  return { body: { ...outageOf(context).body(`Wait for ${key}.`), labels: { queue: label } }, key };
}

const idOf = ({ json }: Answer): string => readRun(json)?.id ?? "";

/** All at one server, which counts what it lets in itself. */
async function submitUntilRefused(
  context: ScenarioContext,
  label: string,
): Promise<{ readonly accepted: Accepted[]; readonly refused: readonly Refused[] }> {
  const { queuedRunsMax = 0 } = outageOf(context);
  const client = context.client("requester", 0, "shown");
  const accepted: Accepted[] = [];
  for (let at = 0; at < queuedRunsMax + UNDER_WAY_MAX; at += 1) {
    const entry = submissionOf(context, label);
    const answer = await client.submit(entry.body, entry.key);
    if (answer.status !== 202) {
      context.precondition("some were let in before", accepted.length > 0);
      return { accepted, refused: [refusedAs(context, entry, answer)] };
    }
    accepted.push({ ...entry, id: idOf(answer) });
  }
  context.check("past its bound the queue takes no more", false, accepted.length);
  throw new Error("unreachable: the check before has ended the trial");
}

type Refused = Submission & { readonly seconds: number };

function refusedAs(context: ScenarioContext, entry: Submission, answer: Answer): Refused {
  const { status } = answer;
  const seconds = secondsToWait(answer) ?? Number.NaN;
  context.check(
    "past the bound the answer is 429 or 503, as a problem",
    status === 429 || (status === 503 && fieldsOf(answer.json)["status"] === status),
    answer.text,
  );
  context.check("a 429 is a problem document", status === 503 || isProblem(answer), answer.text);
  context.check(
    "and says when to come again",
    seconds >= 1 && seconds <= FULL_QUEUE_RETRY_AFTER_SECONDS_MAX,
    answer.headers["retry-after"] ?? "no Retry-After",
  );
  return { ...entry, seconds };
}

/** The bound is the queue's, and not each server's. */
async function refuseEverywhere(context: ScenarioContext, label: string): Promise<readonly Refused[]> {
  const refused: Refused[] = [];
  for (const endpoint of context.target.endpoints().keys()) {
    const entry = submissionOf(context, label);
    const answer = await context.client("requester", endpoint, "shown").submit(entry.body, entry.key);
    refused.push(refusedAs(context, entry, answer));
  }
  return refused;
}

async function repeatAccepted(context: ScenarioContext, [first]: readonly Accepted[]): Promise<void> {
  if (first === undefined) return;
  for (const endpoint of context.target.endpoints().keys()) {
    const again = await context.client("requester", endpoint, "shown").submit(first.body, first.key);
    context.check(
      "a repetition of what was let in is not refused",
      again.status === 202 && idOf(again) === first.id,
      again.status,
    );
  }
}

/** The very same submissions, after the time that each was told. */
async function comeAgain(
  context: ScenarioContext,
  refused: readonly Refused[],
): Promise<readonly Accepted[]> {
  const accepted: Accepted[] = [];
  let left = refused;
  for (let round = 0; left.length > 0; round += 1) {
    context.check(`whoever waited as told is let in within ${ROUNDS_MAX} times`, round < ROUNDS_MAX, left);
    await waitSeconds(Math.max(...left.map(({ seconds }) => seconds)), context.signal);
    const again: Refused[] = [];
    for (const entry of left) {
      const answer = await context.client("requester", 0, "shown").submit(entry.body, entry.key);
      if (answer.status === 202) accepted.push({ ...entry, id: idOf(answer) });
      else again.push(refusedAs(context, entry, answer));
    }
    left = again;
  }
  return accepted;
}

async function countRuns(context: ScenarioContext, query: string): Promise<number> {
  let count = 0;
  for (let cursor = ""; ;) {
    const next = cursor === "" ? "" : `&cursor=${encodeURIComponent(cursor)}`;
    const answer = await context.client("requester").listRuns(`limit=100&${query}${next}`);
    const { data, next_cursor } = fieldsOf(answer.json);
    context.check("runs can be listed", answer.status === 200 && Array.isArray(data), answer.status);
    count += Array.isArray(data) ? data.length : 0;
    if (typeof next_cursor !== "string") return count;
    cursor = next_cursor;
  }
}
