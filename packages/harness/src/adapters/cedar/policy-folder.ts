// Where rules lie on disk. They are the operator's own files, read once at the start and never again.

import { statSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { err, ok, type Result } from "../../base/result.ts";
import type { PolicyRefusal } from "../../core/decide/policy-point.ts";

const SHIPPED = new URL("../../../policies/", import.meta.url);

/** The schema that every rule is written against: it says what the harness tells a rule, so it ships with it. */
export const SCHEMA_FILE = "schema.cedarschema";

export const readPolicySchema = (): string => readFileSync(new URL(SCHEMA_FILE, SHIPPED), "utf8");

/** Sets that come with the harness. */
export const SHIPPED_SETS = ["default", "strict"] as const;
export type ShippedSet = (typeof SHIPPED_SETS)[number];

export const shippedPolicyFolder = (set: ShippedSet): string => fileURLToPath(new URL(`${set}/`, SHIPPED));

/** Who may ask the API for what. */
export const shippedAccessFolder = (): string => fileURLToPath(new URL("access/", SHIPPED));

/** A rule is a few lines; a larger file is none, and reading it whole would only cost memory. */
const POLICY_FILE_BYTES_MAX = 256 * 1024;
/** Each rule costs every decision some microseconds; past this the set is refused, not slowly obeyed. */
const POLICY_FILES_MAX = 500;

/** Text by file name, of every `*.cedar` file directly in the folder, sorted by name. */
export function readPolicyFolder(folder: string): Result<Readonly<Record<string, string>>, PolicyRefusal> {
  try {
    const names = readdirSync(folder)
      .filter((name) => name.toLowerCase().endsWith(".cedar"))
      .toSorted();
    if (names.length === 0) return refuse(folder, "policy_missing", "the folder holds no *.cedar file");
    if (names.length > POLICY_FILES_MAX)
      return refuse(folder, "policy_unreadable", `the folder holds more than ${POLICY_FILES_MAX} files`);
    const texts: Record<string, string> = {};
    for (const name of names) {
      const path = join(folder, name);
      const { size } = statSync(path);
      if (size > POLICY_FILE_BYTES_MAX)
        return refuse(name, "policy_unreadable", `it is larger than ${POLICY_FILE_BYTES_MAX} bytes`);
      // Bytes that are no UTF-8 throw here, and would otherwise be read as other text than the author's.
      texts[name] = new TextDecoder("utf-8", { fatal: true }).decode(readFileSync(path));
    }
    return ok(texts);
  } catch (error) {
    return refuse(folder, "policy_unreadable", error instanceof Error ? error.message : String(error));
  }
}

function refuse(file: string, code: PolicyRefusal["code"], detail: string): Result<never, PolicyRefusal> {
  return err({ code, file, line: null, column: null, detail });
}
