// Numbers, dates and times as what they mean, whatever way they are written. Works on folded words.

export type Figure = {
  readonly kind: "number" | "date" | "time" | "moment" | "range";
  /** What it may mean. `n:` number, `n:…usd` with its currency, `b:` number without one, `d:` date, `t:` time. */
  readonly keys: readonly string[];
  /** How many words it takes. */
  readonly words: number;
};

/**
 * `strict` takes the reading that the writer most likely meant and no other, for what is about to be called trusted;
 * `liberal` takes every reading, for what is about to be called untrusted.
 */
export type Reading = "strict" | "liberal";

/** The figure that starts at `words[at]`, or null. */
export function figureAt(words: readonly string[], at: number, reading: Reading): Figure | null {
  const word = words[at] ?? "";
  if (word.length > FIGURE_CHARS_MAX) return null;
  if (!/\d/.test(word) && !MONTHS.has(word) && !CURRENCIES.has(word)) return null;
  return (
    spokenDate(words, at) ??
    writtenDate(word) ??
    clock(word, words[at + 1] ?? "") ??
    amount(words, at, reading)
  );
}

/** Longer words are no figure that a person writes. */
const FIGURE_CHARS_MAX = 40;

const MONTH_NAMES = [
  "january",
  "february",
  "march",
  "april",
  "may",
  "june",
  "july",
  "august",
  "september",
  "october",
  "november",
  "december",
];
const MONTHS: ReadonlyMap<string, number> = new Map([
  ...MONTH_NAMES.map((name, index): [string, number] => [name, index + 1]),
  ...MONTH_NAMES.map((name, index): [string, number] => [name.slice(0, 3), index + 1]),
  ["sept", 9],
]);

/** `d:2026-11-20`, or nothing for a day that no calendar has. */
export function dateKeys(year: number, month: number, day: number): string[] {
  const date = new Date(Date.UTC(2000, month - 1, day));
  date.setUTCFullYear(year, month - 1, day);
  const real = date.getUTCMonth() === month - 1 && date.getUTCDate() === day && year >= 1000 && year <= 9999;
  return real ? [`d:${date.toISOString().slice(0, 10)}`] : [];
}

const day = (word: string | undefined): number => Number(/^(\d{1,2})(?:st|nd|rd|th)?$/.exec(word ?? "")?.[1]);
const year = (word: string | undefined): number => Number(/^\d{4}$/.exec(word ?? "")?.[0]);

function spokenDate(words: readonly string[], at: number): Figure | null {
  const month = MONTHS.get(words[at] ?? "");
  if (month !== undefined) return dateFigure(dateKeys(year(words[at + 2]), month, day(words[at + 1])), 3);
  const skipped = words[at + 1] === "of" ? 1 : 0;
  const later = MONTHS.get(words[at + 1 + skipped] ?? "");
  if (later === undefined) return null;
  return dateFigure(dateKeys(year(words[at + 2 + skipped]), later, day(words[at])), 3 + skipped);
}

const dateFigure = (keys: readonly string[], words: number): Figure | null =>
  keys.length === 0 ? null : { kind: "date", keys: [...new Set(keys)], words };

const YEAR_FIRST = /^(\d{4})([-/.])(\d{1,2})\2(\d{1,2})$/;
const YEAR_LAST = /^(\d{1,2})([-/.])(\d{1,2})\2(\d{4})$/;
const WITH_NAME = /^(\d{1,2})[-.]([a-z]{3,9})[-.](\d{4})$/;
const MOMENT = /^(\d{4}-\d{2}-\d{2})[t_](\d{2}:\d{2}(?::\d{2})?)(?:\.0+)?z?$/;

function writtenDate(word: string): Figure | null {
  const moment = MOMENT.exec(word);
  if (moment !== null) {
    const keys = [...(writtenDate(moment[1] ?? "")?.keys ?? []), ...clockKeys(moment[2] ?? "", "")];
    return keys.length === 2 ? { kind: "moment", keys, words: 1 } : null;
  }
  const first = YEAR_FIRST.exec(word);
  if (first !== null) return dateFigure(dateKeys(Number(first[1]), Number(first[3]), Number(first[4])), 1);
  const named = WITH_NAME.exec(word);
  if (named !== null)
    return dateFigure(dateKeys(Number(named[3]), MONTHS.get(named[2] ?? "") ?? 0, Number(named[1])), 1);
  const last = YEAR_LAST.exec(word);
  if (last === null) return null;
  const [a, b, y] = [Number(last[1]), Number(last[3]), Number(last[4])];
  // With dots the day comes first wherever dots are used; with strokes it depends on the writer, so both are meant.
  return dateFigure([...dateKeys(y, b, a), ...(last[2] === "." ? [] : dateKeys(y, a, b))], 1);
}

const two = (part: number): string => String(part).padStart(2, "0");
const CLOCK = /^(\d{1,2})(?::(\d{2})(?::(\d{2}))?)?(am|pm)?$/;

function clockKeys(word: string, half: string): string[] {
  const match = CLOCK.exec(word);
  if (match === null) return [];
  const suffix = match[4] ?? half;
  if (match[2] === undefined && suffix === "") return [];
  const spoken = Number(match[1]);
  if (suffix !== "" && (spoken < 1 || spoken > 12)) return [];
  const hour = suffix === "" ? spoken : (spoken % 12) + (suffix === "pm" ? 12 : 0);
  const [minute, second] = [Number(match[2] ?? 0), Number(match[3] ?? 0)];
  if (hour > 23 || minute > 59 || second > 59) return [];
  return [`t:${two(hour)}:${two(minute)}${second === 0 ? "" : `:${two(second)}`}`];
}

function clock(word: string, next: string): Figure | null {
  const half = next === "am" || next === "pm" ? next : "";
  const own = clockKeys(word, "");
  if (own.length > 0 && half === "") return { kind: "time", keys: own, words: 1 };
  const keys = half === "" ? [] : clockKeys(word, half);
  if (keys.length > 0) return { kind: "time", keys, words: 2 };
  const parts = word.split("-");
  if (parts.length !== 2) return null;
  const ends = parts.flatMap((part) => clockKeys(part, ""));
  return ends.length === 2 ? { kind: "range", keys: ends, words: 1 } : null;
}

const CURRENCIES: ReadonlyMap<string, string> = new Map([
  ["$", "usd"],
  ["us$", "usd"],
  ["€", "eur"],
  ["£", "gbp"],
  ["¥", "jpy"],
  ["₹", "inr"],
  ["dollar", "usd"],
  ["dollars", "usd"],
  ["euro", "eur"],
  ["euros", "eur"],
  ["pounds", "gbp"],
  ...["usd", "eur", "gbp", "jpy", "inr", "chf", "cad", "aud", "nzd", "sek", "nok", "dkk", "pln", "czk"].map(
    (code): [string, string] => [code, code],
  ),
  ...["huf", "cny", "krw", "brl", "mxn", "zar", "sgd", "hkd", "ils"].map((code): [string, string] => [
    code,
    code,
  ]),
]);

const GROUPS_MAX = 5;
const AMOUNT = /^([-−])?([a-z]{0,3}[$€£¥₹]|[a-z]{3})?([-−])?(\d[\d.,']*)([a-z]{3}|[$€£¥₹%])?$/;

/** A number with or without currency, over one word or several (`EUR 12 500`, `1 234,50 €`). */
function amount(words: readonly string[], at: number, reading: Reading): Figure | null {
  const before = CURRENCIES.get(words[at] ?? "");
  const start = before === undefined ? at : at + 1;
  let end = start + 1;
  let joined = words[start] ?? "";
  if (/^(?:[$€£¥₹]|[a-z]{3})?\d{1,3}$/.test(joined))
    while (
      end - start < GROUPS_MAX &&
      /^\d{3}(?:[.,]\d{1,2})?(?:[a-z]{3}|[$€£¥₹])?$/.test(words[end] ?? "")
    ) {
      joined += words[end] ?? "";
      end += 1;
    }
  const after = CURRENCIES.get(words[end] ?? "");
  const marked = before !== undefined || after !== undefined || !/^\d+$/.test(joined);
  // Digits with spaces between are one number only where something says so: "101 102 103" may be three rooms.
  if (end - start > 1 && !marked) [joined, end] = [words[start] ?? "", start + 1];
  const match = AMOUNT.exec(joined);
  if (match === null) return null;
  const [, minus, prefix, inner, digits = "", suffix] = match;
  const own = [prefix, suffix === "%" ? undefined : suffix].filter((part) => part !== undefined);
  if (own.some((part) => !CURRENCIES.has(part))) return null;
  const trailing = end - start > 1 || before === undefined ? CURRENCIES.get(words[end] ?? "") : undefined;
  const currency = CURRENCIES.get(own[0] ?? "") ?? before ?? trailing ?? "";
  const sign = (minus ?? inner) === undefined ? "" : "-";
  const keys = numbersOf(digits, reading).flatMap((number) => {
    const signed = number === "0" ? number : sign + number;
    return currency === "" ? [`n:${signed}`, `b:${signed}`] : [`n:${signed}${currency}`, `n:${signed}`];
  });
  if (keys.length === 0) return null;
  return { kind: "number", keys, words: end - at + (trailing === undefined ? 0 : 1) };
}

/** Canonical decimal (`1234.5`), or null for what is an identifier rather than a number (`007`, 16 digits). */
export function canonicalDecimal(whole: string, fraction: string): string | null {
  if (whole.length > 15 || (whole.length > 1 && whole.startsWith("0"))) return null;
  let end = fraction.length;
  while (end > 0 && fraction.charCodeAt(end - 1) === 0x30) end -= 1;
  return end === 0 ? whole : `${whole}.${fraction.slice(0, end)}`;
}

function numbersOf(digits: string, reading: Reading): string[] {
  const found: (string | null)[] = [];
  const read = (pattern: RegExp, group: string): void => {
    const match = pattern.exec(digits);
    if (match !== null) found.push(canonicalDecimal((match[1] ?? "").replaceAll(group, ""), match[2] ?? ""));
  };
  read(/^(\d+)(?:\.(\d+))?$/, ".");
  read(/^(\d{1,3}(?:,\d{3})+)(?:\.(\d+))?$/, ",");
  read(/^(\d{1,3}(?:'\d{3})+)(?:\.(\d+))?$/, "'");
  read(/^(\d{1,3}(?:\.\d{3})+),(\d+)$/, ".");
  read(/^(\d{1,3}(?:\.\d{3}){2,})$/, ".");
  read(/^(\d+),(\d{1,2}|\d{4,})$/, ",");
  if (reading === "liberal") {
    read(/^(\d{1,3}\.\d{3})$/, ".");
    read(/^(\d+),(\d{3})$/, ",");
  }
  return [...new Set(found.filter((number) => number !== null))];
}
