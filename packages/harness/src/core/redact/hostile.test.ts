// Text that makes scanners slow. By itself, since it takes longer than all other tests of redaction together: mutants are not
// put to it.

import { expect, test } from "vitest";
import { PERSONAL_KINDS, redactPersonal } from "./personal.ts";
import { createRedactor } from "./redactor.ts";

/** What makes scanners slow: many beginnings, no end; nested repetitions; endless runs of one class. */
const HOSTILE: Readonly<Record<string, (chars: number) => string>> = {
  "one letter": (chars) => "a".repeat(chars),
  "equals signs": (chars) => "=".repeat(chars),
  "names and operators": (chars) => "token=".repeat(chars / 6),
  "quoted names": (chars) => '"password":'.repeat(chars / 11),
  "opening quotes": (chars) => 'password="'.repeat(chars / 10),
  closers: (chars) => `password=${")".repeat(chars)}`,
  backslashes: (chars) => `password=${"\\".repeat(chars)}"`,
  "escaped quotes": (chars) => '\\"token\\":'.repeat(chars / 10),
  URLs: (chars) => "://a:".repeat(chars / 5),
  "key blocks": (chars) => "-----BEGIN RSA PRIVATE KEY-----".repeat(chars / 31),
  "key lines": (chars) => `-----BEGIN RSA PRIVATE KEY-----${"\n".repeat(chars)}`,
  "tickets that end too early": (chars) => `$krb5tgs$23$${"a".repeat(31)}x`.repeat(chars / 44),
  "web tokens": (chars) => "eyJ".repeat(chars / 3),
  "web tokens with dots": (chars) => "eyJhbGciOiJI.".repeat(chars / 13),
  prefixes: (chars) => "ghp_".repeat(chars / 4),
  "other prefixes": (chars) => "sk-ant-".repeat(chars / 7),
  "percent signs": (chars) => "%25".repeat(chars / 3),
  ampersands: (chars) => "&amp;".repeat(chars / 5),
  "marks of ours": (chars) => "[redacted:x]password=".repeat(chars / 21),
  "blanks behind a name": (chars) => `token${" ".repeat(chars)}=`,
  "line breaks behind a name": (chars) => "token:\n  ".repeat(chars / 9),
  elements: (chars) => "<token ".repeat(chars / 7),
  lists: (chars) => `tokens: [${'"a",'.repeat(chars / 4)}`,
  "shell commands": (chars) => "curl ".repeat(chars / 5),
  dots: (chars) => "a1B2c3D4e5F6g7H8.".repeat(chars / 17),
  slashes: (chars) => "aB3/".repeat(chars / 4),
  pipes: (chars) => `${"1".repeat(16)}|`.repeat(chars / 17),
  "invisible characters": (chars) => "\u200b".repeat(chars),
};

/**
 * A scanner that is quadratic in any of these takes minutes for so much; a linear one takes a second. So the test's
 * time limit tells them apart on any machine. The bench prints what it is exactly.
 */
const HOSTILE_CHARS = 400_000;

test.each(Object.entries(HOSTILE))("ends soon, whatever the text: %s", (_, make) => {
  const redactor = createRedactor();
  redactor.register("zR8vK2mQ9xT4wL7pN3sB6yC1dF5gH0jA", "given");
  const text = make(HOSTILE_CHARS);
  expect(text.length).toBeGreaterThan(HOSTILE_CHARS * 0.9);
  expect(redactor.redactText(text).text.length).toBeGreaterThan(0);
});

test("ends soon where personal data is looked for", () => {
  for (const unit of ["a.", "a@", "+1 ", "1-", "DE12 ", "a@b."])
    expect(redactPersonal(unit.repeat(50_000), PERSONAL_KINDS).length).toBeGreaterThan(0);
});
