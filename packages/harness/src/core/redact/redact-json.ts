// The same for values of JSON: strings, the names of members, and numbers. The shape stays: a member stays a member,
// a list keeps its length, and a value that must go becomes its mark.

import type { KnownSecrets } from "./known.ts";
import { readKeyName } from "./key-names.ts";
import { markOf, replaceSpans, type TextRedactor } from "./redact.ts";
import type { Span } from "./span.ts";
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
  /** Parts of strings that are secret only together with other strings, by the string's number in the walk. */
  readonly joined: ReadonlyMap<number, readonly Span[]>;
  leaf: number;
};

/** @param value what JSON.parse gives; anything else (functions, classes, cycles) becomes what JSON would make of it, or a mark */
export function redactJson(value: unknown, text: TextRedactor, known: KnownSecrets): RedactedJson {
  const counts: Record<string, number> = {};
  const walk: Walk = { text, counts, joined: findJoined(value, known), leaf: 0 };
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
  if (Array.isArray(value)) return value.map((item: unknown) => walkValue(walk, item, name, depth + 1));
  if (value instanceof Uint8Array) return walkBytes(walk, value);
  return walkObject(walk, value, depth);
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

function walkObject(walk: Walk, value: object, depth: number): unknown {
  const entries = Object.entries(value);
  const pair = nameOfPair(entries);
  const members: [string, unknown][] = [];
  const used = new Set<string>();
  for (const [key, item] of entries) {
    const clean = walk.text.redactText(key);
    for (const [kind, times] of Object.entries(clean.counts))
      walk.counts[kind] = (walk.counts[kind] ?? 0) + times;
    let safe = clean.text;
    // Two secret names must not become one member.
    for (let n = 2; used.has(safe); n += 1) safe = `${clean.text}#${n}`;
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
  const joined = walk.joined.get(walk.leaf);
  walk.leaf += 1;
  for (const span of joined ?? []) count(walk, span.kind);
  const parted = joined === undefined ? value : replaceSpans(value, joined);
  if (name !== null) {
    const { expects, kind } = readKeyName(name);
    const whole = { start: 0, end: parted.length, isQuoted: true };
    if (expects !== "header" && isSecretValue(parted, whole, expects, ":")) {
      count(walk, kind);
      return markOf(kind);
    }
    // Headers keep their scheme, which only the text's rule knows.
    if (expects === "header") return textOf(walk, `${name}: ${parted}`).slice(name.length + 2);
  }
  return textOf(walk, parted);
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
  const isNamed = name !== null && readKeyName(name).expects === "password" && digits.length >= 4;
  if (isNamed) {
    count(walk, "password");
    return markOf("password");
  }
  const redacted = textOf(walk, digits);
  return redacted === digits ? value : redacted;
}

function walkBytes(walk: Walk, bytes: Uint8Array): unknown {
  const text = Buffer.from(bytes).toString("latin1");
  if (walk.text.findSpans(text).length === 0) return bytes;
  count(walk, "bytes");
  return markOf("bytes");
}

/** Strings of one value are searched as one text for known secrets: a list of parts hides none. */
function findJoined(value: unknown, known: KnownSecrets): ReadonlyMap<number, readonly Span[]> {
  const found = new Map<number, Span[]>();
  if (known.count === 0) return found;
  const leaves: string[] = [];
  collect(value, leaves, 0);
  if (leaves.length < 2) return found;
  const ends: number[] = [];
  let length = 0;
  for (const leaf of leaves) ends.push((length += leaf.length));
  let at = 0;
  for (const span of known.find(leaves.join(""))) {
    while (at < ends.length && (ends[at] ?? 0) <= span.start) at += 1;
    for (let leaf = at; leaf < ends.length && (ends[leaf - 1] ?? 0) < span.end; leaf += 1) {
      const base = ends[leaf - 1] ?? 0;
      const part = {
        start: Math.max(0, span.start - base),
        end: Math.min(span.end, ends[leaf] ?? 0) - base,
        kind: span.kind,
      };
      if (part.end > part.start) found.set(leaf, [...(found.get(leaf) ?? []), part]);
    }
  }
  return found;
}

function collect(value: unknown, leaves: string[], depth: number): void {
  if (typeof value === "string") leaves.push(value);
  if (value === null || typeof value !== "object" || depth >= DEPTH_MAX) return;
  if (writtenForm(value) !== value || value instanceof Uint8Array) return;
  for (const item of Array.isArray(value) ? (value as unknown[]) : Object.values(value))
    collect(item, leaves, depth + 1);
}
