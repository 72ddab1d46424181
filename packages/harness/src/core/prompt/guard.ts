// The last look at what is about to leave. Assembly is trusted to be right and checked all the same: this is the one
// place through which every prompt goes, whichever model and attempt it is for (invariant 10).

import type { Decision } from "@assent/contract";
import { digestOf } from "../../base/digest.ts";
import { err, ok, type Result } from "../../base/result.ts";
import { openingSteps } from "../retrieval/opening.ts";
import { isModelStep, isToolStep, type Journal, type StepError } from "../run/journal.ts";
import type { Message, Prompt } from "./message.ts";
import { foldText } from "./neutralise-fold.ts";
import { spotlight } from "./spotlight.ts";
import { hasControlToken, neutralise, neutraliseMembers } from "./neutralise.ts";

/**
 * The same messages with every text in them neutralised: task, answers, arguments, results and errors; and untrusted
 * results between marks.
 */
export function neutralisePrompt({ system, messages }: Prompt): Prompt {
  return { system, messages: spotlight(messages.map(neutraliseMessage)) };
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
  for (const step of openingSteps(journal)) if (isToolStep(step)) roles.push("assistant", "tool");
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

// A smoke detector for overt injections. Published guards of this kind miss most attacks that are meant to pass them,
// so a low score means nothing, and no rule may be relaxed by one: the score can only make the harness ask more.

type Sign = { readonly pattern: RegExp; readonly weight: number };

// What a text says that speaks to the model rather than to a reader. Gaps are bounded: linear on any text.
const SIGNS: readonly Sign[] = [
  {
    pattern:
      /\b(?:ignore|disregard|forget|override|bypass)\b.{0,40}\b(?:previous|prior|above|earlier|all|your|any|the)\b.{0,40}\b(?:instructions?|rules?|prompts?|guidelines|directions|policy|policies)\b/isu,
    weight: 0.7,
  },
  { pattern: /\b(?:system|developer)\s{1,4}(?:prompt|message|override|instruction)s?\b/iu, weight: 0.3 },
  {
    pattern: /\byou are (?:now|no longer)\b|\bfrom now on,? you\b|\bnew instructions?\s{0,4}:/iu,
    weight: 0.4,
  },
  {
    pattern:
      /\b(?:as an ai|dear (?:ai|assistant|agent|model)|attention,? (?:ai|assistant|agents?|llms?))\b/iu,
    weight: 0.4,
  },
  {
    pattern: /\bdo not (?:tell|inform|mention|show|ask|alert)\b.{0,30}\b(?:user|human|operator|person)\b/isu,
    weight: 0.5,
  },
  {
    pattern:
      /\b(?:call|use|invoke|run|execute)\b.{0,20}\b(?:tool|function)\b.{0,60}\b(?:with|argument|parameter)/isu,
    weight: 0.3,
  },
  {
    pattern:
      /\b(?:send|post|forward|upload|exfiltrate|leak)\b.{0,60}\b(?:secrets?|passwords?|tokens?|credentials?|api[ _-]?keys?)\b/isu,
    weight: 0.5,
  },
];

const HIDDEN_WEIGHT = 0.3;
const TOKEN_WEIGHT = 0.8;
const HIDDEN = /[\u200b\u2060-\u2064\u202a-\u202e\u2066-\u2069\u{e0000}-\u{e007f}]/u;

/** From this score on a person is asked. Chosen so that one strong sign or two weak ones are enough. */
export const ASK_SCORE = 0.5;

/** How overtly a text speaks to the model: from 0 (no sign) to below 1. More signs never lower it. */
export function guardText(text: string): number {
  const folded = foldText(text.replaceAll(/[\p{Cf}]/gu, "")).text;
  let calm = 1;
  for (const { pattern, weight } of SIGNS) if (pattern.test(folded)) calm *= 1 - weight;
  if (hasControlToken(text)) calm *= 1 - TOKEN_WEIGHT;
  if (HIDDEN.test(text)) calm *= 1 - HIDDEN_WEIGHT;
  return 1 - calm;
}

/** What is done after a score: a permit becomes a question, a question and a refusal stay what they are. */
export function verdictAfter(verdict: Decision["verdict"], score: number): Decision["verdict"] {
  // Written so that a score that is no number asks.
  return verdict === "permit" && !(score < ASK_SCORE) ? "needs_approval" : verdict;
}
