// Answers that say what the contract says, in a form of their own: other ids, times with an offset, members that it does not know.
// None of that is a fault. What is missing, or of another type, stays one.

import { type AuditEvent, auditEventSchema } from "@assent/contract";
import { canonicalJson } from "./canonical-json.ts";
import { digestOfEvent, sha256Hex } from "./digest.ts";
import { fieldsOf, textOf } from "./run-reading.ts";

type Issue = {
  readonly code: string;
  readonly path: readonly PropertyKey[];
  readonly message: string;
  readonly format?: string;
  readonly pattern?: string;
  readonly keys?: readonly string[];
};

/** As the contract's schemas are; the suite needs nothing more of them. */
type Schema<T> = {
  safeParse(
    json: unknown,
  ):
    | { readonly success: true; readonly data: T }
    | { readonly success: false; readonly error: { readonly issues: readonly unknown[] } };
};

export type LooseReading<T> = {
  /** In the contract's form: what was of another one stands in it as something that is the same for the same. */
  readonly data: T | null;
  /** What was of another form, as `run_id: …`; none where it fits to the letter. */
  readonly odd: readonly string[];
  readonly issues: readonly unknown[];
};

const isIssue = (issue: unknown): issue is Issue =>
  Array.isArray(fieldsOf(issue)["path"]) && typeof fieldsOf(issue)["code"] === "string";

export function readLoosely<T>(schema: Schema<T>, json: unknown): LooseReading<T> {
  const strict = schema.safeParse(json);
  if (strict.success) return { data: strict.data, odd: [], issues: [] };
  const copy: unknown = structuredClone(json);
  const odd = strict.error.issues.filter(isIssue).flatMap((issue) => {
    return mend(copy, issue) ? [`${issue.path.join(".")}: ${issue.message}`] : [];
  });
  const again = schema.safeParse(copy);
  return again.success
    ? { data: again.data, odd, issues: [] }
    : { data: null, odd, issues: again.error.issues };
}

/** Digests that only tell one thing from another; those of bytes and events can be recomputed, and are. */
const NAMES: readonly PropertyKey[] = ["action_digest", "manifest_digest"];

/** @returns whether it was of form only, and is in the contract's now */
function mend(copy: unknown, { code, path, format, pattern = "", keys = [] }: Issue): boolean {
  if (code === "unrecognized_keys") {
    const members = memberAt(copy, path);
    if (!isMembers(members)) return false;
    for (const key of keys) Reflect.deleteProperty(members, key);
    return true;
  }
  const last = path.at(-1);
  const parent = memberAt(copy, path.slice(0, -1));
  if (code !== "invalid_format" || last === undefined || !isMembers(parent)) return false;
  const value: unknown = Reflect.get(parent, last);
  if (typeof value !== "string" || value === "") return false;
  const other = format === "datetime" ? timeOf(value) : standInFor(value, pattern, NAMES.includes(last));
  return other !== null && Reflect.set(parent, last, other);
}

const isMembers = (value: unknown): value is object => typeof value === "object" && value !== null;

const memberAt = (copy: unknown, path: readonly PropertyKey[]): unknown =>
  path.reduce<unknown>((value, name) => (isMembers(value) ? Reflect.get(value, name) : undefined), copy);

function timeOf(text: string): string | null {
  // A time without a place is none.
  const at = /(?:Z|[+-]\d\d:?\d\d)$/iu.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(at) ? null : new Date(at).toISOString();
}

function standInFor(value: string, pattern: string, isName: boolean): string | null {
  const hash = sha256Hex(value);
  const [, kind = ""] = /^\^\(?([a-z]{3})\)?_/u.exec(pattern) ?? [];
  const forms = [`${kind}_${hash.slice(0, 32)}`, `n${hash.slice(0, 32)}`, `x/${hash.slice(0, 32)}`];
  const expected = new RegExp(pattern.replace(/^\/(.*)\/$/u, "$1"), "u");
  return [...forms, ...(isName ? [`sha256:${hash}`] : [])].find((form) => expected.test(form)) ?? null;
}

/**
 * One event. Its digest is the contract's where it was right over the event as it was sent: with what the contract puts
 * before it or without, with members of the harness's own or without.
 */
export function readEventLoosely(row: unknown): LooseReading<AuditEvent> {
  const reading = readLoosely(auditEventSchema, row);
  const { data } = reading;
  if (data === null) return reading;
  const { digest: said, ...members } = fieldsOf(row);
  const known = Object.entries(members).filter(([name]) => name in data);
  const isRight = [members, Object.fromEntries(known)].some((event) => {
    const text = canonicalJson(event);
    return [text, `assent/event/v1\n${text}`].some((over) => `sha256:${sha256Hex(over)}` === textOf(said));
  });
  const { digest } = data;
  // A digest that was wrong stays wrong, even where what has taken the event's place happens to fit it.
  const wrong = digestOfEvent(data) === digest ? `sha256:${"0".repeat(64)}` : digest;
  return { ...reading, data: { ...data, digest: isRight ? digestOfEvent(data) : wrong } };
}
