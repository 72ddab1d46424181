import canonicalize from "canonicalize";
import { AssertionFailed } from "./assert.ts";

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/**
 * The RFC 8785 form of a JSON value: equal values give equal bytes.
 * Throws AssertionFailed for what is not JSON (undefined, functions, class instances, NaN, lone surrogates): the
 * library drops some of these without a word, and then two different things would share a digest.
 */
export function canonicalJson(value: unknown): string {
  requireJson(value, 0);
  const text = canonicalize(value);
  if (text === undefined) throw new AssertionFailed("a JSON value has a canonical form");
  return text;
}

const DEPTH_MAX = 64;

function requireJson(value: unknown, depth: number): asserts value is Json {
  if (depth > DEPTH_MAX) throw new AssertionFailed(`JSON is at most ${DEPTH_MAX} levels deep`);
  switch (typeof value) {
    case "boolean":
      return;
    case "string":
      if (!value.isWellFormed()) throw new AssertionFailed("JSON text has no lone surrogates");
      return;
    case "number":
      if (!Number.isFinite(value)) throw new AssertionFailed("JSON numbers are finite");
      return;
    case "object":
      requireJsonObject(value, depth);
      return;
    case "bigint":
    case "function":
    case "symbol":
    case "undefined":
      throw new AssertionFailed(`${typeof value} is not JSON`);
  }
}

function requireJsonObject(value: object | null, depth: number): void {
  if (value === null) return;
  if (Array.isArray(value)) {
    for (const item of value) requireJson(item, depth + 1);
    return;
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null)
    throw new AssertionFailed("only plain objects are JSON");
  for (const [key, item] of Object.entries(value)) {
    if (!key.isWellFormed()) throw new AssertionFailed("JSON keys have no lone surrogates");
    requireJson(item, depth + 1);
  }
}
