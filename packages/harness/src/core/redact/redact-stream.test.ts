// What a stream holds back, exactly: where it cuts, what it looks at again, and that nothing of a secret passes at a cut.

import { expect, test } from "vitest";
import type { Detector } from "./detectors.ts";
import { createKnownSecrets } from "./known.ts";
import { createTextRedactor } from "./redact.ts";
import { createRedactingStream, type RedactingStream, STREAM_HELD_CHARS as HELD } from "./redact-stream.ts";
import { createRedactor } from "./redactor.ts";

const SECRET = "zR8vK2mQ9xT4wL7pN3sB6yC1dF5gH0jA";
const MARK = "[redacted:given]";

/** The first length at which a stream looks, and the end of what it may give away then. */
const LOOK = HELD * 2 + 1;
const END = LOOK - HELD;

/** From `<s>` to `</s>`, or to the end: a secret as long as anybody likes. */
const endless: Detector = (text) => {
  const start = text.indexOf("<s>");
  const close = text.indexOf("</s>", start);
  return start === -1 ? [] : [{ start, end: close === -1 ? text.length : close + 4, kind: "endless" }];
};

/** A stream that knows SECRET and what is endless, and every text that it looked at. */
function watched(): RedactingStream & { readonly looks: string[] } {
  const known = createKnownSecrets();
  known.register(SECRET, "given");
  const redactor = createTextRedactor(known, endless);
  const looks: string[] = [];
  const stream = createRedactingStream({
    ...redactor,
    findSpans: (text) => {
      looks.push(text);
      return redactor.findSpans(text);
    },
  });
  return { ...stream, looks };
}

/** So many characters, with these at their places. */
function filled(chars: number, placed: Readonly<Record<number, string>> = {}): string {
  let text = "";
  for (const [at, part] of Object.entries(placed)) text = text.padEnd(Number(at), "x") + part;
  return text.padEnd(chars, "x");
}

test("a stream gives nothing away before it could be longer than what is held back twice", () => {
  const stream = watched();
  expect(stream.push(filled(LOOK - 1))).toBe("");
  expect(stream.looks).toEqual([]);
  expect(stream.push("x")).toBe("x".repeat(END));
  // What was given is looked at again with what follows, so much of it that a name and its value are seen together.
  expect(stream.looks[0]).toBe("x".repeat(LOOK));
  expect(stream.flush()).toBe("x".repeat(HELD));
  expect(stream.looks.at(-1)).toBe("x".repeat(512 + HELD));
});

test.each<[string, Readonly<Record<number, string>>, number]>([
  ["anywhere in an endless word", {}, END],
  ["behind the last blank", { 100: " ", 4_000: " " }, 4_001],
  ["behind the blank that is last of what may go", { [END - 1]: " ", [END]: " ", [END + 1]: " " }, END],
  ["behind the last line, though words end later", { 100: "\n", 4_000: " " }, 101],
  ["behind the line that ends last of what may go", { [END - 1]: "\n", [END]: "\n", [END + 1]: "\n" }, END],
  ["before a secret that reaches over the cut", { [END - 7]: SECRET }, END - 7],
  ["before a secret of which all but its first character is beyond", { [END - 1]: SECRET }, END - 1],
])("it cuts %s", (_, placed, end) => {
  const stream = watched();
  const text = filled(LOOK, placed);
  expect(stream.push(text)).toBe(text.slice(0, end));
  expect(stream.flush()).toBe(text.slice(end).replace(SECRET, MARK));
});

test("a secret that ends with the cut goes as its mark, and one that begins with it stays", () => {
  const ending = watched();
  expect(ending.push(filled(LOOK, { [END - SECRET.length]: SECRET }))).toBe(
    "x".repeat(END - SECRET.length) + MARK,
  );
  expect(ending.flush()).toBe("x".repeat(HELD));
  const beginning = watched();
  expect(beginning.push(filled(LOOK, { [END]: SECRET }))).toBe("x".repeat(END));
  expect(beginning.flush()).toBe(MARK + "x".repeat(HELD - SECRET.length));
  // One further on moves nothing.
  const beyond = watched();
  expect(beyond.push(filled(LOOK, { [END + 900]: SECRET }))).toBe("x".repeat(END));
});

test.each([-600, -20, -1, 0, 1, 7, SECRET.length - 1, SECRET.length, SECRET.length + 20])(
  "no part of a secret passes at a later cut, %i characters before which it begins",
  (before) => {
    const stream = watched();
    const first = filled(LOOK);
    expect(stream.push(first)).toBe("x".repeat(END));
    // HELD are held, and twice as many come: the next cut stands behind HELD of those that come.
    const more = filled(HELD * 2, { 3: "abc.def", [HELD - before]: SECRET, [HELD + 700]: "ghi" });
    const isCut = before > 0 && before < SECRET.length;
    const given = stream.push(more);
    expect(given).toBe(
      ("x".repeat(HELD) + more.slice(0, isCut ? HELD - before : HELD)).replace(SECRET, MARK),
    );
    expect(given + stream.flush()).toBe(("x".repeat(HELD) + more).replace(SECRET, MARK));
    // Looked at once more is what was given last, as it was.
    const end = isCut ? HELD - before : HELD;
    expect(stream.looks.at(-1)).toBe((first + more).slice(LOOK + end - 512));
  },
);

test("what was given before still says what follows: a name and its value", () => {
  const stream = createRedactor().redactStream();
  const name = "password: ";
  // The cut is behind the blank, between the name and its value.
  const text = `${filled(END - name.length - 1)} ${name}Tr0ub4dor&3zz`;
  const given = stream.push(`${text} ${filled(HELD - 14)}`);
  expect(given.endsWith(` ${name}`)).toBe(true);
  expect(stream.flush().startsWith("[redacted:password]")).toBe(true);
});

test("a secret that does not end is followed, and given as one mark once it is too long", () => {
  const stream = watched();
  let given = "";
  // Sixteen parts are as much as may be held.
  for (let part = 0; part < 16; part += 1)
    given += stream.push(part === 0 ? filled(HELD, { 0: "<s>" }) : filled(HELD));
  expect(given).toBe("");
  expect(stream.push("x")).toBe("[redacted:endless]");
  // What follows of it is swallowed, as it may be written: in lines, as base64, with escapes.
  for (const more of [filled(HELD * 3), "a+b/c=d_e.f~g-h", "\n \\n\t"]) expect(stream.push(more)).toBe("");
  expect(stream.push('tail" and what comes after it')).toBe("");
  expect(stream.flush()).toBe('" and what comes after it');
});

test("a stream that ends within a secret too long gives nothing more of it, and begins anew", () => {
  const stream = watched();
  expect(stream.push(filled(HELD * 16 + 1, { 0: "<s>" }))).toBe("[redacted:endless]");
  expect(stream.push("of the secret")).toBe("");
  expect(stream.flush()).toBe("");
  expect(stream.push("of another text")).toBe("");
  expect(stream.flush()).toBe("of another text");
});

test("after a cut, and after what was swallowed, it waits as long as at the beginning", () => {
  const stream = watched();
  stream.push(filled(LOOK));
  expect(stream.push(filled(HELD))).toBe("");
  expect(stream.push("x")).toBe("x".repeat(END));
  const swallowed = watched();
  swallowed.push(filled(HELD * 16 + 1, { 0: "<s>" }));
  expect(swallowed.push(`"${filled(LOOK - 2)}`)).toBe("");
  expect(swallowed.push("x")).toHaveLength(END);
});

test("exactly as much as may be held is held", () => {
  const stream = watched();
  expect(stream.push(filled(HELD * 16, { 0: "<s>" }))).toBe("");
  expect(stream.flush()).toBe("[redacted:endless]");
});

test("once what was too long has ended, the rest is text again, secrets in it among them", () => {
  const stream = watched();
  expect(stream.push(filled(HELD * 16 + 1, { 0: "<s>" }))).toBe("[redacted:endless]");
  expect(stream.push(`rest", then ${SECRET}`)).toBe("");
  const text = `", then ${SECRET}`;
  const more = filled(LOOK - text.length, { 0: " " });
  expect(stream.push(more) + stream.flush()).toBe(`", then ${MARK}${more}`);
  // Nothing of before it is looked at with what comes after.
  expect(stream.looks.find((look) => look.includes(SECRET))).toBe(`${text}${more}`);
});

test("many small parts cost no more looks than few large ones, though a secret does not end", () => {
  const stream = watched();
  stream.push("<s>");
  for (let chars = 3; chars < HELD * 8; chars += 1) stream.push("x");
  // At every HELD characters once, after the first two.
  expect(stream.looks.length).toBeLessThanOrEqual(6);
  expect(stream.looks.length).toBeGreaterThan(4);
});

test("a stream that was ended knows nothing of what was before", () => {
  const stream = createRedactor().redactStream();
  expect(stream.push("password=") + stream.flush()).toBe("password=");
  expect(stream.push("Tr0ub4dor&3zz") + stream.flush()).toBe("Tr0ub4dor&3zz");
  const other = watched();
  other.push("one");
  other.flush();
  other.push("two");
  other.flush();
  expect(other.looks).toEqual(["one", "two"]);
});
