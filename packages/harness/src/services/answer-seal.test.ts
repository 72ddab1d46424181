import { createDecipheriv, randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import { createAnswerSeal } from "./answer-seal.ts";

const random = { bytes: (count: number) => new Uint8Array(randomBytes(count)) };
const seal = createAnswerSeal(new Uint8Array(32).fill(1), random);

test("a sealed answer opens for its place and for no other, and not once it was changed", () => {
  const sealed = seal.seal('{"secret":"ask_x"}', "a");
  expect(seal.open(sealed, "a")).toBe('{"secret":"ask_x"}');
  expect(seal.open(sealed, "b")).toBeNull();
  expect(createAnswerSeal(new Uint8Array(32).fill(2), random).open(sealed, "a")).toBeNull();
  const bytes = Buffer.from(sealed, "base64");
  for (const at of [0, 12, 28, bytes.length - 1]) {
    const changed = Buffer.from(bytes);
    changed[at] = (changed[at] ?? 0) ^ 1;
    expect(seal.open(changed.toString("base64"), "a")).toBeNull();
  }
  expect(seal.open("", "a")).toBeNull();
});

test("nothing of the answer can be seen in it, and no two are alike", () => {
  const first = seal.seal("ask_secret", "a");
  expect(Buffer.from(first, "base64").includes("ask_secret")).toBe(false);
  expect(seal.seal("ask_secret", "a")).not.toBe(first);
});

test("what is shorter than a nonce and a tag is nothing, and what is as long is opened", () => {
  const sealed = Buffer.from(seal.seal("", "a"), "base64");
  expect(sealed).toHaveLength(28);
  expect(seal.open(sealed.toString("base64"), "a")).toBe("");
  expect(seal.open(sealed.subarray(0, 27).toString("base64"), "a")).toBeNull();
});

test("it is AES-256-GCM: nonce, tag and text, with the place authenticated beside it", () => {
  const key = new Uint8Array(32).fill(1);
  const bytes = Buffer.from(seal.seal("grüße", "a place"), "base64");
  const decipher = createDecipheriv("aes-256-gcm", key, bytes.subarray(0, 12), { authTagLength: 16 });
  decipher.setAAD(Buffer.from("a place"));
  decipher.setAuthTag(bytes.subarray(12, 28));
  expect(Buffer.concat([decipher.update(bytes.subarray(28)), decipher.final()]).toString("utf8")).toBe(
    "grüße",
  );
});
