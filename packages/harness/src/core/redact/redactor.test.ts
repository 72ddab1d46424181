import { expect, test } from "vitest";
import { createRedactor, type Redactor } from "./redactor.ts";

const SECRET = "zR8vK2mQ9xT4wL7pN3sB6yC1dF5gH0jA";

function redactorOf(...secrets: readonly string[]): Redactor {
  const redactor = createRedactor();
  for (const secret of secrets) redactor.register(secret, "provider_key");
  return redactor;
}

test("a value keeps its shape and loses its secrets, wherever they stand", () => {
  const redactor = redactorOf(SECRET);
  const redacted = redactor.redactJson({
    [SECRET]: 1,
    nested: [{ deep: `x ${SECRET} y` }, null, true, 3.5],
    password: 123456,
    pair: { name: "API_TOKEN", value: "8f7d6s5a4d3f2g1h0j9k" },
    // Each too short to be known by itself.
    parts: SECRET.match(/.{8}/g),
    headers: { Authorization: "Bearer abcdef0123456789" },
    bytes: Buffer.from(`binary ${SECRET}`),
    url: new URL(`https://u:${SECRET}@example.net/`),
  });
  expect(redacted.value).toEqual({
    "[redacted:provider_key]": 1,
    nested: [{ deep: "x [redacted:provider_key] y" }, null, true, 3.5],
    password: "[redacted:password]",
    pair: { name: "API_TOKEN", value: "[redacted:token]" },
    parts: Array.from({ length: 4 }, () => "[redacted:provider_key]"),
    headers: { Authorization: "Bearer [redacted:authorization_header]" },
    bytes: "[redacted:bytes]",
    url: "https://u:[redacted:provider_key]@example.net/",
  });
  expect(redacted.counts["provider_key"]).toBe(7);
});

/** Every place at which a secret can be cut in two, or in three parts of which the middle one is a number. */
const cuts = (secret: string): readonly (readonly [string, string])[] =>
  secret
    .split("")
    .slice(1)
    .map((_, at) => [secret.slice(0, at + 1), secret.slice(at + 1)] as const);

const SPLITS: Readonly<Record<string, (head: string, tail: string) => unknown>> = {
  "between a name and its value": (head, tail) => ({ other: 1, [`x ${head}`]: `${tail} y` }),
  "between a name and a value further in": (head, tail) => ({ [head]: [[{}], [tail]] }),
  "between two members": (head, tail) => ({ first: head, second: { third: tail } }),
  "between a value and the next name": (head, tail) => [{ a: head }, { [tail]: 1 }],
  "over a list": (head, tail) => [head, null, true, [], tail],
  "behind what writes itself": (head, tail) => [new Date(0), new URL("https://example.net/"), head, tail],
  "behind bytes": (head, tail) => [Buffer.from("ordinary"), head, tail],
};

test.each(Object.entries(SPLITS))("a known secret that is split %s is taken out", (_, split) => {
  const redactor = redactorOf(SECRET, "s3!cr#T9");
  for (const secret of [SECRET, "s3!cr#T9"])
    for (const [head, tail] of cuts(secret)) {
      const { value } = redactor.redactJson(split(head, tail));
      const left = JSON.stringify(value).replaceAll("[redacted:provider_key]", "");
      for (const part of [head, tail]) if (part.length > 2) expect(left).not.toContain(part);
      // What stands around it stays what it was.
      expect(JSON.stringify(value)).toContain(JSON.stringify(split("§", "§")).split("§")[0]);
    }
});

test("a number between two parts of a secret goes with them, and no other number does", () => {
  const redactor = redactorOf("zR8vK2mQ9xT4815162342wL7pN3sB6y");
  expect(redactor.redactJson([7, "zR8vK2mQ9xT", 4815162342, "wL7pN3sB6y", 8]).value).toEqual([
    7,
    ...Array.from({ length: 3 }, () => "[redacted:provider_key]"),
    8,
  ]);
});

test("a secret over the items of a list is taken out of JSON within JSON too, escaped as often as it is read", () => {
  const redactor = redactorOf(SECRET);
  let text = JSON.stringify({ parts: [SECRET.slice(0, 9), SECRET.slice(9, 20), SECRET.slice(20)] });
  for (let layer = 0; layer < 3; layer += 1) {
    const shown = JSON.stringify(redactor.redactJson({ text }).value);
    for (const part of [SECRET.slice(0, 9), SECRET.slice(9, 20), SECRET.slice(20)])
      expect(shown).not.toContain(part);
    text = JSON.stringify({ text });
  }
});

test.each<[unknown, unknown]>([
  [
    ["mysql", "--password", "hunter2!zz9", "-v"],
    ["mysql", "--password", "[redacted:password]", "-v"],
  ],
  [
    ["tool", "--token", "abcdef0123456789xyzQ"],
    ["tool", "--token", "[redacted:token]"],
  ],
  [[["password", "hunter2!"]], [["password", "[redacted:password]"]]],
  [
    ["Authorization", "Bearer abcdef0123456789"],
    ["Authorization", "Bearer [redacted:authorization_header]"],
  ],
  [{ password: { value: "hunter2!" } }, { password: { value: "[redacted:password]" } }],
  [
    { "x-proxy-authorization": "Basic dXNlcjpodW50ZXIy" },
    { "x-proxy-authorization": "Basic [redacted:authorization_header]" },
  ],
])("what a value is called stands before it in a list or around it, too: %j", (value, clean) => {
  expect(redactorOf().redactJson(value).value).toEqual(clean);
});

test.each<[unknown]>([
  [["name", "password", "email"]],
  [["git", "log", "--token", "--password"]],
  [["pass", "file_2.txt"]],
  [{ required: ["id", "secret", "created_at"] }],
  [["the password", "is 8 characters at least."]],
  [{ password: { min: 8, hint: "one digit at least" } }],
])("names in a row are none of the others' values: %j", (value) => {
  expect(redactorOf().redactJson(value).value).toEqual(value);
});

test("a header whose own name holds a secret keeps what is harmless of its value, and nothing else of it", () => {
  const value = { [`x-${SECRET}-authorization`]: "Bearer abcdef0123456789" };
  expect(redactorOf(SECRET).redactJson(value).value).toEqual({
    "x-[redacted:provider_key]-authorization": "Bearer [redacted:authorization_header]",
  });
});

test("cycles and endless depth end as marks", () => {
  const cycle: Record<string, unknown> = { a: 1 };
  cycle["self"] = cycle;
  const { value, counts } = redactorOf().redactJson(cycle);
  expect(JSON.stringify(value)).toContain("[redacted:too_deep]");
  expect(counts).toEqual({ too_deep: 1 });
});

test("a member named __proto__ stays a member", () => {
  const { value } = redactorOf().redactJson(JSON.parse('{"__proto__":{"x":1}}'));
  expect(JSON.stringify(value)).toBe('{"__proto__":{"x":1}}');
});

test("what was clean is looked at again once more is known, and what was taken out stays out", () => {
  const redactor = createRedactor();
  const label = "correct-horse-battery";
  for (let n = 0; n < 3; n += 1) expect(redactor.redactText(label)).toEqual({ text: label, counts: {} });
  redactor.register(label, "password_of_old");
  for (let n = 0; n < 3; n += 1)
    expect(redactor.redactText(label)).toEqual({
      text: "[redacted:password_of_old]",
      counts: { password_of_old: 1 },
    });
  // However many other short texts there were meanwhile.
  for (let n = 0; n < 5_000; n += 1) redactor.redactText(`label ${n}`);
  expect(redactor.redactText(label).text).toBe("[redacted:password_of_old]");
});
