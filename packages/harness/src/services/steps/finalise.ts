import { idFromUuid } from "@assent/contract";
import { RETRY_DELAY_SECONDS_MAX } from "../../base/limits.ts";
import type { JournalStep, StepError } from "../../core/run/journal.ts";
import { uuidV7 } from "../../core/uuid.ts";
import type { Write } from "../write.ts";
import { endRun } from "../end-run.ts";
import { commitHeld, type Held, noteHeld, saveHeld } from "../held.ts";

type Output = { readonly name: string; readonly mediaType: string; readonly bytes: Uint8Array };

/** What a run leaves behind: its answer in words, and what it changed, as a patch for the original. */
async function outputsOf(held: Held, answer: string): Promise<Output[]> {
  const outputs: Output[] = [
    { name: "answer.md", mediaType: "text/markdown; charset=utf-8", bytes: new TextEncoder().encode(answer) },
  ];
  if (held.workspace !== null) {
    const patch = await held.workspace.patch();
    if (patch.length > 0)
      outputs.push({ name: "changes.patch", mediaType: "text/x-diff; charset=utf-8", bytes: patch });
  }
  return outputs;
}

const OPENED: Write = {
  write: "step_opened",
  step: {
    kind: "finalise",
    name: "finalise",
    state: "intended",
    effect: "idempotent",
    request: { kind: "finalise" },
    decision: null,
    approvalId: null,
    outcome: null,
    error: null,
  },
};

/**
 * Ends a run in success: the files are durably stored first, then artifacts and state commit together. A crash in
 * between leaves files nobody refers to, never a success without its artifacts (invariant 12, complete or nothing).
 * @returns whether the run goes on: it is refused, and has to be taken back first
 */
export async function finaliseRun(held: Held, answer: string, again: JournalStep | null): Promise<boolean> {
  const { ports } = held;
  if (again === null) {
    noteHeld(held, [OPENED]);
    // Of a large workspace it takes long to say what was changed.
    if (held.workspace !== null) await saveHeld(held);
  }
  const seq = held.committed.journal.length;
  const artifacts: Write[] = [];
  for (const { name, mediaType, bytes } of await outputsOf(held, answer)) {
    const checked = ports.redaction.checkArtifact({ mediaType, bytes });
    if (checked.decision === "refuse") {
      return await refuse(held, seq, { code: "secret_in_artifact", detail: `${name}: ${checked.detail}` });
    }
    const stored = await store(held, checked.decision === "mark" ? checked.bytes : bytes);
    if (stored === null) return false;
    const { sha256, sizeBytes } = stored;
    const id = idFromUuid("art", uuidV7(ports.clock.now(), ports.random.bytes(10)));
    artifacts.push({
      write: "artifact_committed",
      artifact: { id, name, media_type: mediaType, size_bytes: sizeBytes, sha256 },
      isStored: async () => await ports.files.holds(sha256, sizeBytes),
    });
  }
  await commitHeld(held, [
    ...artifacts,
    { write: "step_closed", seq, state: "succeeded", outcome: { kind: "finalise", answer }, error: null },
    { write: "run_moved", event: "finished", reason: null, answer },
  ]);
  if (held.committed.run.workspace !== null) await ports.workspaces.remove(held.fence.run);
  return false;
}

// Null: the store failed, and the run was given back until it may have been mended. It stays short of its end.
async function store(
  held: Held,
  bytes: Uint8Array,
): Promise<{ readonly sha256: string; readonly sizeBytes: number } | null> {
  try {
    return await held.ports.files.put(bytes);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    held.ports.log("warn", "an artifact could not be stored", {
      run_id: held.fence.run,
      error: error.message,
    });
    const detail = "The store of artifacts did not take an output; it is tried again.";
    const delaySeconds = Math.min(2 ** Math.min(held.committed.run.attempt, 16), RETRY_DELAY_SECONDS_MAX);
    await commitHeld(held, [
      {
        write: "run_moved",
        event: "released",
        reason: { code: "artifact_not_stored", detail },
        delaySeconds,
      },
    ]);
    return null;
  }
}

// A secret that would leave with the outputs, where it cannot be marked without breaking them.
async function refuse(held: Held, seq: number, error: StepError): Promise<boolean> {
  const { writes, ended } = endRun(held.ports.tools, held.committed.journal, {
    ending: "failed",
    reason: error,
  });
  await commitHeld(held, [{ write: "step_closed", seq, state: "failed", outcome: null, error }, ...writes]);
  return !ended;
}
