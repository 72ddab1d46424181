// Which fields of an event's payload can hold something of a person. They are sealed, so that an erasure can take them
// from copies as well; the rest stays as it is, for the database's own rules and for everybody who verifies.

/** Under this name stands what was sealed, in the place of the fields. */
export const SEALED_FIELD = "sealed";

/**
 * Events of runs have none: they name tools, agents and models, and artifacts in words of the harness, and of who agreed to
 * a call digests (core/decide/assent-data.ts). By kind; a dot leads into an object. Names, what people gave as a reason, and what a caller could write as it liked.
 * Ids, digests, numbers and fixed words are never among them: triggers, state digests and `verify --db` read those.
 */
const PERSONAL: { readonly [kind: string]: readonly string[] } = {
  document_added: ["name", "source"],
  "log.epoch_begun": ["reason"],
  memory_recorded: [
    "actor.principal_id",
    "metadata.explanation",
    "metadata.provenance.principal_id",
    "metadata.rationale",
    "metadata.reason",
  ],
  signature_refused: ["detail", "path"],
};

/**
 * What the decision memory says in words of its own, in fields where others give theirs. Sealing it would hide nothing, and
 * every run that asks a person would pay for it.
 */
const OWN_WORDS: ReadonlySet<unknown> = new Set([
  "policy_strategy",
  "policy_manual",
  "exact_verified",
  "exact_unverified",
  "exact_low_confidence",
  "exact_disagreement",
  "similar",
  "no_precedent",
  "a policy names the answer",
  "a policy wants a person to decide",
  "a person has answered exactly this",
  "exactly this was answered before, but never by a person",
  "the answer given before was too often overridden",
  "exactly this was answered in different ways",
  "only questions like this one were answered before",
  "No policy or resolution found for pattern",
]);

export type Data = Readonly<Record<string, unknown>>;

/** By path, as in the table above. */
export type PersonalFields = Readonly<Record<string, unknown>>;

/** @returns the payload without them, and the fields by path; null where it has none, and then it is left alone */
export function splitPersonal(
  kind: string,
  data: Data,
): { readonly plain: Data; readonly personal: PersonalFields } | null {
  const personal: Record<string, unknown> = {};
  let plain = data;
  for (const path of Object.hasOwn(PERSONAL, kind) ? (PERSONAL[kind] ?? []) : []) {
    const found = at(plain, path.split("."));
    if (found === null || found === undefined) continue;
    if (path.startsWith("metadata.") && OWN_WORDS.has(found)) continue;
    personal[path] = found;
    plain = without(plain, path.split("."));
  }
  return Object.keys(personal).length === 0 ? null : { plain, personal };
}

/** Puts fields back where they were, and the sealed text away. */
export function joinPersonal(data: Data, personal: PersonalFields): Data {
  const { [SEALED_FIELD]: _, ...joined } = data;
  return Object.entries(personal).reduce<Data>(
    (whole, [path, value]) => withValue(whole, path.split("."), value),
    joined,
  );
}

/** The sealed text of a payload; null where nothing of it is sealed. */
export function sealedOf(data: unknown): string | null {
  if (!isObject(data)) return null;
  const sealed = data[SEALED_FIELD];
  return typeof sealed === "string" ? sealed : null;
}

const isObject = (value: unknown): value is Data =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function at(data: Data, [name = "", ...deeper]: readonly string[]): unknown {
  const value = Object.hasOwn(data, name) ? data[name] : undefined;
  if (deeper.length === 0) return value;
  return isObject(value) ? at(value, deeper) : undefined;
}

function without(data: Data, [name = "", ...deeper]: readonly string[]): Data {
  const { [name]: value, ...rest } = data;
  return deeper.length === 0 || !isObject(value) ? rest : { ...data, [name]: without(value, deeper) };
}

function withValue(data: Data, [name = "", ...deeper]: readonly string[], value: unknown): Data {
  const inner = data[name];
  const next = deeper.length === 0 ? value : withValue(isObject(inner) ? inner : {}, deeper, value);
  return { ...data, [name]: next };
}
