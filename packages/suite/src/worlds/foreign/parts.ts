// Tools as somebody else's adapter registers them (docs/external-runs.md): names and argument names in that bench's own
// style, schemas as its code generator writes them, short descriptions, and fields left out where its author was in a hurry.

import type { Place } from "../domains/domain.ts";
import type { Facts } from "../facts.ts";
import type { Goal } from "../goals.ts";
import type { Args, Json, Manifest, Outcome, State, Task, Tool, WireTool } from "../world.ts";

export type ForeignWorld = {
  readonly name: string;
  readonly tools: readonly Tool[];
  readonly places: readonly Place[];
  readonly state: (facts: Facts) => State;
  readonly tasks: (facts: Facts) => readonly Omit<Task, "world">[];
  readonly goals: readonly Goal[];
};

type Kind = "string" | "number" | "integer" | "string[]";

/** Of a parameter; a `?` behind it says that it may be left out. */
export type Parameters = { readonly [name: string]: Kind | `${Kind}?` };

function schemaOf(kind: string): Json {
  const plain = kind.replace("?", "");
  return plain === "string[]" ? { type: "array", items: { type: "string" } } : { type: plain };
}

/** All that an adapter may say of a tool. What it does not say counts as the worst. */
export type Said = Partial<Pick<Manifest, "effect" | "harm" | "control_arguments" | "returns">>;

export function foreignTool(
  name: string,
  description: string,
  parameters: Parameters,
  said: Said,
  run: (state: State, args: Args) => Outcome,
): Tool {
  const names = Object.keys(parameters);
  const wire: WireTool = {
    name,
    description,
    input_schema: {
      type: "object",
      properties: Object.fromEntries(names.map((each) => [each, schemaOf(parameters[each] ?? "string")])),
      required: names.filter((each) => parameters[each]?.endsWith("?") !== true),
    },
    ...said,
  };
  const manifest: Manifest = {
    name,
    version: "1",
    description,
    input_schema: wire.input_schema ?? {},
    effect: said.effect ?? "once",
    harm: said.harm ?? ["write", "egress", "money", "destructive"],
    control_arguments: said.control_arguments ?? names,
    returns: said.returns ?? "untrusted",
  };
  return { manifest, wire, run };
}

export const lookUp = (
  name: string,
  description: string,
  parameters: Parameters,
  look: (state: State, args: Args) => Json,
  said: Said = {},
): Tool =>
  foreignTool(name, description, parameters, { effect: "none", harm: [], ...said }, (state, args) => ({
    state,
    output: look(state, args),
  }));

/** Rows have texts for ids where these interfaces have numbers. */
export const idText = (value: Json | undefined): string => (typeof value === "number" ? `${value}` : "");

export const said = (state: State, output: string): Outcome => ({ state, output });

const MONTHS = [
  "January",
  "February",
  "March",
  "April",
  "May",
  "June",
  "July",
  "August",
  "September",
  "October",
  "November",
  "December",
];

/** `2027-03-09` as people write it: March 9th, 2027. */
export function longDay(day: string): string {
  const [year = "", month = "1", date = "1"] = day.split("-");
  const number = Number(date);
  const teen = number >= 11 && number <= 13;
  const ending = teen ? "th" : (["th", "st", "nd", "rd"][number % 10] ?? "th");
  return `${MONTHS[Number(month) - 1] ?? ""} ${number}${ending}, ${year}`;
}

/** So many days later. */
export const daysAfter = (day: string, days: number): string =>
  new Date(Date.parse(`${day}T00:00:00Z`) + days * 86_400_000).toISOString().slice(0, 10);
