import type { RunState } from "@assent/contract";

/**
 * Where a run may go, after DESIGN.md section 3. This is a second, independent copy on purpose: a scenario that took
 * its expectation from the harness's own table would pass whatever that table says.
 */
export const LEGAL_RUN_MOVES: { readonly [S in RunState]: readonly RunState[] } = {
  queued: ["running", "cancelled", "dead_lettered"],
  running: ["queued", "awaiting_approval", "succeeded", "failed", "cancelled", "dead_lettered"],
  awaiting_approval: ["queued", "cancelled"],
  succeeded: [],
  failed: [],
  cancelled: [],
  dead_lettered: [],
};
