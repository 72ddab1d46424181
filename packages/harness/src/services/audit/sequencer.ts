// Gives committed facts their place in the tenant's tree: one batch, one transaction, under the head's lock. Any number
// of processes may try; whoever has the lock appends, and the others find nothing left.

import { idFromUuid, type TenantId } from "@assent/contract";
import { hashesOfLevel, leafHash, type LevelHash, RightEdge, TILE_WIDTH } from "@assent/tlog";
import { assert } from "../../base/assert.ts";
import { commitment, encodeLeaf, leafTime, SALT_BYTES } from "../../core/audit/leaf.ts";
import { PRUNED_KIND } from "../../core/audit/pruning.ts";
import { uuidV7 } from "../../core/uuid.ts";
import type {
  HashRange,
  LogBatch,
  LogHead,
  LogInfo,
  LogStore,
  LogTx,
  Random,
  SequencedLeaf,
  WaitingFact,
} from "../../ports.ts";
import { RecentTree } from "./recent-tree.ts";

/** Facts of one batch. Ten thousand take a third of a second to hash; others wait for the head that long at most. */
export const BATCH_FACTS_MAX = 8_192;

/** Of an entry's id, what is not its time. */
const ID_BYTES = 10;
/** What an entry needs of chance. */
const CHANCE_BYTES = SALT_BYTES + ID_BYTES;

export type SequencerPorts = { readonly store: LogStore; readonly random: Random };

export type SequenceOptions = {
  readonly batchFactsMax?: number;
  /** The log that the caller knows to be the newest: where another one is, nothing is done. */
  readonly log?: LogInfo;
  /** What this process holds of the tree: used where it is of the head that is found, and told what was appended. */
  readonly recent?: RecentTree;
  /** A log with fewer entries than these has lost some: nothing is put in their places. */
  readonly sizeMin?: number;
};

/**
 * One batch.
 * @returns the head after it, and whether there may be more; null where no log was begun yet, or another than `log`
 */
export async function sequence(
  ports: SequencerPorts,
  tenant: TenantId,
  options: SequenceOptions = {},
): Promise<Sequencing | null> {
  const { recent = new RecentTree() } = options;
  const done = await ports.store.transaction(
    tenant,
    async (tx) => await sequenceIn(tx, ports, tenant, { ...options, recent }),
  );
  // Not before: what is in memory must not be ahead of a transaction that was rolled back.
  if (done?.appended !== undefined) recent.grow(done.appended.to, done.appended.batch);
  return done;
}

export type Sequencing = {
  readonly head: LogHead;
  readonly more: boolean;
  /** Among what got its place now is a record that something was pruned. */
  readonly hasPruned?: boolean;
};

type Done = Sequencing & {
  readonly appended?: { readonly to: LogHead; readonly batch: LogBatch };
};

async function sequenceIn(
  tx: LogTx,
  { random }: SequencerPorts,
  tenant: TenantId,
  {
    batchFactsMax = BATCH_FACTS_MAX,
    sizeMin = 0,
    log: known,
    recent,
  }: SequenceOptions & { readonly recent: RecentTree },
): Promise<Done | null> {
  const head = await tx.lock();
  if (head === null || (known !== undefined && known.epoch !== head.epoch)) return null;
  if (head.size < sizeMin) return { head, more: false };
  const beginning = await readBeginning(tx, head);
  const facts = beginning ?? (await tx.take(batchFactsMax));
  if (facts.length === 0) return { head, more: false };
  const log = known ?? (await tx.logs()).at(-1);
  assert(log?.epoch === head.epoch, "the head is the newest log's");
  const edge = recent.edge(head) ?? (await readEdge(tx, head, recent));
  const leaves: SequencedLeaf[] = [];
  const nodes: LevelHash[] = [];
  // Asked for once, since each call has its price.
  const chance = random.bytes(CHANCE_BYTES * facts.length);
  for (const [i, fact] of facts.entries()) {
    const own = chance.subarray(i * CHANCE_BYTES, (i + 1) * CHANCE_BYTES);
    const salt = own.subarray(0, SALT_BYTES);
    const leaf = leafOf(fact, log, tenant, salt, own.subarray(SALT_BYTES));
    const hash = leafHash(leaf);
    leaves.push({ eventId: fact.eventId, leaf, leafHash: hash, salt });
    nodes.push(...edge.append(hash));
  }
  const batch = { leaves, nodes, root: edge.root() };
  await tx.append(head, batch);
  return {
    head: { epoch: head.epoch, size: edge.size, root: batch.root },
    more: beginning !== null || facts.length >= batchFactsMax,
    hasPruned: facts.some(({ kind }) => kind === PRUNED_KIND),
    appended: { to: head, batch },
  };
}

/** What an epoch's beginning is recorded under. */
export const epochSubject = (epoch: number): string => `epoch:${epoch}`;

// A later epoch begins with what began it, whatever has waited for longer: its first entry says where the one before
// ended. Null where it has begun.
async function readBeginning(tx: LogTx, { epoch, size }: LogHead): Promise<readonly WaitingFact[] | null> {
  if (epoch === 1 || size > 0) return null;
  const fact = await tx.newestFact(epochSubject(epoch));
  return fact === null ? null : [{ ...fact, state: null }];
}

function leafOf(
  fact: WaitingFact,
  log: LogInfo,
  tenant: TenantId,
  salt: Uint8Array,
  idBytes: Uint8Array,
): Uint8Array {
  return encodeLeaf({
    log: log.origin,
    tenant,
    id: uuidV7(fact.at, idBytes),
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
async function readEdge(tx: LogTx, head: LogHead, recent: RecentTree): Promise<RightEdge> {
  const { epoch, size } = head;
  const ranges: HashRange[] = [];
  for (let level = 0; hashesOfLevel(level, size) > 0; level += 1) {
    const hashes = hashesOfLevel(level, size);
    const from = Math.floor(hashes / TILE_WIDTH) * TILE_WIDTH;
    ranges.push({ level, from, count: hashes - from });
  }
  const partial = ranges.length === 0 ? [] : await tx.hashRanges(epoch, ranges);
  const edge = new RightEdge(size, (level) => partial[level] ?? []);
  recent.begin(head, partial);
  return edge;
}
