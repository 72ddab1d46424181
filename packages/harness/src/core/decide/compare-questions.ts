// An earlier question beside the one that waits: where the calls differ, value by value, and what else is not as it was. It is
// shown to whoever decides, and decides nothing.

import type { Action, ComparedArgument, Comparison, Decision } from "@assent/contract";
import { canonicalJson } from "../../base/canonical-json.ts";
import type { Sha256 } from "../../base/digest.ts";
import type { ArgumentLabels } from "./action-request.ts";
import { askingRules, nameOfRule } from "./asking-rules.ts";

export type ComparedQuestion = {
  readonly action: Pick<Action, "tool_version" | "manifest_digest" | "arguments">;
  readonly labels: ArgumentLabels;
  readonly reasons: Decision["reasons"];
  readonly policyVersion: Sha256;
  /** Null: it was not defined any more. */
  readonly agentVersion: Sha256 | null;
  /** By its name. */
  readonly workspace: string | null;
  /** What the tool found; of nobody's concern but whether it is the same. */
  readonly precondition: string | null;
  readonly requester: string;
};

export type Compared = Pick<Comparison, "differs" | "arguments" | "arguments_more" | "circumstances">;

/** Told of one comparison; a call has as many values as a model likes. */
const ARGUMENTS_MAX = 100;
/** Told of one value. */
const VALUE_CHARS_MAX = 2_000;
/** Deeper values are compared as a whole. */
const DEPTH_MAX = 32;
/** Named in the line that says what differs. */
const NAMED_MAX = 3;
const NAME_CHARS_MAX = 60;

/** In the place of what is a secret as a whole. */
const TAKEN_OUT = "(taken out)";

/** @param shown the arguments of `before` as they may be shown; they have its shape */
export function compareQuestions(before: ComparedQuestion, now: ComparedQuestion, shown: unknown): Compared {
  const found: ComparedArgument[] = [];
  const { arguments: had } = before.action;
  compareValues(found, "", { had, shown, has: now.action.arguments }, [before.labels, now.labels]);
  const circumstances = circumstancesOf(before, now);
  return {
    differs: inOneLine(found, circumstances),
    arguments: found.slice(0, ARGUMENTS_MAX),
    arguments_more: Math.max(0, found.length - ARGUMENTS_MAX),
    circumstances,
  };
}

/** At one place: in the earlier call, the same as it may be shown, in this one. Undefined: nothing. */
type Place = { readonly had: unknown; readonly shown: unknown; readonly has: unknown };
type Labels = readonly [before: ArgumentLabels, now: ArgumentLabels];

function compareValues(found: ComparedArgument[], pointer: string, place: Place, labels: Labels): void {
  const { had, shown, has } = place;
  const names = commonNames(had, has, pointer.split("/").length);
  if (names !== null) {
    for (const name of names) {
      const inner = { had: memberOf(had, name), shown: memberOf(shown, name), has: memberOf(has, name) };
      compareValues(found, `${pointer}/${name.replaceAll("~", "~0").replaceAll("/", "~1")}`, inner, labels);
    }
    return;
  }
  const [originBefore, originNow] = labels.map((of) => originAt(of, pointer));
  const origin = originBefore ?? null;
  if (had === undefined) found.push({ ...NOTHING, pointer, difference: "added" });
  else if (has === undefined) found.push({ ...valueOf(had, shown), pointer, difference: "left_out", origin });
  else if (canonicalJson(had) !== canonicalJson(has))
    found.push({ ...valueOf(had, shown), pointer, difference: "value", origin });
  else if (originBefore !== originNow) found.push({ ...NOTHING, pointer, difference: "origin", origin });
}

const NOTHING = { value: null, is_text: false, length_chars: 0, origin: null } as const;

/** Null: they are compared as they stand, and nothing within them. */
function commonNames(had: unknown, has: unknown, depth: number): ReadonlySet<string> | null {
  if (!isHolder(had) || !isHolder(has) || Array.isArray(had) !== Array.isArray(has)) return null;
  const names = new Set([...Object.keys(has), ...Object.keys(had)]);
  return depth > DEPTH_MAX || names.size === 0 ? null : names;
}

const isHolder = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null;

const memberOf = (value: unknown, name: string): unknown =>
  isHolder(value) && Object.hasOwn(value, name) ? value[name] : undefined;

function valueOf(had: unknown, shown: unknown): Pick<ComparedArgument, "value" | "is_text" | "length_chars"> {
  const text = shown === undefined ? TAKEN_OUT : typeof shown === "string" ? shown : JSON.stringify(shown);
  return { value: cut(text, VALUE_CHARS_MAX), is_text: typeof had === "string", length_chars: text.length };
}

// Between code points, so that no half of a surrogate pair is left over.
const cut = (text: string, charsMax: number): string =>
  text.length <= charsMax
    ? text
    : `${text
        .slice(0, charsMax)
        .toWellFormed()
        .replace(/\uFFFD$/u, "")}…`;

/** Of the place, else of the nearest one that holds it. */
function originAt(labels: ArgumentLabels, pointer: string): NonNullable<ComparedArgument["origin"]> | null {
  for (let at = pointer; ; at = at.slice(0, at.lastIndexOf("/"))) {
    const label = Object.hasOwn(labels, at) ? labels[at] : undefined;
    if (label !== undefined) return label.origin;
    if (at === "") return null;
  }
}

type Circumstance = Comparison["circumstances"][number];

const told = (what: Circumstance["what"], before: string | null, now: string | null): Circumstance[] =>
  before === now ? [] : [{ what, before, now }];

function circumstancesOf(before: ComparedQuestion, now: ComparedQuestion): Comparison["circumstances"] {
  const rules = [before, now].map(({ reasons }) => askingRules(reasons).map(nameOfRule).join(", "));
  const [asked = "", asks = ""] = rules;
  return [
    ...told("tool_version", before.action.tool_version, now.action.tool_version),
    ...told("tool_definition", before.action.manifest_digest, now.action.manifest_digest),
    ...told("agent", before.agentVersion, now.agentVersion),
    ...told("workspace", before.workspace, now.workspace),
    // A digest, or a place that only the tool knows to read.
    ...(before.precondition === now.precondition
      ? []
      : [{ what: "found" as const, before: null, now: null }]),
    ...told("asking_rules", asked === "" ? null : asked, asks === "" ? null : asks),
    ...(asked === asks ? told("rules", before.policyVersion, now.policyVersion) : []),
    ...told("requester", before.requester, now.requester),
  ];
}

const WORDS: Readonly<Record<Circumstance["what"], string>> = {
  tool_version: "the tool's version",
  tool_definition: "the tool's definition",
  agent: "the agent's definition",
  workspace: "the workspace",
  found: "what the tool found there",
  asking_rules: "the rules that ask",
  rules: "the rules that were loaded",
  requester: "who asked for the run",
};

const DIFFERENCE_WORDS = [
  ["value", "other values: "],
  ["origin", "the same value, chosen by somebody else: "],
  ["added", "new: "],
  ["left_out", "left out: "],
] as const;

function inOneLine(found: readonly ComparedArgument[], circumstances: Comparison["circumstances"]): string {
  const parts = [
    ...DIFFERENCE_WORDS.flatMap(([difference, words]) => {
      const named = found.filter((one) => one.difference === difference).map(({ pointer }) => pointer);
      return named.length === 0 ? [] : [`${words}${namesOf(named)}`];
    }),
    ...circumstances.map(({ what }) => WORDS[what]),
  ];
  return parts.length === 0 ? "nothing that is kept of it" : parts.join("; ");
}

function namesOf(pointers: readonly string[]): string {
  const named = pointers.slice(0, NAMED_MAX).map((pointer) => cut(pointer, NAME_CHARS_MAX));
  const more = pointers.length - named.length;
  return `${named.join(", ")}${more === 0 ? "" : ` and ${more} more`}`;
}
