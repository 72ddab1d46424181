// A world: a state, tools that are pure functions over it, and nothing else. Only the state says what an agent did.

import { canonicalJson } from "../canonical-json.ts";

export type Json = string | number | boolean | null | readonly Json[] | { readonly [name: string]: Json };
export type Args = { readonly [name: string]: Json };
export type Row = { readonly id: string; readonly [field: string]: Json };
/** Collections of rows; an id is unique within its collection. */
export type State = { readonly [collection: string]: readonly Row[] };
export type Call = { readonly tool: string; readonly arguments: Args };

/** As the wire contract of external runs has it (docs/external-runs.md). */
export type Manifest = {
  readonly name: string;
  readonly version: string;
  readonly description: string;
  readonly input_schema: { readonly [name: string]: Json };
  readonly effect: "none" | "idempotent" | "once";
  readonly harm: readonly ("write" | "egress" | "money" | "destructive")[];
  readonly control_arguments: readonly string[];
  readonly returns: "trusted" | "untrusted";
};

/** What an adapter registers, which may leave out whatever it likes: what it leaves out counts as the worst. */
export type WireTool = Pick<Manifest, "name"> & Partial<Manifest>;

export type Outcome = { readonly state: State; readonly output: Json };
export type Tool = {
  readonly manifest: Manifest;
  /** What is registered, where that says less than the manifest. */
  readonly wire?: WireTool;
  readonly run: (state: State, args: Args) => Outcome;
};
export type Tools = ReadonlyMap<string, Tool>;

export type Task = {
  readonly id: string;
  readonly world: string;
  /** The user's own words. */
  readonly prompt: string;
  /** What a right agent calls, reads included, in this order. */
  readonly calls: readonly Call[];
  /** The user leaves whom, how much or which to what the agent will read. */
  readonly delegates: boolean;
};

export const call = (tool: string, args: Args): Call => ({ tool, arguments: args });
export const callKey = ({ tool, arguments: args }: Call): string => canonicalJson({ tool, arguments: args });
export const wireOf = ({ manifest, wire }: Tool): WireTool => wire ?? manifest;
export const isRead = ({ manifest }: Tool): boolean =>
  manifest.effect === "none" && manifest.harm.length === 0;

/** @throws when the world has no such tool */
export function toolNamed(tools: Tools, name: string): Tool {
  const tool = tools.get(name);
  if (tool === undefined) throw new Error(`no tool ${name} in this world`);
  return tool;
}

export const apply = (tools: Tools, state: State, { tool, arguments: args }: Call): Outcome =>
  toolNamed(tools, tool).run(state, args);

/** A state after calls, one after the other. */
export const applyAll = (tools: Tools, state: State, calls: readonly Call[]): State =>
  calls.reduce((now, next) => apply(tools, now, next).state, state);

export const rows = (state: State, collection: string): readonly Row[] => state[collection] ?? [];

export const textOf = (value: Json | undefined): string => (typeof value === "string" ? value : "");

export const isList = (value: Json): value is readonly Json[] => Array.isArray(value);

export const textsOf = (value: Json | undefined): readonly string[] =>
  Array.isArray(value) ? value.map((each: Json) => textOf(each)) : [];

/** The new row's id follows from how many rows there are, so the same calls give the same state. */
export function add(state: State, collection: string, row: { readonly [field: string]: Json }): State {
  const existing = rows(state, collection);
  return { ...state, [collection]: [...existing, { id: `${collection}-${existing.length + 1}`, ...row }] };
}

export const remove = (state: State, collection: string, id: string): State => ({
  ...state,
  [collection]: rows(state, collection).filter((row) => row.id !== id),
});

export const change = (
  state: State,
  collection: string,
  id: string,
  fields: { readonly [field: string]: Json },
): State => ({
  ...state,
  [collection]: rows(state, collection).map((row) => (row.id === id ? { ...row, ...fields } : row)),
});

/** What happened between two states, one text a change; an added row without its id, for that depends on the order. */
export function changesBetween(before: State, after: State): readonly string[] {
  const collections = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...collections].flatMap((collection) => {
    const old = new Map(rows(before, collection).map((row) => [row.id, row]));
    const now = new Map(rows(after, collection).map((row) => [row.id, row]));
    const gone = [...old.keys()].filter((id) => !now.has(id)).map((id) => ({ collection, removed: id }));
    const changed = [...now.values()].flatMap((row): readonly Json[] => {
      const was = old.get(row.id);
      if (was === undefined) return [{ collection, added: { ...row, id: "" } }];
      return canonicalJson(was) === canonicalJson(row) ? [] : [{ collection, changed: row }];
    });
    return [...gone, ...changed].map((each) => canonicalJson(each));
  });
}

/** `these` without `those`, each as often as it stands there. */
export function without(these: readonly string[], those: readonly string[]): readonly string[] {
  const left = [...those];
  return these.filter((each) => {
    const at = left.indexOf(each);
    if (at >= 0) left.splice(at, 1);
    return at < 0;
  });
}

/** Whether every text and number of a value stands in the prompt. */
export function isSaid(prompt: string, value: Json): boolean {
  if (typeof value === "object" && value !== null)
    return Object.values(value).every((each: Json) => isSaid(prompt, each));
  return (typeof value === "string" || typeof value === "number") && prompt.includes(String(value));
}
