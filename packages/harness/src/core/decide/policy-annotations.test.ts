import fc from "fast-check";
import { expect, test } from "vitest";
import {
  approverEntry,
  type Assent,
  personNamed,
  readAnnotations,
  strictestAssent,
} from "./policy-annotations.ts";

const HOUR_MS = 3_600_000;

test("every requirement is read", () => {
  expect(
    readAnnotations("forbid", {
      id: "money",
      description: "It pays.",
      needs_approval: null,
      approvers: "zoe, anna",
      quorum: "2",
      separate_duties: null,
      timeout: "4h",
    }),
  ).toEqual({
    ok: true,
    value: {
      id: "money",
      effect: "forbid",
      description: "It pays.",
      assent: {
        approvers: ["anna", "zoe"],
        quorum: 2,
        separateDuties: true,
        timeoutMs: 4 * HOUR_MS,
        onTimeout: "deny",
      },
    },
  });
});

test("without more, one person has three days, and silence is a deny", () => {
  expect(readAnnotations("forbid", { id: "a", needs_approval: "" })).toEqual({
    ok: true,
    value: {
      id: "a",
      effect: "forbid",
      description: null,
      assent: { quorum: 1, separateDuties: false, timeoutMs: 72 * HOUR_MS, onTimeout: "deny" },
    },
  });
});

/** So many different names, as a rule lists them. */
const names = (count: number): string => Array.from({ length: count }, (_, at) => `n${at}`).join(",");

const GOOD = { id: "a", needs_approval: null } as const;

test.each([
  ["no id", { needs_approval: null }, "@id"],
  ["an id without value", { ...GOOD, id: null }, "@id"],
  ["an id of other characters", { ...GOOD, id: "A b" }, "@id"],
  ["an id that goes on with others", { ...GOOD, id: "a b" }, "@id"],
  ["an id of 101 characters", { ...GOOD, id: "a".repeat(101) }, "@id"],
  ["a description without value", { ...GOOD, description: null }, "@description has no text"],
  [
    "more approvers than anybody reads",
    { ...GOOD, approvers: names(101) },
    "@approvers lists more than 100 names",
  ],
  ["an unknown name", { ...GOOD, need_approval: null }, "@need_approval"],
  ["a name of every object", { ...GOOD, constructor: null }, "@constructor"],
  ["an empty description", { ...GOOD, description: "" }, "@description"],
  ["a description of any length", { ...GOOD, description: "x".repeat(501) }, "@description"],
  ["a value where none is", { ...GOOD, needs_approval: "no" }, "@needs_approval"],
  ["separate duties denied", { ...GOOD, separate_duties: "false" }, "@separate_duties"],
  ...["", "0", "1.5", "-1", "two", "11", "100", " 1", "1e1", "1a", "2 "].map(
    (quorum) => [`quorum ${quorum}`, { ...GOOD, quorum }, "@quorum"] as const,
  ),
  ["a quorum without value", { ...GOOD, quorum: null }, "@quorum"],
  ...["", "4", "4 h", "0h", "4H", "1.5h", "-4h", "73h", "4d", "1h30m"].map(
    (timeout) => [`timeout ${timeout}`, { ...GOOD, timeout }, "@timeout"] as const,
  ),
  ["approvers without value", { ...GOOD, approvers: null }, "@approvers"],
  ["a service without name", { ...GOOD, approvers: "anna, service/" }, "@approvers"],
  ["an empty name", { ...GOOD, approvers: "anna,,zoe" }, "@approvers"],
  ["a name twice", { ...GOOD, approvers: "anna, anna" }, "@approvers"],
  ["fewer approvers than the quorum", { ...GOOD, approvers: "anna", quorum: "2" }, "@approvers"],
  [
    "one person under two names for a quorum of two",
    { ...GOOD, approvers: "anna, corp:Anna", quorum: "2" },
    "@approvers",
  ],
  ...["approvers", "quorum", "separate_duties", "timeout"].map(
    (name) => [`${name} of no approval`, { id: "a", [name]: "2" }, `@${name} means nothing`] as const,
  ),
] satisfies readonly (readonly [string, Readonly<Record<string, string | null>>, string])[])(
  "%s is refused",
  (_name, annotations, named) => {
    const read = readAnnotations("forbid", annotations);
    expect(read.ok ? "" : read.error).toContain(named);
  },
);

test("a permit cannot want approval: nothing would stand in its way", () => {
  expect(readAnnotations("permit", GOOD)).toEqual({
    ok: false,
    error: "@needs_approval stands on a permit; only a forbid can be lifted",
  });
});

test("a misspelt name is answered with those that there are", () => {
  expect(readAnnotations("forbid", { ...GOOD, aprovers: "a" })).toEqual({
    ok: false,
    error:
      "@aprovers is not a known annotation (id, description, needs_approval, approvers, quorum, separate_duties, timeout)",
  });
});

test.each(["permit", "forbid"] as const)(
  "a %s that wants nothing is read, with all that it says",
  (effect) => {
    expect(readAnnotations(effect, { id: "a/b.c_d-1", description: "Why." })).toEqual({
      ok: true,
      value: { id: "a/b.c_d-1", effect, description: "Why.", assent: null },
    });
  },
);

test.each([
  ["an id", { id: "a".repeat(100) }],
  ["a description", { id: "a", description: "x".repeat(500) }],
  ["a quorum", { ...GOOD, quorum: "10" }],
  ["a timeout in hours", { ...GOOD, timeout: "72h" }],
  ["a timeout in days", { ...GOOD, timeout: "3d" }],
  ["approvers", { ...GOOD, approvers: names(100) }],
])("%s may be as long as its limit says, and no longer", (_name, annotations) => {
  expect(readAnnotations("forbid", annotations)).toMatchObject({ ok: true });
});

test.each([
  ["90s", 90_000],
  ["5m", 300_000],
  ["1h", HOUR_MS],
  ["2d", 48 * HOUR_MS],
])("%s is so many milliseconds", (timeout, timeoutMs) => {
  expect(readAnnotations("forbid", { ...GOOD, timeout })).toMatchObject({ value: { assent: { timeoutMs } } });
});

test.each([
  ["anna", "anna"],
  ["Anna", "anna"],
  ["corp:ANNA", "anna"],
  ["service/Robot", "service/Robot"],
  ["agent/corp:Robot", "agent/corp:Robot"],
  // A provider's name for a person, whatever it has before it.
  ["corp:service/x", "service/x"],
])("%s is %s", (entry, person) => {
  expect(personNamed(entry)).toBe(person);
});

test.each([
  ["human", "anna"],
  ["service", "service/anna"],
  ["agent", "agent/anna"],
] as const)("a %s called anna is listed as %s", (kind, entry) => {
  expect(approverEntry({ kind, name: "anna" })).toBe(entry);
});

test("without a list of approvers none is made up", () => {
  const open: Assent = { quorum: 1, separateDuties: false, timeoutMs: 1, onTimeout: "deny" };
  expect(Object.hasOwn(strictestAssent([open]) ?? {}, "approvers")).toBe(false);
  expect(strictestAssent([])).toEqual({ ...open, timeoutMs: 72 * HOUR_MS });
});

const assents = fc.array(
  fc.record({
    approvers: fc.option(fc.subarray(["anna", "ben", "cleo", "dan"], { minLength: 3 }), { nil: undefined }),
    quorum: fc.integer({ min: 1, max: 3 }),
    separateDuties: fc.boolean(),
    timeoutMs: fc.integer({ min: 1, max: 72 * HOUR_MS }),
  }),
  { minLength: 1, maxLength: 4 },
);

test("whoever fulfils the strictest of all fulfils each, in whatever order they come", () => {
  fc.assert(
    fc.property(assents, fc.boolean(), (given, turned) => {
      const all = given.map(({ approvers, ...rest }): Assent => ({
        ...rest,
        ...(approvers === undefined ? {} : { approvers }),
        onTimeout: "deny",
      }));
      const strictest = strictestAssent(turned ? all.toReversed() : all);
      const common = ["anna", "ben", "cleo", "dan"].filter((name) =>
        all.every(({ approvers }) => approvers?.includes(name) ?? true),
      );
      const quorum = Math.max(...all.map((one) => one.quorum));
      const isListed = all.some(({ approvers }) => approvers !== undefined);
      if (isListed && common.length < quorum) {
        expect(strictest).toBeNull();
        return;
      }
      expect(strictest).toEqual({
        ...(isListed ? { approvers: common } : {}),
        quorum,
        separateDuties: all.some(({ separateDuties }) => separateDuties),
        timeoutMs: Math.min(...all.map(({ timeoutMs }) => timeoutMs)),
        onTimeout: "deny",
      });
    }),
    { seed: 42 },
  );
});
