import type { Paint, Style } from "./paint.ts";
import { visibleText } from "./visible.ts";

/** A unified diff, exact and safe for a terminal. */
export function paintDiff(diff: string, paint: Paint): string {
  return visibleText(diff.endsWith("\n") ? diff.slice(0, -1) : diff)
    .split("\n")
    .map((line) => {
      const style = styleOf(line);
      return style === null ? line : paint(style, line);
    })
    .join("\n");
}

function styleOf(line: string): Style | null {
  if (line.startsWith("+++") || line.startsWith("---")) return "bold";
  if (line.startsWith("@@")) return "cyan";
  if (line.startsWith("+")) return "green";
  return line.startsWith("-") ? "red" : null;
}
