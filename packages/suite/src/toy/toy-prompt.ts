// The prompt of the toy's one agent whose prompts are looked at, and how it keeps the words of others from being more.

import { textOf } from "../run-reading.ts";
import type { Breaks } from "./toy-run.ts";
import type { ProviderBench } from "../target.ts";
import type { RecordedRequest, Reply } from "../faults/script.ts";

export const SCRIBE = "scribe";
const SYSTEM = "You write what you are told, and you ask first.";

export type ToyMessage = {
  readonly role: string;
  readonly content: string;
  /** What the model asked for. */
  readonly calls?: readonly { readonly id: string; readonly name: string; readonly arguments: string }[];
};

const tool = (name: string, description: string): object => ({
  type: "function",
  function: { name, description, parameters: { type: "object" } },
});

type Guard = (text: string) => string;

const HIDDEN = /[\p{Cf}\p{Default_Ignorable_Code_Point}]/gu;
const SIGNS = /[<[]|(?<=\n\n(?:Human|Assistant)):/gu;
const TOKEN = /<\|?\/?[^\s<>|]+\|?>|<<[^<>]+>>|\[\/?\w+\]/gu;
const PIECE = /[^]{1,4096}/gu;
const DECODED: Readonly<Record<string, string>> = { "&lt;": "<", "&gt;": ">", "&#91;": "[" };

const visible: Guard = (text) => text.normalize("NFKC").replaceAll(HIDDEN, "?");
/** Leaves no sign that any token begins with: the toy has nobody to please who writes code. */
const unsigned: Guard = (text) => text.replaceAll(SIGNS, "(sign)");
/** Knows whole tokens only. */
const escaped: Guard = (text) =>
  text.replaceAll(TOKEN, (token) => `(token) ${token.slice(1)}`).replaceAll("\n\n", "\n");

function guardOf(breaks: Breaks): Guard {
  if (breaks.has("prompt.raw")) return (text) => text;
  if (breaks.has("prompt.spelling")) return (text) => unsigned(text.replaceAll(HIDDEN, "?"));
  if (breaks.has("prompt.hidden")) return (text) => unsigned(text.normalize("NFKC"));
  if (breaks.has("prompt.first")) return (text) => visible(text).replace(TOKEN, "(token)");
  if (breaks.has("prompt.nested"))
    return (text) => visible(text).replaceAll(TOKEN, "").replaceAll("\n\n", "\n");
  if (breaks.has("prompt.pieces")) return (text) => (visible(text).match(PIECE) ?? []).map(escaped).join("");
  if (breaks.has("prompt.decodes"))
    return (text) => unsigned(visible(text)).replaceAll(/&(?:lt|gt|#91);/gu, (word) => DECODED[word] ?? "");
  return (text) => unsigned(visible(text));
}

/** The request that a provider would be sent. */
export function promptOf(
  messages: readonly ToyMessage[],
  labels: Readonly<Record<string, string>>,
  breaks: Breaks,
): Readonly<Record<string, unknown>> {
  const guard = guardOf(breaks);
  const task = messages[0]?.content ?? "";
  const read = messages.findLast(({ role }) => role === "tool")?.content ?? "";
  const about = breaks.has("prompt.labels") ? [SYSTEM, ...Object.values(labels)].join(" ") : SYSTEM;
  const hint = breaks.has("prompt.tools") && read !== "" ? ` Read last: ${guard(read).slice(0, 30)}` : "";
  const isNew = (at: number): boolean => !breaks.has("prompt.history") || at >= messages.length - 1;
  return {
    model: "toy",
    ...(breaks.has("prompt.field") ? { user: task.slice(0, 64) } : {}),
    messages: [
      { role: "system", content: about },
      ...messages.map((message, at) => shown(message, isNew(at) ? guard : (text) => text, breaks)),
    ],
    tools: [tool("read_file", `Reads a file.${hint}`), tool("write_file", "Writes a file.")],
  };
}

function shown({ role, content, calls = [] }: ToyMessage, guard: Guard, breaks: Breaks): object {
  const isForged = breaks.has("prompt.role") && role === "tool";
  const named: Guard = breaks.has("prompt.calls") ? (text) => text : guard;
  const isSpared = breaks.has("prompt.comment") && content.startsWith("Refused: somebody said no");
  return {
    role: isForged ? "user" : role,
    content: isSpared ? content : guard(content),
    ...(calls.length === 0
      ? {}
      : {
          tool_calls: calls.map((call) => ({
            id: named(call.id),
            type: "function",
            function: { name: named(call.name), arguments: guardArguments(call.arguments, guard) },
          })),
        }),
  };
}

/** Of members their names, too. */
function guardArguments(text: string, guard: Guard): string {
  const members: unknown = JSON.parse(text);
  if (typeof members !== "object" || members === null) return "{}";
  return JSON.stringify(
    Object.fromEntries(Object.entries(members).map(([name, value]) => [guard(name), guard(textOf(value))])),
  );
}

type World = {
  readonly requests: readonly RecordedRequest[];
  reply: (request: RecordedRequest) => Reply;
};

/** Its one provider; nobody takes over from it. */
export const toyProvider = (world: World): ProviderBench => ({
  own: {
    model: "toy/one",
    requests: world.requests,
    answerWith: (reply) => {
      world.reply = reply;
    },
  },
  substitute: { model: "toy/none", requests: [], answerWith: () => undefined },
  system: SYSTEM,
  tools: ["write_file", "read_file"],
  body: (task) => ({ agent: SCRIBE, task }),
  thriftyBody: (task) => ({ agent: SCRIBE, task }),
  thrift: { inputTokensMax: 0, outputTokensMax: 0 },
  largeFile: "",
});
