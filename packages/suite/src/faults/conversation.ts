// The rules that all real wires put on a conversation, whatever its syntax, so that a broken client is noticed here
// and not by the first user with a key.

export type Fields = Readonly<Record<string, unknown>>;

export type Turn =
  | { readonly kind: "system" }
  | { readonly kind: "user" }
  | { readonly kind: "assistant"; readonly calls: readonly string[] }
  | { readonly kind: "result"; readonly call: string };

export const isFields = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value);
export const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
export const textOf = (value: unknown): string => (typeof value === "string" ? value : "");

/** What is wrong with the order of a conversation, or null. */
export function checkConversation(turns: readonly Turn[]): string | null {
  const open = new Set<string>();
  const seen = new Set<string>();
  let isBegun = false;
  for (const turn of turns) {
    if (turn.kind === "result") {
      if (!open.delete(turn.call)) return `a tool result answers no open call: ${turn.call}`;
      continue;
    }
    if (open.size > 0) return `calls are left without a result: ${[...open].join(", ")}`;
    if (turn.kind === "system" && isBegun) return "a system message stands inside the conversation";
    if (turn.kind === "assistant" && !isBegun) return "the conversation begins with the assistant";
    if (turn.kind !== "system") isBegun = true;
    if (turn.kind !== "assistant") continue;
    for (const id of turn.calls) {
      if (id === "" || seen.has(id)) return `a call's id is empty or used twice: ${id}`;
      seen.add(id);
      open.add(id);
    }
  }
  if (open.size > 0) return `calls are left without a result: ${[...open].join(", ")}`;
  return isBegun ? null : "there is no message";
}

/** The first field that is not in the list, as the real APIs refuse it; null when there is none. */
export function unknownField(fields: Fields, known: readonly string[]): string | null {
  return Object.keys(fields).find((name) => !known.includes(name)) ?? null;
}

/** What is wrong with a tool's declaration in any of the wires, or null. */
export function checkTool(name: unknown, schema: unknown): string | null {
  if (!/^[A-Za-z0-9_-]{1,64}$/.test(textOf(name))) return "a tool's name is not one";
  if (!isFields(schema) || schema["type"] !== "object") return "a tool's schema is not one of an object";
  return null;
}

/** Whether a text is a JSON object, as arguments in a history must be. */
export function isObjectText(text: unknown): boolean {
  try {
    return isFields(JSON.parse(textOf(text)));
  } catch {
    return false;
  }
}
