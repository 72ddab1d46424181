// What a package says of itself is all that a stranger sees of it, and what it leaves out of `files` is not there when
// it is installed elsewhere.

import { existsSync } from "node:fs";
import { posix } from "node:path";
import { expect, test } from "vitest";
import { z } from "zod";
import { listFiles, read, ROOT } from "./tree.ts";

const manifestSchema = z.object({
  name: z.string(),
  description: z.string().min(20),
  license: z.literal("Apache-2.0"),
  engines: z.object({ node: z.string() }),
  files: z.array(z.string()),
  exports: z.record(z.string(), z.unknown()),
});

const root = z.object({ engines: z.object({ node: z.string() }) }).parse(JSON.parse(read("package.json")));

/** `new URL("…", import.meta.url)`: what the program reads beside its own code. */
const BESIDE = /new URL\("([^"`$]+)", import\.meta\.url\)/g;

const packages = listFiles("packages/*/package.json").map((file) => posix.dirname(file));

test("there are packages to look at", () => {
  expect(packages).toContain("packages/harness");
});

test.each(packages)("%s says what it is, under which license, and what it runs on", (folder) => {
  const manifest = manifestSchema.parse(JSON.parse(read(`${folder}/package.json`)));
  expect(manifest.name).toBe(`@assent/${posix.basename(folder)}`);
  expect(manifest.engines).toEqual(root.engines);
});

test.each(packages)("%s brings its license, and says what it is to whoever finds it alone", (folder) => {
  expect(read(`${folder}/LICENSE`)).toBe(read("LICENSE"));
  expect(read(`${folder}/README.md`)).toMatch(new RegExp(`^# @assent/${posix.basename(folder)}\n\n\\w`));
});

test.each(packages)("%s: what its built code reads beside itself is installed with it", (folder) => {
  const { files } = manifestSchema.parse(JSON.parse(read(`${folder}/package.json`)));
  const missing = listFiles(`${folder}/src/**/*.ts`)
    .filter((file) => !file.endsWith(".test.ts") && !files.includes(`!src/${file.split("/")[3] ?? ""}`))
    .flatMap((file) => {
      const built = file.replace(`${folder}/src/`, `${folder}/dist/`);
      return [...read(file).matchAll(BESIDE)].map(([, path = ""]) => ({
        file,
        // Seen from where the compiler puts it; of what it reads the compiler copies nothing.
        target: posix.relative(folder, posix.join(posix.dirname(built), path)).replace(/\/$/, ""),
      }));
    })
    .filter(({ target }) => !isInstalled(folder, files, target));
  expect(missing).toEqual([]);
});

/** Folders that only tests need. */
const FOR_TESTS = /^(?:testing|toy|fixtures|phase4)$/;

const forTests = (files: readonly string[]): string[] => [
  ...new Set(
    files.flatMap((file) => {
      const parts = file.split("/");
      const at = parts.findIndex((part) => FOR_TESTS.test(part));
      return at < 0 ? [] : [parts.slice(2, at + 1).join("/")];
    }),
  ),
];

test.each(packages)("%s: what only its tests need is neither built nor installed", (folder) => {
  const { files } = manifestSchema.parse(JSON.parse(read(`${folder}/package.json`)));
  const ofTests = forTests(listFiles(`${folder}/src/**/*.{ts,tsx}`));
  // Not every package is built by the compiler: what a bundler takes it finds by imports.
  const built = ofTests.length === 0 ? '{ "exclude": [] }' : read(`${folder}/tsconfig.build.json`);
  const { exclude } = z.object({ exclude: z.array(z.string()) }).parse(JSON.parse(built));
  for (const own of ofTests) {
    expect(files).toContain(`!${own}`);
    expect(exclude).toContain(own);
  }
});

test("finds what only tests need", () => {
  expect(forTests(["packages/tlog/src/testing/a.ts", "packages/tlog/src/keys.ts"])).toEqual(["src/testing"]);
  expect(packages.flatMap((folder) => forTests(listFiles(`${folder}/src/**/*.ts`))).length).toBeGreaterThan(
    4,
  );
});

test.each([
  ["packages/harmony", "src/version.ts"],
  ["packages/suite", "src/version.ts"],
  ["packages/harness", "src/base/version.ts"],
])("%s says its version as it is released under", (folder, file) => {
  const { version } = z.object({ version: z.string() }).parse(JSON.parse(read(`${folder}/package.json`)));
  expect(read(`${folder}/${file}`)).toContain(` = "${version}";`);
});

// A name that an older Node's module lacks is a syntax error to it: nobody would be told which Node it takes.
const ASKED_BY_NAME = /^import \{[^}]*\} from "node:module";$/m;

test.each(listFiles("packages/*/bin/*.mjs"))(
  "%s can be loaded by an older Node, which it tells what it needs",
  (file) => {
    expect(read(file)).not.toMatch(ASKED_BY_NAME);
    expect(read(file)).toMatch(/needs Node 24/);
  },
);

test("finds a program that an older Node cannot load", () => {
  expect('import { registerHooks } from "node:module";').toMatch(ASKED_BY_NAME);
});

const isInstalled = (folder: string, files: readonly string[], target: string): boolean =>
  existsSync(posix.join(ROOT, folder, target)) &&
  (target === "package.json" || files.includes(target.split("/")[0] ?? ""));
