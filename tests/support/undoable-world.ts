// A world outside with things in it that calls put there and compensations take away: what a test counts, whatever the
// harness says of itself.

import { err, ok } from "../../packages/harness/src/base/result.ts";
import type { ToolCall } from "../../packages/harness/src/core/run/journal.ts";
import type { Tool } from "../../packages/harness/src/ports.ts";

/** What a compensation does instead of working, once: the last three have taken back, and nobody hears of it. */
export type Mishap = "refused" | "unknown" | "stuck" | "lost" | "thrown" | "hung";

export type UndoableWorld = {
  /** What stands, by the key of the call that put it there; a number above 1 is a double effect. */
  readonly standing: ReadonlyMap<string, number>;
  /** Keys of calls in the order in which they were taken back. */
  readonly takenBack: readonly string[];
  /** Keys of the compensations that were carried out, in order. */
  readonly undoKeys: readonly string[];
  /** The next compensations come to this. */
  mishaps: Mishap[];
  tool(name: string, call: "idempotent" | "once", undo: "idempotent" | "once" | null): Tool;
};

export function createUndoableWorld(): UndoableWorld {
  const standing = new Map<string, number>();
  const takenBack: string[] = [];
  const undoKeys: string[] = [];
  const undone = new Set<string>();
  const world: UndoableWorld = {
    standing,
    takenBack,
    undoKeys,
    mishaps: [],
    tool: (name, effect, undo) => ({
      scope: "world",
      manifest: {
        name,
        version: "1",
        description: "Puts something into the world.",
        inputSchema: { type: "object" },
        effect,
        harm: ["write"],
        controlArguments: [],
        returns: "trusted",
        ...(undo === null ? {} : { compensation: { effect: undo, description: "It is taken away again." } }),
      },
      plan: async () => await Promise.resolve(ok({ summary: name, preview: null, precondition: null })),
      async execute(_args, _precondition, { effectId }) {
        standing.set(effectId, (standing.get(effectId) ?? 0) + 1);
        return await Promise.resolve(ok({ output: `put ${effectId}`, label: "trusted" }));
      },
      ...(undo === null ? {} : { compensate }),
    }),
  };
  const compensate: NonNullable<Tool["compensate"]> = async (done, context) => {
    const mishap = world.mishaps.shift();
    if (mishap === "refused") return err({ code: "http_refused", detail: "Not now." });
    if (mishap === "unknown") return err({ code: "outcome_unknown", detail: "The line broke." });
    if (mishap === "stuck") await forEver();
    if (!undone.has(context.effectId)) {
      undone.add(context.effectId);
      undoKeys.push(context.effectId);
      takenBack.push(done.effectId);
      standing.delete(done.effectId);
    }
    if (mishap === "lost") return err({ code: "outcome_unknown", detail: "The answer was lost." });
    if (mishap === "hung") await forEver();
    if (mishap === "thrown") throw new Error("a bug");
    return ok({ output: "taken back", label: "trusted" });
  };
  return world;
}

// A process that dies inside a call: nothing after it happens, not even the end of a promise.
const forEver = async (): Promise<void> => {
  await Promise.withResolvers<undefined>().promise;
};

export const undoCall = (id: string, tool: string): ToolCall => ({ id, tool, arguments: { id } });
