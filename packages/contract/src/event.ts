import { z } from "zod";
import { runIdSchema } from "./ids.ts";
import { actorSchema } from "./run.ts";

/** Every fact that the audit trail can hold about a run. Past tense: they are recorded as they become true. */
export const EVENT_KINDS = [
  "run_queued",
  "run_leased",
  "run_released",
  "run_parked",
  "run_resumed",
  "run_succeeded",
  "run_failed",
  "run_cancelled",
  "run_dead_lettered",
  "step_intended",
  "step_succeeded",
  "step_failed",
  "step_refused",
  "step_in_doubt",
  "step_retried",
  "approval_opened",
  "approval_voted",
  "approval_approved",
  "approval_denied",
  "approval_confirmed",
  "approval_expired",
  "approval_cancelled",
  "approval_spent",
  "artifact_committed",
  "effects_left",
] as const;
export const eventKindSchema = z.enum(EVENT_KINDS).meta({ id: "EventKind" });
export type EventKind = z.infer<typeof eventKindSchema>;

export const auditEventSchema = z
  .strictObject({
    v: z.literal(1),
    run_id: runIdSchema,
    version: z.int().min(1).meta({ description: "Place among the run's events, from 1, without gaps." }),
    at: z.iso.datetime(),
    kind: eventKindSchema,
    actor: actorSchema.nullable().meta({ description: "Who caused it; null where the harness itself did." }),
    data: z.record(z.string(), z.unknown()),
    digest: z
      .string()
      .regex(/^sha256:[0-9a-f]{64}$/)
      .meta({
        description:
          "SHA-256 over `assent/event/v1`, a line feed, and the RFC 8785 form of the event without this field.",
      }),
  })
  .meta({ id: "AuditEvent" });
export type AuditEvent = z.infer<typeof auditEventSchema>;
