// What a provider of the suite's was sent, whatever its wire: the one place where it shows what a model was shown.

import { type Fields, isFields, listOf, textOf } from "./faults/conversation.ts";
import type { RecordedRequest } from "./faults/script.ts";

export type PromptReading = {
  readonly model: string;
  readonly system: string;
  /** Roles in order, each with every text that it was sent under: words, arguments of calls, results. */
  readonly messages: readonly { readonly role: string; readonly text: string }[];
  readonly tools: readonly string[];
  readonly outputTokensMax: number;
};

export function readPrompt({ body }: RecordedRequest): PromptReading {
  const fields = isFields(body) ? body : {};
  const messages = listOf(fields["messages"]).filter(isFields);
  const limit = fields["max_tokens"] ?? fields["max_completion_tokens"];
  return {
    model: textOf(fields["model"]),
    system: [fields["system"], ...messages.filter(isSystem).map((message) => message["content"])]
      .filter((content) => content !== undefined)
      .map(wordsOf)
      .join("\n"),
    messages: messages.filter((message) => !isSystem(message)).map(readMessage),
    tools: listOf(fields["tools"])
      .filter(isFields)
      .map((tool) => textOf((isFields(tool["function"]) ? tool["function"] : tool)["name"])),
    outputTokensMax: typeof limit === "number" ? limit : 0,
  };
}

const isSystem = (message: Fields): boolean => ["system", "developer"].includes(textOf(message["role"]));

function readMessage(message: Fields): { readonly role: string; readonly text: string } {
  const calls = listOf(message["tool_calls"])
    .filter(isFields)
    .map((call) => stringsOf(parsed(isFields(call["function"]) ? call["function"]["arguments"] : "")));
  return {
    role: textOf(message["role"]),
    text: [wordsOf(message["content"]), ...calls].join("\n"),
  };
}

// The text of blocks, be they words, calls or results. Names of fields are the wire's own and no text of anybody.
const wordsOf = (content: unknown): string =>
  typeof content === "string" ? content : listOf(content).map(stringsOfBlock).join("\n");

function stringsOfBlock(block: unknown): string {
  if (!isFields(block)) return "";
  if (block["type"] === "text") return textOf(block["text"]);
  if (block["type"] === "tool_use") return stringsOf(block["input"]);
  return wordsOf(block["content"]);
}

function stringsOf(value: unknown): string {
  if (typeof value === "string") return value;
  if (Array.isArray(value)) return value.map(stringsOf).join("\n");
  return isFields(value)
    ? Object.entries(value)
        .map(([name, item]) => `${name}\n${stringsOf(item)}`)
        .join("\n")
    : "";
}

function parsed(text: unknown): unknown {
  try {
    return JSON.parse(textOf(text));
  } catch {
    return textOf(text);
  }
}
