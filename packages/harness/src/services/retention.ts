// How long what is kept: the one thing that the configuration says, and what the program does by itself.

import type { Retention } from "@assent/contract";
import {
  CONTENT_ORPHAN_HOURS,
  COPY_KEPT_HOURS,
  IDEMPOTENCY_RETENTION_HOURS,
  WEBHOOK_KEPT_DAYS,
} from "../base/limits.ts";

const HOUR_SECONDS = 3_600;
const DAY_SECONDS = 24 * HOUR_SECONDS;

type Kept = Retention["data"][number];

const own = (what: Kept["what"], seconds: number | null, removed: Kept["removed"]): Kept => ({
  what,
  seconds,
  removed,
  setting: null,
});

/** @param retentionDays of entries of the evidence, as the configuration has it; null: for ever */
export function retentionOf(retentionDays: number | null): Retention {
  return {
    data: [
      {
        what: "audit_entries",
        seconds: retentionDays === null ? null : retentionDays * DAY_SECONDS,
        removed: retentionDays === null ? "never" : "when_asked",
        setting: "evidence.retention_days",
      },
      own("runs", null, "never"),
      own("documents", null, "when_asked"),
      own("webhook_messages", WEBHOOK_KEPT_DAYS * DAY_SECONDS, "by_itself"),
      own("idempotency_answers", IDEMPOTENCY_RETENTION_HOURS * HOUR_SECONDS, "by_itself"),
      own("workspace_copies", COPY_KEPT_HOURS * HOUR_SECONDS, "by_itself"),
      own("unnamed_content", CONTENT_ORPHAN_HOURS * HOUR_SECONDS, "by_itself"),
    ],
  };
}
