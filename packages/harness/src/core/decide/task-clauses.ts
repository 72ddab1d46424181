// A task in clauses, each with the tools that it names: "read a.txt and delete b.txt" asks for no deletion of a.txt.

import { type NamedTool, readNamed } from "./tool-naming.ts";
import { unquoted, wordsOfTask } from "./task-words.ts";

/** Half-open range in the task. */
export type Span = { readonly start: number; readonly end: number };

export type Clause = Span & {
  /** Tools that its words name. */
  readonly named: ReadonlySet<string>;
};

/** What ends a clause; between two values of one list it ends none. */
export const JOINT =
  /[.;!?,。、，；！？\n]|(?<![\p{L}\p{N}])(?:and|then|und|dann|et|puis|y|luego|e|ed|poi|depois|então|daarna|vervolgens|oraz|potem|następnie|и|затем|потом|그리고)(?![\p{L}\p{N}])|然后|然後|接着/giu;

const ARTICLES: ReadonlySet<string> = new Set(
  (
    "the a an my your our their his her its this that these those any each every " +
    "der die das den dem des ein eine einen einem einer meine meinen meiner diese diesen dieser " +
    "le la les un une mon ma mes ce cette ces el los las mi mis este esta"
  ).split(" "),
);

/** A task with more is no sentence whose parts could be told apart. */
const CLAUSES_MAX = 100;

/**
 * In their order. A piece that asks for nothing itself belongs to what was asked for before it ("delete a.txt, b.txt and
 * the one of May"); what is quoted asks for nothing. Null: there are too many.
 * @param whole spans that no clause ends in; they follow from the task
 */
export function clausesOf(
  task: string,
  whole: readonly Span[],
  tools: readonly NamedTool[],
): readonly Clause[] | null {
  const known = READ.get(tools);
  if (known?.task === task) return known.clauses;
  const clauses = readClauses(task, whole, tools);
  READ.set(tools, { task, clauses });
  return clauses;
}

// A run asks for its task's clauses at every call, with the same tools.
const READ = new WeakMap<
  readonly NamedTool[],
  { readonly task: string; readonly clauses: readonly Clause[] | null }
>();

function readClauses(
  task: string,
  whole: readonly Span[],
  tools: readonly NamedTool[],
): readonly Clause[] | null {
  const text = unquoted(task);
  const pieces: Span[] = [];
  let start = 0;
  for (const { 0: joint, index } of text.matchAll(JOINT)) {
    if (whole.some((span) => span.start <= index && index < span.end)) continue;
    pieces.push({ start, end: index + joint.length });
    start = index + joint.length;
    if (pieces.length > CLAUSES_MAX) return null;
  }
  pieces.push({ start, end: text.length });
  const clauses: Span[] = [];
  for (const piece of pieces) {
    const before = clauses.at(-1);
    if (before === undefined || asks(text.slice(piece.start, piece.end))) clauses.push(piece);
    else clauses[clauses.length - 1] = { start: before.start, end: piece.end };
  }
  return clauses.map((clause) => ({
    ...clause,
    named: readNamed(text.slice(clause.start, clause.end), tools),
  }));
}

/** Some word of it asks for something: not one that follows an article, which is a thing ("the mail", "my order"). */
function asks(piece: string): boolean {
  const words = wordsOfTask(piece);
  return words.some(({ acts }, at) => acts.size > 0 && !ARTICLES.has(words[at - 1]?.text ?? ""));
}
