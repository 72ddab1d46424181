// Copies of logs that somebody made odd, for tests that hold both verifiers against them.

import { encodeEntries } from "@assent/tlog";
import { expect } from "vitest";
import {
  at,
  entries,
  type Entry,
  entry,
  exportOf,
  type Files,
  HONEST,
} from "../../packages/harness/src/core/audit/testing/made-export.ts";
import { type Copy, judge } from "./both-verifiers.ts";
import { isPythonHere } from "./second-verifier.ts";

export const WHOLE: Files = exportOf(HONEST);
export const copied = (files: Files = WHOLE): Files => new Map(files);
export const withFile = (path: string, content: Uint8Array | string, files: Files = WHOLE): Copy => ({
  files: copied(files).set(path, Buffer.from(content)),
});
export const SMALL = entries(6);
export const SMALL_FILES = exportOf(SMALL);
export const tileOf = (count: number, from: Files = WHOLE, path = "tile/0/000"): Buffer =>
  at(from, path).subarray(0, 32 * count);
export const bundleOf = (list: readonly Entry[]): Uint8Array => encodeEntries(list.map(({ leaf }) => leaf));

/** An entry as whoever signs it may have it, at any place. */
export const said = (i: number, from: string | RegExp, to: string): Entry => {
  const one = entry(i);
  const line = Buffer.from(one.leaf).toString("latin1");
  expect(line.replace(from, to)).not.toBe(line);
  return { ...one, leaf: Buffer.from(line.replace(from, to), "latin1") };
};
export const signed = (...list: readonly Entry[]): Copy => ({ files: exportOf([...SMALL, ...list]) });
export const withPayloads = (change: (lines: string[]) => string): Copy => {
  const text = at(SMALL_FILES, "payloads/000").toString();
  return withFile("payloads/000", change(text.split(/(?<=\n)/u)), SMALL_FILES);
};
export const kindOf = (i: number, kind: string): Entry => entry(i, { kind });

/** What is done, what the first verifier must find, and what the second must say; null: it does not read that. */
export type Odd = readonly [name: string, copy: () => Copy, ours: string, second: string | null];

export type Honest = readonly [name: string, copy: () => Copy];

/** Neither says anything of it. */
export async function expectAccepted(copy: Copy): Promise<void> {
  const { ours, second } = await judge(copy);
  expect([ours, second]).toEqual([[], expect.stringMatching(/^verified|^not run$/u)]);
}

export async function expectFound(copy: Copy, finding: string, line: string | null): Promise<void> {
  const { ours, second } = await judge(copy);
  expect(ours).toContain(finding);
  if (!isPythonHere) return;
  expect(second).not.toContain("Traceback");
  expect(second).toMatch(line === null ? /^verified/u : /^(?!verified)/u);
  expect(second).toContain(line ?? "");
}
