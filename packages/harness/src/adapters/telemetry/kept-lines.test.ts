import fc from "fast-check";
import { expect, test } from "vitest";
import { KEPT_BYTES_MAX, keepLines, type Writers } from "./kept-lines.ts";

const SEED = 20_261_121;
const lostLine = (lines: number): string => `lost ${lines}`;

/** A disk that takes of each attempt as many bytes as was planned, or none (null); and everything once it is mended. */
function createDisk(planned: readonly (number | null)[]): {
  text: () => string;
  mend: () => void;
  write: (bytes: Uint8Array) => number;
} {
  let content = Buffer.alloc(0);
  let isMended = false;
  const left = planned.values();
  return {
    text: () => content.toString("latin1"),
    mend: () => {
      isMended = true;
    },
    write: (bytes) => {
      const next = isMended ? bytes.byteLength : (left.next().value ?? null);
      if (next === null) throw Object.assign(new Error("no room"), { code: "ENOSPC" });
      const some = bytes.subarray(0, next);
      content = Buffer.concat([content, some]);
      return some.byteLength;
    },
  };
}

const word = fc.stringMatching(/^[a-z]{0,12}$/);
const attempts = fc.array(fc.option(fc.nat({ max: 12 })));

test("one writer: what stands there is a beginning of what was said, and all of it once there is room", () => {
  fc.assert(
    fc.property(fc.array(word, { maxLength: 20 }), attempts, (lines, planned) => {
      const disk = createDisk(planned);
      const { write, flush } = keepLines(disk.write, lostLine, "one");
      const said = lines.map((line) => `${line}\n`).join("");
      for (const line of lines) {
        write(line);
        expect(said.startsWith(disk.text())).toBe(true);
      }
      disk.mend();
      flush();
      expect(disk.text()).toBe(said);
    }),
    { seed: SEED },
  );
});

test("several writers: nothing of anybody's is lost, and what was cut off is closed where it ends", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat({ max: 2 }), word)), attempts, (said, planned) => {
      const disk = createDisk(planned);
      const writers = Array.from({ length: 3 }, () => keepLines(disk.write, lostLine, "several"));
      const lines = said.map(([writer, text], at) => [writer, `${at}:${text}.`] as const);
      for (const [writer, line] of lines) writers[writer]?.write(line);
      disk.mend();
      for (const { flush } of writers) flush();
      // One that was not refused meanwhile cannot know of a piece, and writes right behind it.
      const seen = disk.text().split("\n");
      for (const [, line] of lines) expect(seen.some((each) => each.endsWith(line))).toBe(true);
      expect(disk.text()).toMatch(/(?:^|\n)$/u);
    }),
    { seed: SEED },
  );
});

test("several writers: a piece of a line spoils none of those who were refused as well", () => {
  const disk = createDisk([5, null, null]);
  const first = keepLines(disk.write, lostLine, "several");
  const second = keepLines(disk.write, lostLine, "several");
  first.write("the first line");
  second.write("the second line");
  disk.mend();
  second.flush();
  first.flush();
  expect(disk.text()).toBe("the f\nthe second line\n\nthe first line\n");
});

test.each<Writers>(["one", "several"])(
  "what finds no room is counted where it is missing, and the beginning is what stays (%s)",
  (writers) => {
    const disk = createDisk([]);
    const { write } = keepLines(disk.write, lostLine, writers);
    const long = "x".repeat(KEPT_BYTES_MAX / 4);
    for (let at = 0; at < 6; at += 1) write(`${at} ${long}`);
    // Short ones would have room, and would stand before what is missing.
    write("short");
    disk.mend();
    write("after");
    const lines = disk.text().split("\n");
    expect(lines.map((line) => line.slice(0, 6)).filter((line) => line !== "")).toEqual([
      "0 xxxx",
      "1 xxxx",
      "2 xxxx",
      "lost 4",
      "after",
    ]);
  },
);
