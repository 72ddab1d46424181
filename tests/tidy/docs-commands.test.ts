// Whatever a page, a help text or an error tells people to type is understood by the command line that there is.

import { expect, test } from "vitest";
import { faultOfLine, faultOfNames, wordsOf } from "./commands.ts";
import { blocksOf, PAGES, SOURCES, spansOf } from "./pages.ts";
import { read } from "./tree.ts";

type Line = { readonly where: string; readonly words: readonly string[] };

const lineAt = (where: string, line: string): Line[] => {
  const words = wordsOf(line);
  return words === null ? [] : [{ where: `${where}: ${line.trim()}`, words }];
};

// Lines that end in a backslash go on in the next.
const linesOf = (text: string): string[] => text.replaceAll(/\\\n\s*/gu, " ").split("\n");

const typed = PAGES.flatMap(({ file, text }) =>
  blocksOf(text)
    .filter(({ language }) => language === "sh")
    .flatMap((block) => linesOf(block.text).flatMap((line) => lineAt(file, line))),
);

// A block without a language says how commands are called: a column of them, and what each does behind three spaces.
const usages = PAGES.flatMap(({ file, text }) =>
  blocksOf(text)
    .filter(({ language }) => language === "")
    .flatMap((block) => linesOf(block.text).flatMap((line) => lineAt(file, line.split(/ {3}/u)[0] ?? ""))),
);

const named = PAGES.flatMap(({ file, text }) => spansOf(text).flatMap((span) => lineAt(file, span)));

// In source, backticks within a template are escaped, and what is filled in is not known here.
const advised = SOURCES.flatMap(({ file, text }) =>
  [...text.matchAll(/\\?`(?<line>(?:npx )?assent [^`\\\n]+)\\?`/gu)].flatMap(({ groups }) =>
    lineAt(file, (groups?.["line"] ?? "").replaceAll(/\$\{[^}]*\}/gu, "<x>")),
  ),
);

test("the pages and errors that name commands are seen", () => {
  expect(typed.length).toBeGreaterThan(40);
  expect(usages.length).toBeGreaterThan(8);
  expect(named.length).toBeGreaterThan(60);
  expect(advised.length).toBeGreaterThan(40);
});

test("every line that a page has people type is one that can be carried out", async () => {
  const faults: string[] = [];
  for (const { where, words } of typed) {
    const fault = await faultOfLine(words);
    if (fault !== null) faults.push(`${where}\n  ${fault}`);
  }
  expect(faults).toEqual([]);
});

test("every command and option that pages, help and errors name is there", () => {
  const faults = [...usages, ...named, ...advised].flatMap(({ where, words }) => {
    const fault = faultOfNames(words);
    return fault === null ? [] : [`${where}\n  ${fault}`];
  });
  expect(faults).toEqual([]);
});

// Else the gate of whoever tried the pages first would find files of theirs that are not in our form, and git a key.
test("what a page has people write into the clone is none of the repository's", () => {
  const written = typed.flatMap(({ words }) =>
    words.filter((_, at) => ["--out", "export", "mirror"].includes(words[at - 1] ?? "")),
  );
  expect(new Set(written)).toEqual(new Set(["out/", "copy/", "robot.key.json"]));
  const ignored = read(".gitignore").split("\n");
  expect(written.filter((path) => !ignored.includes(`/${path}`))).toEqual([]);
});

test.each([
  ["npx assent approve run_01a1… --yes   # a person's word", null],
  ["ASSENT_TOKEN=ask_… assent run clerk 'Do it' --wait", null],
  ["assent approve --yes", "missing required argument 'approval'"],
  ["assent aprove run_01a1…", "unknown command 'aprove'"],
  ["assent runs --sttus failed", "unknown option '--sttus'"],
  ["assent runs --status gone", "argument 'gone' is invalid"],
])("as typed, %s", async (line, fault) => {
  const found = await faultOfLine(wordsOf(line) ?? []);
  if (fault === null) expect(found).toBeNull();
  else expect(found).toContain(fault);
});

test.each([
  ["assent policy check|test", null],
  ["assent policy check|tets", "assent policy has no command check|tets"],
  ["assent audit verify --db --state", null],
  ["assent audit verify --sate", "assent audit verify has no --sate"],
  ["assent keys", null],
  ["assent kyes create <principal>", "assent has no command kyes"],
])("as named, %s", (line, fault) => {
  expect(faultOfNames(wordsOf(line) ?? [])).toBe(fault);
});
