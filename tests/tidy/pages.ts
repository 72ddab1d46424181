// The pages that people read, and what stands in them as code.

import { listFiles, read } from "./tree.ts";

/** Of one page: its path from the root, and its text. */
export type Page = { readonly file: string; readonly text: string };

/** Decisions and the changelog tell of their day, and are never changed: what they name may be gone. */
export const PAGES: readonly Page[] = listFiles(
  "*.md",
  "docs/*.md",
  "examples/**/*.md",
  "packages/*/README.md",
)
  .filter((file) => file !== "CHANGELOG.md")
  .map((file) => ({ file, text: read(file) }));

export type Block = { readonly language: string; readonly text: string; readonly line: number };

/** Fenced code, with the number of its first line. */
export function blocksOf(text: string): Block[] {
  return [...text.matchAll(/^ *```(?<language>\w*)[^\n]*\n(?<body>.*?)^ *```/gmsu)].map((match) => ({
    language: match.groups?.["language"] ?? "",
    text: match.groups?.["body"] ?? "",
    line: text.slice(0, match.index).split("\n").length + 1,
  }));
}

/** Code within a line, fenced code left out. It may go on in the next line. */
export function spansOf(text: string): string[] {
  const prose = text.replaceAll(/^ *```.*?^ *```/gmsu, "");
  return [...prose.matchAll(/(?<!`)`(?<code>[^`]+)`(?!`)/gu)].map(({ groups }) =>
    (groups?.["code"] ?? "").replaceAll(/\s+/gu, " ").trim(),
  );
}

/** Text of our own sources, tests left out. */
export const SOURCES: readonly Page[] = listFiles("packages/*/src/**/*.{ts,tsx}")
  .filter((file) => !/\.(?:test|contract)\.tsx?$/u.test(file))
  .map((file) => ({ file, text: read(file) }));
