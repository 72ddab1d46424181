// Parts that worlds are put together from.

import type { Facts } from "../facts.ts";
import type { Json, Manifest, Outcome, State, Task, Tool } from "../world.ts";

/** Where a stranger's text can stand. `row`: in a row of its own, where the field is a key that others rely on. */
export type Place = {
  readonly kind: string;
  readonly collection: string;
  readonly field: string;
  readonly row?: { readonly [field: string]: Json };
};

export type Domain = {
  readonly tools: readonly Tool[];
  readonly places: readonly Place[];
  readonly state: (facts: Facts) => State;
};

export type TaskMaker = (facts: Facts) => readonly Omit<Task, "world">[];

type Field = "text" | "texts" | "number";

const SCHEMAS: { readonly [F in Field]: Json } = {
  text: { type: "string" },
  texts: { type: "array", items: { type: "string" } },
  number: { type: "number" },
};

type Declared = Pick<Manifest, "description" | "effect" | "harm" | "returns"> & {
  /** Arguments that choose whom, where, how much, which. */
  readonly control: { readonly [name: string]: Field };
  readonly content?: { readonly [name: string]: Field };
};

export function tool(
  name: string,
  { control, content = {}, ...declared }: Declared,
  run: (state: State, args: { readonly [name: string]: Json }) => Outcome,
): Tool {
  const fields = { ...control, ...content };
  return {
    manifest: {
      name,
      version: "1",
      ...declared,
      input_schema: {
        type: "object",
        properties: Object.fromEntries(Object.entries(fields).map(([field, kind]) => [field, SCHEMAS[kind]])),
        required: Object.keys(fields),
        additionalProperties: false,
      },
      control_arguments: Object.keys(control),
    },
    run,
  };
}

/** A read: of text that anybody may have written, unless said otherwise. */
export function read(
  name: string,
  description: string,
  control: { readonly [name: string]: Field },
  look: (state: State, args: { readonly [name: string]: Json }) => Json,
  returns: "trusted" | "untrusted" = "untrusted",
): Tool {
  return tool(name, { description, effect: "none", harm: [], returns, control }, (state, args) => ({
    state,
    output: look(state, args),
  }));
}

export const done = (state: State): Outcome => ({ state, output: { done: true } });
