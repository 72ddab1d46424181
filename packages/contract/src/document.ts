import { z } from "zod";
import { sha256Schema } from "./digest.ts";
import { documentIdSchema } from "./ids.ts";
import { actorSchema } from "./run.ts";

/** Characters of one document. A larger one is split by whoever uploads it: that is where its chapters are known. */
export const DOCUMENT_CHARS_MAX = 200_000;

/** Passages that one search returns at most, and how many where the caller does not say. */
export const PASSAGES_MAX = 20;
export const PASSAGES_DEFAULT = 5;

const QUERY_CHARS_MAX = 2_000;

const text = (charsMax: number): z.ZodString =>
  z
    .string()
    .min(1)
    .max(charsMax)
    .refine((value) => value.isWellFormed() && !value.includes("\0"), "must be well-formed text without NUL");

export const documentRequestSchema = z
  .strictObject({
    name: text(200).meta({ description: "What people call it." }),
    text: text(DOCUMENT_CHARS_MAX).meta({ description: "Plain text or Markdown; it is only ever data." }),
    source: text(2_000)
      .optional()
      .meta({ description: "Where it was taken from, for people. Nothing is fetched." }),
    metadata: z
      .record(z.string().regex(/^[a-z][a-z0-9_.-]{0,62}$/), text(500))
      .refine((entries) => Object.keys(entries).length <= 20, "has more than 20 entries")
      .default({})
      .meta({ description: "For people and their programs: neither searched nor shown to a model." }),
  })
  .meta({ id: "DocumentRequest" });
export type DocumentRequest = z.infer<typeof documentRequestSchema>;

export const documentSchema = z
  .strictObject({
    id: documentIdSchema,
    name: z.string(),
    source: z.string().nullable(),
    metadata: z.record(z.string(), z.string()),
    sha256: sha256Schema.meta({ description: "Of the text's UTF-8." }),
    chars: z.int().min(1),
    passages: z.int().min(1).meta({ description: "Pieces that are searched and returned by themselves." }),
    created_at: z.iso.datetime(),
    created_by: actorSchema,
  })
  .meta({ id: "Document" });
export type Document = z.infer<typeof documentSchema>;

export const passageSchema = z
  .strictObject({
    document_id: documentIdSchema,
    document_name: z.string(),
    passage: z.int().min(1).meta({ description: "Its place in the document, from 1." }),
    passages: z.int().min(1).meta({ description: "How many the document has." }),
    start: z.int().min(0).meta({ description: "First character in the document, in UTF-16 code units." }),
    text: z.string(),
    found_by: z.enum(["words", "likeness", "meaning"]).meta({
      description: "Words in common (stemmed), letters in common, or nearness of embeddings.",
    }),
    score: z.number().min(0).meta({ description: "Comparable within one way of finding only." }),
  })
  .meta({ id: "Passage" });
export type Passage = z.infer<typeof passageSchema>;

export const searchDocumentsQuerySchema = z.strictObject({
  q: text(QUERY_CHARS_MAX).meta({ description: "A question or some words." }),
  limit: z
    .preprocess(
      (value) => (typeof value === "string" && /^[1-9][0-9]?$/.test(value) ? Number(value) : value),
      z.int().min(1).max(PASSAGES_MAX),
    )
    .default(PASSAGES_DEFAULT)
    .meta({ description: "Passages to return." }),
});

export const documentParamsSchema = z.strictObject({
  id: z.string().meta({ description: "The document's id." }),
});
export const documentPageSchema = z
  .strictObject({
    data: z.array(documentSchema),
    next_cursor: z.string().nullable().meta({ description: "Names the next page; null on the last one." }),
  })
  .meta({ id: "DocumentPage", description: "Documents, newest first." });
export const passageListSchema = z
  .strictObject({ data: z.array(passageSchema) })
  .meta({ id: "PassageList", description: "The best first." });
