// No file of a package imports itself, on whatever way round.

import { expect, test } from "vitest";
import { type Edge, edgesOf, listFiles, read } from "./tree.ts";

const edges: Edge[] = listFiles("packages/*/src/**/*.{ts,tsx}").flatMap((file) => edgesOf(file, read(file)));

test("no import cycle", () => {
  expect(cycles(edges)).toEqual([]);
});

test("a cycle is found", () => {
  expect(
    cycles([
      { from: "a.ts", to: "b.ts" },
      { from: "b.ts", to: "c.ts" },
      { from: "c.ts", to: "b.ts" },
    ]),
  ).toEqual([["a.ts", "b.ts", "c.ts", "b.ts"]]);
});

function cycles(all: readonly Edge[]): string[][] {
  const next = new Map<string, string[]>();
  for (const { from, to } of all) next.set(from, [...(next.get(from) ?? []), to]);
  const state = new Map<string, "open" | "closed">();
  const follow = (file: string, path: string[]): string[] | undefined => {
    if (state.get(file) === "closed") return undefined;
    if (state.get(file) === "open") return [...path, file];
    state.set(file, "open");
    for (const to of next.get(file) ?? []) {
      const cycle = follow(to, [...path, file]);
      if (cycle !== undefined) return cycle;
    }
    state.set(file, "closed");
    return undefined;
  };
  for (const file of next.keys()) {
    const cycle = follow(file, []);
    if (cycle !== undefined) return [cycle];
  }
  return [];
}
