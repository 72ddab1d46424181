// The last look at what is about to leave. Assembly is trusted to be right and checked all the same: this is the one
// place through which every prompt goes, whichever model and attempt it is for (invariant 10).

import { digestOf } from "../../base/digest.ts";
import { err, ok, type Result } from "../../base/result.ts";
import { isModelStep, type Journal, type StepError } from "../run/journal.ts";
import type { Prompt } from "./assemble.ts";
import type { Message } from "./message.ts";
import { hasControlToken, neutralise, neutraliseMembers } from "./neutralise.ts";

/** The same messages with every text in them neutralised: task, answers, arguments, results and errors. */
export function neutralisePrompt({ system, messages }: Prompt): Prompt {
  return { system, messages: messages.map(neutraliseMessage) };
}

function neutraliseMessage(message: Message): Message {
  const text = neutralise(message.text);
  if (message.role !== "assistant") return { ...message, text };
  const toolCalls = message.toolCalls.map((call) => ({
    ...call,
    arguments: call.arguments === null ? null : neutraliseMembers(call.arguments),
  }));
  return { ...message, text, toolCalls };
}

/**
 * Whether a prompt may leave: its system text is the agent's to the byte, its messages are as many and of the roles
 * that the journal makes them, and none holds a control token. An error is `prompt_guard`, and no call is made.
 */
export function guardPrompt(prompt: Prompt, system: string, journal: Journal): Result<null, StepError> {
  if (digestOf("system", prompt.system) !== digestOf("system", system))
    return refuse("The system text is not the agent's.");
  const roles = prompt.messages.map(({ role }) => role);
  if (roles.join() !== rolesOf(journal).join()) return refuse("The messages are not those of the run.");
  if (prompt.messages.some(holdsToken)) return refuse("A message holds a control token of a chat template.");
  return ok(null);
}

const refuse = (detail: string): Result<never, StepError> => err({ code: "prompt_guard", detail });

// Counted from the journal and not from the messages: a turn that somebody forged is in none.
function rolesOf(journal: Journal): readonly Message["role"][] {
  const roles: Message["role"][] = ["user"];
  for (const step of journal) {
    if (!isModelStep(step) || step.state !== "succeeded" || step.outcome === null) continue;
    roles.push("assistant", ...step.outcome.toolCalls.map(() => "tool" as const));
  }
  return roles;
}

function holdsToken(message: Message): boolean {
  if (hasControlToken(message.text)) return true;
  return message.role === "assistant" && message.toolCalls.some((call) => valueHoldsToken(call.arguments));
}

function valueHoldsToken(value: unknown): boolean {
  if (typeof value === "string") return hasControlToken(value);
  if (Array.isArray(value)) return value.some(valueHoldsToken);
  if (typeof value !== "object" || value === null) return false;
  return Object.entries(value).some(([name, item]) => hasControlToken(name) || valueHoldsToken(item));
}
