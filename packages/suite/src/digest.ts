import { createHash } from "node:crypto";
import type { AuditEvent } from "@assent/contract";
import { canonicalJson } from "./canonical-json.ts";

export function sha256Hex(bytes: Uint8Array | string): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** What an event's own `digest` must be: contract, auditEventSchema. */
export function digestOfEvent(event: AuditEvent): string {
  const { digest: _, ...rest } = event;
  return `sha256:${sha256Hex(`assent/event/v1\n${canonicalJson(rest)}`)}`;
}
