import fc from "fast-check";
import { expect, test } from "vitest";
import { createOriginIndex } from "./origins.ts";
import { isPieced } from "./pairing.ts";

const [X, Y] = ["GB29NWBK60161331926819", "DE02120300000000202051"];

function pieced(task: string, args: Readonly<Record<string, unknown>>): boolean {
  const index = createOriginIndex();
  index.add({ id: "task", label: "trusted", text: task });
  return isPieced(task, Object.keys(args), index.label(args).labels);
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
