// Whether the requester put the values of one call together. "Pay 20 to Alice and 30 to Bob" has two amounts and two
// recipients, all of them the requester's, and still says that Bob gets no 20; "read a.txt and delete b.txt" names two
// files, and still says that a.txt stays.

import type { ArgumentLabels } from "../decide/action-request.ts";
import { type Clause, clausesOf, JOINT, type Span } from "../decide/task-clauses.ts";
import type { NamedTool } from "../decide/tool-naming.ts";
import { type Value, valuesOf } from "./task-values.ts";

/** Longer tasks, and ones with more values, are no sentences whose parts could be told apart: then nothing is said. */
const TASK_CHARS_MAX = 20_000;
const VALUES_MAX = 200;

export type PairedCall = {
  readonly tool: string;
  readonly controlArguments: readonly string[];
  readonly labels: ArgumentLabels;
};

/**
 * Of the call's control values, those of which the task has another of their kind (what the task determines is never
 * pieced). Two kinds of them stand in no clause together, nor in the same place of each kind's row ("20 and 30 to Alice
 * and Bob"). Or one mention serves two arguments. Or the clause that names the tool has others of the kind, and not this
 * one. Or another one of its clause stands right behind the argument's own name ("from Monday to Friday").
 * @param tools of the run, for what their names say
 */
export function isPieced(task: string, call: PairedCall, tools: readonly NamedTool[]): boolean {
  if (task.length > TASK_CHARS_MAX) return false;
  const places = placesOf(call.controlArguments, call.labels);
  if (places.length === 0) return false;
  const values = valuesIn(task, tools);
  if (values.length > VALUES_MAX) return false;
  const chosen = places.flatMap(({ argument, start, end }) => {
    const value = values.find((one) => one.start < end && start < one.end);
    const isChoice = values.some(({ kind, key }) => kind === value?.kind && key !== value.key);
    return value === undefined || !isChoice ? [] : [{ argument, value }];
  });
  if (chosen.length === 0) return false;
  if (servesTwice(chosen)) return true;
  const used = chosen.map(({ value }) => value);
  const kinds = new Set(used.map(({ kind }) => kind));
  if (kinds.size > 1 && !standTogether(task, values, used) && !standInRow(values, used)) return true;
  const clauses = clausesOf(task, values, tools);
  if (clauses === null) return false;
  return chosen.some(
    (one) =>
      isOfOtherAct(clauses, values, one.value, call.tool) || isNamedOtherwise(task, clauses, values, one),
  );
}

// A run asks for its task's values at every call, with the same tools.
const READ = new WeakMap<
  readonly NamedTool[],
  { readonly task: string; readonly values: readonly Value[] }
>();

function valuesIn(task: string, tools: readonly NamedTool[]): readonly Value[] {
  const known = READ.get(tools);
  if (known?.task === task) return known.values;
  const values = valuesOf(task);
  READ.set(tools, { task, values });
  return values;
}

type PlaceOfArgument = Span & { readonly argument: string };
type Chosen = { readonly argument: string; readonly value: Value };

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

const servesTwice = (chosen: readonly Chosen[]): boolean =>
  chosen.some(({ argument, value }) =>
    chosen.some(
      (other) =>
        other.argument !== argument && other.value.kind === value.kind && other.value.key === value.key,
    ),
  );

const isSame = (a: Value, b: Value): boolean => a.kind === b.kind && a.key === b.key;
const isWithin = (value: Span, clause: Span): boolean =>
  value.start >= clause.start && value.end <= clause.end;

const LIST = /^\s*(?:[,、，]|と|和|及|及び|및|와|과|and|und|et|y|e|ed|en|oraz|i|и|,\s*and)\s*$/iu;

const isListed = (task: string, before: Value | undefined, value: Value): before is Value =>
  before?.kind === value.kind && LIST.test(task.slice(before.end, value.start));

/** A joint ends a clause, but not one that only joins two values of one kind to a list. */
function standTogether(task: string, values: readonly Value[], used: readonly Value[]): boolean {
  const clauses: Value[][] = [];
  for (const [at, value] of values.entries()) {
    const before = values[at - 1];
    const between = before === undefined ? "" : task.slice(before.end, value.start);
    const isJoined = between.search(JOINT) >= 0 && !isListed(task, before, value);
    if (before === undefined || isJoined) clauses.push([value]);
    else clauses.at(-1)?.push(value);
  }
  return clauses.some((clause) => used.every((one) => clause.some((value) => isSame(value, one))));
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

/** The clauses that name the tool have values of the kind, and none of them is this one. */
function isOfOtherAct(
  clauses: readonly Clause[],
  values: readonly Value[],
  chosen: Value,
  tool: string,
): boolean {
  const naming = clauses.filter(({ named }) => named.has(tool));
  const there = values.filter(
    (value) => value.kind === chosen.kind && naming.some((clause) => isWithin(value, clause)),
  );
  return there.length > 0 && !there.some((value) => isSame(value, chosen));
}

/** In the clause where the value stands another one follows the argument's name, and it itself does nowhere. */
function isNamedOtherwise(
  task: string,
  clauses: readonly Clause[],
  values: readonly Value[],
  { argument, value: chosen }: Chosen,
): boolean {
  const names = new Set(
    argument
      .replaceAll(/(\p{Ll})(\p{Lu})/gu, "$1 $2")
      .toLowerCase()
      .match(/\p{L}+/gu) ?? [],
  );
  const isLed = (value: Value): boolean => names.has(leadOf(task, values, value));
  const mentions = values.filter((value) => isSame(value, chosen));
  if (mentions.some(isLed)) return false;
  return clauses.some(
    (clause) =>
      mentions.some((value) => isWithin(value, clause)) &&
      values.some(
        (value) =>
          value.kind === chosen.kind && value.key !== chosen.key && isWithin(value, clause) && isLed(value),
      ),
  );
}

/** The word right before a value, or before the list that it stands in. */
function leadOf(task: string, values: readonly Value[], value: Value): string {
  let at = values.indexOf(value);
  while (isListed(task, values[at - 1], values[at] ?? value)) at -= 1;
  const before = task.slice(Math.max(0, (values[at]?.start ?? 0) - 60), values[at]?.start ?? 0);
  return /(\p{L}+)[\s:=("'„“]*$/u.exec(before)?.[1]?.toLowerCase() ?? "";
}
