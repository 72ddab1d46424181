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
};

/** A changed definition is another tool: whatever was approved for the old one needs assent again. */
export function manifestDigest(manifest: Manifest): Sha256 {
  return digestOf("manifest", manifest);
}
