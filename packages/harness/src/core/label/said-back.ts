// A tool that nobody else writes through may still say back what it was given: "no contact mallory@evil.example". Where a
// handle stood for that, its answer would bring the value before the model as trusted text, and from there into the next
// call as somebody's who may be trusted.

import { type HandleUse, valueAt } from "./handles.ts";
import { createOriginIndex } from "./origins.ts";

/**
 * Whether a part that counts of what handles stood for stands in the answer.
 * @param args as the tool received them
 * @param authored what the answer may say whatever was given, beside the other arguments: the tool's own words, the task
 */
export function saysBack(
  answer: string,
  args: Readonly<Record<string, unknown>>,
  uses: readonly HandleUse[],
  authored: readonly string[],
): boolean {
  if (uses.length === 0) return false;
  const given = new Set(uses.map(({ pointer }) => pointer.split("/")[1]));
  const others = Object.entries(args).filter(([name]) => !given.has(escaped(name)));
  const origins = createOriginIndex();
  origins.add({ id: "task", label: "trusted", text: [...authored, JSON.stringify(others)].join("\n\n") });
  for (const { pointer, step } of uses) {
    const value = valueAt(args, pointer);
    if (typeof value === "string" || typeof value === "number")
      origins.add({ id: `step:${step}`, label: "untrusted", text: String(value) });
  }
  return Object.values(origins.label({ answer }).labels).some(({ origin }) => origin === "untrusted");
}

const escaped = (name: string): string => name.replaceAll("~", "~0").replaceAll("/", "~1");
