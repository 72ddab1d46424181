import { z } from "zod";

/**
 * A JSON pointer (RFC 6901, as a URI fragment) to the place, as far as the schema has names for it: a member's name
 * that the caller made up is input, and input is not echoed.
 */
export function knownPointer(schema: unknown, path: readonly string[]): string {
  const known: string[] = [];
  let inner: unknown = schema;
  for (const segment of path) {
    const next = childOf(inner, segment);
    if (next === null) break;
    known.push(segment.replaceAll("~", "~0").replaceAll("/", "~1"));
    inner = next;
  }
  return ["#", ...known].join("/");
}

/** Names of the members that a place of the schema has, of all its forms where it has several; sorted. */
export function knownMembers(schema: unknown, path: readonly string[]): readonly string[] {
  const place = path.reduce<unknown>((inner, segment) => childOf(inner, segment), schema);
  return [...new Set(membersOf(place))].toSorted();
}

function membersOf(schema: unknown): readonly string[] {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodNullable || schema instanceof z.ZodDefault)
    return membersOf(schema.unwrap());
  if (schema instanceof z.ZodPipe) return [...membersOf(schema.in), ...membersOf(schema.out)];
  if (schema instanceof z.ZodUnion) return schema.options.flatMap(membersOf);
  return schema instanceof z.ZodObject ? Object.keys(schema.shape) : [];
}

function childOf(schema: unknown, segment: string): unknown {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodNullable || schema instanceof z.ZodDefault)
    return childOf(schema.unwrap(), segment);
  if (schema instanceof z.ZodPipe) return childOf(schema.out, segment);
  if (schema instanceof z.ZodArray) return /^\d+$/.test(segment) ? schema.element : null;
  if (schema instanceof z.ZodUnion)
    return schema.options.map((option) => childOf(option, segment)).find((child) => child !== null) ?? null;
  if (!(schema instanceof z.ZodObject)) return null;
  return Object.hasOwn(schema.shape, segment) ? schema.shape[segment] : null;
}
