// Texts that come from outside, made fit for the journal: JSON and Postgres take neither lone surrogates nor NUL.

import { isSoundJson } from "../../base/sound-json.ts";
import { ARGUMENTS_DEPTH_MAX, WARNING_CHARS_MAX, WARNINGS_MAX } from "./limits.ts";

/** The text with every lone surrogate and every NUL replaced by U+FFFD. */
export function cleanText(text: string): string {
  return text.toWellFormed().replaceAll("\0", "\uFFFD");
}

/**
 * The arguments of a call, or null where the model's text for them is not a JSON object that can be journaled,
 * digested and approved as it is. Nothing is repaired: a person assents to exactly what the tool will get.
 */
export function parseArguments(text: string): Readonly<Record<string, unknown>> | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  return isPlainObject(value) && isSoundJson(value, ARGUMENTS_DEPTH_MAX) ? value : null;
}

export function isPlainObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Warnings as the journal keeps them: clean, short, each once. */
export function boundWarnings(warnings: readonly string[]): readonly string[] {
  const unique = new Set(warnings.map((warning) => cleanText(warning.slice(0, WARNING_CHARS_MAX))));
  return [...unique].slice(0, WARNINGS_MAX);
}
