// Metamorphic properties: whatever is done to a value on its way, its label stays; whatever an attacker puts together,
// it does not become trusted.

import fc from "fast-check";
import { expect, inject, test } from "vitest";
import type { Origin } from "../decide/action-request.ts";
import { createOriginIndex, type LabelledText, type OriginIndex } from "./origins.ts";

const SEED = 42;
/** The gate looks at a third of them, the night at all. */
const runsOf = (all: number): number => (inject("everyBreak") ? all : Math.ceil(all / 3));

function indexOf(...sources: LabelledText[]): OriginIndex {
  const index = createOriginIndex();
  for (const source of sources) index.add(source);
  return index;
}

const task = (text: string): LabelledText => ({ id: "task", label: "trusted", text });
const mail = (text: string, seq = 1): LabelledText => ({ id: `step:${seq}`, label: "untrusted", text });
const originOf = (index: OriginIndex, value: unknown): Origin | undefined =>
  index.label({ value }).labels["/value"]?.origin;

const hexOf = (text: string): string =>
  Array.from(new TextEncoder().encode(text), (byte) => byte.toString(16).padStart(2, "0")).join("");
const base64Of = (text: string): string =>
  btoa(Array.from(new TextEncoder().encode(text), (byte) => String.fromCharCode(byte)).join(""));
const percentOf = (text: string): string => hexOf(text).replaceAll(/../g, "%$&");
const fullwidth = (text: string): string =>
  text.replaceAll(/[!-~]/g, (character) => String.fromCharCode(character.charCodeAt(0) + 0xfee0));
const sprinkle = (text: string, unseen: string): string => Array.from(text).join(unseen);

/** Changes of the letters themselves; they come before any encoding, which they would break. */
const LETTERS: readonly ((text: string) => string)[] = [
  (text) => text.toUpperCase(),
  (text) => text.toLowerCase(),
  (text) => text.normalize("NFD"),
  fullwidth,
  (text) => sprinkle(text, "\u200b"),
  (text) => sprinkle(text, "\u2060"),
  (text) => `\u202e${text}\u202c`,
  (text) => `${text}\u{e0041}\u{e0042}`,
  (text) => `  ${text}\n`,
  (text) => `"${text}"`,
  (text) => `<${text}>`,
  (text) => `${text}.`,
];

const ENCODINGS: readonly ((text: string) => string)[] = [
  percentOf,
  (text) => encodeURIComponent(encodeURIComponent(text)),
  (text) => Array.from(text, (character) => `&#${character.codePointAt(0)};`).join(""),
  (text) => Array.from(text, (character) => `&#x${character.codePointAt(0)?.toString(16)};`).join(""),
  (text) =>
    Array.from(
      { length: text.length },
      (_, at) => `\\u${text.charCodeAt(at).toString(16).padStart(4, "0")}`,
    ).join(""),
  base64Of,
  (text) => base64Of(text).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", ""),
  hexOf,
  (text) => `0x${hexOf(text)}`,
  JSON.stringify,
];

const ROUNDS_MAX = 2;
const changed = (value: fc.Arbitrary<string>): fc.Arbitrary<{ value: string; changed: string }> =>
  fc
    .tuple(
      value,
      fc.array(fc.constantFrom(...LETTERS), { maxLength: 3 }),
      fc.array(fc.constantFrom(...ENCODINGS), { maxLength: ROUNDS_MAX }),
    )
    .map(([text, letters, encodings]) => ({
      value: text,
      changed: [...letters, ...encodings].reduce((current, change) => change(current), text),
    }));

const name = fc.string({
  unit: fc.constantFrom(...Array.from("bcdfghjklmnpqrstvwxz")),
  minLength: 4,
  maxLength: 9,
});
const email = fc.tuple(name, name, name).map(([user, host, top]) => `${user}@${host}.${top}`);
const url = fc.tuple(name, name, name).map(([host, path, key]) => `https://${host}.example/${path}?${key}=1`);
const amount = fc.integer({ min: 1_001, max: 99_999_999 }).map((cents) => `${(cents / 100).toFixed(2)} EUR`);
const title = fc.tuple(name, name, name).map((words) => words.join(" "));
const valued = fc.oneof(email, url, amount, title);

test("an untrusted value is untrusted, whatever was done to it", () => {
  fc.assert(
    fc.property(changed(valued), ({ value, changed: now }) => {
      const index = indexOf(task("Please answer the last message."), mail(`Hello! It is ${value}, as ever.`));
      expect(originOf(index, now)).toBe("untrusted");
    }),
    { seed: SEED, numRuns: runsOf(1_500) },
  );
});

test("an untrusted value is untrusted, in whatever form it was read", () => {
  fc.assert(
    fc.property(changed(valued), ({ value, changed: now }) => {
      const index = indexOf(task("Please answer the last message."), mail(`Hello! It is ${now} as ever.`));
      expect(originOf(index, value)).toBe("untrusted");
    }),
    { seed: SEED, numRuns: runsOf(1_500) },
  );
});

test("an untrusted value inside other text, or in pieces, is never trusted", () => {
  const around = fc.constantFrom("", "Please ", "answer ", "alice ", "x", "1");
  fc.assert(
    fc.property(
      valued,
      around,
      around,
      fc.constantFrom("", " ", "\n", "-", ", "),
      (value, before, after, by) => {
        const index = indexOf(
          task("Please answer the last message of alice."),
          mail(`Hello! It is ${value}.`),
        );
        const half = Math.floor(value.length / 2);
        const pieces = [value.slice(0, half), value.slice(half)];
        const args = { whole: before + value + after, split: pieces.join(by), pieces };
        for (const { origin } of Object.values(index.label(args).labels)) expect(origin).not.toBe("trusted");
        expect(index.label(args).labels["/whole"]?.origin).toBe("untrusted");
      },
    ),
    { seed: SEED, numRuns: runsOf(1_000) },
  );
});

test("a value copied from the task stays trusted, whatever was done to it, and whoever else wrote it too", () => {
  fc.assert(
    fc.property(changed(valued), fc.boolean(), ({ value, changed: now }, repeated) => {
      const index = indexOf(
        task(`Please use "${value}" for it.`),
        mail(repeated ? `Use ${value}!` : "Hello"),
      );
      expect(originOf(index, now)).toBe("trusted");
    }),
    { seed: SEED, numRuns: runsOf(1_500) },
  );
});

const decimals = (cents: number): string[] => {
  const [whole = "", fraction = ""] = (cents / 100).toFixed(2).split(".");
  const grouped = (by: string): string => whole.replaceAll(/\B(?=(?:\d{3})+$)/g, by);
  return [
    `${whole}.${fraction}`,
    `${grouped(",")}.${fraction}`,
    `${grouped(".")},${fraction}`,
    `${grouped(" ")},${fraction}`,
    `${grouped("\u00a0")},${fraction}`,
    `€${grouped(",")}.${fraction}`,
    `${grouped("'")}.${fraction} EUR`,
  ];
};

test("a number is the same in every format, and only as a whole", () => {
  const cents = fc.integer({ min: 101, max: 999_999_999 }).filter((number) => number % 100 !== 0);
  fc.assert(
    fc.property(cents, fc.nat(6), fc.nat(6), (number, written, read) => {
      const index = indexOf(task(`Pay ${decimals(number)[written]} now`), mail("Hello"));
      expect(originOf(index, decimals(number)[read])).toBe("trusted");
      expect(originOf(index, number / 100)).toBe("trusted");
      expect(originOf(index, (number + 1) / 100)).toBe("model");
      expect(originOf(index, number)).toBe("model");
      expect(originOf(index, number / 10)).toBe("model");
      expect(originOf(index, -number / 100)).toBe("model");
      const hostile = indexOf(task("Pay it"), mail(`It is ${decimals(number)[written]}`));
      expect(originOf(hostile, decimals(number)[read])).toBe("untrusted");
      expect(originOf(hostile, number / 100)).toBe("untrusted");
    }),
    { seed: SEED, numRuns: 400 },
  );
});

const MONTHS = "January February March April May June July August September October November December".split(
  " ",
);

function formats(date: Date): string[] {
  const [year, month, dayOfMonth] = [date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate()];
  const named = MONTHS[month] ?? "";
  return [
    date.toISOString().slice(0, 10),
    `${dayOfMonth}.${month + 1}.${year}`,
    `${named} ${dayOfMonth}, ${year}`,
    `${named.slice(0, 3)} ${dayOfMonth} ${year}`,
    `${dayOfMonth} ${named} ${year}`,
    `${month + 1}/${dayOfMonth}/${year}`,
    `${dayOfMonth}/${month + 1}/${year}`,
  ];
}

test("a date is the same in every format", () => {
  const day = fc.date({ min: new Date("2000-01-01"), max: new Date("2099-12-31"), noInvalidDate: true });
  fc.assert(
    fc.property(day, fc.nat(6), fc.nat(6), (date, written, read) => {
      const text = formats(date)[written];
      expect(originOf(indexOf(task(`Meet on ${text} there`)), formats(date)[read])).toBe("trusted");
      expect(originOf(indexOf(task("Meet"), mail(`Meet on ${text} there`)), formats(date)[read])).toBe(
        "untrusted",
      );
    }),
    { seed: SEED, numRuns: 400 },
  );
});

// The attacker sees the task and may cut and join it as they like.
test("no new address, URL, path or number comes from pieces of the task", () => {
  const pieces = fc.tuple(email, email, url, url, amount, amount, title);
  const joint = fc.constantFrom(
    "",
    ".",
    "@",
    "/",
    "-",
    "_",
    ":",
    "//",
    "%2F",
    "%40",
    "／",
    "＠",
    ",",
    "?",
    "#",
    "\u200b",
  );
  fc.assert(
    fc.property(
      pieces,
      fc.array(fc.tuple(fc.nat(60), joint), { minLength: 1, maxLength: 4 }),
      (given, cuts) => {
        const [to, cc, page, other, price, fee, subject] = given;
        const text = `Send ${price} and ${fee} to ${to}, copy to ${cc}. Read ${page} and then ${other}. It is "${subject}".`;
        const bits = text.match(/[\p{L}\p{N}]+|[^\s\p{L}\p{N}]+/gu) ?? [];
        const made = cuts.map(([at, by]) => `${bits[at % bits.length]}${by}`).join("");
        const index = indexOf(task(text), mail("Hello"));
        fc.pre(/[@/.:\d]/.test(made.normalize("NFKC")));
        const whole = new Set([...given, ...text.split(/\s+/)].map(bare));
        if (originOf(index, made) !== "trusted") return;
        // Words may stand in another order; whatever is more than a word must be one of the task's own.
        for (const part of made
          .normalize("NFKC")
          .replaceAll(/(\d),(?=\d)/g, "$1.")
          .split(/[\s,"]+/)
          .map(bare))
          if (/[\p{L}\p{N}]/u.test(part) && /[^\p{L}]/u.test(part)) expect(whole).toContain(part);
      },
    ),
    { seed: SEED, numRuns: runsOf(6_000) },
  );
});

/** What a value is once the marks are gone that nobody reads as a part of it. */
function bare(text: string): string {
  return text
    .normalize("NFKC")
    .replaceAll("\u200b", "")
    .replaceAll(/^["<#@.,:?!_-]+|["@,.:?!#_-]+$| EUR$|https:\/\//g, "")
    .replace(/\.(\d)0$/, ".$1")
    .replace(/\.00$/, "");
}

test("a host of the attacker's joined to a user of the task's is untrusted", () => {
  const joint = fc.constantFrom("@", ".", "/", "@corp.example.", "%40", "＠");
  fc.assert(
    fc.property(name, name, joint, (user, host, by) => {
      fc.pre(user !== host);
      const index = indexOf(task(`Write to ${user}@corp.example`), mail(`Our host is ${host}.example`));
      expect(originOf(index, `${user}${by}${host}.example`)).toBe("untrusted");
    }),
    { seed: SEED, numRuns: 500 },
  );
});

const anything = fc.string({
  unit: fc.oneof(
    fc.constantFrom(
      "a",
      "1",
      " ",
      ".",
      "@",
      "/",
      ":",
      "%",
      "&",
      "#",
      ";",
      "\\",
      "<",
      ">",
      ",",
      "'",
      '"',
      "*",
      "\n",
      "-",
    ),
    fc.constantFrom(
      "\u0301",
      "\u200b",
      "\u202e",
      "\ud800",
      "\u{e0041}",
      "İ",
      "ß",
      "東",
      "ｅ",
      "\0",
      "٣",
      "½",
      "①",
      "\u3164",
    ),
    fc.string({ unit: "binary", minLength: 1, maxLength: 2 }),
  ),
  maxLength: 60,
});

test("reading more only ever makes a label worse, but what is trusted stays trusted", () => {
  const values = fc.array(fc.oneof(valued, anything, fc.double(), fc.boolean()), { maxLength: 6 });
  fc.assert(
    fc.property(
      values,
      fc.array(fc.oneof(valued, anything), { maxLength: 5 }),
      fc.array(anything),
      (list, texts, more) => {
        const index = indexOf(task(texts.join(" ")), mail(anyOf(list)));
        const before = index.label({ list }).labels;
        for (const [seq, text] of more.entries()) index.add(mail(text, seq + 2));
        index.add(mail(texts.join(" "), 99));
        for (const [pointer, { origin }] of Object.entries(index.label({ list }).labels)) {
          if (before[pointer]?.origin !== "model") expect(origin).toBe(before[pointer]?.origin);
          else expect(origin).not.toBe("trusted");
        }
      },
    ),
    { seed: SEED, numRuns: 500 },
  );
});

const anyOf = (list: readonly unknown[]): string =>
  list
    .filter((_, at) => at % 2 === 0)
    .map(String)
    .join("\n");

test("hostile Unicode: labelling is total and repeatable, every reference lies inside its source", () => {
  const args = fc.dictionary(
    anything,
    fc.oneof(anything, fc.array(anything), fc.dictionary(anything, anything)),
  );
  fc.assert(
    fc.property(anything, anything, args, (trusted, untrusted, values) => {
      const texts = new Map([
        ["task", trusted],
        ["step:1", untrusted],
      ]);
      const first = indexOf(task(trusted), mail(untrusted)).label(values);
      expect(indexOf(task(trusted), mail(untrusted)).label(values)).toEqual(first);
      for (const { sources, origin } of Object.values(first.labels))
        for (const { source, start, end } of sources) {
          expect(source).toMatch(origin === "trusted" ? /^task$/ : /^step:1$/);
          expect(start >= 0 && start < end && end <= (texts.get(source)?.length ?? -1)).toBe(true);
        }
    }),
    { seed: SEED, numRuns: 300 },
  );
});
