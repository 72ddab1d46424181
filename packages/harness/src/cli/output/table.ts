import { visibleLine } from "./visible.ts";

/** One line a record, columns aligned; every cell is made safe for a terminal here, whoever calls. */
export function table(header: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const lines = [header, ...rows].map((row) => row.map(visibleLine));
  const widths = header.map((_, column) => Math.max(...lines.map((row) => widthOf(row[column] ?? ""))));
  return lines.map((row) =>
    row
      .map((cell, column) => cell + " ".repeat((widths[column] ?? 0) - widthOf(cell)))
      .join("  ")
      .trimEnd(),
  );
}

/** Names and values below each other. */
export function fields(entries: readonly (readonly [name: string, value: string])[]): string[] {
  const width = Math.max(...entries.map(([name]) => name.length));
  return entries.map(([name, value]) => `  ${name.padEnd(width)}  ${visibleLine(value)}`);
}

function widthOf(text: string): number {
  return Array.from(text).length;
}
