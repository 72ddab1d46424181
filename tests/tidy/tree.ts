// What the tidy tests look at: every source file, and how its imports read.

import { globSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseSync } from "oxc-parser";

export const ROOT: string = fileURLToPath(new URL("../../", import.meta.url));

/** Paths from the root, sorted. */
export function listFiles(...patterns: readonly string[]): string[] {
  return patterns
    .flatMap((pattern) => globSync(pattern, { cwd: ROOT, exclude: ["**/node_modules/**", "**/dist/**"] }))
    .toSorted();
}

export const read = (file: string): string => readFileSync(join(ROOT, file), "utf8");

export type Edge = { readonly from: string; readonly to: string };

/** Every import and re-export; relative ones as a path from the root. */
export function edgesOf(file: string, text: string): Edge[] {
  const { module, errors } = parseSync(file, text);
  if (errors.length > 0) throw new Error(`${file} does not parse`);
  const specifiers = [
    ...module.staticImports.map((i) => i.moduleRequest.value),
    ...module.staticExports.flatMap((e) => e.entries.flatMap((x) => x.moduleRequest?.value ?? [])),
    ...module.dynamicImports.map((i) => text.slice(i.moduleRequest.start + 1, i.moduleRequest.end - 1)),
  ];
  return [...new Set(specifiers)].map((specifier) => ({
    from: file,
    to: specifier.startsWith(".") ? relative(ROOT, resolve(ROOT, dirname(file), specifier)) : specifier,
  }));
}

export const within = (path: string, folder: string): boolean =>
  path === folder || path.startsWith(`${folder}/`);

type AstNode = { readonly type: string; readonly start: number; readonly end?: number } & Readonly<
  Record<string, unknown>
>;

const isNode = (value: unknown): value is AstNode =>
  typeof value === "object" &&
  value !== null &&
  "type" in value &&
  typeof value.type === "string" &&
  "start" in value &&
  typeof value.start === "number";

/** Visits every node of the syntax tree; types are not part of what a program does and are left out. */
export function visit(
  file: string,
  text: string,
  look: (node: AstNode, parent: AstNode | null) => void,
): void {
  const { program, errors } = parseSync(file, text);
  if (errors.length > 0) throw new Error(`${file} does not parse`);
  const walk = (value: unknown, parent: AstNode | null): void => {
    if (Array.isArray(value)) {
      for (const item of value) walk(item, parent);
      return;
    }
    if (!isNode(value) || value.type.startsWith("TSType")) return;
    look(value, parent);
    for (const [key, child] of Object.entries(value)) if (key !== "parent") walk(child, value);
  };
  walk(program, null);
}

export const lineAt = (text: string, offset: number): number => text.slice(0, offset).split("\n").length;

/** `a`, `a.b` and `a["b"]` read as a name; null for anything else. */
export function nameOf(node: unknown): string | null {
  if (!isNode(node)) return null;
  if (node.type === "Identifier" && typeof node["name"] === "string") return node["name"];
  if (node.type === "ChainExpression" || node.type === "ParenthesizedExpression")
    return nameOf(node["expression"]);
  if (node.type !== "MemberExpression") return null;
  const object = nameOf(node["object"]);
  const property = node["property"];
  if (object === null || !isNode(property)) return null;
  if (node["computed"] === true)
    return property.type === "Literal" && typeof property["value"] === "string"
      ? `${object}.${property["value"]}`
      : null;
  const name = nameOf(property);
  return name === null ? null : `${object}.${name}`;
}
