// Which tools the requester's own words name. Values that stand in the task do not say what is to be done with them: a
// file that was named to be read can be deleted by its name as well (spec/security.md section 4: a tool set frozen
// before the first untrusted read takes 9 of 12 attackers' calls away that provenance of values leaves).

import type { Manifest } from "../tool.ts";
import { type Act, actsByMaking, actsOf, actsOfTool, placeOfAct, stemOf } from "./acts.ts";
import { saysPhrase, type TaskWord, wordsOfTask } from "./task-words.ts";
import { englishVerbsFrom } from "./words/english.ts";
import { meaningOf } from "./words/lexicon.ts";

export type NamedTool = {
  readonly name: string;
  /** It has an effect; a pure read is never in another tool's way. */
  readonly changes: boolean;
  /** Words and phrases of its manifest, in any language. */
  readonly namedBy?: readonly string[];
  /** Where whoever registered the tool wrote it: it says what a name without any act does (`whisper`). */
  readonly description?: string;
};

type Naming = Pick<Manifest, "name" | "effect" | "harm" | "namedBy">;

/** What a manifest says of it: the same of the same manifest. */
export function namedTool(manifest: Naming): NamedTool {
  const known = NAMED.get(manifest);
  if (known !== undefined) return known;
  const { name, effect, harm, namedBy = [] } = manifest;
  const named = { name, changes: effect !== "none" || harm.length > 0, namedBy };
  NAMED.set(manifest, named);
  return named;
}

const NAMED = new WeakMap<Naming, NamedTool>();

/**
 * Names of the tools that do an act which the task speaks of. A tool's act is the gravest that a word of its name stands
 * for (`delete_file`, `calendarEventCancel`); a tool whose name has none is named by any word that only its name has, and
 * by the act that its description begins with, where that is its registrar's. Of several tools with one act those are
 * named that say it in the same word, and those whose other words follow it most: "change the standing order" names
 * `change_standing_order` and not `set_daily_limit`. What is quoted, negated, or part of an address or a path names
 * nothing. Where the act was understood through a translation, and nothing tells several tools apart, none of them is
 * named. A tool is named as well by any phrase of its manifest that the task says, in whatever language.
 */
export function toolsNamed(task: string, tools: readonly NamedTool[]): ReadonlySet<string> {
  const last = LAST.get(tools);
  if (last?.task === task) return last.named;
  const named = readNamed(task, tools);
  LAST.set(tools, { task, named });
  return named;
}

// A run asks the same of its task at every call, with the same tools.
const LAST = new WeakMap<
  readonly NamedTool[],
  { readonly task: string; readonly named: ReadonlySet<string> }
>();

/** The same for a part of a task, which is read once. */
export function readNamed(task: string, tools: readonly NamedTool[]): ReadonlySet<string> {
  const words = wordsOfTask(task);
  const stems = new Set(words.flatMap((word) => word.stems));
  const known = readTools(tools);
  const named = new Set([
    ...known.filter(({ own }) => own.some((stem) => stems.has(stem))).map(({ name }) => name),
    ...tools
      .filter(({ changes, namedBy = [] }) => changes && namedBy.some((phrase) => saysPhrase(words, phrase)))
      .map(({ name }) => name),
  ]);
  // "change the standing order" orders nothing: what one act is done to is no act of its own.
  const objects = new Set<TaskWord>();
  let orders = 0;
  for (const [place, word] of words.entries()) {
    const { acts } = word;
    if (acts.size === 0 || objects.has(word)) continue;
    orders += 1;
    if (orders > ORDERS_MAX) break;
    const clause = clauseFrom(words, place);
    const doers = doersOf(word, known).map((tool) => ({
      ...tool,
      found: clause.filter((near) => near.stems.some((stem) => tool.things.includes(stem))),
    }));
    const most = Math.max(0, ...doers.map(({ found }) => found.length));
    const isUnclear = word.foreign && most === 0 && doers.length > 1;
    for (const { name, verb, found } of doers) {
      const isSaid = word.foreign ? isUnclear && word.stems.includes(verb) : verb === word.stems[0];
      if ((isUnclear || found.length < most) && !isSaid) continue;
      named.add(name);
      for (const thing of found) objects.add(thing);
    }
  }
  return named;
}

/** A translated word is less sure: where a tool's act says it, no tool does it that only makes what it says. */
function doersOf({ acts, foreign }: TaskWord, known: readonly ToolName[]): readonly ToolName[] {
  const does = (those: ReadonlySet<Act>): boolean => [...those].some((act) => acts.has(act));
  const doers = known.filter((tool) => does(tool.acts));
  if (foreign && doers.length > 0) return doers;
  return known.filter((tool) => does(tool.acts) || does(tool.making));
}

type ToolName = {
  readonly name: string;
  readonly acts: ReadonlySet<Act>;
  readonly making: ReadonlySet<Act>;
  /** Stem of the word that says the act; empty where none does. */
  readonly verb: string;
  /** Stems of what is not the act. */
  readonly things: readonly string[];
  /** Of a name without any act: stems that no other tool's name has. */
  readonly own: readonly string[];
};

/** What one tool says of itself, whatever other tools there are. */
type Read = Omit<ToolName, "own"> & { readonly stems: readonly string[]; readonly isNameless: boolean };

// A run reads the names of the same tools at every call.
const READ = new WeakMap<NamedTool, Read>();

function readOf(tool: NamedTool): Read {
  const known = READ.get(tool);
  if (known !== undefined) return known;
  const words = wordsOfName(tool.name);
  const isNameless = placeOfAct(words) < 0;
  const said = isNameless ? wordsOfDescription(tool.description ?? "") : words;
  const place = isNameless ? 0 : placeOfAct(said);
  const verb = said[place] ?? "";
  const read: Read = {
    name: tool.name,
    acts: isNameless ? actsOf(verb) : actsOfTool(said),
    making: actsByMaking(said),
    verb: stemOf(verb),
    things: said.filter((word, at) => at !== place && !FUNCTION_WORDS.has(word)).map(stemOf),
    stems: [...new Set(words.filter((word) => !FUNCTION_WORDS.has(word)).map(stemOf))],
    isNameless,
  };
  READ.set(tool, read);
  return read;
}

function readTools(tools: readonly NamedTool[]): readonly ToolName[] {
  const uses = new Map<string, number>();
  for (const tool of tools) for (const stem of readOf(tool).stems) uses.set(stem, (uses.get(stem) ?? 0) + 1);
  return tools
    .filter(({ changes }) => changes)
    .map((tool) => {
      const read = readOf(tool);
      return { ...read, own: read.isNameless ? read.stems.filter((stem) => uses.get(stem) === 1) : [] };
    });
}

/** They stand in names as they do in sentences, and tell no tool from another: `append_to_file`. */
const FUNCTION_WORDS: ReadonlySet<string> = new Set(
  "a an the to of for from in into on onto at by with and or as is my your all any it".split(" "),
);

/** Of a description: its first sentence, where that begins with what the tool does ("Sends a direct message."). */
const DESCRIPTION_CHARS_MAX = 200;
const DESCRIPTION_WORDS_MAX = 6;
const PREAMBLE =
  /^(?:use (?:this|it)(?: tool)? to|(?:this |a )?(?:tool|function) (?:to|that|which)|this (?:tool|function)) /u;

const wordsOfDescription = (description: string): readonly string[] =>
  (
    /^[^.!?\n;:(]*/u
      .exec(description.slice(0, DESCRIPTION_CHARS_MAX).normalize("NFKC").toLowerCase())?.[0]
      .trim()
      .replace(PREAMBLE, "")
      .match(/\p{L}+/gu) ?? []
  ).slice(0, DESCRIPTION_WORDS_MAX);

/** Its words; in another language only where none of them is English for an act. */
function wordsOfName(name: string): readonly string[] {
  const words =
    name
      .normalize("NFKC")
      .replaceAll(/(\p{Ll}|\d)(\p{Lu})/gu, "$1 $2")
      .toLowerCase()
      .match(/\p{L}+/gu) ?? [];
  const english = withVerbs(words);
  if (english.some((word) => actsOf(word).size > 0)) return english;
  return english.map((word) => meaningOf(word).words[0] ?? word);
}

/** `call_off_event` cancels. */
function withVerbs(words: readonly string[]): readonly string[] {
  const place = words.findIndex((_, at) => verbAt(words, at) !== undefined);
  const verb = verbAt(words, place);
  return verb === undefined ? words : words.toSpliced(place, verb.rest.length + 1, verb.means);
}

const verbAt = (
  words: readonly string[],
  at: number,
): ReturnType<typeof englishVerbsFrom>[number] | undefined =>
  englishVerbsFrom(words[at] ?? "").find(({ rest }) =>
    rest.every((word, next) => words[at + 1 + next] === word),
  );

/** Words of one task that may ask for something; further ones name nothing, so that the time is bounded. */
const ORDERS_MAX = 1_000;

/** Of a clause, after the word that says what is to be done; before it too where verbs come last. */
const CLAUSE_WORDS_MAX = 8;

function clauseFrom(words: readonly TaskWord[], place: number): readonly TaskWord[] {
  const rest = words.slice(place, place + CLAUSE_WORDS_MAX + 1);
  const end = rest.findIndex(({ ends }) => ends);
  const after = end < 0 ? rest : rest.slice(0, end + 1);
  if (words[place]?.foreign !== true) return after;
  const before = words.slice(Math.max(0, place - CLAUSE_WORDS_MAX), place);
  return [...before.slice(before.findLastIndex(({ ends }) => ends) + 1), ...after];
}
