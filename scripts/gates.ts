// The numbers that gates decide by: gates.json, read once and held to its form. What is loosened in it, or left out, needs
// the word of its owner:
//
//   npm run gates                       every number, its unit and who answers for it
//   npm run gates -- --since <commit>   what was loosened since then; 1 where a commit does not say who agreed
//
// A commit that loosens says so in a line of its message: `Gates-Loosened-By: <owner>`, one for each owner whose numbers
// are touched. Who may write that line for a branch that is merged is for the review of its commits.

import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const ROOT = fileURLToPath(new URL("../", import.meta.url));
export const GATES_FILE = "gates.json";

const BOUNDS = ["most", "least", "exactly"] as const;

export type Gate = {
  readonly value: number;
  readonly unit: string;
  /** Which way it may be tightened without asking: a `most` downwards, a `least` upwards. */
  readonly bound: (typeof BOUNDS)[number];
  readonly owner: string;
  readonly why: string;
};
export type Gates = ReadonlyMap<string, Gate>;

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const isText = (value: unknown): value is string => typeof value === "string" && value.trim() !== "";

const MEMBERS: readonly string[] = ["value", "unit", "bound", "owner", "why"];

/**
 * Reads the text of gates.json.
 * @throws Error that names the entry which is not of the form, for a gate without its number would let everything pass
 */
export function parseGates(text: string): Gates {
  const read: unknown = JSON.parse(text);
  if (!isObject(read) || !isObject(read["owners"]) || !isObject(read["gates"]))
    throw new Error(`${GATES_FILE}: it takes "owners" and "gates"`);
  const owners = read["owners"];
  const gates = Object.entries(read["gates"]).map(([name, entry]) => {
    const wrong = (what: string): Error => new Error(`${GATES_FILE}: ${name}: ${what}`);
    if (!/^[a-z]+\.[a-zA-Z0-9]+$/u.test(name)) throw wrong("a name is group.name");
    if (!isObject(entry)) throw wrong("it is no entry");
    const { value, unit, bound, owner, why } = entry;
    const unknown = Object.keys(entry).find((member) => !MEMBERS.includes(member));
    if (unknown !== undefined) throw wrong(`"${unknown}" is none of ${MEMBERS.join(", ")}`);
    if (typeof value !== "number" || !Number.isFinite(value) || value <= 0)
      throw wrong("its value is a number above 0");
    if (!isText(unit) || !isText(why)) throw wrong("it says its unit and why");
    const isBound = BOUNDS.find((one) => one === bound);
    if (isBound === undefined) throw wrong(`its bound is one of ${BOUNDS.join(", ")}`);
    if (!isText(owner) || !Object.hasOwn(owners, owner)) throw wrong("its owner is none of the owners");
    return [name, { value, unit, bound: isBound, owner, why }] as const;
  });
  if (gates.length === 0) throw new Error(`${GATES_FILE}: it holds no gate`);
  return new Map(gates);
}

let kept: Gates | null = null;

export function readGates(): Gates {
  kept ??= parseGates(readFileSync(join(ROOT, GATES_FILE), "utf8"));
  return kept;
}

/** The number of a gate; throws where there is none of that name. */
export function gate(name: string): number {
  const found = readGates().get(name);
  if (found === undefined) throw new Error(`${GATES_FILE}: there is no ${name}`);
  return found.value;
}

export type Loosened = { readonly name: string; readonly owner: string; readonly says: string };

/** What lets more pass now than before: a number moved the wrong way, another bound, a gate that is gone. */
export function loosened(before: Gates, now: Gates): readonly Loosened[] {
  return [...before].flatMap(([name, old]) => {
    const found = now.get(name);
    const says = found === undefined ? "is gone" : howLooser(old, found);
    return says === null ? [] : [{ name, owner: old.owner, says }];
  });
}

function howLooser(old: Gate, now: Gate): string | null {
  const moved = `${old.value} became ${now.value}`;
  if (now.bound !== old.bound) return `was "${old.bound}" and is "${now.bound}"`;
  if (now.unit !== old.unit) return `was ${old.unit} and is ${now.unit}`;
  if (now.owner !== old.owner) return `was ${old.owner}'s and is ${now.owner}'s`;
  if (old.bound === "most") return now.value > old.value ? moved : null;
  if (old.bound === "least") return now.value < old.value ? moved : null;
  return now.value === old.value ? null : moved;
}

/** Owners who are named as agreeing in messages of commits. */
export const agreed = (messages: string): ReadonlySet<string> =>
  new Set([...messages.matchAll(/^Gates-Loosened-By: (\w+)\s*$/gmu)].map(([, owner = ""]) => owner));

function git(...args: readonly string[]): string | null {
  const { status, stdout } = spawnSync("git", ["-C", ROOT, ...args], { encoding: "utf8" });
  return status === 0 ? stdout : null;
}

/** @returns 0: nothing was loosened, or its owners agreed; 1: not all did; 2: it cannot be told */
function compareWith(since: string): 0 | 1 | 2 {
  // What the branch changed, not what happened to the other since they parted.
  const base = git("merge-base", since, "HEAD")?.trim();
  const messages = base === undefined ? null : git("log", "--format=%B", `${base}..HEAD`);
  if (base === undefined || messages === null) {
    process.stderr.write(`gates: git knows no common commit with ${since}; fetch it, or name another\n`);
    return 2;
  }
  const before = git("show", `${base}:${GATES_FILE}`);
  if (before === null) {
    process.stdout.write(`gates: there was no ${GATES_FILE} at ${base.slice(0, 12)}\n`);
    return 0;
  }
  const looser = loosened(parseGates(before), readGates());
  const owners = agreed(messages);
  for (const { name, owner, says } of looser)
    process.stdout.write(
      `${owners.has(owner) ? "agreed" : "LOOSENED"} ${name}: ${says} (owner: ${owner}; say "Gates-Loosened-By: ${owner}" in a commit)\n`,
    );
  const refused = looser.filter(({ owner }) => !owners.has(owner)).length;
  process.stdout.write(
    `gates: ${readGates().size} numbers, ${looser.length} loosened since ${base.slice(0, 12)}, ${refused} without their owner's word\n`,
  );
  return refused === 0 ? 0 : 1;
}

function list(): void {
  for (const [name, { value, unit, bound, owner, why }] of readGates())
    process.stdout.write(
      `${name}: at ${bound} ${value} ${unit} (${owner}): ${why}\n`.replace("at exactly", "exactly"),
    );
}

function main(): void {
  const { values } = parseArgs({ options: { since: { type: "string" } } });
  if (values.since === undefined) list();
  else process.exitCode = compareWith(values.since);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) main();
