import type { AuditEvent, Run } from "@assent/contract";

/** Everything that was seen of one run. */
export type Observation = {
  readonly run: Run;
  /** All of them, oldest first. */
  readonly events: readonly AuditEvent[];
  /** Null where they cannot be fetched. */
  readonly artifacts: readonly { readonly id: string; readonly bytes: Uint8Array }[] | null;
  /** Times each effect arrived at the tool sink, by idempotency key; null where there is no sink. */
  readonly sinkEffects: ReadonlyMap<string, number> | null;
  /** Texts that the harness sent out, in which no secret may stand. */
  readonly texts: readonly string[];
  readonly secrets: readonly string[];
};
