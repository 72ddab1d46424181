// Values of a task that a call may take one for another: each has a form by which it is told from other words.

import { accountKey } from "./account.ts";
import { fieldsOf } from "./fields.ts";

export type Value = {
  /** Values of one kind may stand for each other; `id` has the letters' and digits' pattern behind it. */
  readonly kind: "address" | "account" | "amount" | "date" | "url" | "path" | `id ${string}`;
  readonly key: string;
  /** Half-open range in the task. */
  readonly start: number;
  readonly end: number;
};

const ACCOUNT = /\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{2,4}){3,8}\b/g;
/** By its form alone: whether its check digits are right is for whoever pays. */
const ACCOUNT_LIKE = /\b[A-Z]{2}\d{2}[A-Z0-9]{11,30}\b/g;
const NUMBER = /(?<![\w.,:/-])\d+(?:[.,]\d+)*(?![\w:/-])/g;
/** A name with an ending, or with folders before it. */
const PATH =
  /(?<![\p{L}\p{N}_.@/-])(?:[\p{L}\p{N}_.-]+\/)*[\p{L}\p{N}_-]+(?:\.[\p{L}\p{N}_-]+)+(?![\p{L}\p{N}_@/-]|\.[\p{L}\p{N}])/gu;
const FOLDED =
  /(?<![\p{L}\p{N}_.@:/-])[\p{L}\p{N}_.-]*(?:\/[\p{L}\p{N}_.-]*[\p{L}\p{N}_-])+(?![\p{L}\p{N}_@-])/gu;
/** Letters and digits: `m-3`, `AX310`, `INV-2026-004`. */
const ID =
  /(?<![\p{L}\p{N}_.@/-])(?=[A-Za-z-]*\d)(?=[\d-]*[A-Za-z])[A-Za-z0-9]+(?:[-_][A-Za-z0-9]+)*(?![\p{L}\p{N}_@/-]|\.\w)/gu;

/** In their order, none within another. Names have no form by which they could be told from other words. */
export function valuesOf(task: string): readonly Value[] {
  const values: Value[] = [];
  const add = (kind: Value["kind"], key: string, start: number, end: number): void => {
    if (!values.some((other) => start < other.end && other.start < end))
      values.push({ kind, key, start, end });
  };
  const addFields = (kind: Value["kind"], type: "email" | "url" | "date" | "amount"): void => {
    for (const {
      values: [key = ""],
      start,
      end,
    } of fieldsOf(task, type))
      add(kind, key, start, end);
  };
  const addAll = (pattern: RegExp, kindOf: (text: string) => Value["kind"]): void => {
    for (const { 0: text, index } of task.matchAll(pattern))
      add(kindOf(text), text.toLowerCase(), index, index + text.length);
  };
  // Groups of digits that follow an account are no part of it: its check digits say where it ends.
  const addAccount = (text: string, index: number): void => {
    for (let end = text.length; end > 0; end = text.lastIndexOf(" ", end - 1)) {
      const key = accountKey(text.slice(0, end).toLowerCase());
      if (key === null) continue;
      add("account", key, index, index + end);
      return;
    }
  };
  addFields("address", "email");
  addFields("url", "url");
  for (const { 0: text, index } of task.matchAll(ACCOUNT)) addAccount(text, index);
  addAll(ACCOUNT_LIKE, () => "account");
  addFields("date", "date");
  addFields("amount", "amount");
  addAll(NUMBER, () => "amount");
  addAll(PATH, () => "path");
  addAll(FOLDED, () => "path");
  addAll(ID, (text) => `id ${patternOf(text)}`);
  return values.toSorted((a, b) => a.start - b.start);
}

/** `m-3` and `m-17` are two of a kind, and `AX310` is none of it. */
const patternOf = (id: string): string =>
  id
    .toLowerCase()
    .replaceAll(/\d+/g, "9")
    .replaceAll(/[a-z]+/g, (letters) => (letters.length > 2 ? "a" : letters));
