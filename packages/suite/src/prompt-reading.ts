// What a provider of the suite's was sent, whatever its wire: the one place where it shows what a model was shown.

import { canonicalJson } from "./canonical-json.ts";
import { type Fields, isFields, listOf, textOf } from "./faults/conversation.ts";
import type { RecordedRequest } from "./faults/script.ts";

export type PromptReading = {
  readonly model: string;
  readonly system: string;
  /** Roles in order, each with every text that it was sent under: words, arguments of calls, results. */
  readonly messages: readonly { readonly role: string; readonly text: string }[];
  /** Their names, in order of the alphabet: in which order they are sent is nobody's promise. */
  readonly tools: readonly string[];
  /** Everything that is said of them, one text each, in the same order. */
  readonly toolsSaid: readonly string[];
  /** Every string of the request, names of members too, but for the system text and the tools. */
  readonly strings: readonly string[];
  readonly outputTokensMax: number;
};

export function readPrompt({ body }: Pick<RecordedRequest, "body">): PromptReading {
  const fields = isFields(body) ? body : {};
  const messages = listOf(fields["messages"] ?? fields["input"]).filter(isFields);
  const data = messages.filter((message) => !isSystem(message));
  const tools = listOf(fields["tools"])
    .filter(isFields)
    .map((tool) => ({
      name: textOf((isFields(tool["function"]) ? tool["function"] : tool)["name"]),
      said: canonicalJson(tool),
    }))
    .toSorted((one, other) => (one.name < other.name ? -1 : 1));
  const { system: _s, instructions: _i, tools: _t, messages: _m, input: _n, ...rest } = fields;
  const limit = fields["max_tokens"] ?? fields["max_completion_tokens"] ?? fields["max_output_tokens"];
  return {
    model: textOf(fields["model"]),
    system: [
      fields["system"],
      fields["instructions"],
      ...messages.filter(isSystem).map((message) => message["content"]),
    ]
      .filter((content) => content !== undefined)
      .map(wordsOf)
      .join("\n"),
    messages: joinTurns(data.flatMap(readMessages)),
    tools: tools.map(({ name }) => name),
    toolsSaid: tools.map(({ said }) => said),
    strings: [...eachString(data), ...eachString(rest)],
    outputTokensMax: typeof limit === "number" ? limit : 0,
  };
}

const isSystem = (message: Fields): boolean => ["system", "developer"].includes(textOf(message["role"]));

type Message = PromptReading["messages"][number];

// One turn of the assistant is several items on the wire of Responses: its text, and each of its calls.
function joinTurns(messages: readonly Message[]): readonly Message[] {
  const joined: Message[] = [];
  for (const { role, text } of messages) {
    const last = joined.at(-1);
    if (role === "assistant" && last?.role === "assistant")
      joined[joined.length - 1] = { role, text: `${last.text}\n${text}` };
    else joined.push({ role, text });
  }
  return joined;
}

// On Anthropic's wire results are blocks of a user's message, which may say something beside them.
function readMessages(message: Fields): readonly Message[] {
  const blocks = listOf(message["content"]).filter(isFields);
  const results = blocks.filter(({ type }) => type === "tool_result");
  if (results.length === 0) return [readMessage(message)];
  const content = blocks.filter((block) => !results.includes(block));
  return [
    ...results.map((block) => ({ role: "tool", text: stringsOfBlock(block) })),
    ...(content.length === 0 ? [] : [readMessage({ ...message, content })]),
  ];
}

function readMessage(message: Fields): Message {
  if (message["type"] === "function_call")
    return { role: "assistant", text: stringsOf(parsed(message["arguments"])) };
  if (message["type"] === "function_call_output") return { role: "tool", text: wordsOf(message["output"]) };
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

const TEXT_BLOCKS: ReadonlySet<unknown> = new Set(["text", "input_text", "output_text"]);

function stringsOfBlock(block: unknown): string {
  if (!isFields(block)) return "";
  if (TEXT_BLOCKS.has(block["type"])) return textOf(block["text"]);
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

function eachString(value: unknown): readonly string[] {
  if (typeof value === "string") return [value];
  if (Array.isArray(value)) return value.flatMap(eachString);
  return isFields(value) ? Object.entries(value).flatMap(([name, item]) => [name, ...eachString(item)]) : [];
}

function parsed(text: unknown): unknown {
  try {
    return JSON.parse(textOf(text));
  } catch {
    return textOf(text);
  }
}
