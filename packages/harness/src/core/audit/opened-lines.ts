// What an auditor may read of sealed fields lies beside the payloads: a line for each entry, with its key. People read these
// lines, so they have to be what the sealed text says that the entry commits to; nothing else commits to them.

import type { TenantId } from "@assent/contract";
import { canonicalJson } from "../../base/canonical-json.ts";
import { decodeLeaf } from "./leaf.ts";
import { sealedOf } from "./personal.ts";
import { DATA_KEY_BYTES, openText, sealedPlace } from "./sealed.ts";
import type { LogFinding } from "./verify-source.ts";

/** One bundle of an export. Payloads are checked against what the entries commit to elsewhere. */
export type OpenedBundle = {
  readonly opened: Uint8Array;
  readonly payloads: Uint8Array | null;
  readonly first: number;
  readonly count: number;
  readonly leafAt: (index: number) => Uint8Array;
};

/** Of entries that are not there nothing says what was sealed in them. */
export const openedOfNothing = (first: number): LogFinding => ({
  code: "opened_malformed",
  at: `opened fields from entry ${first}`,
  detail: "there are opened fields of entries that are not there: nothing says what they are",
});

export function checkOpened(bundle: OpenedBundle, add: (finding: LogFinding) => void): void {
  const { opened, payloads, first, count, leafAt } = bundle;
  const payloadOf = new Map<number, string>();
  for (const line of linesOf(payloads ?? new Uint8Array())) {
    const { i, p } = fieldsOf(line);
    if (typeof i === "number" && typeof p === "string") payloadOf.set(i, p);
  }
  let last = first - 1;
  for (const line of linesOf(opened)) {
    const { i, k, f } = fieldsOf(line);
    const isLine = typeof i === "number" && i > last && i < first + count && written({ i, k, f }) === line;
    if (!isLine) {
      const detail = "a line that is not as exports write them";
      add({ code: "opened_malformed", at: `opened fields from entry ${first}`, detail });
      continue;
    }
    last = i;
    const payload = payloadOf.get(i);
    if (payload === undefined || !opens(leafAt(i), payload, k, f))
      add({
        code: "opened_altered",
        at: `entry ${i}`,
        detail: "the fields that are shown as opened are not those that were sealed in its payload",
      });
  }
}

function opens(bytes: Uint8Array, payload: string, key: unknown, fields: unknown): boolean {
  const leaf = decodeLeaf(bytes);
  const sealed = sealedOf(parse(payload));
  const decoded = Buffer.from(typeof key === "string" ? key : "", "base64");
  if (leaf === null || !isTenant(leaf.tenant) || sealed === null || decoded.byteLength !== DATA_KEY_BYTES)
    return false;
  const text = openText(decoded, sealedPlace(leaf.tenant, leaf.subject), sealed);
  // A key has one spelling.
  if (text === null || decoded.toString("base64") !== key) return false;
  const sealedFields = canonical(parse(text));
  return sealedFields !== null && sealedFields === canonical(fields);
}

/** Null for what has no such form: a text that is none, or what is nested too deep. */
const canonical = (value: unknown): string | null => unlessFormless(() => canonicalJson(value));
const written = (value: unknown): string | null => unlessFormless(() => JSON.stringify(value));

function unlessFormless(make: () => string): string | null {
  try {
    return make();
  } catch {
    return null;
  }
}

const isTenant = (text: string): text is TenantId => text.startsWith("ten_");

function linesOf(bytes: Uint8Array): string[] {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const text = view.toString("utf8");
  // What is no UTF-8 is read as other characters than stand there.
  const lines = (Buffer.from(text).equals(view) ? text : view.toString("latin1")).split("\n");
  // Behind the last newline there is nothing.
  return lines.at(-1) === "" ? lines.slice(0, -1) : lines;
}

type Fields = { readonly [name: string]: unknown };
function fieldsOf(line: string): Fields {
  const value = parse(line);
  return typeof value === "object" && value !== null ? { ...value } : {};
}

/** Undefined for what is no JSON: `null` is. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
