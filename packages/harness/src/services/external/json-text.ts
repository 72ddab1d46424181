// A JSON value as the text that origins are looked for in. Escapes would hide what a model reads plainly, so strings
// stand in it as they are; names of members too, since whoever wrote the value may have chosen them.

import type { ToolOutcome } from "../../core/run/journal.ts";

const INDENT = " ";

/** What a driver reported, as it is searched. */
export const outcomeText = ({ output, reported }: Pick<ToolOutcome, "output" | "reported">): string =>
  reported?.form === "json" ? readableText(JSON.parse(output)) : output;

/** @param value what JSON.parse gives; @returns a string as it is, anything else one leaf a line, with its name */
export function readableText(value: unknown): string {
  if (typeof value === "string") return value;
  const lines: string[] = [];
  write(value, "", 0, lines);
  return lines.join("\n");
}

// As deep as the parser of bodies lets anything be (JSON_DEPTH_MAX).
function write(value: unknown, name: string, depth: number, lines: string[]): void {
  const indent = INDENT.repeat(depth);
  const start = name === "" ? indent : `${indent}${name}: `;
  if (typeof value !== "object" || value === null) {
    lines.push(`${start}${typeof value === "string" ? value : JSON.stringify(value)}`);
    return;
  }
  if (name !== "") lines.push(`${indent}${name}:`);
  const inner = name === "" ? depth : depth + 1;
  if (Array.isArray(value)) {
    for (const item of value) write(item, "", inner, lines);
    return;
  }
  for (const [key, item] of Object.entries(value)) write(item, key, inner, lines);
}
