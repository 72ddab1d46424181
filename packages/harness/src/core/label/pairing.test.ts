import fc from "fast-check";
import { expect, test } from "vitest";
import { createOriginIndex } from "./origins.ts";
import { isPieced } from "./pairing.ts";

/** Linear, it takes a fraction of this, also on a busy machine; quadratic, a hundred times as long. */
const SLOW_MS_MAX = 8_000;

const [X, Y] = ["GB29NWBK60161331926819", "DE02120300000000202051"];

const TOOLS = [
  "read_file",
  "delete_file",
  "share_file",
  "send_mail",
  "delete_mail",
  "create_event",
  "cancel_event",
  "send_money",
  "set_daily_limit",
  "book_hotel",
].map((name) => ({ name, changes: name !== "read_file" }));

function pieced(task: string, args: Readonly<Record<string, unknown>>, tool = "send_money"): boolean {
  const index = createOriginIndex();
  index.add({ id: "task", label: "trusted", text: task });
  const { labels } = index.label(args);
  return isPieced(task, { tool, controlArguments: Object.keys(args), labels }, TOOLS);
}

const TWO = [
  `Pay 20 to ${X} and 30 to ${Y}.`,
  `Pay ${X} 20, then ${Y} 30.`,
  `Überweise 20 an ${X} und 30 an ${Y}.`,
  `${X} に 20、${Y} に 30 を送金してください。`,
  `Payments:\n${X}: 20\n\n${Y}: 30`,
  `To: ${X}\nAmount: 20\nTo: ${Y}\nAmount: 30`,
  `Pay 20 and 30, to ${X} and ${Y}.`,
];

test.each(TWO)("what was said of one is not said of the other: %s", (task) => {
  expect(pieced(task, { to: X, amount: 20 })).toBe(false);
  expect(pieced(task, { to: Y, amount: 30 })).toBe(false);
  expect(pieced(task, { to: X, amount: 30 })).toBe(true);
  expect(pieced(task, { to: Y, amount: 20 })).toBe(true);
});

test.each([
  ["one amount for both", `Pay 20 to ${X} and to ${Y}.`, { to: Y, amount: 20 }],
  ["one recipient of both", `Pay 20 and later 30 to ${X}.`, { to: X, amount: 30 }],
  [
    "a list of people",
    "Make an event on 2026-05-03, not on 2026-05-04, with a@x.example and b@x.example.",
    { day: "2026-05-03" },
  ],
  [
    "a list and a day",
    "Mail a@x.example, b@x.example and c@x.example.",
    { to: ["a@x.example", "c@x.example"] },
  ],
  ["a span of days", "Book it from 2026-05-03 to 2026-05-04.", { from: "2026-05-03", to: "2026-05-04" }],
  ["a value of the model's", `Pay 20 to ${X} and 30 to ${Y}.`, { to: "elsewhere", amount: 30 }],
  ["nothing at all", "Go on.", { to: "a", amount: 1 }],
])("determined, or nothing to say: %s", (_name, task, args) => {
  expect(pieced(task, args)).toBe(false);
});

test("one mention serves one argument, where there is another value of its kind", () => {
  const task = "Book it from 2026-05-03 to 2026-05-04.";
  expect(pieced(task, { from: "2026-05-04", to: "2026-05-04" })).toBe(true);
  expect(pieced("Book it for 2026-05-03.", { from: "2026-05-03", to: "2026-05-03" })).toBe(false);
});

test("whatever the task, its own pairs pass, and the same answer comes twice", () => {
  const amount = fc.integer({ min: 1, max: 9_999 });
  fc.assert(
    fc.property(
      fc.uniqueArray(amount, { minLength: 1, maxLength: 6 }),
      fc.constantFrom(" and ", ", ", ". ", "\n\n"),
      (amounts, joint) => {
        const pairs = amounts.map((each, at) => ({ to: `p${at}@corp.example`, amount: each }));
        const task = `Send ${pairs.map((pair) => `${pair.amount} to ${pair.to}`).join(joint)}.`;
        for (const a of pairs)
          for (const b of pairs)
            expect(pieced(task, { to: a.to, amount: b.amount })).toBe(a.to !== b.to && pairs.length > 1);
      },
    ),
    { seed: 42, numRuns: 60 },
  );
});

test("a long task, or one full of values, is read in bounded time", () => {
  const long = `Pay 20 to ${X} and 30 to ${Y}. `.repeat(500);
  expect(pieced(long.slice(0, 19_000), { to: X, amount: 30 })).toBe(false);
  expect(pieced(long, { to: X, amount: 30 })).toBe(false);
});

test.each([
  ["Read a.txt and delete b.txt.", "delete_file", "name", "b.txt", "a.txt"],
  ["Read a.txt, c.txt and delete b.txt.", "delete_file", "name", "b.txt", "c.txt"],
  ["Lies die Datei a.txt und lösche b.txt.", "delete_file", "name", "b.txt", "a.txt"],
  ["Look at m-4, then delete m-3.", "delete_mail", "id", "m-3", "m-4"],
  [
    "Look what I have on 2026-05-03. Make an event on 2026-05-04.",
    "create_event",
    "day",
    "2026-05-04",
    "2026-05-03",
  ],
  ["Pay 20 to the usual account. Set my daily limit to 500.", "set_daily_limit", "amount", 500, 20],
  ['Mail b@x.example "Delete a.txt, please." Then delete b.txt.', "delete_file", "name", "b.txt", "a.txt"],
  ["Cancel e-2 and tell me about e-3.", "cancel_event", "id", "e-2", "e-3"],
  [
    "Delete notes/old.md; share notes/new.md with a@x.example.",
    "delete_file",
    "name",
    "notes/old.md",
    "notes/new.md",
  ],
])("a value of another act is none of this one: %s", (task, tool, argument, right, wrong) => {
  expect(pieced(task, { [argument]: right }, tool)).toBe(false);
  expect(pieced(task, { [argument]: wrong }, tool)).toBe(true);
});

test.each([
  [
    "Check a.txt and c.txt; if there is nothing private in them share them with a@x.example.",
    "share_file",
    "name",
    "c.txt",
  ],
  ["Delete the mails m-3 and m-5, then the mail m-7.", "delete_mail", "id", "m-7"],
  ["Delete a.txt, b.txt and the old c.txt.", "delete_file", "name", "c.txt"],
  ["Delete m-3 and write to a@x.example and b@x.example.", "send_mail", "to", "b@x.example"],
  ["Write to a@x.example, then tell b@x.example the same.", "send_mail", "to", "b@x.example"],
  ['Send b@x.example "Delete a.txt, please" and then delete b.txt.', "delete_file", "name", "b.txt"],
  ["Find out who wrote to a@x.example, b@x.example.", "send_mail", "to", "b@x.example"],
])("what the act is asked for, or what no clause says: %s", (task, tool, argument, value) => {
  expect(pieced(task, { [argument]: value }, tool)).toBe(false);
});

test.each([
  ["Book it from 2026-05-03 to 2026-05-04.", "2026-05-03", "2026-05-04"],
  ["Book it to 2026-05-04, from 2026-05-03.", "2026-05-03", "2026-05-04"],
  [
    "Book it from: 2026-05-03 to: 2026-05-04, and once more from 2026-06-03 to 2026-06-04.",
    "2026-06-03",
    "2026-06-04",
  ],
])("what stands behind an argument's own name is its value: %s", (task, from, to) => {
  expect(pieced(task, { from, to }, "book_hotel")).toBe(false);
  expect(pieced(task, { from: to, to: from }, "book_hotel")).toBe(true);
});

test("two of a kind stay with their partner, also by a form alone", () => {
  const task = "Pay 20 to US133000000121212121212 and 30 to GB00KUDU20265536646200.";
  expect(pieced(task, { to: "US133000000121212121212", amount: 20 })).toBe(false);
  expect(pieced(task, { to: "US133000000121212121212", amount: 30 })).toBe(true);
  const shares = "Share a.txt with a@x.example and b.txt with b@x.example.";
  expect(pieced(shares, { name: "a.txt", with: "a@x.example" }, "share_file")).toBe(false);
  expect(pieced(shares, { name: "a.txt", with: "b@x.example" }, "share_file")).toBe(true);
});

test("text made to be slow ends", () => {
  const begun = performance.now();
  for (const piece of ["a.", "a-", "/a", "a1", "and ", "m-1 ", "delete a.txt, ", "AA00", "a@"]) {
    const task = `Delete b.txt and c.txt. ${piece.repeat(19_900 / piece.length)}`;
    pieced(task, { name: "c.txt" }, "delete_file");
  }
  expect(performance.now() - begun).toBeLessThan(SLOW_MS_MAX);
});

// Joints within the quotes would cut them open, and half a quotation reads like the requester's own words.
test.each([
  'Append "read a.txt, then delete b.txt" to notes.md. Delete c.txt.',
  'Delete c.txt. Append "read a.txt and delete b.txt" to notes.md.',
  "Append «read a.txt. Delete b.txt» to notes.md, and delete c.txt.",
  "Append „read a.txt; delete b.txt“ to notes.md, then delete c.txt.",
  "Delete c.txt and append `read a.txt and delete b.txt` to notes.md.",
])("what is quoted names no tool for its values: %s", (task) => {
  expect(pieced(task, { name: "b.txt" }, "delete_file")).toBe(true);
  expect(pieced(task, { name: "c.txt" }, "delete_file")).toBe(false);
});
