// Moves of the scenarios in which a provider fails: when it was asked, by whom, and how many at a time. All of it is
// read at the provider itself.

import type { Reply } from "../faults/script.ts";
import { readPrompt } from "../prompt-reading.ts";
import { PreconditionMissing, type ScenarioContext } from "../scenario.ts";
import type { OutageBench } from "../target.ts";
import { lookUntil } from "../wait.ts";

export function outageOf(context: ScenarioContext): OutageBench {
  const outage = context.target.provider?.outage;
  if (outage === undefined) throw new PreconditionMissing("no agent asks one of the suite's providers only");
  return outage;
}

export type Call = {
  readonly atMs: number;
  readonly task: string;
  /** Answers that the prompt holds already. */
  readonly turn: number;
  /** Calls under way at that moment, this one included. */
  readonly inFlight: number;
};

export type Watch = {
  readonly calls: readonly Call[];
  /** From now on it answers so. */
  answer(reply: Answerer): void;
};

type Answerer = (call: Call, index: number) => Reply;
const sound: Answerer = () => ({ text: "Done." });

/** Everything that the provider is asked from now on. */
export function watchProvider({ board }: OutageBench): Watch {
  const calls: Call[] = [];
  let inFlight = 0;
  let reply = sound;
  const countDown = async (closed: Promise<unknown>): Promise<void> => {
    await closed;
    inFlight -= 1;
  };
  board.answerWith((request) => {
    inFlight += 1;
    const { messages } = readPrompt(request);
    const call: Call = {
      atMs: performance.now(),
      task: messages.find(({ role }) => role === "user")?.text ?? "",
      turn: messages.filter(({ role }) => role === "assistant").length,
      inFlight,
    };
    void countDown(request.closed);
    calls.push(call);
    return reply(call, calls.length - 1);
  });
  return {
    calls,
    answer: (next) => {
      reply = next;
    },
  };
}

/** Waits until so many calls have been made. */
export async function awaitCalls(context: ScenarioContext, watch: Watch, count: number): Promise<void> {
  const { satisfied } = await lookUntil(
    async () => await Promise.resolve(watch.calls.length),
    (calls) => calls >= count,
    { timeoutMs: context.pace.waitMsMax, signal: context.signal },
  );
  context.check(`the provider is asked ${count} times in time`, satisfied, watch.calls.length);
}

/** Lets so much time pass: what must not happen has time to. */
export async function letPass(context: ScenarioContext, ms: number): Promise<void> {
  const startMs = performance.now();
  await lookUntil(
    async () => await Promise.resolve(performance.now() - startMs),
    (passed) => passed >= ms,
    { timeoutMs: ms + 1_000, signal: context.signal },
  );
}

export const gapsOf = (calls: readonly Call[]): readonly number[] =>
  calls.slice(1).map((call, at) => call.atMs - (calls[at]?.atMs ?? 0));

export const DOWN: Reply = { fault: { kind: "status", status: 503 } };
