// Checks one log in the live database: its leaves against its own tree, against every checkpoint that was ever signed,
// against the memories outside of the database, and against the events that the leaves are about. Whatever is wrong is
// named with its place.

import {
  encodeBase64,
  type Hash,
  isSameHash,
  leafHash,
  type LevelHash,
  openCheckpoint,
  parseCheckpoint,
  parseNote,
  RightEdge,
  TILE_WIDTH,
  type VerifierKey,
  type WantedLines,
} from "@assent/tlog";
import { decodeLeaf, leafTime } from "../../core/audit/leaf.ts";
import type { PublishedEntry } from "./ahead.ts";
import { type Claim, readLostTail } from "./lost-tail.ts";
import { PRUNED_PAYLOAD } from "../../core/audit/pruning.ts";
import { RETIRED, retiredBy } from "../../core/audit/retired-keys.ts";
import { createLeafChecks, type LeafTotals } from "../../core/audit/verify-leaf.ts";
import { type LogFinding, payloadLine } from "../../core/audit/verify-source.ts";
import type { LogInfo, OutsideKnowledge, ReviewedLeaf, ReviewTx } from "../../ports.ts";

/** Leaves that are read and held at once. */
const PAGE_LEAVES = 1_024;
/** Findings that are listed of one log; past these it is wrong all over. */
export const REVIEW_FINDINGS_MAX = 1_000;

export type ReviewedLog = {
  readonly origin: string;
  readonly epoch: number;
  /** Verifier keys that were trusted for it. */
  readonly keys: readonly string[];
  readonly size: number;
  /** Entries that a checkpoint signed by a trusted key covers; 0 for none. */
  readonly signedSize: number;
  /** Checkpoints whose signature no trusted key made, as after a rotation; their roots were checked all the same. */
  readonly unknownSignatures: number;
  readonly anchorSize: number | null;
  readonly rememberedSize: number | null;
  /** Nothing outside of the database knows the log: cut short to an older signed state, it would look whole. */
  readonly cutUnnoticed: boolean;
  readonly opened: number;
  readonly erased: number;
  /** Below this place entries are not kept, as the log records; and how many of them are gone. */
  readonly minimum: number;
  readonly pruned: number;
  /** Entries that stand in the published files only, since a restored backup ends before them. */
  readonly lost: number;
  readonly findings: readonly LogFinding[];
};

type Add = (finding: LogFinding) => void;
type Keys = { readonly trusted: readonly VerifierKey[]; readonly wanted: WantedLines };
type Head = LogInfo & { readonly size: number; readonly root: Uint8Array };

/** @param keys that are trusted for this log, and whether its newest checkpoint must have a line of each of their types */
export async function reviewLog(
  tx: ReviewTx,
  tenant: string,
  log: Head,
  keys: Keys,
  outside: OutsideKnowledge,
): Promise<ReviewedLog> {
  const findings: LogFinding[] = [];
  const add: Add = (finding) => void (findings.length < REVIEW_FINDINGS_MAX && findings.push(finding));
  const signed = await readClaims(tx, tenant, log, keys, add);
  const memories = remembered(log, keys, outside, add);
  const sizes = memories.map(({ size }) => size);
  const tail = await readLostTail(tx, tenant, log, keys.trusted, outside, sizes);
  const head = { size: log.size, root: log.root, by: "the head" };
  const claims = [...signed.claims, ...memories, ...tail.claims, head];
  const walked = await walk(tx, tenant, log, { claims, tail: tail.entries }, add);
  for (const { size, signers, by } of [...signed.claims, ...memories]) {
    const retired = retiredBy(walked.keyChanges, size, signers ?? []);
    if (retired !== null) add({ code: RETIRED.code, at: by, detail: RETIRED.detailOf(retired) });
  }
  checkEnd(log, memories, walked.end, tail.accounted, add);
  return {
    origin: log.origin,
    epoch: log.epoch,
    keys: keys.trusted.map(({ vkey }) => vkey),
    size: log.size,
    signedSize: signed.size,
    unknownSignatures: signed.unknown,
    anchorSize: outside.anchor?.size ?? null,
    cutUnnoticed: memories.length === 0,
    rememberedSize: memories.find(({ by }) => by === REMEMBERED)?.size ?? null,
    opened: walked.opened,
    erased: walked.erased,
    minimum: walked.minimum,
    pruned: walked.pruned,
    lost: tail.entries.length,
    findings,
  };
}

const REMEMBERED = "the checkpoint that was kept";

async function readClaims(
  tx: ReviewTx,
  tenant: string,
  { origin, epoch, size }: Head,
  { trusted, wanted }: Keys,
  add: Add,
): Promise<{ readonly claims: readonly Claim[]; readonly size: number; readonly unknown: number }> {
  const claims: Claim[] = [];
  let [signedSize, unknown, newest] = [0, 0, ""];
  // By size, so the last that is signed is the newest.
  for (const stored of await tx.checkpoints(tenant, epoch)) {
    const at = `checkpoint of ${stored.size} entries`;
    const note = parseNote(stored.note);
    const said = note.ok ? parseCheckpoint(note.value.text) : note;
    if (!said.ok || said.value.origin !== origin || said.value.size !== stored.size) {
      add({ code: "checkpoint_invalid", at, detail: said.ok ? "it is of another log or size" : said.error });
      continue;
    }
    const opened = openCheckpoint(stored.note, origin, trusted, "any");
    if (opened.ok) [signedSize, newest] = [stored.size, stored.note];
    else if (opened.error.startsWith("invalid signature"))
      add({ code: "checkpoint_invalid", at, detail: opened.error });
    else unknown += 1;
    if (stored.size > size)
      add({
        code: "history_cut",
        at: `entry ${size}`,
        detail: `the log ends after ${size} entries, but ${stored.size} were signed`,
      });
    const signers = opened.ok ? opened.value.signers : [];
    claims.push({ size: stored.size, root: said.value.root, signers, by: `the ${at}` });
  }
  if (claims.length > 0 && signedSize === 0)
    add({
      code: "checkpoint_untrusted",
      at: `entries 0 to ${size - 1}`,
      detail: "no checkpoint of this log is signed by a key that is trusted here",
    });
  const whole = signedSize === 0 ? null : openCheckpoint(newest, origin, trusted, wanted);
  if (whole?.ok === false)
    add({ code: "checkpoint_invalid", at: `checkpoint of ${signedSize} entries`, detail: whole.error });
  return { claims, size: signedSize, unknown };
}

function remembered(
  { origin }: Head,
  { trusted, wanted }: Keys,
  { anchor, published, remembered: kept }: OutsideKnowledge,
  add: Add,
): Claim[] {
  const claims: Claim[] =
    anchor === null ? [] : [{ size: anchor.size, root: anchor.root, by: "the signer's memory" }];
  for (const [note, by] of [
    [published, "the published checkpoint"],
    [kept, REMEMBERED],
  ] as const) {
    if (note === null) continue;
    const opened = openCheckpoint(note, origin, trusted, by === REMEMBERED ? "any" : wanted);
    if (opened.ok) claims.push({ ...opened.value, by });
    else add({ code: "checkpoint_invalid", at: by, detail: opened.error });
  }
  return claims;
}

// What somebody remembers is there, or stands in the files and is accounted for by the epoch that followed.
function checkEnd(
  { size }: Head,
  memories: readonly Claim[],
  end: number,
  accounted: number,
  add: Add,
): void {
  for (const claim of memories) {
    if (claim.size <= size || (claim.size <= end && claim.size <= accounted)) continue;
    const rest =
      claim.size > end
        ? ""
        : "; the published files have the rest, and no epoch that follows accounts for it";
    add({
      code: "history_cut",
      at: `entry ${size}`,
      detail: `the log ends after ${size} entries, but ${claim.by} has ${claim.size}${rest}`,
    });
  }
}

type Walked = Pick<LeafTotals, "opened" | "erased" | "minimum" | "pruned" | "keyChanges"> & {
  readonly end: number;
};
type Expected = { readonly claims: readonly Claim[]; readonly tail: readonly PublishedEntry[] };

async function walk(
  tx: ReviewTx,
  tenant: string,
  log: Head,
  { claims, tail }: Expected,
  add: Add,
): Promise<Walked> {
  const edge = new RightEdge();
  const roots = createRootChecks(claims, add);
  const checks = createLeafChecks(log.origin, add, {
    erased: await tx.erasuresElsewhere(tenant, log.epoch),
    minimum: await tx.minimumElsewhere(tenant, log.epoch),
    now: null,
    seen: [],
  });
  const nodes: LevelHash[] = [];
  for (;;) {
    const page = await tx.leaves(tenant, log.epoch, edge.size, PAGE_LEAVES);
    checkContents(page, edge.size, checks);
    for (const leaf of page) {
      if (leaf.index !== edge.size) {
        const code = leaf.index < edge.size ? "entry_repeated" : "entry_missing";
        add({ code, at: `entry ${edge.size}`, detail: `the next row is the one of entry ${leaf.index}` });
        return { ...checks.end(), end: edge.size };
      }
      checkFact(leaf, add);
      nodes.push(...edge.append(leaf.leafHash));
      roots.check(edge);
    }
    if (page.length < PAGE_LEAVES) break;
  }
  if (edge.size < log.size)
    add({
      code: "entry_missing",
      at: `entry ${edge.size}`,
      detail: `the head has ${log.size} entries, and there are ${edge.size}`,
    });
  if (edge.size > log.size)
    add({
      code: "entries_added",
      at: `entry ${log.size}`,
      detail: "there are more entries than the head has",
    });
  if (edge.size === log.size) walkTail(tail, edge, roots, checks);
  roots.end();
  compareNodes(await tx.nodes(tenant, log.epoch), nodes, add);
  return { ...checks.end(), end: edge.size };
}

// Of these there are the entries alone: what they are about, and what opens them, was lost with the rows.
function walkTail(
  tail: readonly PublishedEntry[],
  edge: RightEdge,
  roots: RootChecks,
  checks: ReturnType<typeof createLeafChecks>,
): void {
  checks.openBundle(null, { first: edge.size, count: tail.length });
  for (const one of tail) {
    if ("hash" in one) checks.skip({ first: edge.size, end: edge.size + 1 });
    else checks.check(Buffer.from(one.entry), 0, one.entry.byteLength, edge.size);
    edge.append("hash" in one ? one.hash : leafHash(one.entry));
    roots.check(edge);
  }
}

// Form, log, count per subject and payloads, by the rules that exports are held to.
function checkContents(
  page: readonly ReviewedLeaf[],
  first: number,
  checks: ReturnType<typeof createLeafChecks>,
): void {
  const lines = page.flatMap(({ index, salt, payload }) =>
    salt === null || payload === null ? [] : [payloadLine(index, salt, payload)],
  );
  checks.openBundle(Buffer.from(lines.join("")), { first, count: page.length });
  for (const { leaf, index } of page) {
    if (leaf === null) {
      checks.skip({ first: index, end: index + 1 });
      continue;
    }
    const bytes = Buffer.from(leaf);
    checks.check(bytes, 0, bytes.byteLength, index);
  }
}

function checkFact({ index, leaf, leafHash: hash, salt, payload, fact }: ReviewedLeaf, add: Add): void {
  const at = `entry ${index}`;
  if (leaf === null) {
    checkPruned(at, { salt, payload, fact }, add);
    return;
  }
  if (!isSameHash(leafHash(leaf), hash))
    add({ code: "entry_altered", at, detail: "its bytes are not those that its hash in the tree is of" });
  if (fact === null) {
    add({ code: "event_missing", at, detail: "the event that it is about is gone from its table" });
    return;
  }
  const said = decodeLeaf(leaf);
  if (said === null) return;
  const actor = fact.actor === null ? null : `prn_${fact.actor.replaceAll("-", "")}`;
  const differing = [
    ["subject", said.subject, fact.subject],
    ["version", said.version, fact.version],
    ["time", said.at, leafTime(fact.at)],
    ["kind", said.kind, fact.kind],
    ["actor", said.actor, actor],
  ].filter(([, of, is]) => of !== is);
  for (const [what, of, is] of differing)
    add({ code: "event_altered", at, detail: `its event has another ${what}: ${is}, and it was ${of}` });
  if (salt === null && payload !== ERASED_PAYLOAD)
    add({ code: "payload_not_erased", at, detail: "its salt is gone, and its payload is still there" });
}

// Whether it may be gone is judged when all entries are read.
function checkPruned(
  at: string,
  { salt, payload, fact }: Pick<ReviewedLeaf, "salt" | "payload" | "fact">,
  add: Add,
): void {
  if (fact === null)
    add({ code: "event_missing", at, detail: "the event that it is about is gone from its table" });
  else if (salt !== null || payload !== PRUNED_PAYLOAD)
    add({ code: "payload_not_erased", at, detail: "its bytes are gone, and its payload is still there" });
}

const ERASED_PAYLOAD = '{"erased":true}';

type RootChecks = { check(edge: RightEdge): void; end(): void };

// Of all roots that are claimed, the last that is right and the first that is wrong say where history was changed.
function createRootChecks(claims: readonly Claim[], add: Add): RootChecks {
  const bySize = Map.groupBy(claims, ({ size }) => size);
  let right = 0;
  let wrong: Claim | null = null;
  const look = (size: number, root: () => Hash): void => {
    const here = bySize.get(size);
    if (here === undefined || wrong !== null) return;
    const computed = root();
    wrong = here.find((claim) => !isSameHash(claim.root, computed)) ?? null;
    if (wrong === null) right = size;
  };
  return {
    check: (edge) => look(edge.size, () => edge.root()),
    end(): void {
      if (wrong === null) return;
      add({
        code: "history_rewritten",
        at: wrong.size - right === 1 ? `entry ${right}` : `entries ${right} to ${wrong.size - 1}`,
        detail: `the first ${wrong.size} entries have not the root that ${wrong.by} has (${encodeBase64(wrong.root)}); the first ${right} have theirs`,
      });
    },
  };
}

function compareNodes(stored: readonly LevelHash[], computed: readonly LevelHash[], add: Add): void {
  const byPlace = new Map(stored.map((node) => [`${node.level}/${node.index}`, node.hash]));
  for (const { level, index, hash } of computed) {
    const span = TILE_WIDTH ** level;
    const at = `entries ${index * span} to ${(index + 1) * span - 1}`;
    const found = byPlace.get(`${level}/${index}`);
    if (found === undefined)
      add({ code: "node_missing", at, detail: `the tree has no hash of level ${level} over them` });
    else if (!isSameHash(found, hash))
      add({ code: "node_altered", at, detail: `the tree's hash of level ${level} over them is another one` });
  }
  if (stored.length > computed.length)
    add({ code: "node_added", at: "the tree", detail: "it has hashes over entries that there are none of" });
}
