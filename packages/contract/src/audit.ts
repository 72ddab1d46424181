// The evidence as it crosses the wire: a tenant's logs, their checkpoints and entries, and proofs (docs/audit.md).

import { z } from "zod";

const epochSchema = z.int().min(1).meta({ description: "A tenant's logs are numbered; the newest goes on." });
/** Epochs and versions are numbers that the database counts in four bytes. */
const POSTGRES_INTEGER_MAX = 2_147_483_647;
const noteSchema = z.string().meta({ description: "C2SP tlog-checkpoint, signed." });

export const auditLogSchema = z
  .strictObject({
    epoch: epochSchema,
    origin: z.string().meta({ description: "The log's name: first line of its checkpoints." }),
    vkey: z.string().meta({ description: "Verifier key that the log began with (C2SP signed-note)." }),
    keys: z.array(z.string()).meta({
      description:
        "Verifier keys that signed its newest checkpoint, and, of the newest log, those that sign it now; oldest first. At a server whose home does not sign the log the one that it began with: where that was rotated, ask at the home that signs.",
    }),
    size: z.int().min(0).meta({ description: "Entries in the tree." }),
    minimum_index: z.int().min(0).meta({
      description: "Entries below this place are not kept (C2SP tlog-tiles, pruning); 0 where all are.",
    }),
    signed_size: z.int().min(0).meta({ description: "Entries that the newest checkpoint covers." }),
    cosigned_size: z.int().min(0).nullable().meta({
      description:
        "Entries that a quorum of witnesses has seen, by its own checkpoints or by way of the installation's log; null where no witnesses are configured, and of earlier logs that they were not shown.",
    }),
    uncosigned_since: z.iso.datetime().nullable().meta({
      description: "When the first checkpoint that they have not seen was signed; null where there is none.",
    }),
  })
  .meta({ id: "AuditLog" });
export type AuditLog = z.infer<typeof auditLogSchema>;

export const auditLogListSchema = z
  .strictObject({
    data: z.array(auditLogSchema),
    stopped: z
      .strictObject({ code: z.string(), detail: z.string() })
      .nullable()
      .meta({ description: "Why the newest log is not signed any more; null while it is." }),
  })
  .meta({ id: "AuditLogList" });
export type AuditLogList = z.infer<typeof auditLogListSchema>;

export const witnessedSchema = z
  .strictObject({
    note: z
      .string()
      .meta({ description: "The checkpoint of this log that witnesses have seen the digest of." }),
    leaf: z.string().meta({ description: "The installation's entry about it, byte for byte." }),
    salt: z.string().meta({ description: "32 bytes in base64: with the payload, what opens the entry." }),
    payload: z.string(),
    proof: z
      .string()
      .meta({ description: "C2SP tlog-proof: the entry is in a checkpoint that they cosigned." }),
  })
  .meta({ id: "Witnessed" });

export const auditCheckpointSchema = z
  .strictObject({
    epoch: epochSchema,
    size: z.int().min(0),
    note: noteSchema,
    witnessed: witnessedSchema.nullable().meta({ description: "Null while no witness has seen this log." }),
  })
  .meta({ id: "AuditCheckpoint" });
export type AuditCheckpoint = z.infer<typeof auditCheckpointSchema>;

export const auditEntrySchema = z
  .strictObject({
    index: z.int().min(0),
    leaf: z.string().meta({ description: "The entry, byte for byte: RFC 8785 JSON." }),
    salt: z
      .string()
      .nullable()
      .meta({ description: "32 bytes in base64; null when the payload was erased." }),
    payload: z.string().nullable().meta({ description: "What the leaf's commitment opens to." }),
    opened: z
      .strictObject({
        key: z.string().meta({ description: "32 bytes in base64: opens what is sealed in the payload." }),
        fields: z
          .record(z.string(), z.unknown())
          .meta({ description: "The sealed fields, by their path in the payload." }),
      })
      .nullable()
      .meta({
        description:
          "Null where nothing is sealed, where the key was erased, and where this server does not have it.",
      }),
  })
  .meta({ id: "AuditEntry" });
export type AuditEntry = z.infer<typeof auditEntrySchema>;

export const auditEntryPageSchema = z
  .strictObject({
    data: z.array(auditEntrySchema),
    size: z.int().min(0),
    minimum_index: z.int().min(0).meta({ description: "Entries below this place are not kept." }),
    hashes: z.array(z.string()).meta({
      description:
        "Of the entries that were asked for and lie below it: leaf hashes in base64, and nothing else.",
    }),
  })
  .meta({ id: "AuditEntryPage" });
export type AuditEntryPage = z.infer<typeof auditEntryPageSchema>;

/** Entries of one page: four bundles. */
export const AUDIT_ENTRIES_MAX = 1_024;

const integerFromText = (value: unknown): unknown =>
  typeof value === "string" && /^(?:0|[1-9][0-9]{0,14})$/.test(value) ? Number(value) : value;

export const listAuditEntriesQuerySchema = z.strictObject({
  from: z
    .preprocess(integerFromText, z.int().min(0))
    .default(0)
    .meta({ description: "Place of the first entry." }),
  limit: z.preprocess(integerFromText, z.int().min(1).max(AUDIT_ENTRIES_MAX)).default(256),
});

export const auditLogParamsSchema = z.strictObject({
  epoch: z.string().meta({ description: "The log's number.", examples: ["1"] }),
});

export const eventProofParamsSchema = z.strictObject({
  id: z.string().meta({ description: "The run's id.", examples: ["run_0199f2a47c3b7d20a1b2c3d4e5f60718"] }),
  version: z.string().meta({ description: "The event's version.", examples: ["3"] }),
});

export const receiptSchema = z
  .strictObject({
    epoch: epochSchema,
    index: z.int().min(0),
    leaf: z.string().meta({ description: "The entry that is proved, byte for byte." }),
    proof: z.string().meta({ description: "C2SP tlog-proof: inclusion in a signed checkpoint." }),
  })
  .meta({ id: "Receipt", description: "Verified offline: `assent audit receipt`." });
export type Receipt = z.infer<typeof receiptSchema>;

const reasonSchema = z
  .string()
  .min(1)
  .max(2_000)
  .refine((text) => text.isWellFormed() && !text.includes("\0"), "must be well-formed text without NUL");

export const eraseRequestSchema = z
  .strictObject({
    epoch: epochSchema.max(POSTGRES_INTEGER_MAX),
    index: z.int().min(0),
    reason: reasonSchema.meta({ description: "The legal basis. It stays in the log." }),
  })
  .meta({ id: "EraseRequest" });
export type EraseRequest = z.infer<typeof eraseRequestSchema>;

export const epochRequestSchema = z
  .strictObject({
    reason: reasonSchema,
    anyway: z
      .literal(true)
      .optional()
      .meta({ description: "Though nothing that the server knows calls for one." }),
  })
  .meta({ id: "EpochRequest" });
export type EpochRequest = z.infer<typeof epochRequestSchema>;

export const pruneRequestSchema = z.strictObject({}).meta({ id: "PruneRequest" });

export const pruningSchema = auditLogListSchema
  .extend({
    unfinished: z
      .boolean()
      .meta({ description: "There is more to take away; asking again goes on with it." }),
  })
  .meta({ id: "Pruning" });
export type Pruning = z.infer<typeof pruningSchema>;

export const rotateSignerSchema = z
  .strictObject({
    step: z.enum(["add", "retire"]).meta({
      description: "`add`: a new key signs beside the old one. `retire`: the old one is forgotten.",
    }),
  })
  .meta({ id: "RotateSigner" });
export type RotateSigner = z.infer<typeof rotateSignerSchema>;

export const rekeyRequestSchema = z
  .strictObject({
    lost: z.boolean().default(false).meta({
      description:
        "The sealing key is lost, with every copy: begin with a new one, and give up what rests on the old one.",
    }),
  })
  .meta({ id: "RekeyRequest" });
export type RekeyRequest = z.infer<typeof rekeyRequestSchema>;

export const sealingSchema = z
  .strictObject({
    generation: z
      .int()
      .min(1)
      .nullable()
      .meta({ description: "Of the newest sealing key; null before anything was sealed." }),
    held: z.boolean().meta({ description: "Whether this server has it, and so can open what is sealed." }),
    changing: z.boolean().meta({
      description: "A change of the sealing key was begun and is not finished; asking again goes on with it.",
    }),
    kept: z.int().min(0).meta({ description: "Sealed texts of the tenant that can be opened." }),
    erased: z.int().min(0).meta({ description: "Sealed texts of the tenant whose key was erased." }),
    uncovered: z.int().min(0).meta({
      description:
        "Of the erased, how many a backup of before can still open, with a sealing key that is there.",
    }),
    uncovered_since: z.iso
      .datetime()
      .nullable()
      .meta({ description: "When the first of these was erased; null where there is none." }),
  })
  .meta({ id: "Sealing" });
export type Sealing = z.infer<typeof sealingSchema>;
