// What pages, help and errors say of the API, of variables and of codes: each name is one that there is.

import { expect, test } from "vitest";
import { z } from "zod";
import { PAGES, SOURCES, spansOf } from "./pages.ts";
import { listFiles, read } from "./tree.ts";

const operationSchema = z.object({
  parameters: z.array(z.object({ name: z.string(), in: z.string() })).default([]),
});
const apiSchema = z.object({ paths: z.record(z.string(), z.record(z.string(), operationSchema)) });
const { paths } = apiSchema.parse(JSON.parse(read("docs/openapi.json")));

/** `{id}`, `<id>`, `${id}` and `$R` all stand for one part of a path. */
const shapeOf = (path: string): string =>
  path
    .replaceAll(/\$?\{[^}]*\}|<[^>]*>|\$[A-Za-z]\w*|(?:run|apr)_[0-9a-f]+…?/gu, "{}")
    .replace(/[/.,;:]+$/u, "");
const SHAPES = new Map(
  Object.entries(paths).map(([path, operations]) => [path.replaceAll(/\{[^}]*\}/gu, "{}"), operations]),
);

/** @returns what of a mention there is not; methods stand before it, as in `POST, GET`; a path that ends in `/…` is a group */
function faultOfPath(mention: string): string | null {
  const {
    methods = "",
    path = "",
    query = "",
  } = /(?<methods>(?:\b(?:GET|POST|DELETE)\b[, ]*)*)(?<path>\/api\/harness[^\s?`"')\\|,]*)(?<query>\?[^\s`"')\\]*)?/u.exec(
    mention,
  )?.groups ?? {};
  const shape = shapeOf(path);
  if (path.includes("…"))
    return [...SHAPES.keys()].some((one) => one.startsWith(shape.split("…")[0] ?? "")) ? null : path;
  const operations = SHAPES.get(shape);
  // A group of paths is named by what they begin with.
  if (operations === undefined)
    return methods === "" && [...SHAPES.keys()].some((one) => one.startsWith(`${shape}/`)) ? null : path;
  const below = [...SHAPES]
    .filter(([one]) => one === shape || one.startsWith(`${shape}/`))
    .map(([, one]) => one);
  for (const method of methods.match(/[A-Z]+/gu) ?? [])
    if (!below.some((one) => Object.hasOwn(one, method.toLowerCase()))) return `${method} ${path}`;
  const known = Object.values(operations).flatMap(({ parameters }) => parameters.map(({ name }) => name));
  for (const [, name = ""] of query.matchAll(/[?&]([a-z_]+)=/gu))
    if (!known.includes(name)) return `${path}?${name}`;
  return null;
}

const PATH = /(?:\b(?:GET|POST|DELETE)\b[, ]*)*\/api\/harness[^\s`"')\\|,]*/gu;
const mentionsIn = (text: string): string[] => [...text.matchAll(PATH)].map(([mention]) => mention);

test("every path, method and parameter of the API that pages and errors name is there", () => {
  // Only what our programs say: where a source builds a path, types and tests hold it.
  const said = SOURCES.map(({ file, text }) => ({
    file,
    text: [...text.matchAll(/\\?`(?:GET|POST|DELETE) [^`\\\n]+/gu)].map(([one]) => one).join("\n"),
  }));
  const mentions = [...PAGES, ...said].flatMap(({ file, text }) =>
    mentionsIn(text)
      .filter((mention) => !mention.includes("${"))
      .map((mention) => ({ file, mention })),
  );
  expect(mentions.length).toBeGreaterThan(60);
  const faults = mentions.flatMap(({ file, mention }) => {
    const fault = faultOfPath(mention);
    return fault === null ? [] : [`${file}: ${fault}`];
  });
  expect(faults).toEqual([]);
});

test("the README has a row for every group of the API's paths", () => {
  const readme = read("README.md");
  const groups = new Set(
    Object.keys(paths).map((path) => path.replace("/api/harness", "").split("/")[1] ?? ""),
  );
  expect(groups.size).toBeGreaterThan(15);
  const row = readme
    .split("\n")
    .filter((line) => line.startsWith("| `"))
    .join("\n");
  expect([...groups].filter((group) => !new RegExp(`/${group}\\b`, "u").test(row)).toSorted()).toEqual([]);
});

/** Variables that a program of ours looks at, and people may set. */
const READ =
  /(?:\bget\(|\b[eE]nv(?:ironment)?\[|\bvariable\()"(?<name>[A-Z][A-Z0-9]*_[A-Z0-9_]+)"|process\.env\.(?<named>[A-Z0-9_]+)/gu;

test("every variable that is read is on a page, and every one of ours on a page is read", () => {
  const bins = listFiles("packages/*/bin/*.mjs").map((file) => ({ file, text: read(file) }));
  const code = [...SOURCES, ...bins];
  const names = new Set(
    code.flatMap(({ text }) =>
      [...text.matchAll(READ)].map(({ groups }) => groups?.["name"] ?? groups?.["named"] ?? ""),
    ),
  );
  expect(names.size).toBeGreaterThan(12);
  const pages = PAGES.map(({ text }) => text).join("\n");
  const help = SOURCES.filter(({ file }) => file.includes("/cli"))
    .map(({ text }) => text)
    .join("\n");
  expect([...names].filter((name) => !pages.includes(name) && !help.includes(name)).toSorted()).toEqual([]);
  const source = [
    ...code,
    ...listFiles("*.mjs", "*.mjs", "scripts/*.*", "tests/**/*.ts", "examples/**/*.*").map((file) => ({
      text: read(file),
    })),
  ]
    .map(({ text }) => text)
    .join("\n");
  const told = new Set([...pages.matchAll(/\b(?:ASSENT|OTEL)_[A-Z0-9_]+[A-Z0-9]\b/gu)].map(([name]) => name));
  expect([...told].filter((name) => !source.includes(name)).toSorted()).toEqual([]);
});

/** Of Postgres, of compose files, of V8, of Wycheproof; and an argument's that stands for any. */
const OF_OTHERS = [
  "dependent_code",
  "mldsa_44_sign_seed",
  "mldsa_44_verify",
  "pg_dump",
  "pg_stat_database",
  "security_opt",
  "target_dir",
];

const CODE = /\b[a-z]+(?:_[a-z0-9]+)+\b/gu;

test("every code that a page names is one that a program can say", () => {
  const rest = listFiles(
    "packages/harness/src/**/*.sql",
    "packages/harness/policies/**/*.*",
    "packages/tlog/*.py",
    "packages/*/bench/**/*.ts",
    "{scripts,tests/bench,tests/support,tests/security}/**/*.ts",
    "gates.json",
  ).map((file) => ({ text: read(file) }));
  const known = new Set([...SOURCES, ...rest].flatMap(({ text }) => text.match(CODE) ?? []));
  const codes = PAGES.flatMap(({ file, text }) =>
    spansOf(text)
      .filter((span) => new RegExp(`^${CODE.source}$`, "u").test(span))
      .map((code) => ({ file, code })),
  );
  expect(codes.length).toBeGreaterThan(150);
  const unknown = codes.filter(({ code }) => !known.has(code) && !OF_OTHERS.includes(code));
  expect(unknown.map(({ file, code }) => `${file}: ${code}`)).toEqual([]);
});

test.each([
  ["GET /api/harness/runs/run_01a1…", null],
  ["POST, GET, DELETE /api/harness/keys", null],
  ["/api/harness/decisions?since=x", null],
  ["/api/harness/audit", null],
  ["GET /api/harness/rusn", "/api/harness/rusn"],
  ["DELETE /api/harness/run", "DELETE /api/harness/run"],
  ["GET /api/harness/runs?state=failed", "/api/harness/runs?state"],
  ["/api/harness/gone/…", "/api/harness/gone/…"],
])("of %s is said what there is not", (mention, fault) => {
  expect(faultOfPath(mention)).toBe(fault);
});
