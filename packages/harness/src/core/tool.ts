// What a tool says of itself. Rules and approvals rest on this, never on what a model says of a call.

import type { Effect, Harm } from "@assent/contract";
import { digestOf, type Sha256 } from "../base/digest.ts";
import type { Label } from "./run/journal.ts";

export type Manifest = {
  readonly name: string;
  readonly version: string;
  readonly description: string;
  /** JSON Schema (2020-12) of the arguments: an object. */
  readonly inputSchema: Readonly<Record<string, unknown>>;
  readonly effect: Effect;
  /** Empty for a pure read; a read that changes state is a `write`. */
  readonly harm: readonly Harm[];
  /** Arguments that choose whom, where, how much, which. The others are content. */
  readonly controlArguments: readonly string[];
  readonly returns: Label;
  /** Words by which a requester asks for it; left out where there are none but its name's. */
  readonly namedBy?: readonly string[];
  /**
   * How its effect can be taken back. Left out: it cannot. It is part of what assent binds to: whoever lets the call
   * happen lets it be taken back in this way, and in no other.
   */
  readonly compensation?: {
    /** What taking back does to the world; `once` is never repeated while its outcome is unknown. */
    readonly effect: "idempotent" | "once";
    /** One sentence for an approver. */
    readonly description: string;
  };
};

/** A changed definition is another tool: whatever was approved for the old one needs assent again. */
export function manifestDigest(manifest: Manifest): Sha256 {
  return digestOf("manifest", manifest);
}
