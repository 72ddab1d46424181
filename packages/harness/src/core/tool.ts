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

/**
 * Where a tool's calls go, looks and compensations included, as one digest. It is no part of the manifest, whose digest is
 * that of every program of before, and it may hold what is nobody's to read.
 */
export type Destination = `destination:${Sha256}`;

/** @param place what the operator declared of it: addresses, and which credential is sent there; never the credential */
export const destinationOf = (place: Readonly<Record<string, unknown>>): Destination =>
  `destination:${digestOf("destination", place)}`;

export type PlacedTool = {
  readonly manifest: Manifest;
  /** Of a tool of the operator's or of a server: its plans give it as their precondition, so that assent binds to it. */
  readonly destination?: Destination;
};

/** Of a call that was decided: it is what its tool found then. Null: it goes nowhere, or an older program did not note it. */
export const destinationIn = (precondition: string | null): Destination | null =>
  precondition !== null && isDestination(precondition) ? precondition : null;

const isDestination = (text: string): text is Destination => text.startsWith("destination:");

/** Whether a call of now would go where it was decided that it goes; `unknown`: an older program decided it. */
export function goingOf(
  { destination }: Pick<PlacedTool, "destination">,
  precondition: string | null,
): "there" | "elsewhere" | "unknown" {
  const decided = destinationIn(precondition);
  if (decided === null) return destination === undefined ? "there" : "unknown";
  return decided === destination ? "there" : "elsewhere";
}

/** A changed definition is another tool: whatever was approved for the old one needs assent again. */
export function manifestDigest(manifest: Manifest): Sha256 {
  return digestOf("manifest", manifest);
}
