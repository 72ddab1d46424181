// Files of a copy, changed at random: bytes, lines, whole files.

import type { Files } from "../../packages/harness/src/core/audit/testing/made-export.ts";
import type { Random } from "./told-runs.ts";

type Change = readonly [name: string, change: (bytes: Buffer, random: Random) => Buffer];

const lines = (bytes: Buffer): string[] => bytes.toString("latin1").split(/(?<=\n)/u);
const joined = (all: readonly string[]): Buffer => Buffer.from(all.join(""), "latin1");

const CHANGES: readonly Change[] = [
  [
    "a bit changed",
    (bytes, random) => {
      const at = random.below(bytes.byteLength);
      bytes[at] = (bytes[at] ?? 0) ^ (1 << random.below(8));
      return bytes;
    },
  ],
  [
    "a byte put in",
    (bytes, random) => {
      const at = random.below(bytes.byteLength + 1);
      return Buffer.concat([bytes.subarray(0, at), Buffer.of(random.below(256)), bytes.subarray(at)]);
    },
  ],
  [
    "bytes taken out",
    (bytes, random) => {
      const at = random.below(bytes.byteLength);
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + random.below(40))]);
    },
  ],
  ["cut short", (bytes, random) => bytes.subarray(0, random.below(bytes.byteLength))],
  ["doubled", (bytes) => Buffer.concat([bytes, bytes])],
  [
    "two lines exchanged",
    (bytes, random) => {
      const all = lines(bytes);
      const [a, b] = [random.below(all.length), random.below(all.length)];
      return joined(all.with(a, all[b] ?? "").with(b, all[a] ?? ""));
    },
  ],
  [
    "a line taken out",
    (bytes, random) => joined(lines(bytes).filter((_, i, all) => i !== random.below(all.length))),
  ],
  [
    "another digit",
    (bytes, random) => {
      const digits = [...bytes.toString("latin1").matchAll(/\d/gu)].map(({ index }) => index);
      if (digits.length > 0) bytes[random.of(digits)] = 0x30 + random.below(10);
      return bytes;
    },
  ],
];

/** What was done, and the files after it. */
export function tamperedFiles(
  random: Random,
  whole: Files,
): { readonly files: Files; readonly what: string } {
  const files: Files = new Map([...whole].map(([path, bytes]) => [path, Buffer.from(bytes)]));
  const path = random.of([...files.keys()]);
  const before = Buffer.from(files.get(path) ?? []);
  const kind = random.below(10);
  if (kind === 0) {
    files.delete(path);
    return { files, what: `${path} taken away` };
  }
  if (kind === 1) {
    const other = random.of([...files.keys()]);
    files.set(other, before);
    return { files, what: `${path} in the place of ${other}` };
  }
  const [name, change] = random.of(CHANGES);
  files.set(path, change(before, random));
  return { files, what: `${path}: ${name}` };
}
