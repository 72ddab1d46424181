// How the logs are signed and witnessed, as the configuration has it (docs/audit.md).

import { resolve } from "node:path";
import { z } from "zod";

export const evidenceSchema = z
  .strictObject({
    /** A C2SP tlog-policy: the log that witnesses are shown, and the witnesses with their URLs. */
    witnesses: z.string().min(1).optional(),
    /** Whether checkpoints have a line of ML-DSA-44 beside that of Ed25519. */
    mldsa: z.boolean().default(false),
    /** Entries that are older may be taken away (`assent audit prune`); without it all are kept. */
    retention_days: z.int().min(1).max(36_500).optional(),
  })
  .default({ mldsa: false });

export type EvidenceConfig = {
  /** The policy's file; null where no witness is asked. */
  readonly witnesses: string | null;
  readonly mldsa: boolean;
  /** How long entries are kept; null: for ever. */
  readonly retentionDays: number | null;
};

/** @param folder that paths of the file are relative to */
export const evidenceConfigOf = (
  { witnesses, mldsa, retention_days }: z.infer<typeof evidenceSchema>,
  folder: string,
): EvidenceConfig => ({
  witnesses: witnesses === undefined ? null : resolve(folder, witnesses),
  mldsa,
  retentionDays: retention_days ?? null,
});
