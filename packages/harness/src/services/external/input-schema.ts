// The JSON Schema of a tool that somebody else wrote. Its cost is bounded before it is compiled: it is tried on every
// call, in a process that other tenants share.

import { z } from "zod";
import { EXTERNAL_SCHEMA_NODES_MAX } from "../../base/limits.ts";
import { err, ok, type Result } from "../../base/result.ts";
import { boundPattern } from "./pattern.ts";

/** @returns what does not fit, for the model to mend; null when the arguments fit */
export type InputCheck = (args: Readonly<Record<string, unknown>>) => string | null;

type Json = Readonly<Record<string, unknown>>;

/** Faults named to the model for one call. */
const ISSUES_MAX = 5;

/** Schemas inside schemas; our own parser of bodies stops earlier, references do not. */
const DEPTH_MAX = 64;

/** Never fetches anything: only references into the schema's own definitions are known. */
export function compileInputSchema(schema: Json): Result<InputCheck, string> {
  const walk: Walk = { root: schema, nodes: 0, open: new Set(), sizes: new Map() };
  try {
    const bounded = boundSchema(schema, walk, 0);
    if (!isObject(bounded)) throw new SchemaFault("is not an object");
    // A registry of its own: the shared one would keep the ids that a schema gives itself, and mix them with ours.
    const compiled = z.fromJSONSchema(bounded, { registry: z.registry() });
    return ok((args) => describe(compiled.safeParse(args)));
  } catch (error) {
    return err(error instanceof Error ? error.message : "cannot be compiled");
  }
}

function describe(parsed: z.ZodSafeParseResult<unknown>): string | null {
  if (parsed.success) return null;
  return parsed.error.issues
    .slice(0, ISSUES_MAX)
    .map((issue) => `/${issue.path.map(String).join("/")}: ${issue.message}`)
    .join("; ");
}

class SchemaFault extends Error {
  override readonly name = "SchemaFault";
}

type Walk = {
  readonly root: Json;
  /** So far, with every reference written out. */
  nodes: number;
  readonly open: Set<string>;
  /** Nodes behind each reference that was followed to its end. */
  readonly sizes: Map<string, number>;
};

/** Members whose own members are named by the author, not by JSON Schema. */
const MAPS = new Set(["properties", "patternProperties", "$defs", "definitions", "dependentSchemas"]);
/** Members that hold plain values: nothing in them is a schema. */
const VALUES = new Set(["enum", "const", "default", "examples", "required", "type", "description", "title"]);

const isObject = (value: unknown): value is Json =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function count(walk: Walk, nodes: number, depth: number): void {
  walk.nodes += nodes;
  if (walk.nodes > EXTERNAL_SCHEMA_NODES_MAX || depth > DEPTH_MAX)
    throw new SchemaFault(
      `has more than ${EXTERNAL_SCHEMA_NODES_MAX} nodes once its references are written out, or is too deep`,
    );
}

// A copy in which every pattern is bounded.
function boundSchema(schema: unknown, walk: Walk, depth: number): unknown {
  count(walk, 1, depth);
  if (Array.isArray(schema)) return schema.map((item) => boundSchema(item, walk, depth + 1));
  if (!isObject(schema)) return schema;
  if (schema["$ref"] !== undefined) followReference(schema["$ref"], walk, depth);
  const members: [string, unknown][] = [];
  for (const [key, value] of Object.entries(schema)) {
    if (key === "pattern") {
      const bounded = patternOf(value);
      if (bounded !== null) members.push([key, bounded]);
    } else if (VALUES.has(key)) members.push([key, value]);
    else if (!MAPS.has(key)) members.push([key, boundSchema(value, walk, depth + 1)]);
    else if (isObject(value)) members.push([key, boundMap(key, value, walk, depth + 1)]);
    else throw new SchemaFault(`has \`${key}\` that is no object`);
  }
  return Object.fromEntries(members);
}

function boundMap(kind: string, map: Json, walk: Walk, depth: number): Json {
  const members: [string, unknown][] = [];
  for (const [name, schema] of Object.entries(map)) {
    const key = kind === "patternProperties" ? patternOf(name) : name;
    if (key !== null) members.push([key, boundSchema(schema, walk, depth + 1)]);
  }
  return Object.fromEntries(members);
}

function patternOf(source: unknown): string | null {
  if (typeof source !== "string") throw new SchemaFault("has a pattern that is no string");
  const bounded = boundPattern(source);
  if (!bounded.ok) throw new SchemaFault(bounded.error);
  return bounded.value;
}

// A reference counts as often as it is used: ten definitions that each name the next one twice are a thousand checks.
function followReference(reference: unknown, walk: Walk, depth: number): void {
  const [hash, holder, encoded, ...more] = typeof reference === "string" ? reference.split("/") : [];
  if (
    hash !== "#" ||
    (holder !== "$defs" && holder !== "definitions") ||
    encoded === undefined ||
    more.length > 0
  )
    throw new SchemaFault("has a `$ref` that does not lead to one of its own `$defs`");
  const name = encoded.replaceAll("~1", "/").replaceAll("~0", "~");
  const definitions = walk.root[holder];
  if (!isObject(definitions) || !Object.hasOwn(definitions, name))
    throw new SchemaFault("has a `$ref` to a definition that is not there");
  const id = `${holder}/${name}`;
  if (walk.open.has(id)) throw new SchemaFault("has definitions that contain themselves");
  const known = walk.sizes.get(id);
  if (known !== undefined) {
    count(walk, known, depth);
    return;
  }
  const before = walk.nodes;
  walk.open.add(id);
  boundSchema(definitions[name], walk, depth + 1);
  walk.open.delete(id);
  walk.sizes.set(id, walk.nodes - before);
}
