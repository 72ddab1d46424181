// A log that nothing happens in keeps its newest checkpoint, and keys change meanwhile: ML-DSA-44 is switched on, a key is
// rotated. So that checkpoint gets the lines that it lacks, once: the same tree, signed by the same signer under the same
// memory. What stands there already stays, and so does every checkpoint before it.

import type { TenantId } from "@assent/contract";
import { openCheckpoint, parseNote, parseVerifierKey, signatureLine } from "@assent/tlog";
import type { NewestCheckpoint, StoredCheckpoint } from "../../ports.ts";
import type { PublisherPorts } from "./publisher.ts";
import type { Signer } from "./signer.ts";

type OwnLinesPorts = Pick<PublisherPorts, "store" | "files" | "signer">;

/** Checkpoints that are read at once: four kilobytes each with both lines. */
const PAGE = 256;

/** Names the keys that sign now, whatever the log. */
export const signingKeys = (signer: Signer): string => signer.vkeys("keys").join(" ");

/** @returns logs whose newest checkpoint was given a line that it lacked */
export async function addOwnLines(ports: OwnLinesPorts): Promise<number> {
  let added = 0;
  for (let after: TenantId | null = null; ;) {
    const page: readonly NewestCheckpoint[] = await ports.store.newestCheckpoints(after, PAGE);
    for (const log of page) if (await addLines(ports, log)) added += 1;
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE) return added;
    after = last.tenant;
  }
}

async function addLines(ports: OwnLinesPorts, log: NewestCheckpoint): Promise<boolean> {
  const { store, files, signer } = ports;
  const { tenant, epoch, checkpoint } = log;
  const lines = checkpoint === null ? [] : await missingLines(signer, log, checkpoint);
  if (checkpoint === null || lines.length === 0) return false;
  const { size } = checkpoint;
  const signed = await store.transaction(tenant, async (tx) => {
    for (const { witness, line } of lines) await tx.addCosignature({ epoch, size }, witness, line);
    return await tx.checkpoint(epoch, size);
  });
  if (signed?.size === size) await files.publish(log.origin, signed.note);
  return true;
}

type Line = { readonly witness: string; readonly line: string };

// Another home's log is that home's to sign, and one that does not agree with the signer's memory is nobody's: the next
// event says so.
async function missingLines(
  signer: Signer,
  { origin, vkey }: NewestCheckpoint,
  { note }: StoredCheckpoint,
): Promise<readonly Line[]> {
  const held = signer.held(origin);
  const parsed = parseNote(note);
  const opened = openCheckpoint(note, origin, held, "any");
  if (!parsed.ok || !opened.ok || !held.some((key) => key.vkey === vkey)) return [];
  const has = new Set(parsed.value.signatures.filter(({ name }) => name === origin).map(({ id }) => id));
  const wanted = new Set(
    signer
      .vkeys(origin)
      .map(idOf)
      .filter((id) => !has.has(id)),
  );
  if (wanted.size === 0) return [];
  const { size, root } = opened.value;
  const again = await signer.sign({ origin, from: size, proof: [], size, root });
  const signed = again.ok ? parseNote(again.value) : again;
  if (!signed.ok) return [];
  return signed.value.signatures
    .filter(({ id }) => wanted.has(id))
    .map((signature) => ({
      // As a key of the log and not as a witness: several of them have one name.
      witness: `${origin}+${signature.id.toString(16).padStart(8, "0")}`,
      line: signatureLine(signature).trimEnd(),
    }));
}

function idOf(vkey: string): number {
  const key = parseVerifierKey(vkey);
  if (!key.ok) throw new Error(key.error);
  return key.value.id;
}
