// Verifies an exported log as anybody can who holds it: offline, with keys and memory of the verifier's own. Nothing in
// the export is believed because it stands there: what counts is the pinned key, the remembered checkpoint, and hashes.

import {
  type Hash,
  isSameHash,
  openCheckpoint,
  type OpenedCheckpoint,
  type Policy,
  type VerifierKey,
  verifyCosignatures,
} from "@assent/tlog";
import type { BegunLog } from "./begun-log.ts";
import { type EarlierLog, readEarlierLog } from "./epoch-link.ts";
import type { PrunedLog } from "./pruning.ts";
import { RETIRED, retiredBy } from "./retired-keys.ts";
import type { Given } from "./run-objects.ts";
import { INCOMING_WHOLE, takeInventory } from "./inventory.ts";
import { readEntries } from "./verify-entries.ts";
import { cutUnnoticedBy, type CutUnnoticed, takenTime, type TakenTime } from "./verify-basis.ts";
import { epochOf, type ErasedEntry, type LeafTotals } from "./verify-leaf.ts";
import type { LogFinding, LogSource, Memory, Seen } from "./verify-source.ts";
import { readWitnessedFile, seenBy, verifyWitnessed, WITNESSED_FILE } from "./verify-witnessed.ts";

export type VerifyOptions = {
  readonly source: LogSource;
  /** Name of the log, and its keys, of each type of which one must have signed: from the verifier, never from the export. */
  readonly origin: string;
  readonly keys: readonly VerifierKey[];
  /** A checkpoint that the verifier kept from before; null for none: then a history cut short is not noticed. */
  readonly remembered: string | null;
  /** Which witnesses must have cosigned; null: none are asked for. */
  readonly policy: Policy | null;
  /** A server publishes the log in this folder: tiles are there before the checkpoint that covers them. */
  readonly isPublished?: boolean;
  /** What time it is: what the verifier's clock says, or what somebody says in its place. */
  readonly now: Date;
  /** What the clock says, where somebody gave `now` in its place; null, or left out: it was asked. */
  readonly clock?: Date | null;
  /** The newest cosignature must not be older than this; null: however old. */
  readonly cosignedSince: Date | null;
  /** What later logs of the tenant, verified before, record as erased; see `VerifyReport.erasedElsewhere`. */
  readonly erased?: readonly ErasedEntry[];
  /** The same of what they record as pruned; see `VerifyReport.prunedElsewhere`. */
  readonly pruned?: readonly PrunedLog[];
  /** The same of where logs ended that were followed by others; see `VerifyReport.earlier`. */
  readonly ended?: readonly EarlierLog[];
  /** The same of what they go on with; see `VerifyReport.begun`. */
  readonly begun?: readonly BegunLog[];
};

export type VerifyReport = {
  readonly origin: string;
  readonly size: number;
  readonly verified: boolean;
  readonly findings: readonly LogFinding[];
  /** What the verifier would not notice: see there. */
  readonly cutUnnoticed: CutUnnoticed;
  /** What the verification rests on beside the signature. */
  readonly rememberedSize: number | null;
  readonly cosigners: readonly string[];
  /** Entries that they have seen; what comes after rests on the signature alone. Null where nobody was asked. */
  readonly witnessedSize: number | null;
  readonly opened: number;
  readonly erased: number;
  readonly unopened: number;
  /** Approvals that were given: of how many the log tells who had to agree and who did, and of how many it does not. */
  readonly approvals: Given;
  /** Entries of earlier logs of the tenant whose erasure is recorded in this one. */
  readonly erasedElsewhere: readonly ErasedEntry[];
  /** The log records that it keeps no entries below this place; 0 where it was never pruned. */
  readonly minimum: number;
  /** Entries below it that are not in this copy. */
  readonly pruned: number;
  /** What this log records so of earlier ones of the tenant. */
  readonly prunedElsewhere: readonly PrunedLog[];
  /** Where the log before this one ended, as its first entry says; null for a first log, and where that is not opened. */
  readonly earlier: EarlierLog | null;
  /** What logs before this one are held against: what it, and those that followed it, go on with. Empty where anything is wrong. */
  readonly begun: readonly BegunLog[];
  /** Entries past this copy's that were lost with a restored backup, as the log says that followed. */
  readonly lost: number;
  /** The copy was cut off while it was moved into its place: what lies in a folder of it was read in the place of the rest. */
  readonly unmoved: boolean;
  /** Which time the log was held against, and from where; a time that somebody gave can make what is to come past. */
  readonly time: TakenTime;
  /** Files that nothing was read of: left by a copy that was cut off, or, where a log is published, not signed yet. */
  readonly leftovers: number;
};

/** Findings that are listed; past these the log is wrong all over. */
export const FINDINGS_MAX = 1_000;

export function verifyLog(options: VerifyOptions): VerifyReport {
  const findings: LogFinding[] = [];
  const add = (finding: LogFinding): void => {
    if (findings.length < FINDINGS_MAX) findings.push(finding);
  };
  const note = options.source.read("checkpoint");
  const opened = note === null ? null : openCheckpoint(note, options.origin, options.keys);
  if (note === null || opened === null || !opened.ok) {
    add({
      code: "checkpoint_invalid",
      at: "checkpoint",
      detail: opened === null || opened.ok ? "there is none" : opened.error,
    });
    return reportOf(options, null, findings, NOTHING_KNOWN);
  }
  const checkpoint = opened.value;
  const memory = recall(options, checkpoint, add);
  const witnessed = checkWitnesses(options, note, checkpoint, add);
  const ended = recallEnd(options, checkpoint, add);
  const memories = [memory, witnessed.memory, ended.memory].filter((known) => known !== null);
  const epoch = epochOf(options.origin);
  const erased = (options.erased ?? []).flatMap((one) => (one.epoch === epoch ? [one.index] : []));
  const minimums = (options.pruned ?? []).flatMap((one) => (one.epoch === epoch ? [one.minimum] : []));
  const inventory = takeInventory(
    options.source,
    { origin: options.origin, size: checkpoint.size, isPublished: options.isPublished ?? false },
    add,
  );
  for (const path of options.source.unmoved?.ambiguous() ?? [])
    add({
      code: "tile_ambiguous",
      at: path,
      detail: `it lies in its place and in ${INCOMING_WHOLE}, and differs`,
    });
  const seen = [...memories, { size: checkpoint.size, seen: statedBy(checkpoint) }];
  const minimum = Math.max(0, ...minimums);
  const { now, clock = null, begun = [] } = options;
  const kept = endOf(options)?.kept;
  const known = {
    memories,
    seen,
    now,
    clock,
    erased,
    minimum,
    inventory,
    begun,
    ...(kept === undefined ? {} : { kept }),
  };
  const entries = readEntries(options.source, options.origin, checkpoint, known, add);
  const retired = retiredBy(entries.keyChanges, checkpoint.size, checkpoint.signers);
  if (retired !== null) add({ code: RETIRED.code, at: "checkpoint", detail: RETIRED.detailOf(retired) });
  const { cosigners } = witnessed;
  const witnessedSize = witnessed.memory?.size ?? null;
  if (findings.length === 0 && epoch > 1) checkChain(options, epoch, add);
  return reportOf(options, checkpoint, findings, {
    memory,
    cosigners,
    witnessedSize,
    entries,
    lost: ended.lost,
    leftovers: inventory.leftovers,
  });
}

/** What the log's own lines say of when they were made: ours say nothing, and witnesses are asked for that. */
const statedBy = ({ stated }: OpenedCheckpoint): Seen => ({
  ...seenBy(stated, "checkpoint"),
  earliest: 0,
  newest: 0,
});

type KnownOf = {
  readonly memory: Memory | null;
  readonly cosigners: readonly string[];
  readonly witnessedSize: number | null;
  readonly entries: LeafTotals | null;
  readonly lost: number;
  readonly leftovers: number;
};
const NOTHING_KNOWN: KnownOf = {
  memory: null,
  cosigners: [],
  witnessedSize: null,
  entries: null,
  lost: 0,
  leftovers: 0,
};

function reportOf(
  options: VerifyOptions,
  checkpoint: OpenedCheckpoint | null,
  findings: readonly LogFinding[],
  { memory, cosigners, witnessedSize, entries, lost, leftovers }: KnownOf,
): VerifyReport {
  const { origin, source } = options;
  return {
    origin,
    size: checkpoint?.size ?? 0,
    verified: findings.length === 0,
    findings,
    cutUnnoticed: cutUnnoticedBy(options),
    rememberedSize: memory?.size ?? null,
    cosigners,
    witnessedSize,
    opened: entries?.opened ?? 0,
    erased: entries?.erased ?? 0,
    unopened: entries?.unopened ?? 0,
    approvals: entries?.approvals ?? { told: 0, untold: 0 },
    erasedElsewhere: entries?.erasedElsewhere ?? [],
    minimum: entries?.minimum ?? 0,
    pruned: entries?.pruned ?? 0,
    prunedElsewhere: entries?.prunedElsewhere ?? [],
    begun: findings.length === 0 ? (entries?.begun ?? []) : [],
    earlier: findings.length === 0 && epochOf(origin) > 1 ? readEarlier(source) : null,
    lost,
    unmoved: source.unmoved !== undefined,
    time: takenTime(options, entries?.ahead ?? 0),
    leftovers,
  };
}

/** What the verifier knows from before, where it agrees with the new checkpoint as far as sizes and roots can tell. */
function recall(
  { remembered, origin, keys, policy }: VerifyOptions,
  { size, root }: OpenedCheckpoint,
  add: (finding: LogFinding) => void,
): Memory | null {
  if (remembered === null) return null;
  // The verifier's own, and maybe from before the log had its second line.
  const before = openCheckpoint(remembered, origin, keys, "any");
  if (!before.ok) {
    add({ code: "remembered_invalid", at: "remembered checkpoint", detail: before.error });
    return null;
  }
  const witnesses = policy?.witnesses.map(({ key }) => key) ?? [];
  const cosigned = verifyCosignatures(remembered, witnesses);
  const seen =
    cosigned.ok && cosigned.value.length > 0 ? seenBy(cosigned.value, "remembered checkpoint") : null;
  const known: Memory = { size: before.value.size, root: before.value.root, by: "remembered", seen };
  if (known.size > size)
    add({
      code: "history_cut",
      at: `entry ${size}`,
      detail: `the log ends after ${size} entries, but had ${known.size} when it was remembered`,
    });
  else if (known.size === size && !isSameHash(known.root, root))
    add({
      code: "history_forked",
      at: `entries 0 to ${size - 1}`,
      detail: "the same number of entries was signed with another root before: there are two histories",
    });
  return known;
}

const endOf = ({ ended, origin }: VerifyOptions): EarlierLog | undefined =>
  ended?.find((one) => one.origin === origin);

/** What the log that followed says of where this one ended. */
function recallEnd(
  options: VerifyOptions,
  { size, root }: OpenedCheckpoint,
  add: (finding: LogFinding) => void,
): { readonly memory: Memory | null; readonly lost: number } {
  const said = endOf(options);
  if (said === undefined || said.ended === null) return { memory: null, lost: 0 };
  const known: Memory = { ...said.ended, by: "accounted for by the next log", seen: null };
  if (size < known.size && size < said.kept)
    add({
      code: "history_cut",
      at: `entry ${size}`,
      detail: `the log ends after ${size} entries, but had ${known.size} when the next one began, and ${said.kept} of them were kept`,
    });
  else if (known.size === size && !isSameHash(known.root, root))
    add({
      code: "history_forked",
      at: `entries 0 to ${size - 1}`,
      detail: "the next log names another root of as many entries: there are two histories",
    });
  return { memory: known, lost: Math.max(0, known.size - size) };
}

function checkChain({ source, origin }: VerifyOptions, epoch: number, add: Add): void {
  const payload = readFirst(source);
  if (payload === null) return;
  const said = readEarlierLog(payload);
  const before = origin.replace(/\/e[1-9]\d*$/, epoch === 2 ? "" : `/e${epoch - 1}`);
  if (said === null) {
    const detail = `in epoch ${epoch}, it does not say which log this one followed, where that one ended, and how much of it there was`;
    add({ code: "event_unclear", at: "entry 0", detail });
  } else if (said.origin !== before) {
    const detail = `it says that this log followed ${said.origin}, and the one before it is ${before}`;
    add({ code: "epoch_misplaced", at: "entry 0", detail });
  }
}

function readEarlier(source: LogSource): EarlierLog | null {
  const payload = readFirst(source);
  return payload === null ? null : readEarlierLog(payload);
}

/** What the log's first entry was opened with; null where it is not opened. */
function readFirst(source: LogSource): string | null {
  const bytes = source.read("payloads/000");
  const end = bytes?.indexOf(0x0a) ?? -1;
  if (bytes === null || end < 0) return null;
  // Nothing was found, so each line opens its entry; that of the first is the first, unless it was erased.
  const { i, p }: { i?: unknown; p?: unknown } = JSON.parse(Buffer.from(bytes.subarray(0, end)).toString());
  return i === 0 && typeof p === "string" ? p : null;
}

type SeenByWitnesses = { readonly cosigners: readonly string[]; readonly memory: Memory | null };
const SEEN_BY_NOBODY: SeenByWitnesses = { cosigners: [], memory: null };
type Add = (finding: LogFinding) => void;

type Tree = { readonly size: number; readonly root: Hash };

function checkWitnesses(
  options: VerifyOptions,
  note: Uint8Array,
  checkpoint: Tree,
  add: Add,
): SeenByWitnesses {
  const { policy, origin } = options;
  if (policy === null) return SEEN_BY_NOBODY;
  // Witnesses see this log, or the installation's, which holds what this one's checkpoints were.
  return policy.logs.some(({ key }) => key.name === origin) || policy.logs.length === 0
    ? checkCosignatures(options, policy, note, checkpoint, add)
    : checkInstallation(options, policy, checkpoint.size, add);
}

function checkInstallation(
  { source, origin, keys, cosignedSince }: VerifyOptions,
  policy: Policy,
  size: number,
  add: Add,
): SeenByWitnesses {
  const file = source.read(WITNESSED_FILE);
  const proof = file === null ? null : readWitnessedFile(file);
  if (proof === null) {
    const detail = file === null ? "there is none: no witness has seen this log" : "it is no such proof";
    add({ code: "witnessed_missing", at: WITNESSED_FILE, detail });
    return SEEN_BY_NOBODY;
  }
  const verified = verifyWitnessed(proof, origin, keys, policy);
  if (!verified.ok) {
    add({ code: "witnessed_invalid", at: WITNESSED_FILE, detail: verified.error });
    return SEEN_BY_NOBODY;
  }
  const { seen, cosigners, root } = verified.value;
  checkAge(seen.newest, cosignedSince, add);
  if (verified.value.size > size)
    add({
      code: "history_cut",
      at: `entry ${size}`,
      detail: `the log ends after ${size} entries, but witnesses have seen ${verified.value.size}`,
    });
  return { cosigners, memory: { size: verified.value.size, root, by: "witnessed", seen } };
}

function checkCosignatures(
  { cosignedSince }: VerifyOptions,
  policy: Policy,
  note: Uint8Array,
  { size, root }: Tree,
  add: Add,
): SeenByWitnesses {
  const found = verifyCosignatures(
    note,
    policy.witnesses.map(({ key }) => key),
  );
  if (!found.ok) {
    add({ code: "cosignature_invalid", at: "checkpoint", detail: found.error });
    return SEEN_BY_NOBODY;
  }
  const cosigners = found.value.map(({ key }) => key.name);
  if (!policy.isQuorum(new Set(found.value.map(({ key }) => key.vkey))))
    add({
      code: "quorum_missing",
      at: "checkpoint",
      detail: `cosigned by ${cosigners.join(", ") || "nobody"}; the policy wants more`,
    });
  const seen = seenBy(found.value, "checkpoint");
  checkAge(seen.newest, cosignedSince, add);
  return { cosigners, memory: cosigners.length === 0 ? null : { size, root, by: "witnessed", seen } };
}

function checkAge(seconds: number, cosignedSince: Date | null, add: Add): void {
  if (cosignedSince === null || seconds * 1000 >= cosignedSince.getTime()) return;
  add({
    code: "cosignature_old",
    at: "checkpoint",
    detail: `the newest cosignature is of ${seconds === 0 ? "never" : new Date(seconds * 1000).toISOString()}: newer entries may be held back`,
  });
}
