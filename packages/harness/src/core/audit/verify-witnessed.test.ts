import { expect, test } from "vitest";
import { readWitnessedFile } from "./verify-witnessed.ts";

const PROOF = { note: "a", leaf: "b", salt: "QQ==", payload: "c", proof: "d" };
const LINE = `${JSON.stringify(PROOF)}\n`;

test("a proof is read in the one spelling that exports write, and in no other", () => {
  expect(readWitnessedFile(Buffer.from(LINE))).toEqual(PROOF);
  for (const other of [
    LINE.replace('"note":"a"', '"note":"x","note":"a"'),
    LINE.replace('"note":"a"', '"note":"\\u0061"'),
    LINE.replace('"note":', '"note": '),
    `${LINE}\n`,
    LINE.trimEnd(),
  ])
    expect([other, readWitnessedFile(Buffer.from(other))]).toEqual([other, null]);
});
