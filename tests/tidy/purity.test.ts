// The pure core has no I/O, no clock and no chance of its own (DESIGN.md section 5): they are passed in, so that a test
// can fix them. And the environment is read in one place.

import { expect, test } from "vitest";
import { lineAt, listFiles, nameOf, read, visit } from "./tree.ts";

type Found = { readonly file: string; readonly line: number; readonly what: string };

const GLOBALS: readonly string[] = [
  "fetch",
  "process",
  "performance",
  "setTimeout",
  "setInterval",
  "setImmediate",
  "queueMicrotask",
  "crypto",
  "console",
  "navigator",
  "WebSocket",
  "require",
];
const MEMBERS: readonly string[] = ["Date.now", "Math.random"];

// Names under which the global object could be had, which would hide any of the above.
const DISGUISES: readonly string[] = ["globalThis", "global", "eval", "Function"];

const PURE_BUILTINS: readonly string[] = ["node:crypto"];
/** Of node:crypto the pure core may only compute; making keys and chance is not computing. */
const COMPUTING: readonly string[] = [
  "createCipheriv",
  "createDecipheriv",
  "createHash",
  "createHmac",
  // Reads the bytes that it is given.
  "createPrivateKey",
  "createPublicKey",
  "diffieHellman",
  "hkdfSync",
  "timingSafeEqual",
  "verify",
];

function impurities(file: string, text: string): Found[] {
  const found: Found[] = [];
  visit(file, text, (node, parent) => {
    const add = (what: string): void => {
      found.push({ file, line: lineAt(text, node.start), what });
    };
    const source = node.type === "ImportDeclaration" ? node["source"] : undefined;
    if (
      typeof source === "object" &&
      source !== null &&
      "value" in source &&
      typeof source.value === "string"
    ) {
      if (source.value.startsWith("node:") && !PURE_BUILTINS.includes(source.value)) add(source.value);
      if (source.value === "node:crypto")
        for (const specifier of Array.isArray(node["specifiers"]) ? (node["specifiers"] as unknown[]) : []) {
          const name = importedName(specifier);
          if (!COMPUTING.includes(name)) add(`node:crypto ${name}`);
        }
    }
    if (node.type === "NewExpression" && nameOf(node["callee"]) === "Date" && isEmpty(node["arguments"]))
      add("new Date()");
    if (node.type === "CallExpression" && nameOf(node["callee"]) === "Date") add("Date()");
    if (node.type === "MemberExpression" && MEMBERS.includes(nameOf(node) ?? "")) add(nameOf(node) ?? "");
    if (node.type === "Identifier" && isValue(node, parent)) {
      const name = nameOf(node) ?? "";
      if (GLOBALS.includes(name) || DISGUISES.includes(name)) add(name);
    }
  });
  return found;
}

const isEmpty = (value: unknown): boolean => Array.isArray(value) && value.length === 0;

function importedName(specifier: unknown): string {
  if (typeof specifier !== "object" || specifier === null || !("imported" in specifier)) return "*";
  return nameOf(specifier.imported) ?? "*";
}

/** An identifier that stands for a value, not for a member's or a property's name. */
function isValue(node: object, parent: Readonly<Record<string, unknown>> | null): boolean {
  if (parent === null) return true;
  if (parent["type"] === "MemberExpression") return parent["object"] === node || parent["computed"] === true;
  if (parent["type"] === "Property") return parent["value"] === node;
  return true;
}

const pure = listFiles("packages/harness/src/{base,core}/**/*.ts").filter(
  (file) => !file.endsWith(".test.ts"),
);

test("base and core have no I/O, no clock and no chance of their own", () => {
  expect(pure.length).toBeGreaterThan(15);
  expect(pure.flatMap((file) => impurities(file, read(file)))).toEqual([]);
});

test.each([
  ['import { readFileSync } from "node:fs";', "node:fs"],
  ['import { randomBytes } from "node:crypto";', "node:crypto randomBytes"],
  ['import crypto from "node:crypto";', "node:crypto *"],
  ["const a = Date.now();", "Date.now"],
  ['const a = Date["now"]();', "Date.now"],
  ["const a = new Date();", "new Date()"],
  ["const a = Date();", "Date()"],
  ["const a = Math.random();", "Math.random"],
  ["const f = fetch;", "fetch"],
  ["const a = process.env;", "process"],
  ["const a = performance.now();", "performance"],
  ["setTimeout(f, 1);", "setTimeout"],
  ["const a = globalThis.fetch;", "globalThis"],
  ["const a = { now: crypto };", "crypto"],
])("refuses %s", (text, what) => {
  expect(impurities("x.ts", text).map((found) => found.what)).toContain(what);
});

test.each([
  "const a = new Date(0);",
  "const a = clock.now();",
  "const a = { process: 1 };",
  "const a = b.fetch;",
  "type A = typeof fetch;",
  'import { createHash } from "node:crypto";',
])("permits %s", (text) => {
  expect(impurities("x.ts", text)).toEqual([]);
});

const READS_ENVIRONMENT: readonly string[] = [
  // Hands PATH on to git, and nothing else.
  "packages/harness/src/adapters/files/git.ts",
  // The command line talks to servers elsewhere, and has settings of its own.
  "packages/harness/src/cli/environment.ts",
  "packages/harness/src/config.ts",
];

function environmentReads(file: string, text: string): Found[] {
  const found: Found[] = [];
  visit(file, text, (node) => {
    if (node.type === "MemberExpression" && /^(?:globalThis\.)?process\.env$/.test(nameOf(node) ?? ""))
      found.push({ file, line: lineAt(text, node.start), what: "process.env" });
    if (
      node.type === "ImportDeclaration" &&
      text.slice(node.start).match(/^import[^;]*"(?:node:)?process"/) !== null
    )
      found.push({ file, line: lineAt(text, node.start), what: "node:process" });
  });
  return found;
}

test("the environment is read in few places, by name", () => {
  const sources = listFiles("packages/*/src/**/*.{ts,tsx}").filter((file) => !file.endsWith(".test.ts"));
  const readers = sources.filter((file) => environmentReads(file, read(file)).length > 0);
  expect(readers).toEqual([...READS_ENVIRONMENT]);
});

test.each([
  "const a = process.env.HOME;",
  'const a = process["env"];',
  'import { env } from "node:process";',
])("sees that %s reads the environment", (text) => {
  expect(environmentReads("x.ts", text)).toHaveLength(1);
});
