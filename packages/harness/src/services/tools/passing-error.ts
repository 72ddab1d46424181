import type { StepError } from "../../core/run/journal.ts";

/** What a tool may add to its error: another attempt may succeed, after so long where the other side said so. */
export type PassingError = StepError & { readonly passes: { readonly retryAfterMs: number | null } };
