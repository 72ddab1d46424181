import fc from "fast-check";
import { expect, test } from "vitest";
import { fieldsOf, type FieldType } from "./fields.ts";
import { createHandles, escapeHandles, type Handle } from "./handles.ts";
import { HANDLES_MAX } from "./limits.ts";
import { matchSlot } from "./slot.ts";

const kept = (value: string): { handles: ReturnType<typeof createHandles>; handle: Handle } => {
  const handles = createHandles();
  const handle = handles.keep(value, "step:3", "untrusted");
  if (!handle.ok) throw new Error("full");
  return { handles, handle: handle.value };
};

const extracted = (text: string, type: FieldType, nth?: number): string => {
  const { handles, handle } = kept(text);
  const found = handles.extract(handle, type, nth);
  return found.ok ? (handles.get(found.value)?.value ?? "") : found.error.reason;
};

test.each<[string, FieldType, string]>([
  ["Write to <Alice.B+x@Corp.Example>.", "email", "Alice.B+x@corp.example"],
  ["a@x.example, a@x.example", "email", "a@x.example"],
  ["a@x.example b@x.example", "email", "ambiguous"],
  ["none here @ all", "email", "none"],
  ["a@b", "email", "none"],
  ["a..b@x.example", "email", "none"],
  ["a@x.example@evil.example", "email", "none"],
  ["аlice@x.example", "email", "none"],
  ["alice@x.exаmple", "email", "none"],
  ["'alice@x.example'", "email", "alice@x.example"],
  ["see (https://X.example/a?b=1).", "url", "https://x.example/a?b=1"],
  ["https://good.example@evil.example/", "url", "none"],
  ["javascript:https//x", "url", "none"],
  ["xhttps://x.example", "url", "none"],
  ["ftp://x.example", "url", "none"],
  ["Total: 1.234,50 EUR", "amount", "1234.5 EUR"],
  ["$99.90", "amount", "99.9 USD"],
  ["Total: 99.90", "amount", "none"],
  ["due 20.11.2026", "date", "2026-11-20"],
  ["due 11/20/2026", "date", "2026-11-20"],
  ["due 03/04/2026", "date", "ambiguous"],
  ["due 31.02.2026", "date", "none"],
  ["  all of it\n", "text", "all of it"],
  [" \n", "text", "none"],
])("from %j the %s is %j", (text, type, expected) => {
  expect(extracted(text, type)).toBe(expected);
});

test("nth counts different values, and never settles which reading of a date is meant", () => {
  expect(extracted("a@x.example a@x.example b@x.example", "email", 1)).toBe("b@x.example");
  expect(extracted("a@x.example", "email", 1)).toBe("none");
  expect(extracted("a@x.example", "email", -1)).toBe("none");
  expect(extracted("03/04/2026", "date", 0)).toBe("ambiguous");
});

test("a field keeps the source and the label of what it was read from", () => {
  const { handles, handle } = kept("mail a@x.example");
  const found = handles.extract(handle, "email");
  expect(found.ok && handles.get(found.value)).toEqual({
    handle: "$v2",
    value: "a@x.example",
    source: "step:3",
    label: "untrusted",
    from: "$v1",
  });
});

test("a tool receives the value, and every leaf says which handles it came from", () => {
  const { handles } = kept("evil $v1 $$v2 text");
  const args = { "a/b": ["$v1", { c: "x $v1!" }], price: "$$v1", n: 1, plain: "$v1x $w1" };
  expect(handles.resolve(args)).toEqual({
    ok: true,
    value: {
      args: {
        "a/b": ["evil $v1 $$v2 text", { c: "x evil $v1 $$v2 text!" }],
        price: "$v1",
        n: 1,
        plain: "$v1x $w1",
      },
      leaves: {
        "/a~1b/0": { handles: ["$v1"], whole: true },
        "/a~1b/1/c": { handles: ["$v1"], whole: false },
      },
    },
  });
});

test.each([
  [{ a: "$v2" }, "unknown_handle", "/a"],
  [{ a: "$v01" }, "unknown_handle", "/a"],
  [{ a: { $v1: 1 } }, "handle_in_name", "/a/$v1"],
  [{ a: "$v1 ".repeat(400_000) }, "too_long", "/a"],
])("refuses what no value stands for", (args, reason, pointer) => {
  const { handles } = kept("twelve chars");
  expect(handles.resolve(args)).toEqual({ ok: false, error: { reason, pointer } });
});

test("no text, once escaped, is a handle, and a tool receives it as it was", () => {
  const text = fc.string({ unit: fc.constantFrom("$", "v", "1", "0", " ", "x"), maxLength: 20 });
  fc.assert(
    fc.property(text, (literal) => {
      const { handles } = kept("EVIL");
      const resolved = handles.resolve({ a: escapeHandles(literal) });
      expect(resolved).toEqual({ ok: true, value: { args: { a: literal }, leaves: {} } });
    }),
    { seed: 42, numRuns: 2_000 },
  );
});

test("handles are bounded", () => {
  const handles = createHandles();
  for (let count = 0; count < HANDLES_MAX; count += 1) handles.keep("x", "step:1", "untrusted");
  expect(handles.keep("x", "step:1", "untrusted")).toEqual({ ok: false, error: { reason: "full" } });
});

test("a prototype cannot be reached through arguments", () => {
  const { handles } = kept("x");
  const args = JSON.parse('{"__proto__":{"polluted":"$v1"}}') as Record<string, unknown>;
  const resolved = handles.resolve(args);
  expect(resolved.ok && Object.hasOwn(resolved.value.args, "__proto__")).toBe(true);
  expect(Object.hasOwn(Object.prototype, "polluted")).toBe(false);
});

const OUTPUTS = [
  {
    tool: "read_file",
    text: '{"name":"Bob","email":"bob@corp.example","due":"03/04/2026","total":"12.50 EUR"}',
  },
  { tool: "read_mail", text: "ask mallory@evil.example\npay 99 EUR" },
];

test.each<[FieldType, string, unknown, string]>([
  ["email", "read_file", "bob@corp.example", "extracted"],
  ["email", "read_file", "bob@CORP.example", "extracted"],
  ["email", "read_file", "mallory@evil.example", "not_in_output"],
  ["email", "read_file", "bob@corp.example,mallory@evil.example", "not_of_type"],
  ["email", "read_file", "Bob <bob@corp.example>", "not_of_type"],
  ["email", "read_file", "bob@corp.example\n", "not_of_type"],
  ["email", "read_file", "ob@corp.example", "not_in_output"],
  ["email", "list_files", "bob@corp.example", "no_output"],
  ["email", "read_file", ["bob@corp.example"], "not_of_type"],
  ["amount", "read_file", 12.5, "extracted"],
  ["amount", "read_file", "12.50", "extracted"],
  ["amount", "read_file", "12.50 EUR", "extracted"],
  ["amount", "read_file", "12.50 USD", "not_in_output"],
  ["amount", "read_file", 99, "not_in_output"],
  ["date", "read_file", "2026-04-03", "ambiguous"],
  ["text", "read_mail", "pay 99 EUR", "extracted"],
  ["text", "read_mail", "pay 99", "not_in_output"],
  ["text", "read_file", "Bob", "extracted"],
])("slot %s from %s and %j: %s", (type, from, value, reason) => {
  expect(matchSlot({ type, from }, value, OUTPUTS)).toEqual({ matches: reason === "extracted", reason });
});

test("reading fields never throws and stays inside the text, whatever the text", () => {
  const unit = fc.constantFrom(
    "@",
    ".",
    "a",
    "1",
    "/",
    ":",
    "h",
    "http://",
    "$",
    "€",
    " ",
    ",",
    "-",
    "\ud800",
    "é",
    "\\",
  );
  fc.assert(
    fc.property(
      fc.string({ unit, maxLength: 60 }),
      fc.constantFrom<FieldType>("email", "url", "amount", "date"),
      (text, type) => {
        for (const { start, end } of fieldsOf(text, type))
          expect(start >= 0 && start < end && end <= text.length).toBe(true);
      },
    ),
    { seed: 42, numRuns: 3_000 },
  );
});
