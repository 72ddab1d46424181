// Moves of the scenarios that speak for the model of an agent and look at what arrives at the tool sink.

import type { Answer, HarnessClient } from "../client.ts";
import type { Reply } from "../faults/script.ts";
import type { DeputyBench } from "../guard-benches.ts";
import { readPrompt } from "../prompt-reading.ts";
import { readRun, type RunReading, TERMINAL_STATES } from "../run-reading.ts";
import { PreconditionMissing, type ScenarioContext } from "../scenario.ts";
import type { PathCall, Role } from "../target.ts";
import { lookUntil } from "../wait.ts";
import { awaitStatus, openApprovals } from "./moves.ts";

export type Gate = RunReading["approvals"][number];

/** What a model says in one turn; a function is told how often this run's model has been asked, this time included. */
export type Turn = Reply | ((asked: number) => Reply);

export function deputyOf(context: ScenarioContext): DeputyBench {
  const { deputy } = context.target;
  if (deputy === undefined)
    throw new PreconditionMissing("the target has no agent that the suite speaks for");
  return deputy;
}

export type Spoken = {
  /** How often the model of the run with that mark was asked. */
  asked(mark: string): number;
  /** From now on the run whose task holds the mark is answered so, turn by turn, and then with the last word. */
  say(mark: string, turns: readonly Turn[]): void;
};

const LAST_WORD: Reply = { text: "Done." };

/** Speaks for every run of the deputy, each by the mark in its task. */
export function speakFor(context: ScenarioContext): Spoken {
  const { board } = deputyOf(context);
  const scripts = new Map<string, readonly Turn[]>();
  const counts = new Map<string, number>();
  board.answerWith((request) => {
    const mark = [...scripts.keys()].find((known) => request.rawBody.includes(known));
    if (mark === undefined) return LAST_WORD;
    const asked = (counts.get(mark) ?? 0) + 1;
    counts.set(mark, asked);
    const turn = readPrompt(request).messages.filter(({ role }) => role === "assistant").length;
    const said = scripts.get(mark)?.[turn] ?? LAST_WORD;
    return typeof said === "function" ? said(asked) : said;
  });
  return {
    asked: (mark) => counts.get(mark) ?? 0,
    say: (mark, turns) => {
      scripts.set(mark, turns);
    },
  };
}

export const sinkCall = (tool: string, text: string): PathCall => ({ tool, arguments: { text } });

/** @param body the deputy's, or another agent's */
export async function submitMarked(
  context: ScenarioContext,
  role: Role,
  mark: string,
  body: (task: string) => unknown = (task) => deputyOf(context).body(task),
): Promise<string> {
  const answer = await context.client(role).submit(body(`Do what is due (${mark}).`), context.unique("run"));
  const id = readRun(answer.json)?.id ?? "";
  context.check("the run is accepted", answer.status === 202 && id !== "", answer.status);
  return id;
}

/** Effects at the sink that hold the text, since the scenario began. */
export const arrived = (context: ScenarioContext, text: string): number =>
  (context.target.sink?.calls() ?? []).filter(
    ({ outcome, body }) => outcome === "applied" && body.includes(JSON.stringify(text).slice(1, -1)),
  ).length;

/** Every effect at the sink so far. */
export const effectsSoFar = (context: ScenarioContext): number =>
  (context.target.sink?.calls() ?? []).filter(({ outcome }) => outcome === "applied").length;

/** Waits for a question of the run that is none of those; FAIL of the claim where it ends without one. */
export async function awaitGate(
  context: ScenarioContext,
  client: HarnessClient,
  id: string,
  claim = "a person is asked",
  answered: readonly string[] = [],
): Promise<Gate> {
  const fresh = (run: RunReading): Gate[] => openApprovals(run).filter((gate) => !answered.includes(gate.id));
  const { seen } = await lookUntil(
    async () => await awaitStatus(context, client, id, ["awaiting_approval", ...TERMINAL_STATES]),
    (run) => TERMINAL_STATES.includes(run.status) || fresh(run).length > 0,
    { timeoutMs: context.pace.waitMsMax, signal: context.signal },
  );
  const [gate] = fresh(seen);
  context.check(claim, gate !== undefined, seen.status);
  if (gate === undefined) throw new Error("unreachable: the check before has ended the trial");
  return gate;
}

export const awaitEnd = async (
  context: ScenarioContext,
  client: HarnessClient,
  id: string,
): Promise<RunReading> => await awaitStatus(context, client, id, TERMINAL_STATES);

export async function sayYes(
  context: ScenarioContext,
  role: Role,
  { id, actionDigest }: Gate,
  more: Readonly<Record<string, unknown>> = {},
): Promise<Answer> {
  const word = { approval_id: id, decision: "approve", action_digest: actionDigest, ...more };
  return await context.client(role).approve(word);
}

export async function sayNo(context: ScenarioContext, role: Role, { id }: Gate): Promise<Answer> {
  return await context.client(role).approve({ approval_id: id, decision: "deny", comment: "No." });
}

/** A run whose model makes the one call, at its gate. */
export async function submitCall(
  context: ScenarioContext,
  spoken: Spoken,
  role: Role,
  call: PathCall,
  before: readonly PathCall[] = [],
): Promise<{ readonly id: string; readonly mark: string }> {
  const mark = context.unique("task");
  spoken.say(
    mark,
    [...before, call].map((each) => ({ calls: [each] })),
  );
  return { id: await submitMarked(context, role, mark), mark };
}
