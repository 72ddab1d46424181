// Late-bound slots of an approved plan: the person agreed to "one address out of what read_file returned", so the value
// of the call must be such an address as a whole, by rule (spec/security.md section 4, spec/external-runs.md).

import { canonicalUrl, fieldsOf, type FieldType } from "./fields.ts";

export type Slot = { readonly type: FieldType; readonly from: string };

/** What one call of a tool in this run returned. */
export type ToolOutput = { readonly tool: string; readonly text: string };

export type SlotMatch = {
  readonly matches: boolean;
  readonly reason: "extracted" | "not_of_type" | "no_output" | "not_in_output" | "ambiguous";
};

/**
 * Whether `value` as a whole is a value of the slot's type that stands in an output of the slot's tool. What other
 * tools returned does not count. A number matches an amount without naming its currency. `text`: a whole output, a
 * whole line of it, or a whole string in it where it is JSON.
 */
export function matchSlot(slot: Slot, value: unknown, outputs: readonly ToolOutput[]): SlotMatch {
  const wanted = canonicalOf(slot.type, value);
  if (wanted === null) return { matches: false, reason: "not_of_type" };
  const texts = outputs
    .filter((output) => output.tool === slot.from)
    .flatMap((output) => piecesOf(output.text));
  if (texts.length === 0) return { matches: false, reason: "no_output" };
  let ambiguous = false;
  for (const text of slot.type === "text" ? texts.flatMap((piece) => [piece, ...piece.split("\n")]) : texts)
    for (const { values } of fieldsOf(text, slot.type)) {
      const found = values.some((field) => (wanted.bare ? field.split(" ")[0] : field) === wanted.value);
      if (found && values.length === 1) return { matches: true, reason: "extracted" };
      ambiguous ||= found;
    }
  return { matches: false, reason: ambiguous ? "ambiguous" : "not_in_output" };
}

function canonicalOf(type: FieldType, value: unknown): { value: string; bare: boolean } | null {
  if (type === "amount" && typeof value === "number")
    return Number.isFinite(value) ? { value: String(value), bare: true } : null;
  if (typeof value !== "string" || value === "") return null;
  if (type === "text") return value.trim() === value ? { value, bare: false } : null;
  if (type === "url") {
    const url = canonicalUrl(value);
    return url === null ? null : { value: url, bare: false };
  }
  if (type === "amount" && /^-?(?:0|[1-9]\d{0,14})(?:\.\d{1,9})?$/.test(value))
    return { value: String(Number(value)), bare: true };
  const fields = fieldsOf(value, type);
  const [field] = fields;
  const [only] = field?.values ?? [];
  // The value is the field and nothing else: no second address, no display name, no line break.
  if (field === undefined || only === undefined || fields.length !== 1 || field.values.length !== 1)
    return null;
  return field.start === 0 && field.end === value.length ? { value: only, bare: false } : null;
}

/** Nested deeper, an output is read as text only. */
const JSON_DEPTH_MAX = 32;

/** The output itself and, where it is JSON, every string in it: there escapes hide line breaks and quotes. */
function piecesOf(text: string): string[] {
  const pieces = [text];
  const visit = (value: unknown, depth: number): void => {
    if (typeof value === "string") pieces.push(value);
    else if (typeof value === "object" && value !== null && depth < JSON_DEPTH_MAX)
      for (const inner of Object.values(value) as unknown[]) visit(inner, depth + 1);
  };
  const parsed = parseJson(text);
  if (typeof parsed === "object" && parsed !== null) visit(parsed, 0);
  return pieces;
}

function parseJson(text: string): unknown {
  if (!/^\s*[[{]/.test(text)) return null;
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
