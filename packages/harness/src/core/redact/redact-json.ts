// The same for values of JSON: strings, the names of members, and numbers. The shape stays: a member stays a member,
// a list keeps its length, and a value that must go becomes its mark.

import type { KnownSecrets } from "./known.ts";
import { findJoined, type Joined, type Leaf } from "./joined.ts";
import { readKeyName } from "./key-names.ts";
import { markOf, replaceSpans, type TextRedactor } from "./redact.ts";
import { mergeSpans } from "./span.ts";
import { isRawCredential } from "./assignments.ts";
import { isSecretValue } from "./values.ts";

export type RedactedJson = {
  readonly value: unknown;
  readonly counts: Readonly<Record<string, number>>;
};

/** Deeper values are replaced whole: what is not looked at does not pass. */
const DEPTH_MAX = 64;

type Walk = {
  readonly text: TextRedactor;
  readonly counts: Record<string, number>;
  /** Parts that are secret only together with others, by the leaf's number in the walk. */
  readonly joined: Joined;
  leaf: number;
};

/** @param value what JSON.parse gives; anything else (functions, classes, cycles) becomes what JSON would make of it, or a mark */
export function redactJson(value: unknown, text: TextRedactor, known: KnownSecrets): RedactedJson {
  const counts: Record<string, number> = {};
  const leaves: Leaf[] = [];
  if (known.count > 0) leavesOf(value, leaves, 0);
  const walk: Walk = { text, counts, joined: findJoined(leaves, known), leaf: 0 };
  return { value: walkValue(walk, value, null, 0), counts };
}

const count = (walk: Walk, kind: string): void => {
  walk.counts[kind] = (walk.counts[kind] ?? 0) + 1;
};

/** @param name what gives the value its name: its member's, or the `name` of a name-and-value pair */
function walkValue(walk: Walk, value: unknown, name: string | null, depth: number): unknown {
  if (typeof value === "string") return walkString(walk, value, name);
  if (typeof value === "number" || typeof value === "bigint") return walkNumber(walk, value, name);
  if (value === null || typeof value !== "object") return value;
  const written = writtenForm(value);
  if (written !== value) return walkValue(walk, written, name, depth + 1);
  if (depth >= DEPTH_MAX) {
    count(walk, "too_deep");
    return markOf("too_deep");
  }
  if (Array.isArray(value))
    return (value as unknown[]).map((item, at) =>
      walkValue(walk, item, name ?? nameBefore(value, at), depth + 1),
    );
  if (value instanceof Uint8Array) return walkBytes(walk, value);
  return walkObject(walk, value, name, depth);
}

/** What JSON.stringify would write for an object that has its own idea of that (dates, URLs). */
function writtenForm(value: object): unknown {
  if (!("toJSON" in value) || typeof value.toJSON !== "function" || value instanceof Uint8Array) return value;
  try {
    const written: unknown = value.toJSON();
    return typeof written === "object" ? markOf("unreadable") : written;
  } catch {
    return markOf("unreadable");
  }
}

/**
 * What the item before names: `["--password", "…"]`, `["Authorization", "…"]`. Of names in a row (`["password", "email"]`)
 * none is the other's value: without a flag, letters alone are a name.
 */
function nameBefore(items: readonly unknown[], at: number): string | null {
  const [before, item] = [items[at - 1], items[at]];
  if (typeof before !== "string" || typeof item !== "string" || item.startsWith("-")) return null;
  const isFlag = /^--?[A-Za-z]/.test(before);
  if (!isFlag && (/^[A-Za-z]*$/.test(item) || !LIKE_NAME.test(before))) return null;
  return readKeyName(before).isVerb === true ? null : before;
}

const LIKE_NAME = /^[A-Za-z][\w.-]{1,63}$/;

/** @param name of the object itself: `{"password": {"value": "…"}}` says of the value what it is */
function walkObject(walk: Walk, value: object, name: string | null, depth: number): unknown {
  const entries = Object.entries(value);
  const pair = nameOfPair(entries) ?? name;
  const members: [string, unknown][] = [];
  const used = new Set<string>();
  for (const [key, item] of entries) {
    const clean = textOf(walk, withoutJoined(walk, key));
    let safe = clean;
    // Two secret names must not become one member.
    for (let n = 2; used.has(safe); n += 1) safe = `${clean}#${n}`;
    used.add(safe);
    members.push([safe, walkValue(walk, item, pair !== null && VALUE_KEYS.has(key) ? pair : key, depth + 1)]);
  }
  // fromEntries defines members; assigning would take `__proto__` for an order.
  return Object.fromEntries(members);
}

const NAME_KEYS: readonly string[] = ["name", "key", "Name", "Key", "header", "variable", "field"];
const VALUE_KEYS: ReadonlySet<string> = new Set(["value", "Value", "val", "content", "secret"]);

/** `{"name": "API_TOKEN", "value": "…"}`: the name that counts is a value itself. */
function nameOfPair(entries: readonly (readonly [string, unknown])[]): string | null {
  const found = entries.find(([key, item]) => NAME_KEYS.includes(key) && typeof item === "string");
  return found !== undefined && typeof found[1] === "string" ? found[1] : null;
}

function walkString(walk: Walk, value: string, name: string | null): string {
  const parted = withoutJoined(walk, value);
  if (name !== null) {
    const { expects, kind } = readKeyName(name);
    const whole = { start: 0, end: parted.length, isQuoted: true };
    if (expects !== "header" && isSecretValue(parted, whole, expects, ":")) {
      count(walk, kind);
      return markOf(kind);
    }
    // Headers keep their scheme, which only the text's rule knows.
    if (expects === "header") {
      const isCookie = kind.startsWith("cookie");
      const header = isCookie ? "Cookie: " : "Authorization: ";
      const clean = textOf(walk, `${header}${parted}`).slice(header.length);
      if (clean !== parted || isCookie || !isRawCredential(parted)) return clean;
      count(walk, kind);
      return markOf(kind);
    }
  }
  return textOf(walk, parted);
}

/** The next leaf of the walk without what is secret together with others. */
function withoutJoined(walk: Walk, leaf: string): string {
  const joined = mergeSpans(walk.joined.get(walk.leaf) ?? []);
  walk.leaf += 1;
  for (const { kind } of joined) count(walk, kind);
  return joined.length === 0 ? leaf : replaceSpans(leaf, joined);
}

function textOf(walk: Walk, text: string): string {
  const redacted = walk.text.redactText(text);
  for (const [kind, times] of Object.entries(redacted.counts))
    walk.counts[kind] = (walk.counts[kind] ?? 0) + times;
  return redacted.text;
}

/** A number can be a secret's digits, and what a password is called is one even if it is a number. */
function walkNumber(walk: Walk, value: number | bigint, name: string | null): unknown {
  const digits = String(value);
  const parted = withoutJoined(walk, digits);
  const isNamed = name !== null && readKeyName(name).expects === "password" && digits.length >= 4;
  if (isNamed) {
    count(walk, "password");
    return markOf("password");
  }
  const redacted = textOf(walk, parted);
  return redacted === digits ? value : redacted;
}

function walkBytes(walk: Walk, bytes: Uint8Array): unknown {
  const text = Buffer.from(bytes).toString("latin1");
  if (walk.text.findSpans(text).length === 0) return bytes;
  count(walk, "bytes");
  return markOf("bytes");
}

/** In the order of the walk, and exactly those that it meets: each is known by its number. */
function leavesOf(value: unknown, leaves: Leaf[], depth: number): void {
  if (typeof value === "string") leaves.push({ text: value, isName: false });
  if (typeof value === "number" || typeof value === "bigint")
    leaves.push({ text: String(value), isName: false });
  if (value === null || typeof value !== "object") return;
  const written = writtenForm(value);
  if (written !== value) {
    leavesOf(written, leaves, depth + 1);
    return;
  }
  if (depth >= DEPTH_MAX || value instanceof Uint8Array) return;
  if (Array.isArray(value)) for (const item of value as unknown[]) leavesOf(item, leaves, depth + 1);
  else
    for (const [name, item] of Object.entries(value)) {
      leaves.push({ text: name, isName: true });
      leavesOf(item, leaves, depth + 1);
    }
}
