// What leaves for a model that may not see it. The run's own journal, its labels and its tools keep the whole text; only
// the copy that is sent is without it, and the same rules stand before every substitute (invariant 15).

import type { Message } from "../../core/prompt/message.ts";
import type { PersonalKind } from "../../core/redact/personal.ts";
import { redactPersonal } from "../../core/redact/personal.ts";
import { covers } from "../../core/route/rules.ts";
import type { PromptRedaction } from "../../core/route/settings.ts";
import type { Embedder, Models } from "../../ports.ts";
import type { Redaction } from "../redaction.ts";

/** Both ways on which texts leave. */
export const redactedParts = <P extends { readonly models: Models; readonly embedder: Embedder | null }>(
  parts: P,
  rules: readonly PromptRedaction[],
  redaction: Pick<Redaction, "redactText">,
): P => ({
  ...parts,
  models: redactedModels(parts.models, rules, redaction),
  embedder: parts.embedder === null ? null : redactedEmbedder(parts.embedder, rules, redaction),
});

/** The text of the agent's author is sent as it is: whoever wrote it chose the model as well. */
export function redactedModels(
  models: Models,
  rules: readonly PromptRedaction[],
  redaction: Pick<Redaction, "redactText">,
): Models {
  if (rules.length === 0) return models;
  return {
    ...models,
    call: async (call, signal) => {
      const clean = cleanerFor(call.model, rules, redaction);
      if (clean === null) return await models.call(call, signal);
      return await models.call(
        { ...call, messages: call.messages.map((message) => cleanMessage(message, clean)) },
        signal,
      );
    },
  };
}

/** The same for texts that are sent to be measured. */
function redactedEmbedder(
  embedder: Embedder,
  rules: readonly PromptRedaction[],
  redaction: Pick<Redaction, "redactText">,
): Embedder {
  const clean = cleanerFor(embedder.model, rules, redaction);
  if (clean === null) return embedder;
  return { ...embedder, embed: async (texts, signal) => await embedder.embed(texts.map(clean), signal) };
}

type Clean = (text: string) => string;

/** Null: the model may see all of it. */
function cleanerFor(
  model: string,
  rules: readonly PromptRedaction[],
  redaction: Pick<Redaction, "redactText">,
): Clean | null {
  const what = new Set(rules.flatMap((rule) => (isFor(rule, model) ? rule.what : [])));
  if (what.size === 0) return null;
  const kinds = [...what].filter((one): one is PersonalKind => one !== "secrets");
  return (text) => redactPersonal(what.has("secrets") ? redaction.redactText(text) : text, kinds);
}

const isFor = ({ models }: PromptRedaction, model: string): boolean =>
  models.some((pattern) => covers(pattern, model));

function cleanMessage(message: Message, clean: Clean): Message {
  const text = clean(message.text);
  if (message.role !== "assistant") return { ...message, text };
  return {
    ...message,
    text,
    toolCalls: message.toolCalls.map((call) => ({
      ...call,
      arguments:
        call.arguments === null
          ? null
          : Object.fromEntries(
              Object.entries(call.arguments).map(([name, value]) => [name, cleanValue(value, clean)]),
            ),
    })),
  };
}

// Names of members are the tools' own, or were refused as a choice of the model's.
function cleanValue(value: unknown, clean: Clean): unknown {
  if (typeof value === "string") return clean(value);
  if (Array.isArray(value)) return value.map((item: unknown) => cleanValue(item, clean));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, cleanValue(item, clean)]));
}
