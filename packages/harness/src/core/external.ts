// What a driven run was submitted with. It is pinned by digest when the run begins: a tool that changes is another
// tool, in another run.

import { type Action, EFFECTS, HARMS, type Effect, type Harm, type WireManifest } from "@assent/contract";
import { digestOf, type Sha256 } from "../base/digest.ts";
import type { Label } from "./run/journal.ts";
import { type Destination, manifestDigest, type PlacedTool } from "./tool.ts";

export type ExternalTool = {
  readonly name: string;
  readonly version: string;
  readonly description: string;
  readonly inputSchema: Readonly<Record<string, unknown>>;
  readonly effect: Effect;
  readonly harm: readonly Harm[];
  /** Null: whatever the arguments of a call are, all of them are control. */
  readonly controlArguments: readonly string[] | null;
  readonly returns: Label;
  /** Words by which a requester asks for it; left out where there are none but its name's. */
  readonly namedBy?: readonly string[];
  /** How its effect is taken back, and by whom; left out where it cannot be. */
  readonly compensation?: PinnedCompensation;
};

export type PinnedCompensation = {
  readonly effect: "idempotent" | "once";
  readonly description: string;
} & (
  | { readonly by: "driver" }
  /** The harness's own tool of this name, as it was when the run was submitted. */
  | {
      readonly by: "harness";
      readonly manifestDigest: Sha256;
      /** Left out where the tool has none, or an older program took the run in. */
      readonly destination?: Destination;
    }
);

export type ExternalDefinition = {
  readonly v: 1;
  readonly system: string | null;
  readonly approver: "none" | "ask";
  readonly tools: readonly ExternalTool[];
  /** Tools whose untrusted results the driver's model does not see; left out where there are none. */
  readonly handles?: readonly string[];
};

/** What is not said counts as the worst (DESIGN.md section 5). */
export function pinTool(manifest: WireManifest): ExternalTool {
  return {
    name: manifest.name,
    version: manifest.version ?? "",
    description: manifest.description ?? "",
    inputSchema: manifest.input_schema ?? {},
    effect: manifest.effect ?? "once",
    harm: manifest.harm === undefined ? [...HARMS] : HARMS.filter((harm) => manifest.harm?.includes(harm)),
    controlArguments: manifest.control_arguments ?? null,
    returns: manifest.returns ?? "untrusted",
    ...(manifest.named_by === undefined ? {} : { namedBy: manifest.named_by }),
    ...(manifest.compensation?.by === "driver"
      ? {
          compensation: {
            by: "driver",
            effect: manifest.compensation.effect ?? "once",
            description: manifest.compensation.description,
          },
        }
      : {}),
  };
}

/**
 * A tool of the harness's own whose calls a driver carries out and the harness takes back. What the harness knows of it
 * counts, and nothing that the driver says: else a driver could have anything undone under milder rules.
 */
export function pinOwnTool({ manifest, destination }: PlacedTool): ExternalTool | null {
  const { name, version, description, inputSchema, effect, harm, controlArguments, returns, namedBy } =
    manifest;
  if (manifest.compensation === undefined) return null;
  return {
    name,
    version,
    description,
    inputSchema,
    effect,
    harm: HARMS.filter((kind) => harm.includes(kind)),
    controlArguments,
    returns,
    ...(namedBy === undefined ? {} : { namedBy }),
    compensation: {
      by: "harness",
      manifestDigest: manifestDigest(manifest),
      ...(destination === undefined ? {} : { destination }),
      ...manifest.compensation,
    },
  };
}

/** A tool that the run does not have: at its worst, and with nothing that it could be mistaken for. */
export const unknownTool = (name: string): ExternalTool => pinTool({ name });

export const externalToolDigest = (tool: ExternalTool): Sha256 => digestOf("external_tool", tool);

export const definitionDigest = (definition: ExternalDefinition): Sha256 =>
  digestOf("external_definition", definition);

export function externalAction(tool: ExternalTool, args: Readonly<Record<string, unknown>>): Action {
  return {
    tool: tool.name,
    tool_version: tool.version,
    manifest_digest: externalToolDigest(tool),
    effect: tool.effect,
    harm: [...tool.harm],
    arguments: { ...args },
  };
}

export const controlArgumentsOf = (
  tool: ExternalTool,
  args: Readonly<Record<string, unknown>>,
): readonly string[] => tool.controlArguments ?? Object.keys(args);

/** The worst of several effects: what a person who agrees to all of them agrees to. */
export const worstEffect = (effects: readonly Effect[]): Effect =>
  EFFECTS.findLast((effect) => effects.includes(effect)) ?? "none";
