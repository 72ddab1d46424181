// What has happened to a run is read out of bytes, four at a time: it is what the text says, whatever the text is.

import { EVENT_KINDS } from "@assent/contract";
import { expect, test } from "vitest";
import { NO_RUN_EVENT, runEventOf } from "./run-events.ts";

const RUN = `run_${"0".repeat(32)}`;

/** As it stands in an entry, where much comes before the kind and behind it. */
function read(kind: string, subject = RUN): number {
  const before = `{"kind":"`;
  const bytes = Buffer.from(`${before}${kind}","log":"${"x".repeat(64)}","subj":"${subject}"}`, "latin1");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const kindAt = before.length;
  return runEventOf(view, bytes.lastIndexOf(subject), kindAt, kindAt + kind.length);
}

/** The same by the text: its place among the kinds, from 1. */
const place = (kind: string): number => EVENT_KINDS.findIndex((one) => one === kind) + 1;

const changed = (kind: string, i: number, to: string): string => kind.slice(0, i) + to + kind.slice(i + 1);

test("each kind is read as what it is, and every text beside it as none", () => {
  const texts = EVENT_KINDS.flatMap((kind) => [
    kind,
    ...Array.from(kind, (_, i) => changed(kind, i, "q")),
    // The same low bits, which tell kinds apart at first.
    ...Array.from(kind, (letter, i) =>
      changed(kind, i, String.fromCodePoint((letter.codePointAt(0) ?? 0) ^ 32)),
    ),
    ...Array.from(kind, (_, i) => kind.slice(0, i + 1)),
    ...EVENT_KINDS.map((other) => kind.slice(0, 4) + other.slice(4)),
    ...EVENT_KINDS.map((other) => other.slice(0, -4) + kind.slice(-4)),
    `${kind}s`,
  ]);
  expect(texts.length).toBeGreaterThan(1_000);
  for (const text of texts) expect([text, read(text)]).toEqual([text, place(text)]);
});

test("of what is no run nothing has happened to a run", () => {
  for (const subject of ["ruN_0", "doc_0", "rum_0"]) expect(read("run_queued", subject)).toBe(NO_RUN_EVENT);
});
