// Untrusted values that stay in the harness: the model sees `$v3`, a tool receives what step 3 returned (spec/security.md
// section 3, after FIDES and CaMeL). A model that cannot see a value cannot be talked into anything by it. A handle
// follows from the journal alone: its number is the step's.

import { err, ok, type Result } from "../../base/result.ts";
import type { ArgumentLabels } from "../decide/action-request.ts";
import { fieldsOf, type FieldType } from "./fields.ts";
import { ARGUMENT_DEPTH_MAX, HANDLE_USES_MAX, RESOLVED_CHARS_MAX } from "./limits.ts";

/** A kept text by the number of its step. Of each run its own: no other run's can be named. */
export type KeptTexts = ReadonlyMap<number, string>;

export type HandleUse = {
  /** Of the leaf that it stands for (RFC 6901). */
  readonly pointer: string;
  readonly step: number;
  /** Null: the whole text. */
  readonly type: FieldType | null;
  /** Half-open range in the kept text. */
  readonly start: number;
  readonly end: number;
};

export type Resolved = {
  /** The arguments that the tool receives. */
  readonly args: Readonly<Record<string, unknown>>;
  readonly uses: readonly HandleUse[];
};

const HANDLE = /^\$v([1-9]\d{0,5})(?:\.(email|url|amount|date)(?:\.([1-9]\d{0,3}))?)?$/;
const LIKE_HANDLE = /\$v\d/;
const TYPES = ["email", "url", "amount", "date"] as const;

/** What the model reads in the place of a kept text: what there is, and nothing of what it says. */
export function describeHandle(step: number, text: string): string {
  const counts = TYPES.map((type) => `$v${step}.${type}: ${distinct(text, type).length}`);
  return (
    `Kept as $v${step} (${text.length} characters that you do not see). Give $v${step} as a whole argument and the tool ` +
    `receives the text; or one field of it, where there is one (${counts.join(", ")}); of several $v${step}.email.1, ` +
    `$v${step}.email.2 and so on.`
  );
}

/**
 * The arguments with every handle replaced by what it stands for: `$v3` the text of step 3, `$v3.email` the one address
 * in it, `$v3.email.2` the second different one; an amount is a number. The error says why they cannot be made.
 */
export function resolveHandles(
  args: Readonly<Record<string, unknown>>,
  kept: KeptTexts,
): Result<Resolved, string> {
  const uses: HandleUse[] = [];
  // A short call may name a long text often: neither its size nor the reading of it may grow with that.
  let charsLeft = RESOLVED_CHARS_MAX;
  const fields = new Map<string, readonly Found[]>();
  const fieldsIn: FieldsIn = (step, text, type) => {
    const known = fields.get(`${step}.${type}`) ?? distinct(text, type);
    fields.set(`${step}.${type}`, known);
    return known;
  };
  const visit = (value: unknown, pointer: string, depth: number): Result<unknown, string> => {
    if (typeof value === "string") {
      const found = resolveText(value, pointer, kept, { uses, fieldsIn });
      if (found.ok && typeof found.value === "string") charsLeft -= found.value.length;
      return charsLeft < 0 || uses.length > HANDLE_USES_MAX ? err(TOO_MUCH) : found;
    }
    if (typeof value !== "object" || value === null) return ok(value);
    if (depth >= ARGUMENT_DEPTH_MAX) return err("The arguments are nested too deep for handles.");
    const members: [string, unknown][] = [];
    for (const [name, inner] of Object.entries(value) as [string, unknown][]) {
      if (LIKE_HANDLE.test(name)) return err(`${name}: a handle cannot be the name of a member.`);
      const next = `${pointer}/${name.replaceAll("~", "~0").replaceAll("/", "~1")}`;
      const made = visit(inner, next, depth + 1);
      if (!made.ok) return made;
      members.push([name, made.value]);
    }
    return ok(Array.isArray(value) ? members.map(([, inner]) => inner) : Object.fromEntries(members));
  };
  const made: [string, unknown][] = [];
  for (const [name, value] of Object.entries(args)) {
    const resolved = visit(value, `/${name.replaceAll("~", "~0").replaceAll("/", "~1")}`, 1);
    if (!resolved.ok) return resolved;
    made.push([name, resolved.value]);
  }
  // Assigning would take an argument called `__proto__` for an order.
  return ok({ args: Object.fromEntries(made), uses });
}

/** What a handle stands for came out of untrusted text, whoever else wrote the same. */
export const labelsOfUses = (uses: readonly HandleUse[]): ArgumentLabels =>
  Object.fromEntries(
    uses.map(({ pointer, step, start, end }) => [
      pointer,
      { origin: "untrusted", sources: [{ source: `step:${step}`, start, end }] } as const,
    ]),
  );

/** For whoever is asked: which value the model chose without seeing it, and where it came from. */
export function describeUse({ pointer, step, type }: HandleUse, tool: string): string {
  const what = type === null ? "all" : `one ${type}`;
  return `${pointer} is ${what} of what ${tool} returned in step ${step}.`;
}

/** Of arguments that were changed: those whose value still is what the handle stood for. */
export function usesLeft(
  uses: readonly HandleUse[],
  before: Readonly<Record<string, unknown>>,
  now: Readonly<Record<string, unknown>>,
): readonly HandleUse[] {
  return uses.filter(({ pointer }) => {
    const value = valueAt(before, pointer);
    return value !== undefined && value === valueAt(now, pointer);
  });
}

/** What stands at a pointer (RFC 6901); undefined where nothing does. */
export function valueAt(args: unknown, pointer: string): unknown {
  let at = args;
  for (const part of pointer.split("/").slice(1)) {
    const name = part.replaceAll("~1", "/").replaceAll("~0", "~");
    if (typeof at !== "object" || at === null) return undefined;
    at = new Map<string, unknown>(Object.entries(at)).get(name);
  }
  return at;
}

const TOO_MUCH = `With what their handles stand for the arguments are too long: ${RESOLVED_CHARS_MAX} characters and ${HANDLE_USES_MAX} handles at most.`;

type FieldsIn = (step: number, text: string, type: Exclude<FieldType, "text">) => readonly Found[];

function resolveText(
  text: string,
  pointer: string,
  kept: KeptTexts,
  { uses, fieldsIn }: { readonly uses: HandleUse[]; readonly fieldsIn: FieldsIn },
): Result<unknown, string> {
  if (!LIKE_HANDLE.test(text)) return ok(text);
  const match = HANDLE.exec(text);
  if (match === null) return err(`${pointer}: a handle stands for a whole value, with nothing around it.`);
  const step = Number(match[1]);
  const whole = kept.get(step);
  if (whole === undefined) return err(`${pointer}: there is no $v${step}.`);
  const type = TYPES.find((one) => one === match[2]) ?? null;
  if (type === null) {
    uses.push({ pointer, step, type, start: 0, end: whole.length });
    return ok(whole);
  }
  const found = fieldsIn(step, whole, type);
  const nth = match[3] === undefined ? null : Number(match[3]);
  if (nth === null && found.length > 1)
    return err(`${pointer}: $v${step} has ${found.length} of the kind ${type}; say which: ${text}.1`);
  const field = found[(nth ?? 1) - 1];
  if (field === undefined) return err(`${pointer}: $v${step} has no such ${type}.`);
  const { value, start, end } = field;
  uses.push({ pointer, step, type, start, end });
  return ok(type === "amount" ? Number(value.split(" ")[0]) : value);
}

type Found = { readonly value: string; readonly start: number; readonly end: number };

/** Different values in the order of the text; what can be read in two ways is none. */
function distinct(text: string, type: FieldType): readonly Found[] {
  const found = new Map<string, Found>();
  for (const { values, start, end } of fieldsOf(text, type)) {
    const [value, another] = values;
    if (value !== undefined && another === undefined && !found.has(value))
      found.set(value, { value, start, end });
  }
  return [...found.values()];
}
