// The same worlds in other clothes: other tool names, other shapes of arguments, drawn by seed. Rules that lean on how
// our own worlds happen to be written fall to one of these; where a value comes from does not change by them.

import { createDice, type Dice } from "../facts.ts";
import type { Goal } from "../goals.ts";
import { type Args, type Call, isList, type Json, type Manifest, type Task, type Tool } from "../world.ts";

const VERBS: Readonly<Record<string, readonly string[]>> = {
  send: ["send", "dispatch", "deliver"],
  delete: ["remove", "trash", "erase"],
  cancel: ["revoke", "drop", "delete"],
  set: ["update", "configure", "assign"],
  change: ["update", "edit", "adjust"],
  add: ["create", "insert", "append"],
  create: ["new", "schedule", "register"],
  write: ["save", "put", "store"],
  share: ["grant", "share", "publish"],
  post: ["publish", "post", "submit"],
  direct: ["message", "notify", "ping"],
  move: ["reschedule", "shift", "move"],
  book: ["reserve", "book", "order"],
  forward: ["forward", "relay", "resend"],
  reply: ["answer", "reply", "respond"],
  open: ["visit", "browse", "fetch"],
  read: ["get", "show", "load"],
  list: ["all", "index", "enumerate"],
  search: ["find", "query", "lookup"],
};

type Style = (verb: string, things: readonly string[]) => string;
const capital = (word: string): string => `${word.slice(0, 1).toUpperCase()}${word.slice(1)}`;
const STYLES: readonly Style[] = [
  (verb, things) => [verb, ...things].join("_"),
  (verb, things) => [verb, ...things.map(capital)].join(""),
  (verb, things) => `${things.join("-")}.${verb}`,
  (verb, things) => `srv__${[...things, verb].join("_")}`,
];

type Shape = {
  readonly control: readonly string[];
  readonly schema: (fields: Readonly<Record<string, Json>>) => Json;
  readonly dress: (args: Args) => Args;
  readonly undress: (args: Args) => Args;
};

const properties = (fields: Readonly<Record<string, Json>>): Json => ({
  type: "object",
  properties: fields,
  required: Object.keys(fields),
  additionalProperties: false,
});
const objectOf = (value: Json | undefined): Args =>
  typeof value === "object" && value !== null && !isList(value) ? value : {};
const pick = <T>(from: Readonly<Record<string, T>>, names: (name: string) => boolean): Record<string, T> =>
  Object.fromEntries(Object.entries(from).filter(([name]) => names(name)));
const map = (args: Args, change: (value: Json) => Json): Args =>
  Object.fromEntries(Object.entries(args).map(([name, value]) => [name, change(value)]));

/** Control values under one object, content under another. */
function nested({ control_arguments: control }: Manifest): Shape {
  const isControl = (name: string): boolean => control.includes(name);
  return {
    control: ["target"],
    schema: (fields) =>
      properties({
        target: properties(pick(fields, isControl)),
        payload: properties(pick(fields, (name) => !isControl(name))),
      }),
    dress: (args) => ({ target: pick(args, isControl), payload: pick(args, (name) => !isControl(name)) }),
    undress: ({ target, payload }) => ({ ...objectOf(target), ...objectOf(payload) }),
  };
}

const wrap = (value: Json): Json => (isList(value) ? value.map((each) => ({ value: each })) : value);
const unwrap = (value: Json): Json =>
  isList(value) ? value.map((each) => objectOf(each)["value"] ?? null) : value;
const prefixed = (args: Args): Args =>
  Object.fromEntries(Object.entries(args).map(([name, value]) => [`the_${name}`, value]));
const bare = (args: Args): Args =>
  Object.fromEntries(Object.entries(args).map(([name, value]) => [name.slice(4), value]));

/** Every name another one, and lists of values lists of objects. */
function renamed({ control_arguments: control }: Manifest): Shape {
  const item = properties({ value: { type: "string" } });
  return {
    control: control.map((name) => `the_${name}`),
    schema: (fields) =>
      properties(
        prefixed(
          map(fields, (field) =>
            objectOf(field)["type"] === "array" ? { type: "array", items: item } : field,
          ),
        ),
      ),
    dress: (args) => prefixed(map(args, wrap)),
    undress: (args) => bare(map(args, unwrap)),
  };
}

/** Numbers as text, and one value in place of a list of one. */
function loose({ control_arguments: control }: Manifest): Shape {
  const text = { type: ["string", "array"], items: { type: "string" } };
  return {
    control,
    schema: (fields) => properties(map(fields, () => text)),
    dress: (args) =>
      map(args, (value) =>
        typeof value === "number"
          ? String(value)
          : isList(value) && value.length === 1
            ? (value[0] ?? "")
            : value,
      ),
    undress: (args) => args,
  };
}

const SHAPES = [nested, renamed, loose] as const;

type Dressed = { readonly tool: Tool; readonly dress: (call: Call) => Call };

/** What a loosely written argument is to the tool below: by its own schema. */
function strictly(schema: Manifest["input_schema"], args: Args): Args {
  const fields = objectOf(schema["properties"]);
  return Object.fromEntries(
    Object.entries(args).map(([name, value]) => {
      const { type } = objectOf(fields[name]);
      if (type === "number" && typeof value === "string") return [name, Number(value)];
      return [name, type === "array" && !isList(value) ? [value] : value];
    }),
  );
}

function dressTool(tool: Tool, dice: Dice): Dressed {
  const { manifest } = tool;
  const [verb = "", ...things] = manifest.name.split("_");
  const name = dice.pick(STYLES)(dice.pick(VERBS[verb] ?? [verb]), things);
  const shape = dice.pick(SHAPES)(manifest);
  const fields = objectOf(manifest.input_schema["properties"]);
  const dressed: Tool = {
    manifest: {
      ...manifest,
      name,
      input_schema: objectOf(shape.schema(fields)),
      control_arguments: shape.control,
    },
    run: (state, args) => tool.run(state, strictly(manifest.input_schema, shape.undress(args))),
  };
  return { tool: dressed, dress: ({ arguments: args }) => ({ tool: name, arguments: shape.dress(args) }) };
}

type Dressable = {
  readonly name: string;
  readonly tools: ReadonlyMap<string, Tool>;
  readonly tasks: readonly Task[];
  readonly goals: readonly Goal[];
};

/** @returns the world with other names and shapes, its tasks and goals with it */
export function redress<W extends Dressable>(world: W, seed: number): Omit<W, keyof Dressable> & Dressable {
  const dice = createDice(seed, `dress ${world.name}`);
  const dressed = new Map([...world.tools].map(([name, tool]) => [name, dressTool(tool, dice)] as const));
  const dress = (call: Call): Call => dressed.get(call.tool)?.dress(call) ?? call;
  const tasks = world.tasks.map((task): Task => ({ ...task, calls: task.calls.map(dress) }));
  const goals = world.goals.map((goal): Goal => ({
    ...goal,
    calls: (values, facts) => goal.calls(values, facts).map(dress),
  }));
  return {
    ...world,
    tools: new Map([...dressed.values()].map(({ tool }) => [tool.manifest.name, tool] as const)),
    tasks,
    goals,
  };
}
