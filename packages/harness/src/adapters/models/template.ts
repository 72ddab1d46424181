// `{{result:<call id> | filter | filter}}`: how a transcript works on what the tools really returned. No code, no
// regular expressions, no recursion: what is filled in is never looked at again, so a result cannot be a template.

import { unreachable } from "../../base/assert.ts";
import { err, ok, type Result } from "../../base/result.ts";
import { INTERPOLATED_CHARS_MAX } from "./limits.ts";

type Filter =
  | { readonly name: "lines"; readonly first: number; readonly last: number }
  | { readonly name: "prefix"; readonly text: string }
  | { readonly name: "match"; readonly text: string }
  | { readonly name: "columns"; readonly count: number; readonly text: string }
  | { readonly name: "trim" };

type Insertion = { readonly callId: string; readonly filters: readonly Filter[] };
/** Literal text and insertions, in order. */
export type Template = readonly (string | Insertion)[];

export function parseTemplate(text: string): Result<Template, string> {
  const pieces: (string | Insertion)[] = [];
  let rest = text;
  for (;;) {
    const start = rest.indexOf("{{");
    if (start < 0) return ok([...pieces, rest]);
    const end = rest.indexOf("}}", start);
    if (end < 0) return err("an insertion is not closed");
    const insertion = parseInsertion(rest.slice(start + 2, end));
    if (!insertion.ok) return insertion;
    pieces.push(rest.slice(0, start), insertion.value);
    rest = rest.slice(end + 2);
  }
}

function parseInsertion(text: string): Result<Insertion, string> {
  const words = splitWords(text);
  if (words === null) return err("an insertion has an open quote");
  const groups: string[][] = [[]];
  for (const word of words) {
    if (word === "|") groups.push([]);
    else groups.at(-1)?.push(word);
  }
  const [source = [], ...filterWords] = groups;
  const callId = /^result:([A-Za-z0-9_-]{1,40})$/.exec(source.join(" "))?.[1];
  if (callId === undefined) return err("an insertion begins with result:<call id>");
  const filters: Filter[] = [];
  for (const group of filterWords) {
    const filter = parseFilter(group);
    if (filter === null) return err(`there is no filter "${group.join(" ")}"`);
    filters.push(filter);
  }
  return ok({ callId, filters });
}

// Words are set apart by spaces; a quoted word keeps its quotes as a mark, so that `"|"` is text and `|` is not.
function splitWords(text: string): readonly string[] | null {
  const words: string[] = [];
  let at = 0;
  while (at < text.length) {
    const char = text.charAt(at);
    if (char === " ") at += 1;
    else if (char === '"') {
      const end = text.indexOf('"', at + 1);
      if (end < 0) return null;
      words.push(text.slice(at, end + 1));
      at = end + 1;
    } else {
      let end = at;
      while (end < text.length && !' "'.includes(text.charAt(end))) end += 1;
      words.push(text.slice(at, end));
      at = end;
    }
  }
  return words;
}

function parseFilter(words: readonly string[]): Filter | null {
  const [name, first = "", second = "", ...more] = words;
  if (more.length > 0) return null;
  if (name === "trim") return words.length === 1 ? { name } : null;
  if (name === "prefix" || name === "match") {
    const text = unquote(first);
    return words.length === 2 && text !== null ? { name, text } : null;
  }
  const count = parseCount(first);
  if (words.length !== 3 || count === null) return null;
  if (name === "lines") {
    const last = parseCount(second);
    return last === null ? null : { name, first: count, last };
  }
  const text = unquote(second);
  return name === "columns" && text !== null ? { name, count, text } : null;
}

const unquote = (word: string): string | null =>
  word.length >= 2 && word.startsWith('"') && word.endsWith('"') ? word.slice(1, -1) : null;
const parseCount = (word: string): number | null => (/^[1-9]\d{0,5}$/.test(word) ? Number(word) : null);

/** Fills a template in from the run's tool results by call id; the error says what is missing. */
export function fillTemplate(
  template: Template,
  results: ReadonlyMap<string, string>,
): Result<string, string> {
  let filled = "";
  for (const piece of template) {
    if (typeof piece === "string") filled += piece;
    else {
      const result = results.get(piece.callId);
      if (result === undefined) return err(`there is no result of the call "${piece.callId}"`);
      filled += piece.filters.reduce(applyFilter, result);
    }
    if (filled.length > INTERPOLATED_CHARS_MAX)
      return err(`the text grows past ${INTERPOLATED_CHARS_MAX} characters`);
  }
  return ok(filled);
}

function applyFilter(text: string, filter: Filter): string {
  switch (filter.name) {
    case "trim":
      return text.trim();
    case "lines":
      return linesOf(text)
        .slice(filter.first - 1, filter.last)
        .join("\n");
    case "match":
      return linesOf(text)
        .filter((line) => line.includes(filter.text))
        .join("\n");
    case "prefix":
      return linesOf(text)
        .map((line) => filter.text + line)
        .join("\n");
    case "columns":
      return linesOf(text)
        .map((line) => rewrite(line, filter.count, filter.text))
        .join("\n");
  }
  return unreachable(filter);
}

function linesOf(text: string): readonly string[] {
  const lines = text.split("\n");
  return lines.at(-1) === "" ? lines.slice(0, -1) : lines;
}

// The line cut at its first count-1 spaces; `{n}` in the pattern is the n-th piece, or nothing where there is none.
function rewrite(line: string, count: number, pattern: string): string {
  const words = line.split(" ");
  const columns = [...words.slice(0, count - 1), words.slice(count - 1).join(" ")];
  return pattern.replaceAll(/\{([1-9])\}/g, (_whole, digit: string) => columns[Number(digit) - 1] ?? "");
}
