import { z } from "zod";
import { sha256Schema } from "./digest.ts";
import { approvalIdSchema, runIdSchema } from "./ids.ts";

/** As the memory writes it, in rows that are there already too: with an offset (`+00:00`), and not with a `Z`. */
const rememberedAtSchema = z.iso.datetime({ offset: true });

/** An answer that a person gave once and that is given again without asking, to exactly the same question. */
export const precedentSchema = z
  .strictObject({
    id: sha256Schema,
    pattern_id: sha256Schema.meta({
      description: "The question: agent, tool, version, arguments and their origins.",
    }),
    tool: z.string(),
    decision: z.enum(["approve", "deny"]),
    decided_by: z.string().nullable(),
    decided_at: rememberedAtSchema,
    expires_at: z.iso.datetime().meta({
      description: "From then on a person is asked again, until one gives the answer for good once more.",
    }),
    rationale: z.string(),
    uses: z.int().min(0).meta({ description: "How often it has answered." }),
    last_used_at: rememberedAtSchema.nullable().meta({ description: "Null where it has not answered yet." }),
    confidence: z.number().min(0).max(1).meta({ description: "Counted from experience." }),
    revoked_at: rememberedAtSchema.nullable(),
    revoked_reason: z.string().nullable(),
  })
  .meta({ id: "Precedent" });
export type Precedent = z.infer<typeof precedentSchema>;

export const revokePrecedentSchema = z
  .strictObject({ reason: z.string().min(1).max(2_000) })
  .meta({ id: "RevokePrecedent" });
export type RevokePrecedent = z.infer<typeof revokePrecedentSchema>;

/** Who chose a value, as the approval's own labels say it. */
const originThenSchema = z.enum(["trusted", "untrusted", "model"]).nullable();

/** A value that an earlier call did not have in common with the one that waits. */
export const comparedArgumentSchema = z
  .strictObject({
    pointer: z.string().meta({ description: "JSON pointer (RFC 6901) into the arguments." }),
    difference: z.enum(["value", "origin", "added", "left_out"]).meta({
      description:
        "`value`: it was another one; `origin`: the same, chosen by somebody else; `added`: the earlier call had none here; `left_out`: it had one that this call lacks.",
    }),
    value: z.string().nullable().meta({
      description:
        "Of the earlier call: text as it is, anything else as JSON; what looks like a secret is taken out, and long text cut. Null where it had none, or the same.",
    }),
    is_text: z.boolean().meta({ description: "Whether `value` is a text, and not JSON." }),
    length_chars: z.int().min(0).meta({ description: "Of the whole value, as it is kept." }),
    origin: originThenSchema.meta({ description: "Who chose it then; null where that is not known." }),
  })
  .meta({ id: "ComparedArgument" });
export type ComparedArgument = z.infer<typeof comparedArgumentSchema>;

export const CIRCUMSTANCES = [
  "tool_version",
  "tool_definition",
  "agent",
  "workspace",
  "found",
  "asking_rules",
  "rules",
  "requester",
] as const;

/** What else an earlier question and the one that waits do not have in common. */
export const comparedCircumstanceSchema = z
  .strictObject({
    what: z.enum(CIRCUMSTANCES).meta({
      description:
        "`agent`: how it is defined; `found`: what the tool found where it would act; `asking_rules`: which rules asked; `rules`: other ones were loaded, and the same of them asked.",
    }),
    before: z.string().nullable().meta({ description: "Then; null: none, or not kept." }),
    now: z.string().nullable(),
  })
  .meta({ id: "ComparedCircumstance" });

/** An earlier question beside the one that waits. */
export const comparisonSchema = z
  .strictObject({
    differs: z.string().meta({ description: "In one line: what differs." }),
    rationale: z.string().meta({ description: "What was said with the earlier answer." }),
    revoked_at: rememberedAtSchema.nullable().meta({ description: "When that answer was taken back." }),
    approval_id: approvalIdSchema.nullable().meta({
      description: "The earlier question; null where it is not kept, and then nothing is compared.",
    }),
    run_id: runIdSchema.nullable(),
    arguments: z.array(comparedArgumentSchema).meta({ description: "Where they differ." }),
    arguments_more: z.int().min(0).meta({ description: "So many more differ, and are not told." }),
    circumstances: z.array(comparedCircumstanceSchema),
  })
  .meta({ id: "Comparison", description: "An earlier question beside the one that waits." });
export type Comparison = z.infer<typeof comparisonSchema>;

/** An earlier answer that a person is shown beside the question. It decides nothing. */
export const adviceSchema = z
  .strictObject({
    precedent_id: sha256Schema,
    decision: z.string(),
    decided_by: z.string().nullable(),
    decided_at: rememberedAtSchema.nullable(),
    explanation: z.string(),
    confidence: z.number().min(0).max(1),
    comparison: comparisonSchema.optional().meta({
      description: "Of the first three, and only where the approval itself is asked for.",
    }),
  })
  .meta({ id: "Advice" });
export type Advice = z.infer<typeof adviceSchema>;
