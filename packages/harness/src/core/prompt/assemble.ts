// What the model is shown follows from the definition and the journal alone. Each text stays a message of its own:
// what a tool returned can never end up in an instruction slot (invariant 10, data is not instruction).

import type { Action } from "@assent/contract";
import type { AgentDefinition } from "../agent.ts";
import { describeHandle } from "../label/handles.ts";
import { keepsFailure, keptText } from "../label/kept-texts.ts";
import { openingSteps } from "../retrieval/opening.ts";
import {
  type GateStep,
  isGateStep,
  isModelStep,
  isToolStep,
  type Journal,
  type JournalStep,
  type ToolCall,
  type ToolStep,
} from "../run/journal.ts";
import type { Message, Prompt } from "./message.ts";

export function assemblePrompt(definition: AgentDefinition, task: string, journal: Journal): Prompt {
  const messages: Message[] = [{ role: "user", text: task, label: "trusted" }];
  for (const step of openingSteps(journal)) {
    if (!isToolStep(step)) continue;
    const { callId, action } = step.request;
    const call: ToolCall = { id: callId, tool: action.tool, arguments: action.arguments };
    messages.push({ role: "assistant", text: "", toolCalls: [call] }, answerTo(definition, call, 0, journal));
  }
  for (const step of journal) {
    if (!isModelStep(step) || step.state !== "succeeded" || step.outcome === null) continue;
    const { text, toolCalls } = step.outcome;
    messages.push({ role: "assistant", text, toolCalls });
    for (const call of toolCalls) messages.push(answerTo(definition, call, step.seq, journal));
  }
  return { system: definition.system, messages };
}

function answerTo(definition: AgentDefinition, call: ToolCall, turnSeq: number, journal: Journal): Message {
  const mine = (step: JournalStep): boolean => step.seq > turnSeq;
  const tool = journal.find(
    (step): step is ToolStep => mine(step) && isToolStep(step) && step.request.callId === call.id,
  );
  // A question that had to be asked again has a later gate: the newest is the answer. An edit stays one at the next.
  const gates = journal
    .filter(mine)
    .filter(isGateStep)
    .filter(({ request }) => request.callId === call.id && request.doubtfulSeq === null);
  const edit = gates.flatMap(({ outcome }) => outcome?.editedAction ?? []).at(-1) ?? null;
  const answer = tool === undefined ? answerOfGate(gates.at(-1)) : answerOfTool(definition, tool, edit);
  return { role: "tool", callId: call.id, tool: call.tool, ...answer };
}

type Answer = Pick<Extract<Message, { role: "tool" }>, "text" | "isError" | "label">;

function answerOfTool(definition: AgentDefinition, step: ToolStep, edited: Action | null): Answer {
  if (step.state === "succeeded" && step.outcome !== null) {
    const note =
      edited === null
        ? ""
        : `[A person changed the arguments before agreeing: ${JSON.stringify(edited.arguments)}]\n`;
    const kept = keptText(definition, step);
    // The handle's own words are ours; nothing of what it stands for is in them.
    if (kept !== null)
      return { text: `${note}${describeHandle(step.seq, kept)}`, isError: false, label: "trusted" };
    return { text: `${note}${step.outcome.output}`, isError: false, label: step.outcome.label };
  }
  const error = step.error ?? { code: "unknown", detail: "The call has no outcome." };
  if (keepsFailure(definition, step))
    return { text: `${error.code}: ${FAILURE_KEPT}`, isError: true, label: "trusted" };
  // Why a call was refused is our own text; why it failed may quote whoever answered it.
  const label = step.state === "failed" ? "untrusted" : "trusted";
  return { text: `${error.code}: ${error.detail}`, isError: true, label };
}

const FAILURE_KEPT = "Why it failed is kept from you: it quotes what a handle of this call stands for.";

function answerOfGate(gate: GateStep | undefined): Answer {
  const outcome = gate?.outcome ?? null;
  if (outcome?.answer === "expired")
    return { text: "denied: Nobody agreed in time.", isError: true, label: "trusted" };
  const comment = outcome?.comment ?? "";
  return {
    text: `denied: A person refused this call.${comment === "" ? "" : ` Their reason: ${comment}`}`,
    isError: true,
    label: "trusted",
  };
}
