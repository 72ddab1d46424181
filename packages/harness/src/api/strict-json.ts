// JSON that means one thing only. RFC 8259 leaves open what a duplicate key, a lone surrogate or 1e999 means, and
// parsers differ; a policy that reads one meaning while a tool acts on the other is a hole (I-JSON, RFC 7493).

import { type Result, err, ok } from "../base/result.ts";

export type JsonFault =
  | "not_json"
  | "duplicate_key"
  | "too_deep"
  | "forbidden_key"
  | "bad_text"
  | "number_out_of_range";

/** An object or array that is being read, and for objects, where in a member we are. */
type Frame =
  | { readonly kind: "array"; readonly items: unknown[] }
  | {
      readonly kind: "object";
      readonly members: Record<string, unknown>;
      /** The key under which this object itself stands. */
      readonly under: string | null;
      /** The key whose value comes next; null: a key comes next. */
      key: string | null;
    };

type Token =
  | { readonly kind: "scalar"; readonly value: unknown; readonly end: number }
  | { readonly kind: "array"; readonly value: unknown[]; readonly end: number }
  | { readonly kind: "object"; readonly value: Record<string, unknown>; readonly end: number };

/**
 * Accepts what JSON.parse accepts, less these: a key twice in one object, more than `depthMax` levels of nesting,
 * `__proto__` or `constructor.prototype` (prototype pollution), lone surrogates or NUL in any string, and numbers
 * beyond a double's range. Linear in the length of the text and without recursion.
 *
 * JSON.parse only judges the grammar; the value is built here. V8 13.6 (Node 24.21) reads the key of `{"a":1,"\u0041":2}`
 * as a backslash once it has seen `{"a":1,"\\":2}`, so one caller's request could change what another's means.
 */
export function parseStrictJson(text: string, depthMax: number): Result<unknown, JsonFault> {
  try {
    JSON.parse(text);
  } catch {
    return err("not_json");
  }
  return build(text, depthMax);
}

/** @param text must be valid JSON: only then can it be read token by token, without minding the grammar */
function build(text: string, depthMax: number): Result<unknown, JsonFault> {
  const frames: Frame[] = [];
  let top: unknown;
  let at = 0;
  while (at < text.length) {
    const char = text.charAt(at);
    const frame = frames.at(-1);
    if (char === "}" || char === "]") frames.pop();
    if (" \t\r\n,:}]".includes(char)) {
      at += 1;
      continue;
    }
    const token = readToken(text, at);
    const fault = faultOf(token.value, frame);
    if (fault !== null) return err(fault);
    at = token.end;
    if (frame?.kind === "object" && frame.key === null) {
      frame.key = String(token.value);
      continue;
    }
    const under = frame?.kind === "object" ? frame.key : null;
    if (frame === undefined) top = token.value;
    else place(token.value, frame);
    if (token.kind === "scalar") continue;
    if (frames.length === depthMax) return err("too_deep");
    frames.push(
      token.kind === "array"
        ? { kind: "array", items: token.value }
        : { kind: "object", members: token.value, under, key: null },
    );
  }
  return ok(top);
}

function place(value: unknown, frame: Frame): void {
  if (frame.kind === "array") frame.items.push(value);
  else if (frame.key !== null) {
    frame.members[frame.key] = value;
    frame.key = null;
  }
}

/** A scalar, or the opening of a container with the empty container as its value. */
function readToken(text: string, start: number): Token {
  switch (text.charAt(start)) {
    case "{":
      return { kind: "object", value: {}, end: start + 1 };
    case "[":
      return { kind: "array", value: [], end: start + 1 };
    case '"': {
      const end = stringEnd(text, start);
      const literal = text.slice(start, end);
      const value: unknown = literal.includes("\\") ? JSON.parse(literal) : literal.slice(1, -1);
      return { kind: "scalar", value, end };
    }
    default: {
      const end = scalarEnd(text, start);
      const value: unknown = JSON.parse(text.slice(start, end));
      return { kind: "scalar", value, end };
    }
  }
}

/** Index after the closing quote. */
function stringEnd(text: string, start: number): number {
  let at = start + 1;
  while (text.charAt(at) !== '"') at += text.charAt(at) === "\\" ? 2 : 1;
  return at + 1;
}

/** Of a number, `true`, `false` or `null`. */
function scalarEnd(text: string, start: number): number {
  let at = start;
  while (at < text.length && !" \t\r\n,:}]".includes(text.charAt(at))) at += 1;
  return at;
}

function faultOf(value: unknown, frame: Frame | undefined): JsonFault | null {
  if (typeof value === "number") return Number.isFinite(value) ? null : "number_out_of_range";
  if (typeof value !== "string") return null;
  if (!value.isWellFormed() || value.includes("\0")) return "bad_text";
  if (frame?.kind !== "object" || frame.key !== null) return null;
  if (value === "__proto__" || (value === "prototype" && frame.under === "constructor"))
    return "forbidden_key";
  return Object.hasOwn(frame.members, value) ? "duplicate_key" : null;
}
