// What a rule says of itself beside its condition. Whatever is not known, or not well formed, refuses the whole set: a
// misspelt requirement must never be a missing one.

import type { Actor } from "@assent/contract";
import type { Sha256 } from "../../base/digest.ts";
import { err, ok, type Result } from "../../base/result.ts";

/** What an approval has to fulfil. */
export type Assent = {
  /** Who may approve, as `approverEntry` writes them; absent: everybody who may approve at all. */
  readonly approvers?: readonly string[];
  /** Different people who have to agree, from 1. */
  readonly quorum: number;
  /** The requester is not among them. */
  readonly separateDuties: boolean;
  readonly timeoutMs: number;
  /** What comes of a question that nobody answers in time. */
  readonly onTimeout: "deny";
};

export type PolicyRule = {
  readonly id: string;
  /** Over what it says without its annotations, comments and spaces: equal ones mean the same. */
  readonly meaning: Sha256;
  /** As it is written, annotations and comments within it too. */
  readonly text: string;
  readonly effect: "permit" | "forbid";
  /** One sentence for people: why this rule speaks. */
  readonly description: string | null;
  /** Set for a `forbid` that an approval lifts. */
  readonly assent: Assent | null;
};

/**
 * How a list of approvers names a principal: people by their name, everything else with its kind before it. Names are
 * unique within a kind only, and who may make keys for services must not make one that passes for a person. No name of a
 * person begins so: a key's has no `/`, and a provider's has its `:` first.
 */
export const approverEntry = ({ kind, name }: Pick<Actor, "kind" | "name">): string =>
  kind === "human" ? name : `${kind}/${name}`;

/**
 * Whose the entry is, as far as a name tells: a person whom keys call `anna` and a provider `corp:anna` is one, however the
 * letters are written. Two people of one name are counted as one, and a third has to be found: that errs to the safe side.
 */
export const personNamed = (entry: string): string =>
  /^(?:service|agent)\//.test(entry) ? entry : entry.slice(entry.indexOf(":") + 1).toLowerCase();

const countPeople = (names: readonly string[]): number => new Set(names.map(personNamed)).size;

const RULE_ID = /^[a-z0-9][a-z0-9._/-]{0,99}$/;
const DESCRIPTION_CHARS_MAX = 500;
/** Nobody finds more people than this within any timeout; a larger number is a slip of the keyboard. */
const QUORUM_MAX = 10;
const APPROVERS_MAX = 100;
/** As APPROVAL_LIFETIME_HOURS; longer ones are refused, so that no run waits for ever. */
const TIMEOUT_MS_MAX = 72 * 3_600_000;
const UNIT_MS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

const KNOWN: readonly string[] = [
  "id",
  "description",
  "needs_approval",
  "approvers",
  "quorum",
  "separate_duties",
  "timeout",
];
const OF_APPROVAL: readonly string[] = ["approvers", "quorum", "separate_duties", "timeout"];

/** `annotations` as Cedar gives them: null for one without a value. The error is a sentence for the rule's author. */
export function readAnnotations(
  effect: "permit" | "forbid",
  annotations: Readonly<Record<string, string | null>>,
): Result<Omit<PolicyRule, "meaning" | "text">, string> {
  const given = new Map(Object.entries(annotations));
  const unknown = [...given.keys()].find((name) => !KNOWN.includes(name));
  if (unknown !== undefined) return err(`@${unknown} is not a known annotation (${KNOWN.join(", ")})`);
  const id = given.get("id") ?? "";
  if (!RULE_ID.test(id)) return err(`it needs an @id("…") of a-z, 0-9, ".", "_", "/" and "-"`);
  const description = given.get("description") ?? null;
  if (given.has("description") && (description ?? "").length === 0) return err("@description has no text");
  if (description !== null && description.length > DESCRIPTION_CHARS_MAX)
    return err(`@description has more than ${DESCRIPTION_CHARS_MAX} characters`);
  if (!given.has("needs_approval")) {
    const stray = OF_APPROVAL.find((name) => given.has(name));
    if (stray !== undefined) return err(`@${stray} means nothing without @needs_approval`);
    return ok({ id, effect, description, assent: null });
  }
  if (effect === "permit") return err("@needs_approval stands on a permit; only a forbid can be lifted");
  const assent = readAssent(given);
  return assent.ok ? ok({ id, effect, description, assent: assent.value }) : assent;
}

function readAssent(given: ReadonlyMap<string, string | null>): Result<Assent, string> {
  for (const name of ["needs_approval", "separate_duties"])
    if ((given.get(name) ?? "") !== "") return err(`@${name} takes no value`);
  const quorum = readQuorum(given);
  if (!quorum.ok) return quorum;
  const timeoutMs = readTimeout(given);
  if (!timeoutMs.ok) return timeoutMs;
  const approvers = readApprovers(given, quorum.value);
  if (!approvers.ok) return approvers;
  return ok({
    ...(approvers.value === null ? {} : { approvers: approvers.value }),
    quorum: quorum.value,
    separateDuties: given.has("separate_duties"),
    timeoutMs: timeoutMs.value,
    onTimeout: "deny",
  });
}

function readQuorum(given: ReadonlyMap<string, string | null>): Result<number, string> {
  if (!given.has("quorum")) return ok(1);
  const text = given.get("quorum") ?? "";
  const quorum = /^[1-9]\d?$/.test(text) ? Number(text) : Number.NaN;
  return quorum <= QUORUM_MAX ? ok(quorum) : err(`@quorum is a whole number from 1 to ${QUORUM_MAX}`);
}

function readTimeout(given: ReadonlyMap<string, string | null>): Result<number, string> {
  if (!given.has("timeout")) return ok(TIMEOUT_MS_MAX);
  const parts = /^([1-9]\d{0,5})([smhd])$/.exec(given.get("timeout") ?? "");
  const timeoutMs = Number(parts?.[1] ?? Number.NaN) * (UNIT_MS[parts?.[2] ?? ""] ?? Number.NaN);
  return timeoutMs <= TIMEOUT_MS_MAX
    ? ok(timeoutMs)
    : err(`@timeout is a whole number with s, m, h or d, at most 72h: "30m"`);
}

function readApprovers(
  given: ReadonlyMap<string, string | null>,
  quorum: number,
): Result<readonly string[] | null, string> {
  if (!given.has("approvers")) return ok(null);
  const names = (given.get("approvers") ?? "").split(",").map((name) => name.trim());
  if (names.includes("service/")) return err("@approvers names a service as service/<name>");
  if (names.includes("")) return err("@approvers lists names, separated by commas");
  if (new Set(names).size !== names.length) return err("@approvers names somebody twice");
  if (names.length > APPROVERS_MAX) return err(`@approvers lists more than ${APPROVERS_MAX} names`);
  if (countPeople(names) < quorum) return err(`@approvers lists fewer people than its @quorum of ${quorum}`);
  return ok(names.toSorted());
}

/**
 * The strictest of each requirement. Null: they contradict each other, so that nobody's approval could fulfil them all.
 */
export function strictestAssent(all: readonly Assent[]): Assent | null {
  const lists = all.flatMap(({ approvers }) => (approvers === undefined ? [] : [approvers]));
  const quorum = Math.max(1, ...all.map((assent) => assent.quorum));
  const [first, ...others] = lists;
  const approvers = first?.filter((name) => others.every((list) => list.includes(name)));
  if (approvers !== undefined && countPeople(approvers) < quorum) return null;
  return {
    ...(approvers === undefined ? {} : { approvers }),
    quorum,
    separateDuties: all.some(({ separateDuties }) => separateDuties),
    timeoutMs: Math.min(TIMEOUT_MS_MAX, ...all.map(({ timeoutMs }) => timeoutMs)),
    onTimeout: "deny",
  };
}
