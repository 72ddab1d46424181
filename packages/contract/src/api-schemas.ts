// What only the endpoints know: their queries, parameters, pages and other bodies.

import { z } from "zod";
import { actionSchema } from "./approval.ts";
import { sha256Schema } from "./digest.ts";
import { auditEventSchema } from "./event.ts";
import { runIdSchema } from "./ids.ts";
import { keySchema } from "./key.ts";
import { precedentSchema } from "./precedent.ts";
import { nameSchema, runStateSchema, runSummarySchema } from "./run.ts";
import { decisionSchema } from "./step.ts";

/** Rows of one page of a list, and how many there are when the caller does not say. */
export const LIST_LIMIT_MAX = 100;
export const LIST_LIMIT_DEFAULT = 20;

// Query values arrive as text. Only the one canonical spelling of a number is taken: "1e1", "0x1", " 1" and "+1" are not.
function integerFromText(value: unknown): unknown {
  return typeof value === "string" && /^(?:0|[1-9][0-9]{0,14})$/.test(value) ? Number(value) : value;
}

function listFromText(value: unknown): unknown {
  return (Array.isArray(value) ? value : [value]).flatMap((item: unknown) =>
    typeof item === "string" ? item.split(",") : [item],
  );
}

export const noQuerySchema = z.strictObject({});

/** Of a list in pages: how much of it, and from where on. @param rows what they are, for the description */
export const pageOf = (rows: string, limit: number = LIST_LIMIT_DEFAULT) => ({
  limit: z
    .preprocess(integerFromText, z.int().min(1).max(LIST_LIMIT_MAX))
    .default(limit)
    .meta({ description: `${rows} of one page.` }),
  cursor: z
    .string()
    .regex(/^[!-~]{1,1024}$/)
    .optional()
    .meta({ description: "`next_cursor` of the page before; bound to the same filters." }),
});

export const listRunsQuerySchema = z.strictObject({
  status: z
    .preprocess(listFromText, z.array(runStateSchema).min(1).max(16))
    .optional()
    .meta({ description: "Only runs in one of these states; repeat it, or separate them by commas." }),
  agent: nameSchema.optional().meta({ description: "Only runs of this agent." }),
  label: z
    .string()
    .regex(/^[a-z][a-z0-9_.-]{0,62}:[^\0]{0,200}$/)
    .optional()
    .meta({ description: "Only runs that carry this label, as `name:value`.", examples: ["team:payments"] }),
  ...pageOf("Runs"),
});

/** No run has as many events: the database counts them in four bytes. */
export const EVENT_VERSION_MAX = 2_147_483_647;

export const listEventsQuerySchema = z.strictObject({
  after: z
    .preprocess(integerFromText, z.int().min(0).max(EVENT_VERSION_MAX))
    .optional()
    .meta({ description: "Only events with a version above this; `Last-Event-ID` wins over it." }),
});

const runParameter = {
  id: z.string().meta({ description: "The run's id.", examples: ["run_0199f2a47c3b7d20a1b2c3d4e5f60718"] }),
};
/** Ids in a path are not judged by their form: a malformed one is answered like one that does not exist. */
export const runParamsSchema = z.strictObject(runParameter);
export const artifactParamsSchema = z.strictObject({
  ...runParameter,
  artifact: z.string().meta({ description: "The artifact's id." }),
});
export const approvalParamsSchema = z.strictObject({
  id: z.string().meta({ description: "The approval's id." }),
});
export const keyParamsSchema = z.strictObject({ id: z.string().meta({ description: "The key's id." }) });

export const runPageSchema = z
  .strictObject({
    data: z.array(runSummarySchema),
    next_cursor: z.string().nullable().meta({ description: "Names the next page; null on the last one." }),
  })
  .meta({ id: "RunPage", description: "Runs, newest first." });
export type RunPage = z.infer<typeof runPageSchema>;

export const eventPageSchema = z
  .strictObject({
    data: z.array(auditEventSchema),
    ended: z.boolean().meta({ description: "The run has ended, and no event will follow these." }),
  })
  .meta({ id: "EventPage", description: "Events of a run, oldest first; ask on with the last `version`." });
export type EventPage = z.infer<typeof eventPageSchema>;

export const listDecisionsQuerySchema = z.strictObject({
  since: z.iso.datetime().meta({ description: "Only decisions made at or after this time." }),
  cursor: z
    .string()
    .min(1)
    .max(200)
    .optional()
    .meta({ description: "From `next_cursor` of the page before." }),
});
export const decisionPageSchema = z
  .strictObject({
    data: z.array(
      z.looseObject({
        v: z.literal(1),
        at: z.iso.datetime(),
        run_id: runIdSchema,
        step: z.int().min(1),
        action: actionSchema,
        policy_version: sha256Schema,
        decision: decisionSchema,
      }),
    ),
    next_cursor: z.string().nullable().meta({ description: "Names the next page; null on the last one." }),
  })
  .meta({ id: "DecisionPage" });

export const precedentParamsSchema = z.strictObject({
  id: z.string().meta({ description: "The precedent's id." }),
});
// As many as there can be where nothing is said: who asks so may know of no pages.
export const listPrecedentsQuerySchema = z.strictObject(pageOf("Precedents", LIST_LIMIT_MAX));
export const precedentListSchema = z
  .strictObject({
    data: z.array(precedentSchema),
    next_cursor: z.string().nullable().meta({ description: "Names the next page; null on the last one." }),
  })
  .meta({ id: "PrecedentList", description: "Remembered answers, those in force first." });

export const keyListSchema = z
  .strictObject({ data: z.array(keySchema) })
  .meta({ id: "KeyList", description: "All keys of the tenant, revoked ones too." });
export type KeyList = z.infer<typeof keyListSchema>;

export const healthSchema = z.strictObject({ status: z.literal("ok") }).meta({ id: "Health" });
export const readinessSchema = z
  .strictObject({
    status: z.literal("ready"),
    database: z.literal(true),
    worker: z.literal(true),
    breakers_open: z.int().min(0).meta({
      description:
        "Providers of models that nobody asks just now, because they failed: runs that need one wait. Which ones, and since when: `GET /api/harness/providers`.",
    }),
    audit_gaps: z.int().min(0).meta({
      description:
        "Tenants in whose log events are missing, or stand that were never recorded. 0, or a reason to call somebody: `assent audit verify --db` names the place. Counted by the minute by the process that keeps the logs; 0 in others.",
    }),
    audit_stopped: z.int().min(0).meta({
      description:
        "Tenants whose log is not signed any more, though nothing of it is lost: no room on the disk, a key that differs, a history that was changed. Which, and why: `GET /api/harness/audit/logs`. As the process that keeps the logs knows it; 0 in others.",
    }),
  })
  .meta({ id: "Readiness" });

/** Raw bytes, not JSON. */
export const bytesSchema = z.string().meta({ id: "Bytes", description: "The artifact's bytes." });
export const eventStreamSchema = z.string().meta({
  id: "EventStream",
  description:
    "Server-sent events: `id` is the event's version, `event` its kind, `data` one AuditEvent. After the last event " +
    "of an ended run comes `event: end`, and the stream closes. Lines that begin with a colon keep the connection up.",
});
export const metricsTextSchema = z
  .string()
  .meta({ id: "MetricsText", description: "Prometheus' text format." });
export const openApiSchema = z.looseObject({ openapi: z.string() }).meta({ id: "OpenApi" });
