// Untrusted values that stay in the harness: the model sees `$v1`, a tool receives the value (spec/security.md section
// 3, after FIDES and CaMeL). A model that cannot see a value cannot be talked into anything by it.

import { err, ok, type Result } from "../../base/result.ts";
import { fieldsOf, type FieldType } from "./fields.ts";
import { ARGUMENT_DEPTH_MAX, HANDLES_MAX, RESOLVED_CHARS_MAX } from "./limits.ts";

export type Handle = `$v${number}`;

export type KeptValue = {
  readonly handle: Handle;
  readonly value: string;
  /** As in SourceRef: `step:<seq>`. */
  readonly source: string;
  readonly label: "trusted" | "untrusted";
  /** What it was extracted from. */
  readonly from: Handle | null;
};

export type ExtractRefusal = { readonly reason: "unknown_handle" | "none" | "ambiguous" | "full" };
export type ResolveRefusal = {
  readonly reason: "unknown_handle" | "handle_in_name" | "too_deep" | "too_long";
  readonly pointer: string;
};

export type Resolved = {
  readonly args: Readonly<Record<string, unknown>>;
  /** By JSON pointer, the handles in each leaf that has any; `whole` where the leaf is one handle and nothing else. */
  readonly leaves: Readonly<Record<string, { readonly handles: readonly Handle[]; readonly whole: boolean }>>;
};

export type Handles = {
  readonly keep: (
    value: string,
    source: string,
    label: "trusted" | "untrusted",
  ) => Result<Handle, { reason: "full" }>;
  readonly get: (handle: Handle) => KeptValue | null;
  /**
   * A field of the kept text as a handle of its own, with the same source and label. `nth` counts different values
   * from 0; without it there has to be exactly one. A date with two readings is ambiguous either way.
   */
  readonly extract: (handle: Handle, type: FieldType, nth?: number) => Result<Handle, ExtractRefusal>;
  /** The arguments that the tool receives, every handle replaced, or why they cannot be made. */
  readonly resolve: (args: Readonly<Record<string, unknown>>) => Result<Resolved, ResolveRefusal>;
};

/** One `$` is a handle, more are literal text with one too many. A letter or digit after the number: no handle. */
const WRITTEN = /(\$+)v(\d{1,9})(?![A-Za-z0-9_])/g;

/** For every text that is shown to the model: what looks like a handle there is only text (`$v1` becomes `$$v1`). */
export const escapeHandles = (text: string): string => text.replaceAll(WRITTEN, "$$$&");

export function createHandles(): Handles {
  const kept = new Map<Handle, KeptValue>();
  const put = (value: Omit<KeptValue, "handle">): Result<Handle, { reason: "full" }> => {
    if (kept.size >= HANDLES_MAX) return err({ reason: "full" });
    const handle: Handle = `$v${kept.size + 1}`;
    kept.set(handle, { ...value, handle });
    return ok(handle);
  };
  return {
    keep: (value, source, label) => put({ value, source, label, from: null }),
    get: (handle) => kept.get(handle) ?? null,
    extract: (handle, type, nth) => {
      const whole = kept.get(handle);
      if (whole === undefined) return err({ reason: "unknown_handle" });
      const readings = new Map(
        fieldsOf(whole.value, type).map((field) => [field.values.join("\n"), field.values]),
      );
      const values = [...readings.values()];
      if (values.length === 0) return err({ reason: "none" });
      if (nth === undefined && values.length > 1) return err({ reason: "ambiguous" });
      const chosen = values[nth ?? 0];
      if (chosen === undefined) return err({ reason: "none" });
      const [value] = chosen;
      if (value === undefined || chosen.length > 1) return err({ reason: "ambiguous" });
      return put({ value, source: whole.source, label: whole.label, from: handle });
    },
    resolve: (args) => resolve(kept, args),
  };
}

class Refused extends Error {
  readonly refusal: ResolveRefusal;
  constructor(refusal: ResolveRefusal) {
    super(refusal.reason);
    this.refusal = refusal;
  }
}

function resolve(
  kept: ReadonlyMap<Handle, KeptValue>,
  args: Readonly<Record<string, unknown>>,
): Result<Resolved, ResolveRefusal> {
  const leaves: Record<string, { handles: Handle[]; whole: boolean }> = {};
  let chars = 0;
  const replace = (text: string, pointer: string): string => {
    const handles: Handle[] = [];
    const replaced = text.replaceAll(WRITTEN, (written, dollars: string, number: string) => {
      if (dollars.length > 1) return written.slice(1);
      const value = kept.get(`$v${Number(number)}`);
      if (value === undefined || String(Number(number)) !== number)
        throw new Refused({ reason: "unknown_handle", pointer });
      handles.push(value.handle);
      chars += value.value.length;
      if (chars > RESOLVED_CHARS_MAX) throw new Refused({ reason: "too_long", pointer });
      return value.value;
    });
    if (handles.length > 0) leaves[pointer] = { handles: [...new Set(handles)], whole: text === handles[0] };
    return replaced;
  };
  const visit = (value: unknown, pointer: string, depth: number): unknown => {
    if (typeof value === "string") return replace(value, pointer);
    if (typeof value !== "object" || value === null) return value;
    if (depth > ARGUMENT_DEPTH_MAX) throw new Refused({ reason: "too_deep", pointer });
    if (Array.isArray(value))
      return value.map((inner: unknown, index) => visit(inner, `${pointer}/${index}`, depth + 1));
    return visitMembers(value, pointer, depth);
  };
  const visitMembers = (value: object, pointer: string, depth: number): Record<string, unknown> =>
    Object.fromEntries(
      Object.entries(value).map(([name, inner]: [string, unknown]) => {
        const next = `${pointer}/${name.replaceAll("~", "~0").replaceAll("/", "~1")}`;
        if (name.search(WRITTEN) >= 0) throw new Refused({ reason: "handle_in_name", pointer: next });
        return [name, visit(inner, next, depth + 1)];
      }),
    );
  try {
    return ok({ args: visitMembers(args, "", 1), leaves });
  } catch (error) {
    if (error instanceof Refused) return err(error.refusal);
    throw error;
  }
}
