import type { AuditEvent } from "@assent/contract";
import { digestOf, type Sha256 } from "../../base/digest.ts";

/** Covers every field of an event but the digest itself: no part of it can change unseen. */
export function eventDigest(event: Omit<AuditEvent, "digest">): Sha256 {
  return digestOf("event", event);
}
