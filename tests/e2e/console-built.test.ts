// What setup.mjs and these tests build the web console with: anew when something of it changed, and only then.

import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { buildConsole } from "../../scripts/build-console.mjs";
import { ROOT } from "../tidy/tree.ts";

let root: string;
let folder: string;
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "assent-console-"));
  folder = join(root, "packages", "console");
  mkdirSync(join(folder, "src"), { recursive: true });
  symlinkSync(join(ROOT, "node_modules"), join(root, "node_modules"));
  for (const name of ["index.html", "package.json", "vite.config.ts", "public"])
    cpSync(join(ROOT, "packages", "console", name), join(folder, name), { recursive: true });
  write("document.title = 'first';");
});
afterAll(() => {
  rmSync(root, { recursive: true });
});

const write = (text: string): void => {
  writeFileSync(join(folder, "src", "main.tsx"), text);
};

function build(): { readonly said: readonly string[]; readonly fault: string | null } {
  const said: string[] = [];
  return { fault: buildConsole((line) => said.push(line), root), said };
}

const script = (): string => {
  const name = readdirSync(join(folder, "dist")).find((each) => each.endsWith(".js")) ?? "";
  return readFileSync(join(folder, "dist", name), "utf8");
};

test("it is built once, again when a source changed, and stays as it was where that cannot be built", () => {
  const built = { fault: null, said: [expect.stringMatching(/^built the web console in \d+\.\d s$/)] };
  const nothing = { fault: null, said: [] };
  expect(build()).toEqual(built);
  expect(build()).toEqual(nothing);
  expect(script()).toContain("first");

  // As long as it was: its bytes count, not their number.
  write("document.title = 'other';");
  expect(build()).toEqual(built);
  expect(script()).toContain("other");
  expect(script()).not.toContain("first");

  write("document.title = ;");
  const { fault, said } = build();
  expect([fault, said]).toEqual([expect.stringContaining("main.tsx"), []]);
  expect(script()).toContain("other");
  // Nor does the next time take it for built.
  expect(build().fault).toContain("main.tsx");

  write("document.title = 'other';");
  expect(build()).toEqual(nothing);
  rmSync(join(folder, "dist", ".built-from"));
  expect(build()).toEqual(built);
  expect(readdirSync(folder).filter((name) => name.startsWith(".dist-"))).toEqual([]);
  expect(existsSync(join(folder, "dist", "index.html"))).toBe(true);
});
