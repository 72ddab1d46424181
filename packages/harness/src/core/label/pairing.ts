// Whether the requester put the values of one call together. "Pay 20 to Alice and 30 to Bob" has two amounts and two
// recipients, all of them the requester's, and still says that Bob gets no 20.

import type { ArgumentLabels } from "../decide/action-request.ts";
import { accountKey } from "./account.ts";
import { fieldsOf } from "./fields.ts";

/** What a call may take for another of its kind. Names have no form by which they could be told from other words. */
type Kind = "address" | "account" | "amount" | "date" | "url";

type Value = {
  readonly kind: Kind;
  readonly key: string;
  /** Half-open range in the task. */
  readonly start: number;
  readonly end: number;
};

/** Longer tasks, and ones with more values, are no sentences whose parts could be told apart: then nothing is said. */
const TASK_CHARS_MAX = 20_000;
const VALUES_MAX = 200;

/**
 * The call has control values of two kinds or more, of each of which the task has several, and they stand in no clause
 * together, nor in the same place of each kind's row ("20 and 30 to Alice and Bob"). Or one mention serves two of its
 * arguments though the task has another value of that kind. What the task determines is never pieced.
 */
export function isPieced(task: string, controlArguments: readonly string[], labels: ArgumentLabels): boolean {
  if (task.length > TASK_CHARS_MAX) return false;
  const places = placesOf(controlArguments, labels);
  if (places.length < 2) return false;
  const values = valuesOf(task);
  if (values.length > VALUES_MAX) return false;
  const chosen = places.flatMap(({ argument, start, end }) => {
    const value = values.find((one) => one.start < end && start < one.end);
    const isChoice = values.some(({ kind, key }) => kind === value?.kind && key !== value.key);
    return value === undefined || !isChoice ? [] : [{ argument, value }];
  });
  if (servesTwice(chosen)) return true;
  const used = chosen.map(({ value }) => value);
  if (new Set(used.map(({ kind }) => kind)).size < 2) return false;
  return !standTogether(task, values, used) && !standInRow(values, used);
}

type PlaceOfArgument = { readonly argument: string; readonly start: number; readonly end: number };

/** Of control values that stand in the task, and nowhere else. */
function placesOf(controlArguments: readonly string[], labels: ArgumentLabels): readonly PlaceOfArgument[] {
  const tops = new Map(
    controlArguments.map((name) => [`/${name.replaceAll("~", "~0").replaceAll("/", "~1")}`, name]),
  );
  return Object.entries(labels).flatMap(([pointer, { origin, sources }]) => {
    const second = pointer.indexOf("/", 1);
    const argument = tops.get(second < 0 ? pointer : pointer.slice(0, second));
    if (argument === undefined || origin !== "trusted") return [];
    return sources.flatMap(({ source, start, end }) => (source === "task" ? [{ argument, start, end }] : []));
  });
}

const servesTwice = (chosen: readonly { readonly argument: string; readonly value: Value }[]): boolean =>
  chosen.some(({ argument, value }) =>
    chosen.some(
      (other) =>
        other.argument !== argument && other.value.kind === value.kind && other.value.key === value.key,
    ),
  );

const ACCOUNT = /\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{2,4}){3,8}\b/g;
const NUMBER = /(?<![\w.,:/-])\d+(?:[.,]\d+)*(?![\w:/-])/g;

/** In their order, none within another. */
function valuesOf(task: string): readonly Value[] {
  const values: Value[] = [];
  const add = (kind: Kind, key: string, start: number, end: number): void => {
    if (!values.some((other) => start < other.end && other.start < end))
      values.push({ kind, key, start, end });
  };
  const addFields = (kind: Kind, type: "email" | "url" | "date" | "amount"): void => {
    for (const {
      values: [key = ""],
      start,
      end,
    } of fieldsOf(task, type))
      add(kind, key, start, end);
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
  addFields("date", "date");
  addFields("amount", "amount");
  for (const { 0: text, index } of task.matchAll(NUMBER)) add("amount", text, index, index + text.length);
  return values.toSorted((a, b) => a.start - b.start);
}

const JOINT = /[.;!?,。、\n]|\b(?:and|then|und|dann|et|puis|y|luego)\b/iu;
const LIST = /^\s*(?:,|、|と|and|und|et|y|,\s*and)\s*$/iu;

/** A joint ends a clause, but not one that only joins two values of one kind to a list. */
function standTogether(task: string, values: readonly Value[], used: readonly Value[]): boolean {
  const clauses: Value[][] = [];
  for (const [at, value] of values.entries()) {
    const before = values[at - 1];
    const between = before === undefined ? "" : task.slice(before.end, value.start);
    const isList = before?.kind === value.kind && LIST.test(between);
    if (before === undefined || (JOINT.test(between) && !isList)) clauses.push([value]);
    else clauses.at(-1)?.push(value);
  }
  return clauses.some((clause) =>
    used.every(({ kind, key }) => clause.some((value) => value.kind === kind && value.key === key)),
  );
}

/** As many of each kind, and each of them the same one of its kind: the first amount and the first recipient. */
function standInRow(values: readonly Value[], used: readonly Value[]): boolean {
  const rows = Map.groupBy(values, ({ kind }) => kind);
  const places = used.map(({ kind, key }) => {
    const keys = [...new Set((rows.get(kind) ?? []).map((value) => value.key))];
    return { count: keys.length, place: keys.indexOf(key) };
  });
  const [first] = places;
  return places.every(({ count, place }) => count === first?.count && place === first.place);
}
