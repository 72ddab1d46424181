// Values of JSON: which names make a value a secret, what is counted, how deep is looked, and what stays as it is.

import { expect, test } from "vitest";
import { createRedactor, type Redactor } from "./redactor.ts";
import type { RedactedJson } from "./redact-json.ts";

const SECRET = "zR8vK2mQ9xT4wL7pN3sB6yC1dF5gH0jA";
const DRAWN = "8f7d6s5a4d3f2g1h0j9k";

function redactorOf(...secrets: readonly string[]): Redactor {
  const redactor = createRedactor();
  for (const secret of secrets) redactor.register(secret, "given");
  return redactor;
}
const redacted = (value: unknown, ...secrets: readonly string[]): RedactedJson =>
  redactorOf(...secrets).redactJson(value);
const clean = (value: unknown, ...secrets: readonly string[]): unknown => redacted(value, ...secrets).value;

const NAMES = ["name", "key", "Name", "Key", "header", "variable", "field"];
const VALUES = ["value", "Value", "val", "content", "secret"];

test.each(NAMES.flatMap((name) => VALUES.map((value) => [name, value])))(
  "a pair of %s and %s says what the second is called",
  (name, value) => {
    expect(clean({ [name]: "API_TOKEN", [value]: DRAWN })).toEqual({
      [name]: "API_TOKEN",
      [value]: "[redacted:token]",
    });
    // What stands beside them has its own name.
    expect(clean({ [name]: "API_TOKEN", other: "an ordinary text" })).toEqual({
      [name]: "API_TOKEN",
      other: "an ordinary text",
    });
    expect(clean({ [name]: "colour", [value]: "an ordinary text" })).toEqual({
      [name]: "colour",
      [value]: "an ordinary text",
    });
  },
);

test("a name that is no text names nothing, and one behind it does", () => {
  expect(clean({ name: 5, key: "API_TOKEN", value: DRAWN })).toEqual({
    name: 5,
    key: "API_TOKEN",
    value: "[redacted:token]",
  });
  expect(clean({ name: null, value: "an ordinary text" })).toEqual({ name: null, value: "an ordinary text" });
});

test("a member that could be half of a pair is still called what it is called", () => {
  expect(clean({ secret: DRAWN })).toEqual({ secret: "[redacted:secret]" });
  expect(clean({ password: { val: "hunter2!" } })).toEqual({ password: { val: "[redacted:password]" } });
});

test.each<[readonly string[], readonly string[]]>([
  [
    ["--password", "letters"],
    ["--password", "[redacted:password]"],
  ],
  [
    ["-password", "letters"],
    ["-password", "[redacted:password]"],
  ],
  [
    ["--password", "hunter2!-"],
    ["--password", "[redacted:password]"],
  ],
  [
    ["--password", "-hunter2!"],
    ["--password", "-hunter2!"],
  ],
  [
    ["password", "hunter2!"],
    ["password", "[redacted:password]"],
  ],
  [
    ["password", "letters"],
    ["password", "letters"],
  ],
  [
    ["say--password", "letters"],
    ["say--password", "letters"],
  ],
  [
    ["9password", "hunter2!"],
    ["9password", "hunter2!"],
  ],
  [
    ["password is", "hunter2!"],
    ["password is", "hunter2!"],
  ],
  [
    ["--9password", "letters"],
    ["--9password", "letters"],
  ],
  [
    ["p".repeat(60) + "_password", "hunter2!"],
    ["p".repeat(60) + "_password", "hunter2!"],
  ],
  [
    ["--colour", "hunter2!"],
    ["--colour", "hunter2!"],
  ],
])("the item before names the next: %j", (items, expected) => {
  expect(clean(items)).toEqual(expected);
});

test("no item is named by what is no text", () => {
  expect(clean([null, "hunter2!", 5, "hunter3!", ["--password"], "hunter4!"])).toEqual([
    null,
    "hunter2!",
    5,
    "hunter3!",
    ["--password"],
    "hunter4!",
  ]);
});

test.each<[unknown, unknown, Record<string, number>]>([
  [{ password: 1234 }, { password: "[redacted:password]" }, { password: 1 }],
  [{ password: 123 }, { password: 123 }, {}],
  [{ pin: 99n }, { pin: 99n }, {}],
  [{ pin: 12345678901234567890n }, { pin: "[redacted:password]" }, { password: 1 }],
  [{ token: 123456 }, { token: 123456 }, {}],
  [{ count: 123456 }, { count: 123456 }, {}],
  [[123456], [123456], {}],
])("a number that is called a password is one: %#", (value, expected, counts) => {
  expect(redacted(value)).toEqual({ value: expected, counts });
});

test.each([4815162342108, 4815162342108n])("a number whose digits are known goes: %s", (number) => {
  expect(redacted({ a: number, b: 7 }, "4815162342108")).toEqual({
    value: { a: "[redacted:given]", b: 7 },
    counts: { given: 1 },
  });
  // As a part of a secret over several values, whatever their names.
  const parts = { a: "zR8vK2mQ9xT", b: number, c: "wL7pN3sB6y" };
  expect(clean(parts, "zR8vK2mQ9xT4815162342108wL7pN3sB6y")).toEqual({
    a: "[redacted:given]",
    b: "[redacted:given]",
    c: "[redacted:given]",
  });
});

test("headers are cleaned by their own rules, and nothing else is taken for one", () => {
  expect(
    clean({
      cookie: "sid=f3b1c2; theme=dark",
      "set-cookie": "sid=f3b1c2; Path=/; HttpOnly",
      authorization: "Bearer abcdef0123456789",
      note: "hello world",
      // As a header's value this would go.
      release: "v1.2.3-alpha7",
    }),
  ).toEqual({
    cookie: "[redacted:cookie_header]",
    "set-cookie": "[redacted:cookie_header]",
    authorization: "Bearer [redacted:authorization_header]",
    note: "hello world",
    release: "v1.2.3-alpha7",
  });
});

test("two names that hold secrets stay two members", () => {
  const value = { [`a ${SECRET}`]: 1, [`a ${SECRET.toLowerCase()}`]: 2, [`a ${SECRET.toUpperCase()}`]: 3 };
  expect(redacted(value, SECRET)).toEqual({
    value: { "a [redacted:given]": 1, "a [redacted:given]#2": 2, "a [redacted:given]#3": 3 },
    counts: { given: 3 },
  });
});

test("each kind is counted as often as it was taken out, over all texts", () => {
  const text = `password=hunter2! and ${SECRET}`;
  expect(
    redacted(
      { a: text, b: [text, `a ${SECRET} b`], password: "hunter2!", bytes: Buffer.from(`x ${SECRET}`) },
      SECRET,
    ).counts,
  ).toEqual({ given: 3, password: 3, bytes: 1 });
  expect(redacted({ a: "nothing", b: [1, true, null] }, SECRET).counts).toEqual({});
});

test("what writes itself is what it writes, and what cannot be read is a mark", () => {
  const odd = {
    date: new Date(0),
    own: { toJSON: () => `x ${SECRET}` },
    number: { toJSON: () => 7 },
    object: { toJSON: () => ({ a: 1 }) },
    nothing: { toJSON: () => null },
    broken: {
      toJSON: () => {
        throw new Error("no");
      },
    },
    member: { toJSON: 5 },
  };
  expect(clean(odd, SECRET)).toEqual({
    date: "1970-01-01T00:00:00.000Z",
    own: "x [redacted:given]",
    number: 7,
    object: "[redacted:unreadable]",
    nothing: "[redacted:unreadable]",
    broken: "[redacted:unreadable]",
    member: { toJSON: 5 },
  });
});

test("bytes without a secret stay the same bytes", () => {
  const bytes = Buffer.from("an ordinary text");
  expect(clean({ bytes }, SECRET)).toEqual({ bytes });
  expect(redacted(Buffer.from(`a ${SECRET}`), SECRET)).toEqual({
    value: "[redacted:bytes]",
    counts: { bytes: 1 },
  });
});

/** So many levels around a text. */
const WRAPS: Readonly<Record<string, (inner: unknown) => unknown>> = {
  lists: (inner) => [inner],
  members: (inner) => ({ a: inner }),
  "both in turns": (inner) => ({ a: [inner] }),
};
const nested = (wrap: (inner: unknown) => unknown, levels: number, inner: unknown): unknown => {
  let value = inner;
  for (let level = 0; level < levels; level += 1) value = wrap(value);
  return value;
};

test.each([
  ["lists", 64],
  ["members", 64],
  ["both in turns", 32],
])("%s are looked into down to their limit, and what is below goes whole", (kind, levels) => {
  const wrap = WRAPS[kind] ?? ((inner: unknown) => inner);
  const inside = nested(wrap, levels, "an ordinary text");
  expect(redacted(inside, SECRET)).toEqual({ value: inside, counts: {} });
  expect(redacted(nested(wrap, levels, ["an ordinary text"]), SECRET)).toEqual({
    value: nested(wrap, levels, "[redacted:too_deep]"),
    counts: { too_deep: 1 },
  });
});

test.each([
  ["lists", 62],
  ["lists", 63],
  ["lists", 64],
  ["lists", 200],
  ["members", 63],
  ["members", 64],
  ["members", 200],
  ["both in turns", 31],
  ["both in turns", 32],
  ["both in turns", 100],
])("behind %s of %i levels, parts of a secret are still found where they stand", (kind, levels) => {
  const deep = nested(WRAPS[kind] ?? ((inner) => inner), levels, ["one", "two", { three: "four" }]);
  const { value } = redacted([deep, SECRET.slice(0, 9), SECRET.slice(9), "an ordinary text"], SECRET);
  // The list around it is a level too.
  const [shown] = Object.values(Object(clean([deep])));
  expect(value).toEqual([shown, "[redacted:given]", "[redacted:given]", "an ordinary text"]);
});

test("a kind that could not be written in a mark is told as known", () => {
  for (const kind of ["Not a kind", "kind!", "!kind", "", "k".repeat(65)]) {
    const redactor = createRedactor();
    redactor.register(SECRET, kind);
    expect(redactor.redactText(SECRET).text).toBe("[redacted:known]");
  }
  const redactor = createRedactor();
  redactor.register(SECRET, "k_1".padEnd(64, "x"));
  expect(redactor.redactText(SECRET).text).toBe(`[redacted:${"k_1".padEnd(64, "x")}]`);
});

test("what would be taken out is told by whether it is known, and by what it looks like", () => {
  const redactor = redactorOf("correct!horse!9");
  expect(
    redactor.inspect(
      "correct!horse!9 and password=hunter2! password=hunter3! ghp_a8Kd02LmPq7RtZ3xWv5Bq1Yc6Hs9Ne4Uf0Vb",
    ),
  ).toEqual({
    known: 1,
    suspected: { password: 2, github_pat: 1 },
  });
  expect(redactor.inspect("an ordinary text")).toEqual({ known: 0, suspected: {} });
});

test("a stream of a redactor knows what the redactor knows", () => {
  const redactor = redactorOf(SECRET);
  const stream = redactor.redactStream();
  expect(
    stream.push(`a ${SECRET.slice(0, 10)}`) + stream.push(`${SECRET.slice(10)} b`) + stream.flush(),
  ).toBe("a [redacted:given] b");
});
