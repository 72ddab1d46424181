import { createHash } from "node:crypto";
import { canonicalJson } from "./canonical-json.ts";

export type Sha256 = `sha256:${string}`;

/**
 * SHA-256 over `<domain>\n` and the canonical form of the value. The domain keeps digests of different kinds of
 * thing apart, even when their contents happen to be equal.
 */
export function digestOf(domain: string, value: unknown): Sha256 {
  return `sha256:${createHash("sha256").update(`assent/${domain}/v1\n`).update(canonicalJson(value)).digest("hex")}`;
}

export function sha256Hex(bytes: Uint8Array | string): string {
  return createHash("sha256").update(bytes).digest("hex");
}
