// Links between pages lead to files, and to headings, that there are.

import { existsSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { expect, test } from "vitest";
import { listFiles, read, ROOT } from "./tree.ts";

const FILES = listFiles(
  "*.md",
  "docs/**/*.md",
  "examples/**/*.md",
  "packages/*/README.md",
  "packages/*/*.md",
);

// As GitHub names headings: small letters, without what is no letter, digit, space, dash or underscore.
const slugOf = (heading: string): string =>
  heading
    .replaceAll(/\[([^\]]*)\]\([^)]*\)/gu, "$1")
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N} _-]/gu, "")
    .trim()
    .replaceAll(" ", "-");

const withoutCode = (text: string): string =>
  text.replaceAll(/^ *```.*?^ *```/gmsu, "").replaceAll(/`[^`\n]*`/gu, "");

function anchorsOf(text: string): Set<string> {
  const anchors = new Set<string>();
  const prose = text.replaceAll(/^ *```.*?^ *```/gmsu, "");
  for (const [, heading = ""] of prose.matchAll(/^#{1,6} +(.+)$/gmu)) {
    const slug = slugOf(heading);
    let name = slug;
    for (let nth = 1; anchors.has(name); nth += 1) name = `${slug}-${nth}`;
    anchors.add(name);
  }
  return anchors;
}

/** @returns the links of a page that lead nowhere */
function broken(file: string, text: string, textOf: (path: string) => string | null): string[] {
  const prose = withoutCode(text);
  const targets = [
    ...[...prose.matchAll(/\]\(([^)\s]+)\)/gu)].map(([, target = ""]) => target),
    ...[...prose.matchAll(/^\[[^\]]+\]:\s*(\S+)/gmu)].map(([, target = ""]) => target),
  ];
  return targets
    .filter((target) => !/^(?:https?|mailto):/u.test(target))
    .filter((target) => {
      const [path = "", anchor] = target.split("#");
      const to = path === "" ? file : normalize(join(dirname(file), path));
      const there = path === "" ? text : textOf(to);
      if (there === null) return true;
      return anchor !== undefined && to.endsWith(".md") && !anchorsOf(there).has(anchor);
    })
    .map((target) => `${file}: ${target}`);
}

const onDisk = (path: string): string | null => {
  if (!existsSync(join(ROOT, path))) return null;
  return path.endsWith(".md") ? read(path) : "";
};

test("every link of every page leads to something", () => {
  expect(FILES.length).toBeGreaterThan(70);
  expect(FILES.flatMap((file) => broken(file, read(file), onDisk))).toEqual([]);
});

test.each([
  ["see [there](b.md#what-is-it)", []],
  ["see [there](b.md#what-is)", ["a.md: b.md#what-is"]],
  ["see [there](c.md)", ["a.md: c.md"]],
  ["# Own `name`, twice\n# Own name twice\n[up](#own-name-twice-1)", []],
  ["`[x](c.md)` is how a link is written", []],
  ["[x]: c.md", ["a.md: c.md"]],
])("%j", (text, found) => {
  expect(broken("a.md", text, (path) => (path === "b.md" ? "# What is it?" : null))).toEqual(found);
});
