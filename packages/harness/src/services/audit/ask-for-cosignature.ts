// One checkpoint, one witness: the log's side of C2SP add-checkpoint.

import { addCosignatures, formatAddCheckpoint, parseDecimal, proveConsistency } from "@assent/tlog";
import type { PolicyWitness } from "@assent/tlog";
import { err, ok, type Result } from "../../base/result.ts";
import type { AskWitness, LogStore, StoredCheckpoint } from "../../ports.ts";
import type { TenantId } from "@assent/contract";
import { withHashes } from "./tree-reader.ts";

export type ShownLog = { readonly tenant: TenantId; readonly origin: string };

/**
 * What a witness did not cosign, and why. `ahead`: it has cosigned more than the log has, so one of the two was set
 * back; `refused`: the proof did not convince it. Both call for a person.
 */
export type WitnessRefusal = {
  readonly code: "silent" | "refused" | "ahead" | "malformed";
  readonly detail: string;
};

/** Sizes that the witness may name, one after the other, before it is given up on: it serves others as well. */
const ATTEMPTS_MAX = 3;

export type AskPorts = { readonly store: LogStore; readonly ask: AskWitness };

/**
 * @param oldSize what the witness cosigned last, as far as is known; it says so itself where it knows better
 * @returns the witness's signature line, without a newline
 */
export async function askForCosignature(
  { store, ask }: AskPorts,
  { tenant }: ShownLog,
  { epoch, size, note }: StoredCheckpoint,
  witness: PolicyWitness,
  knownSize: number,
  signal: AbortSignal,
): Promise<Result<string, WitnessRefusal>> {
  let oldSize = Math.min(knownSize, size);
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt += 1) {
    const from = oldSize;
    const proof = await store.transaction(
      tenant,
      async (tx) => await withHashes(tx, epoch, (read) => proveConsistency(read, from, size)),
    );
    const body = formatAddCheckpoint({ oldSize, proof, checkpoint: note });
    const answer = await ask(witness.url ?? "", body, signal);
    if (answer === null) return err({ code: "silent", detail: "it does not answer" });
    if (answer.status === 200) return takeLine(note, answer.body, witness);
    if (answer.status !== 409)
      return err({
        code: "refused",
        detail: `it refuses: ${answer.status} ${answer.body.trim().slice(0, 200)}`,
      });
    const latest = parseDecimal(answer.body.trim());
    if (latest === null) return err({ code: "malformed", detail: "it names no size" });
    if (latest > size)
      return err({ code: "ahead", detail: `it has cosigned ${latest} entries, and the log has ${size}` });
    oldSize = latest;
  }
  return err({ code: "malformed", detail: "its size changes while it is asked" });
}

function takeLine(note: string, body: string, witness: PolicyWitness): Result<string, WitnessRefusal> {
  const added = addCosignatures(note, body, [witness.key]);
  if (!added.ok) return err({ code: "malformed", detail: added.error });
  const line = added.value.note.slice(note.length);
  return added.value.added.length === 1 && line.endsWith("\n")
    ? ok(line.slice(0, -1))
    : err({ code: "malformed", detail: "its answer has no line of the key that the policy names" });
}
