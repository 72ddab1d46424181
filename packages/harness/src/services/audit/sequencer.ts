// Gives committed facts their place in the tenant's tree: one batch, one transaction, under the head's lock. Any number
// of processes may try; whoever has the lock appends, and the others find nothing left.

import { idFromUuid, type TenantId } from "@assent/contract";
import { hashesOfLevel, leafHash, type LevelHash, RightEdge, TILE_WIDTH } from "@assent/tlog";
import { assert } from "../../base/assert.ts";
import { commitment, encodeLeaf, leafTime, SALT_BYTES } from "../../core/audit/leaf.ts";
import { uuidV7 } from "../../core/uuid.ts";
import type { LogHead, LogInfo, LogStore, LogTx, Random, SequencedLeaf, WaitingFact } from "../../ports.ts";

/** Facts of one batch. Ten thousand take a third of a second to hash; others wait for the head that long at most. */
export const BATCH_FACTS_MAX = 8_192;

export type SequencerPorts = { readonly store: LogStore; readonly random: Random };

/** One batch. @returns the head after it, and whether there may be more; null where no log was begun yet */
export async function sequence(
  { store, random }: SequencerPorts,
  tenant: TenantId,
  batchFactsMax: number = BATCH_FACTS_MAX,
): Promise<{ readonly head: LogHead; readonly more: boolean } | null> {
  return await store.transaction(tenant, async (tx) => {
    const head = await tx.lock();
    if (head === null) return null;
    const facts = await tx.take(batchFactsMax);
    if (facts.length === 0) return { head, more: false };
    const log = (await tx.logs()).at(-1);
    assert(log?.epoch === head.epoch, "the head is the newest log's");
    // Read anew each time: what is in memory may be ahead of a transaction that was rolled back.
    const edge = await readEdge(tx, head);
    const leaves: SequencedLeaf[] = [];
    const nodes: LevelHash[] = [];
    const salts = random.bytes(SALT_BYTES * facts.length);
    for (const [i, fact] of facts.entries()) {
      const salt = salts.subarray(i * SALT_BYTES, (i + 1) * SALT_BYTES);
      const leaf = leafOf(fact, log, tenant, salt, random);
      const hash = leafHash(leaf);
      leaves.push({ eventId: fact.eventId, leaf, leafHash: hash, salt });
      nodes.push(...edge.append(hash));
    }
    const root = edge.root();
    await tx.append(head, { leaves, nodes, root });
    return { head: { epoch: head.epoch, size: edge.size, root }, more: facts.length >= batchFactsMax };
  });
}

function leafOf(
  fact: WaitingFact,
  log: LogInfo,
  tenant: TenantId,
  salt: Uint8Array,
  random: Random,
): Uint8Array {
  return encodeLeaf({
    log: log.origin,
    tenant,
    id: uuidV7(fact.at, random.bytes(10)),
    at: leafTime(fact.at),
    kind: fact.kind,
    actor: fact.actor === null ? null : idFromUuid("prn", fact.actor),
    subject: fact.subject,
    version: fact.version,
    state: fact.state === null ? null : Buffer.from(fact.state).toString("hex"),
    commit: commitment(salt, fact.payload).toString("hex"),
  });
}

/** The growing end of the tree, as its rows have it. */
async function readEdge(tx: LogTx, { epoch, size }: LogHead): Promise<RightEdge> {
  const partial = new Map<number, readonly Uint8Array[]>();
  for (let level = 0; hashesOfLevel(level, size) > 0; level += 1) {
    const hashes = hashesOfLevel(level, size);
    const from = Math.floor(hashes / TILE_WIDTH) * TILE_WIDTH;
    partial.set(level, from === hashes ? [] : await tx.hashes(epoch, level, from, hashes - from));
  }
  return new RightEdge(size, (level) => partial.get(level) ?? []);
}
