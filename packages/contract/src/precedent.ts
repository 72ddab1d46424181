import { z } from "zod";
import { sha256Schema } from "./digest.ts";

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

/** An earlier answer that a person is shown beside the question. It decides nothing. */
export const adviceSchema = z
  .strictObject({
    precedent_id: sha256Schema,
    decision: z.string(),
    decided_by: z.string().nullable(),
    decided_at: rememberedAtSchema.nullable(),
    explanation: z.string(),
    confidence: z.number().min(0).max(1),
  })
  .meta({ id: "Advice" });
export type Advice = z.infer<typeof adviceSchema>;
