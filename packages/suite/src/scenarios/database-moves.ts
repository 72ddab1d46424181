// Moves of the scenarios in which the database fails: a client that repeats what failed, under the same key, and looks
// at what is stored each time.

import type { Answer } from "../client.ts";
import type { DatabaseBench } from "../database-bench.ts";
import { NoAnswer } from "../http.ts";
import { fieldsOf, readRun, type RunReading, TERMINAL_STATES, textOf } from "../run-reading.ts";
import { PreconditionMissing, type ScenarioContext } from "../scenario.ts";
import { lookUntil } from "../wait.ts";
import { openApprovals } from "./moves.ts";

export function databaseOf(context: ScenarioContext): DatabaseBench {
  const { database } = context.target;
  if (database === undefined) throw new PreconditionMissing("the target's database cannot be reached");
  return database;
}

/** Runs of one trial: what they are called, where their effects begin, and what was refused on their way. */
export type Lives = {
  readonly label: string;
  readonly fromCall: number;
  readonly ids: string[];
  /** Statuses of requests that were made again. */
  readonly refused: number[];
  /** Questions to which a yes was taken. */
  readonly agreed: Set<string>;
  /** Effects by the time at which each question was seen first. */
  readonly effectsAt: Map<string, number>;
};

export const beginLives = (context: ScenarioContext): Lives => ({
  label: context.unique("life"),
  fromCall: context.target.sink?.calls().length ?? 0,
  ids: [],
  refused: [],
  agreed: new Set(),
  effectsAt: new Map(),
});

function bodyOf(context: ScenarioContext, { label }: Lives): unknown {
  const fields = fieldsOf(context.target.gatedTask.body);
  return { ...fields, labels: { ...fieldsOf(fields["labels"]), life: label } };
}

/** @returns null where nobody answered: a process that is being started again */
async function ask(context: ScenarioContext, request: () => Promise<Answer>): Promise<Answer | null> {
  if (context.target.endpoints().length === 0) return null;
  try {
    return await request();
  } catch (error) {
    if (error instanceof NoAnswer) return null;
    throw error;
  }
}

/** What goes on beside other moves: its failure is seen where it is awaited, or was not the first one. */
export function beside<T>(work: Promise<T>): Promise<T> {
  work.catch(() => undefined);
  return work;
}

/** Whoever is refused is told that it is the server's matter, or that the first request is still under way. */
function noteRefusal(context: ScenarioContext, lives: Lives, status: number): void {
  lives.refused.push(status);
  context.check(
    "what fails with the database is answered as the server's failure",
    status >= 500 || status === 409 || status === 429,
    status,
  );
}

export async function checkStored(context: ScenarioContext): Promise<void> {
  const found = await databaseOf(context).contradictions();
  context.check("nothing is stored without what it belongs to", found.length === 0, found);
}

/** One request for one more run, and what is answered first. */
export async function submitFirst(context: ScenarioContext, lives: Lives, key: string): Promise<Answer> {
  return await context.client("requester").submit(bodyOf(context, lives), key);
}

/** Submits one more run, again and again under one key until it is taken. @returns its id */
export async function submitUntilTaken(
  context: ScenarioContext,
  lives: Lives,
  key: string,
  endpoint = 0,
): Promise<string> {
  const body = bodyOf(context, lives);
  const { seen, satisfied } = await lookUntil(
    async () => {
      const answer = await ask(
        context,
        async () => await context.client("requester", endpoint).submit(body, key),
      );
      if (answer !== null && answer.status !== 202) {
        noteRefusal(context, lives, answer.status);
        await checkStored(context);
      }
      return answer;
    },
    (answer) => answer?.status === 202,
    { timeoutMs: context.pace.waitMsMax, signal: context.signal },
  );
  context.check("a repetition under the same key succeeds", satisfied, seen?.json ?? "no answer");
  const id = readRun(seen?.json)?.id ?? "";
  lives.ids.push(id);
  return id;
}

/** Answers every question with yes until the run has ended; what fails is done again. */
export async function goOnToEnd(context: ScenarioContext, lives: Lives, id: string): Promise<RunReading> {
  const { seen, satisfied } = await lookUntil(
    async () => {
      const effects = effectsOf(context, lives);
      const answer = await lookAt(context, lives, id);
      const run = answer === null ? null : readRun(answer.json);
      for (const gate of run === null ? [] : openApprovals(run)) {
        checkOpen(context, lives, gate, effects);
        await agree(context, lives, gate, hasHappened(context, answer?.json));
      }
      return run;
    },
    (run) => run !== null && TERMINAL_STATES.includes(run.status),
    { timeoutMs: context.pace.waitMsMax, signal: context.signal },
  );
  context.check("the run comes to its end", satisfied, seen?.status ?? "no answer");
  if (seen === null) throw new Error("unreachable: the check before has ended the trial");
  context.check("the run succeeds", seen.status === "succeeded", seen.status);
  return seen;
}

/** @param effects by the time at which it was asked whether the question is open */
function checkOpen(
  context: ScenarioContext,
  lives: Lives,
  { id, subject }: RunReading["approvals"][number],
  effects: number,
): void {
  context.check("a yes that was answered with 200 is kept", !lives.agreed.has(id), id);
  const before = lives.effectsAt.get(id);
  // What came of a call in doubt is seen at any time.
  if (before === undefined) lives.effectsAt.set(id, effectsOf(context, lives));
  else if (subject !== "in_doubt")
    context.check("nothing is done while it is not written that somebody agreed", effects === before, {
      before,
      effects,
    });
}

/** Whether an effect of the run's own steps is at the sink. */
function hasHappened(context: ScenarioContext, json: unknown): boolean {
  const steps = fieldsOf(json)["steps"];
  const effects = context.target.sink?.effects() ?? new Map<string, number>();
  return (Array.isArray(steps) ? steps : []).some((step: unknown) =>
    effects.has(textOf(fieldsOf(step)["effect_id"])),
  );
}

async function lookAt(context: ScenarioContext, lives: Lives, id: string): Promise<Answer | null> {
  const answer = await ask(context, async () => await context.client("requester").getRun(id));
  if (answer === null) return null;
  if (answer.status >= 500) {
    noteRefusal(context, lives, answer.status);
    return null;
  }
  const found = readRun(answer.json)?.id === id;
  context.check("an accepted run can be read", answer.status === 200 && found, answer.status);
  return answer;
}

/** A person who has looked at the tool: where a call is in doubt and did happen, says so. */
async function agree(
  context: ScenarioContext,
  lives: Lives,
  { id, actionDigest, subject }: RunReading["approvals"][number],
  happened: boolean,
): Promise<void> {
  const yes = { approval_id: id, decision: "approve", action_digest: actionDigest };
  const word =
    subject === "in_doubt" && happened ? { ...yes, decision: "confirm", comment: "The sink has it." } : yes;
  const answer = await ask(context, async () => await context.client("approver").approve(word));
  if (answer?.status === 200) lives.agreed.add(id);
  else if (answer !== null) noteRefusal(context, lives, answer.status);
}

const effectsOf = (context: ScenarioContext, { fromCall }: Lives): number =>
  (context.target.sink?.calls() ?? []).slice(fromCall).filter(({ outcome }) => outcome === "applied").length;

export async function live(context: ScenarioContext, lives: Lives): Promise<RunReading> {
  return await goOnToEnd(context, lives, await submitUntilTaken(context, lives, context.unique("key")));
}

/** Every run of the lives has had its effects, once; and there are no others. */
export async function checkLives(context: ScenarioContext, lives: Lives): Promise<void> {
  await checkStored(context);
  const due = lives.ids.length * context.target.gatedTask.sinkEffects;
  const effects = effectsOf(context, lives);
  context.read("lives", { runs: lives.ids.length, refused: lives.refused, effects });
  context.check("each run has its effects once", effects === due, { effects, due });
  await checkListed(context, lives);
}

async function checkListed(context: ScenarioContext, lives: Lives): Promise<void> {
  await context.part("the list holds each run once and no other", ["list"], async () => {
    const answer = await context.client("requester").listRuns(`limit=100&label=life:${lives.label}`);
    const { data } = fieldsOf(answer.json);
    const listed = (Array.isArray(data) ? data.map(fieldsOf) : [])
      .filter(({ labels }) => fieldsOf(labels)["life"] === lives.label)
      .map(({ id }) => textOf(id));
    context.check(
      "the list holds each run once and no other",
      listed.toSorted().join() === lives.ids.toSorted().join(),
      { listed, submitted: lives.ids },
    );
  });
}

/** Whether every server says that it is ready; null where one does not answer at all. */
export async function readinessOf(context: ScenarioContext): Promise<boolean | null> {
  const answers = await Promise.all(
    context.target
      .endpoints()
      .map(
        async (_, endpoint) =>
          await ask(
            context,
            async () =>
              await context
                .client("requester", endpoint)
                .request({ method: "GET", path: "/readyz", headers: {}, body: null }),
          ),
      ),
  );
  return answers.includes(null) ? null : answers.every((answer) => answer?.status === 200);
}

export async function awaitReadiness(context: ScenarioContext, claim: string, ready: boolean): Promise<void> {
  const { seen, satisfied } = await lookUntil(
    async () => await readinessOf(context),
    (now) => now === ready,
    { timeoutMs: context.pace.waitMsMax, signal: context.signal },
  );
  context.check(claim, satisfied, seen);
}

export async function awaitHeld(context: ScenarioContext): Promise<void> {
  const { satisfied } = await lookUntil(
    async () => await databaseOf(context).held(),
    (held) => held > 0,
    { timeoutMs: context.pace.waitMsMax, signal: context.signal },
  );
  context.precondition("a statement is held in the middle of its transaction", satisfied);
}
