// The leaves of a call's arguments by JSON pointer (RFC 6901).

import { ARGUMENT_DEPTH_MAX, ARGUMENT_LEAVES_MAX } from "./limits.ts";

/** Pointers of the list and of the item in it. */
export type Item = { readonly list: string; readonly pointer: string };

export type Leaf = {
  readonly pointer: string;
  readonly value: unknown;
  /** Names on the way to it that the model may have made up, outermost first. */
  readonly names: readonly string[];
  /** The item of a list that it is or is a part of, the innermost one; null where there is none. */
  readonly item: Item | null;
  /** It stands for a part of the arguments that was not looked at: too deep, or too much. */
  readonly unseen: boolean;
};

/** Names of arguments are the manifest's; deeper names are the model's unless the tool's schema has them. */
export function leavesOf(args: Readonly<Record<string, unknown>>, schemaNames: ReadonlySet<string>): Leaf[] {
  const leaves: Leaf[] = [];
  const visit = (
    value: unknown,
    pointer: string,
    names: readonly string[],
    depth: number,
    item: Item | null,
  ): boolean => {
    const entries = entriesOf(value);
    const unseen = entries !== null && depth >= ARGUMENT_DEPTH_MAX && entries.length > 0;
    if (entries === null || entries.length === 0 || unseen) {
      if (leaves.length >= ARGUMENT_LEAVES_MAX) return false;
      leaves.push({ pointer, value, names, item, unseen });
      return true;
    }
    for (const [name, inner] of entries) {
      const made = Array.isArray(value) || depth === 0 || schemaNames.has(name);
      const next = `${pointer}/${name.replaceAll("~", "~0").replaceAll("/", "~1")}`;
      const inside = Array.isArray(value) ? { list: pointer, pointer: next } : item;
      if (visit(inner, next, made ? names : [...names, name], depth + 1, inside)) continue;
      return false;
    }
    return true;
  };
  for (const [name, value] of Object.entries(args)) {
    const pointer = `/${name.replaceAll("~", "~0").replaceAll("/", "~1")}`;
    if (visit(value, pointer, [], 1, null)) continue;
    // Everything from here on is one leaf: the rest of this argument and all further ones.
    for (const rest of Object.keys(args).slice(Object.keys(args).indexOf(name)))
      leaves.push({
        pointer: `/${rest.replaceAll("~", "~0").replaceAll("/", "~1")}`,
        value: null,
        names: [],
        item: null,
        unseen: true,
      });
    break;
  }
  return leaves;
}

function entriesOf(value: unknown): [string, unknown][] | null {
  return typeof value === "object" && value !== null ? Object.entries(value) : null;
}
