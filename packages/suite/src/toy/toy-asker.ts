// The toy's one agent that asks a provider over the wire, and nothing else: what becomes of its runs while that fails.

import { setImmediate as nextTurn, setTimeout as pause } from "node:timers/promises";
import { type FakeProvider } from "../faults/provider-server.ts";
import { startOpenAiServer } from "../faults/openai-server.ts";
import type { RecordedRequest, Reply } from "../faults/script.ts";
import type { OutageBench } from "../target.ts";
import { askPatiently, createGate, type Gate, OUTAGE } from "./toy-lonely.ts";
import { type Breaks, commitBytes, moveTo, type ToyRun } from "./toy-run.ts";
import { tellChat, tellHold, tellRetry, type ToySignals } from "./toy-signals.ts";
import type { SendEffect } from "./toy-tools.ts";
import type { Said } from "./toy-wire.ts";

export const ASKER = "asker";

const API_KEY = "key-of-the-toy";

export type ToyOutage = {
  readonly provider: FakeProvider;
  readonly gate: Gate;
  reply: (request: RecordedRequest) => Reply;
  readonly stopping: AbortController;
  /** Its runs under way. */
  active: number;
};

export async function createOutage(): Promise<ToyOutage> {
  const script = (request: RecordedRequest): Reply => outage.reply(request);
  const outage: ToyOutage = {
    provider: await startOpenAiServer({ apiKey: API_KEY, script }),
    gate: createGate(),
    reply: () => ({ text: "Done." }),
    stopping: new AbortController(),
    active: 0,
  };
  return outage;
}

export const outageBench = (outage: ToyOutage): OutageBench => ({
  ...OUTAGE,
  board: {
    model: "toy/lonely",
    requests: outage.provider.requests,
    answerWith: (reply) => {
      outage.reply = reply;
    },
  },
  body: (task) => ({ agent: ASKER, task }),
});

const LOOK_MS = 10;

/** When whoever asks no provider may begin: at once, but in a toy whose workers all wait for one. */
export async function freeTurn(outage: ToyOutage | null, breaks: Breaks): Promise<void> {
  await nextTurn();
  const isHeld = (): boolean => breaks.has("limit.holds") && (outage?.active ?? 0) > 0;
  while (isHeld()) await pause(LOOK_MS);
}

export type AskerInside = {
  readonly breaks: Breaks;
  readonly sendEffect: SendEffect;
  readonly signals: ToySignals;
  readonly outage: ToyOutage;
};

const TURNS_MAX = 20;
const AWAY = { code: "provider_away", detail: "The provider does not answer." };

export async function runAsker(inside: AskerInside, toy: ToyRun): Promise<void> {
  inside.outage.active += 1;
  try {
    await askToEnd(inside, toy);
  } finally {
    inside.outage.active -= 1;
  }
}

async function askToEnd(inside: AskerInside, toy: ToyRun): Promise<void> {
  const { breaks, signals, outage, sendEffect } = inside;
  const asking = {
    gate: outage.gate,
    wire: { url: outage.provider.url, apiKey: API_KEY, silenceMs: OUTAGE.silenceMsMax },
    breaks,
    tellRetry: () => tellRetry(signals),
    tellAway: (isAway: boolean) => {
      const isTold = isAway ? !breaks.has("away.still") : !breaks.has("away.stays");
      if (isTold) toy.run = { ...toy.run, reason: isAway ? AWAY : null };
    },
    signal: outage.stopping.signal,
  };
  moveTo(toy, breaks, "running", "run_leased", null);
  const messages: unknown[] = [{ role: "user", content: toy.run.task }];
  for (let turn = 0; turn < TURNS_MAX; turn += 1) {
    const step = await askPatiently(asking, { model: "toy", stream: true, messages });
    tellChat(signals, toy.run.id);
    if (step.kind === "failed" && breaks.has("turn.first")) messages.splice(1);
    else if (step.kind === "failed") return fail(inside, toy, step.code);
    else if (step.said.calls.length === 0) return succeed(inside, toy, step.said.text);
    else messages.push(...(await makeCalls(step.said, toy, sendEffect)));
  }
  fail(inside, toy, "turns_exhausted");
}

async function makeCalls(
  { text, calls }: Said,
  toy: ToyRun,
  sendEffect: SendEffect,
): Promise<readonly unknown[]> {
  const results: unknown[] = [];
  for (const { id, tool } of calls) {
    if (tool === "tell_sink") await sendEffect(`${toy.run.id}/${id}`, JSON.stringify({ run: toy.run.id }));
    results.push({ role: "tool", tool_call_id: id, content: "A page." });
  }
  const asked = calls.map(({ id, tool, arguments: args }) => ({
    id,
    type: "function",
    function: { name: tool, arguments: args },
  }));
  return [{ role: "assistant", content: text === "" ? null : text, tool_calls: asked }, ...results];
}

function fail({ breaks, signals }: AskerInside, toy: ToyRun, code: string): void {
  const reason = breaks.has("away.mute") ? null : { ...AWAY, code };
  toy.run = { ...toy.run, reason };
  moveTo(toy, breaks, "failed", "run_failed", null);
  tellHold(signals, breaks, toy, 0);
}

function succeed({ breaks, signals }: AskerInside, toy: ToyRun, text: string): void {
  toy.run = { ...toy.run, answer: text };
  commitBytes(toy, breaks, "answer.md", Buffer.from(text));
  moveTo(toy, breaks, "succeeded", "run_succeeded", null);
  tellHold(signals, breaks, toy, 0);
}
