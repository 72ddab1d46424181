// Which tools the requester's own words name. Values that stand in the task do not say what is to be done with them: a
// file that was named to be read can be deleted by its name as well (spec/security.md section 4: a tool set frozen
// before the first untrusted read takes 9 of 12 attackers' calls away that provenance of values leaves).

import { type Act, actsOf, actsOfTool, placeOfAct, stemOf } from "./acts.ts";

export type NamedTool = {
  readonly name: string;
  /** It has an effect; a pure read is never in another tool's way. */
  readonly changes: boolean;
};

/** Of the task; what comes after it names nothing, so that the time of reading a task is bounded. */
const TASK_CHARS_MAX = 100_000;

/**
 * Names of the tools that do an act which the task speaks of. A tool's act is the gravest that a word of its
 * name stands for (`delete_file`, `calendarEventCancel`); a tool whose name has none is named by any word that only its name
 * has. Of several tools with one act those are named that say it in the same
 * word, and those whose other words follow it most: "change the standing order"
 * names `change_standing_order` and not `set_daily_limit`. What is quoted, negated, or part of an address or a path
 * names nothing.
 */
export function toolsNamed(task: string, tools: readonly NamedTool[]): ReadonlySet<string> {
  const words = wordsOfTask(task);
  const stems = new Set(words.map(({ stem }) => stem));
  const known = tools.filter(({ changes }) => changes).map((tool) => readTool(tool.name, tools));
  const named = new Set(
    known
      .filter(({ acts, own }) => acts.size === 0 && own.some((stem) => stems.has(stem)))
      .map(({ name }) => name),
  );
  // "change the standing order" orders nothing: what one act is done to is no act of its own.
  const objects = new Set<Word>();
  let orders = 0;
  for (const [place, word] of words.entries()) {
    const { acts } = word;
    if (acts.size === 0 || objects.has(word)) continue;
    orders += 1;
    if (orders > ORDERS_MAX) break;
    const clause = clauseFrom(words, place);
    const doers = known
      .filter((tool) => [...tool.acts].some((act) => acts.has(act)))
      .map((tool) => ({ ...tool, found: clause.filter(({ stem }) => tool.things.includes(stem)) }));
    const most = Math.max(0, ...doers.map(({ found }) => found.length));
    for (const { name, verb, found } of doers) {
      if (found.length < most && verb !== word.stem) continue;
      named.add(name);
      for (const thing of found) objects.add(thing);
    }
  }
  return named;
}

type ToolName = {
  readonly name: string;
  readonly acts: ReadonlySet<Act>;
  /** Stem of the word that says the act; empty where none does. */
  readonly verb: string;
  /** Stems of what is not the act. */
  readonly things: readonly string[];
  /** Stems that no other tool's name has. */
  readonly own: readonly string[];
};

function readTool(name: string, tools: readonly NamedTool[]): ToolName {
  const words = wordsOfName(name);
  const place = placeOfAct(words);
  const acts = actsOfTool(words);
  const others = new Set(
    tools.filter((other) => other.name !== name).flatMap((other) => wordsOfName(other.name).map(stemOf)),
  );
  const things = words.filter((_, at) => at !== place).map(stemOf);
  const verb = stemOf(words[place] ?? "");
  return { name, acts, verb, things, own: words.map(stemOf).filter((stem) => !others.has(stem)) };
}

const wordsOfName = (name: string): readonly string[] =>
  name
    .replaceAll(/(\p{Ll}|\d)(\p{Lu})/gu, "$1 $2")
    .toLowerCase()
    .match(/\p{L}+/gu) ?? [];

const QUOTED = /"[^"\n]{0,2000}"|“[^”\n]{0,2000}”|`[^`\n]{0,2000}`/g;
const NEGATIONS: ReadonlySet<string> = new Set(
  "not never without dont don't no cannot can't avoid".split(" "),
);
/** Words after a negation that it still denies: "not ever delete". */
const NEGATED_WORDS = 2;

/** Words of one task that may ask for something; further ones name nothing, so that the time is bounded. */
const ORDERS_MAX = 1_000;

/** Of a clause, after the word that says what is to be done. */
const CLAUSE_WORDS_MAX = 8;

type Word = {
  readonly stem: string;
  /** What it may ask for; nothing where it is negated. */
  readonly acts: ReadonlySet<Act>;
  /** A clause ends with it. */
  readonly ends: boolean;
};

function clauseFrom(words: readonly Word[], place: number): readonly Word[] {
  const rest = words.slice(place, place + CLAUSE_WORDS_MAX + 1);
  const end = rest.findIndex(({ ends }) => ends);
  return end < 0 ? rest : rest.slice(0, end + 1);
}

const NO_ACTS: ReadonlySet<Act> = new Set();
const JOINTS: ReadonlySet<string> = new Set(["and", "then", "but", "or"]);

function wordsOfTask(task: string): readonly Word[] {
  const words: Word[] = [];
  let negated = 0;
  for (const piece of task.slice(0, TASK_CHARS_MAX).replaceAll(QUOTED, " ").toLowerCase().split(/\s+/)) {
    const word = piece.replaceAll(/^[^\p{L}]+|[^\p{L}]+$/gu, "").replaceAll("’", "'");
    if (NEGATIONS.has(word)) {
      negated = NEGATED_WORDS;
      continue;
    }
    const ends = /[.,:;!?]$/.test(piece) || JOINTS.has(word);
    // A word with marks inside is a value: an address, a path, a number.
    const isPlain = /^\p{L}+(?:'\p{L}+|-\p{L}+)*$/u.test(word);
    const parts = isPlain ? word.replace(/'s$/, "").split("-") : [""];
    for (const part of parts.length > 1 ? [...parts, parts.join("")] : parts)
      words.push({ stem: stemOf(part), acts: negated > 0 ? NO_ACTS : actsOf(part), ends });
    negated = /[.;!?]$/.test(piece) ? 0 : Math.max(0, negated - 1);
  }
  return words;
}
