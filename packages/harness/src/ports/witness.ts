// Witnesses of the log: others, elsewhere, who cosign what only grew.

import type { Policy } from "@assent/tlog";

export type WitnessAnswered = { readonly status: number; readonly body: string };

/** Sends one add-checkpoint request (C2SP tlog-witness); null where there was no answer in time. */
export type AskWitness = (url: string, body: string, signal: AbortSignal) => Promise<WitnessAnswered | null>;

export type Witnesses = {
  /** Which logs are shown to which witnesses, and how many of those make a quorum. */
  readonly policy: Policy;
  readonly ask: AskWitness;
};
