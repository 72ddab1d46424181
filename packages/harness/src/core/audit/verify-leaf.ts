// What leaves say, beside their hashes: which log they belong to, an unbroken count per subject, and payloads that are
// either what was committed to, or gone with a record of it.

import { assert } from "../../base/assert.ts";
import type { BegunLog } from "./begun-log.ts";
import { EPOCH_KIND } from "./epoch-link.ts";
import { createEventTimes, type TimeKnowledge } from "./event-times.ts";
import { createOwnerCheck, ofAnother } from "./entry-owner.ts";
import { ERASED_KIND } from "./leaf.ts";
import { KEY_KINDS } from "./key-rights.ts";
import { KEY_CHANGES, type KeyChange } from "./retired-keys.ts";
import { createLeafReader, type LeafLayout } from "./leaf-layout.ts";
import { type Bundle, createPayloadReader, isCommitted, type Openings } from "./payload-lines.ts";
import { type Hole, PRUNED_KIND, prunedBy, type PrunedLog, unexplained } from "./pruning.ts";
import { createObjectChecks } from "./object-checks.ts";
import { NO_RUN_EVENT } from "./run-events.ts";
import type { Given } from "./run-objects.ts";
import type { OpenedText } from "./said-fields.ts";
import { createVersionChecks, type Held } from "./version-checks.ts";
import type { LogFinding } from "./verify-source.ts";

export type LeafChecks = {
  /** Bytes of bundles that are read into these are read faster. */
  readonly rooms: { readonly entries: Uint8Array; readonly payloads: Uint8Array };
  /** Gives the payloads of these entries; null: the export has none. */
  openBundle(payloads: Uint8Array | null, bundle: Bundle): void;
  /** One entry, that lies between these two places of the bytes. */
  check(bytes: Buffer, from: number, to: number, index: number): void;
  /** Of these entries there are hashes and nothing else. */
  skip(hole: Hole): void;
  /** After the last entry: erasures and pruning are recorded later than what they took away. */
  end(): LeafTotals;
  /** After the last entry: what ids have in common that may be of two entries; see `idKey`. Empty where none can be. */
  repeated(): ReadonlySet<bigint>;
};

export type LeafTotals = {
  readonly opened: number;
  readonly erased: number;
  readonly unopened: number;
  /** Entries of earlier logs of the tenant whose erasure this one records: those are signed no more. */
  readonly erasedElsewhere: readonly ErasedEntry[];
  /** The log says that it keeps no entries below this place; 0 where it was never pruned. */
  readonly minimum: number;
  /** Entries below it that are not there. */
  readonly pruned: number;
  /** What this log says of earlier ones of the tenant. */
  readonly prunedElsewhere: readonly PrunedLog[];
  /** See `RunObjects.given`. */
  readonly approvals: Given;
  /** What it says of the keys that sign it. */
  readonly keyChanges: readonly KeyChange[];
  /** Times that are past by the word that was given, and still to come by the clock. */
  readonly ahead: number;
  /** What the logs before this one are held against: itself, and those that followed it. */
  readonly begun: readonly BegunLog[];
};

export type ErasedEntry = { readonly epoch: number; readonly index: number };

/** The number of a log: a later one goes on where the one before it stopped. */
export const epochOf = (origin: string): number => Number(/\/e([1-9]\d*)$/.exec(origin)?.[1] ?? 1);

export type LeafKnowledge = TimeKnowledge & {
  /** Entries whose erasure is recorded, beside those that the log itself says so of. */
  readonly erased?: readonly number[];
  /** The minimum index that a later log records for this one. */
  readonly minimum?: number;
  /** Logs that followed this one, the next first, and how many entries of this one the database had when that one began. */
  readonly begun?: readonly BegunLog[];
  readonly kept?: number;
};

export function createLeafChecks(
  origin: string,
  add: (finding: LogFinding) => void,
  knowledge: LeafKnowledge,
): LeafChecks {
  // A later epoch goes on where the one before it stopped, so its first version of a subject is not 1.
  const epoch = epochOf(origin);
  const pruning = createPruneChecks(epoch, knowledge.minimum ?? 0, add);
  const records = createRecordChecks(epoch, knowledge.erased ?? [], pruning, add);
  const times = createEventTimes(epoch, knowledge, add);
  const reader = createLeafReader();
  // Of the bytes that were given last: a bundle's are given for each of its entries.
  let held = heldOf(Buffer.alloc(0));
  const payloads = createPayloadChecks(add);
  const isOurs = createOwnerCheck(origin);
  const versions = createVersionChecks(epoch, knowledge, add);
  const objects = createObjectChecks(epoch, add);
  return {
    rooms: { entries: reader.room, payloads: payloads.room },
    openBundle(bytes, bundle): void {
      payloads.open(bytes, bundle);
      // What steps and approvals did stands in payloads.
      if (bytes === null) objects.forget();
    },
    check(bytes, from, to, index): void {
      const layout = reader.read(bytes, from, to);
      if (layout === null) {
        add({ code: "entry_malformed", at: `entry ${index}`, detail: "it has not the form of an entry" });
        return;
      }
      if (!isOurs(layout.owner)) add(ofAnother(layout.owner, index));
      if (held.bytes !== bytes) held = heldOf(bytes);
      const event = versions.check(layout, held, from, index);
      records.check(layout, bytes, from, index);
      times.check(held.view, from + layout.timeAt, from + layout.idAt, index);
      const payload = payloads.check(index, held.view, from + layout.commitAt);
      const isNamed =
        event !== NO_RUN_EVENT &&
        payload !== undefined &&
        objects.check(bytes, from, layout, event, payload, index);
      // What its payload says is wrong names it better than what can be counted.
      if (versions.wasIllegal() && !isNamed) versions.nameIllegal(layout, held, from, index, event);
      if (event === NO_RUN_EVENT && payload && isOfKeys(layout, bytes, from))
        objects.checkKey(textOf(bytes, from + layout.kindAt, from + layout.kindEnd), payload, index);
    },
    skip(hole): void {
      pruning.skip(hole);
      versions.forget(hole);
      objects.forget();
    },
    end(): LeafTotals {
      const ahead = times.end();
      const { erased, erasedElsewhere } = records;
      const approvals = objects.given();
      const begun = versions.end();
      const { keyChanges } = objects;
      return {
        ...payloads.end(erased),
        erasedElsewhere,
        ...pruning.end(),
        approvals,
        keyChanges,
        ahead,
        begun,
      };
    },
    repeated: () => times.repeated(),
  };
}

type RecordChecks = {
  /** Entries of this log whose erasure was recorded, and of earlier ones. */
  readonly erased: ReadonlySet<number>;
  readonly erasedElsewhere: readonly ErasedEntry[];
  check(layout: LeafLayout, bytes: Buffer, from: number, index: number): void;
};

/** What entries record of other entries: that one was erased, that some were pruned, where the log before ended. */
function createRecordChecks(
  epoch: number,
  known: readonly number[],
  pruning: PruneChecks,
  add: (finding: LogFinding) => void,
): RecordChecks {
  const erased = new Set(known);
  const erasedElsewhere: ErasedEntry[] = [];
  const records = new Set<number>();
  return {
    erased,
    erasedElsewhere,
    check(layout, bytes, from, index): void {
      if (index > 0 && !isRecord(bytes[from + layout.kindAt])) return;
      const subject = (): string => textOf(bytes, from + layout.subjectAt, from + layout.subjectEnd);
      const isBegun = isOfKind(BEGUN, layout, bytes, from);
      if (isBegun || (index === 0 && epoch > 1))
        checkBeginning({ subject: subject(), isBegun }, index, epoch, add);
      if (isOfKind(PRUNED, layout, bytes, from)) pruning.record(subject(), index);
      if (!isOfKind(ERASED, layout, bytes, from)) return;
      const gone = erasedBefore(subject(), epoch, index, add);
      // Without it the erasure that it records would have no reason, so nothing of ours erases one.
      if ((gone?.epoch === epoch && records.has(gone.index)) || erased.has(index))
        add({
          code: "erasure_malformed",
          at: `entry ${index}`,
          detail: `it records the erasure of ${subject()}, and one of the two is the record of another erasure, and erased`,
        });
      records.add(index);
      if (gone?.epoch === epoch) erased.add(gone.index);
      else if (gone !== null) erasedElsewhere.push(gone);
    },
  };
}

// Facts about epochs have subjects of other forms, too: the installation's log holds that somebody began one.
function checkBeginning(
  { subject, isBegun }: { readonly subject: string; readonly isBegun: boolean },
  index: number,
  epoch: number,
  add: (finding: LogFinding) => void,
): void {
  const isOwn = isBegun && subject === `epoch:${epoch}` && epoch > 1;
  if (index === 0 && epoch > 1 ? isOwn : !/^epoch:\d+$/.test(subject)) return;
  add({
    code: "epoch_misplaced",
    at: `entry ${index}`,
    detail: `in epoch ${epoch}, it is ${isBegun ? "" : "no "}${EPOCH_KIND} of ${subject}: a log that follows another begins with saying so, and no other log says it`,
  });
}

/** What an entry at this place says was erased; null, and a finding, where that is nothing before it. */
function erasedBefore(
  subject: string,
  epoch: number,
  index: number,
  add: (finding: LogFinding) => void,
): ErasedEntry | null {
  const gone = erasedBy(subject);
  if (gone !== null && (gone.epoch < epoch || (gone.epoch === epoch && gone.index < index))) return gone;
  add({
    code: "erasure_malformed",
    at: `entry ${index}`,
    detail: `it records the erasure of ${subject}, which is no entry before it`,
  });
  return null;
}

function erasedBy(subject: string): ErasedEntry | null {
  const [, epoch, index] = /^entry:([1-9]\d{0,8}):(0|[1-9]\d{0,14})$/.exec(subject) ?? [];
  return epoch === undefined || index === undefined ? null : { epoch: Number(epoch), index: Number(index) };
}

const ERASED = Buffer.from(ERASED_KIND, "latin1");
const BEGUN = Buffer.from(EPOCH_KIND, "latin1");
const PRUNED = Buffer.from(PRUNED_KIND, "latin1");

const OF_KEYS = [...KEY_KINDS, ...KEY_CHANGES].map((kind) => Buffer.from(kind, "latin1"));
const isOfKeys = (layout: LeafLayout, bytes: Uint8Array, from: number): boolean =>
  OF_KEYS.some((kind) => isOfKind(kind, layout, bytes, from));

// By its first byte most that happens is none of them.
const RECORD_BYTES: readonly number[] = [ERASED, BEGUN, PRUNED].map(([first = 0]) => first);
const [RECORD_BYTE, OTHER_RECORD_BYTE] = [Math.min(...RECORD_BYTES), Math.max(...RECORD_BYTES)];
assert(new Set(RECORD_BYTES).size === 2, "records begin in two ways");
const isRecord = (first: number | undefined): boolean => first === RECORD_BYTE || first === OTHER_RECORD_BYTE;

// Byte by byte: kinds of that length are not rare.
function isOfKind(
  kind: Uint8Array,
  { kindAt, kindEnd }: LeafLayout,
  bytes: Uint8Array,
  from: number,
): boolean {
  if (kindEnd - kindAt !== kind.byteLength) return false;
  for (let i = 0; i < kind.byteLength; i += 1) if (bytes[from + kindAt + i] !== kind[i]) return false;
  return true;
}

type PruneChecks = {
  /** An entry at this place says so. */
  record(subject: string, index: number): void;
  skip(hole: Hole): void;
  end(): Pick<LeafTotals, "minimum" | "pruned" | "prunedElsewhere">;
};

/** @param elsewhere the minimum that a later log records */
function createPruneChecks(
  epoch: number,
  elsewhere: number,
  add: (finding: LogFinding) => void,
): PruneChecks {
  const holes: Hole[] = [];
  const prunedElsewhere: PrunedLog[] = [];
  let minimum = elsewhere;
  return {
    record(subject, index): void {
      const said = prunedBy(subject);
      if (said === null || said.epoch > epoch || (said.epoch === epoch && said.minimum > index))
        add({
          code: "pruning_malformed",
          at: `entry ${index}`,
          detail: `it records that ${subject} was pruned, which are no bundles before it`,
        });
      else if (said.epoch === epoch) minimum = Math.max(minimum, said.minimum);
      else prunedElsewhere.push(said);
    },
    skip({ first, end }): void {
      const last = holes.at(-1);
      if (last?.end === first) holes.pop();
      holes.push({ first: last?.end === first ? last.first : first, end });
    },
    end() {
      const { rest, explained } = unexplained(holes, minimum);
      for (const { first, end } of rest)
        add({
          code: "entries_missing",
          at: `entries ${first} to ${end - 1}`,
          detail:
            "their bytes are missing, and no entry records that they were pruned (a log that was followed by another has it there: --later)",
        });
      return { minimum, pruned: explained, prunedElsewhere };
    },
  };
}

type PayloadChecks = {
  readonly room: Uint8Array;
  open(bytes: Uint8Array | null, bundle: Bundle): void;
  /**
   * @param commitAt where the bytes have what the entry commits to, in hex
   * @returns the payload; null where the entry is not opened, or by another one; undefined where none of its bundle is
   */
  check(index: number, bytes: DataView, commitAt: number): OpenedText | null | undefined;
  end(erased: ReadonlySet<number>): Pick<LeafTotals, "opened" | "erased" | "unopened">;
};

function createPayloadChecks(add: (finding: LogFinding) => void): PayloadChecks {
  const missing = new Set<number>();
  const present = createBits();
  const reader = createPayloadReader();
  let openings: Openings | null = null;
  // Entries are asked for in their order, as they are opened.
  let next = 0;
  let [opened, unopened] = [0, 0];
  return {
    room: reader.room,
    open(bytes, bundle): void {
      openings = bytes === null ? null : reader.read(bytes, bundle, add);
      next = 0;
    },
    check(index, bytes, commitAt): OpenedText | null | undefined {
      if (openings === null) {
        unopened += 1;
        return undefined;
      }
      const { indexes, payloads } = openings;
      while ((indexes[next] ?? index) < index) next += 1;
      if (indexes[next] !== index) {
        missing.add(index);
        return null;
      }
      opened += 1;
      present.set(index);
      const isSame = isCommitted(openings, next, bytes, commitAt);
      if (isSame === true) return payloads[next] ?? null;
      const detail =
        isSame === null ? "its salt has not 32 bytes" : "salt and payload are not those it commits to";
      add({ code: "payload_altered", at: `entry ${index}`, detail });
      return null;
    },
    end(erased) {
      for (const index of missing)
        if (!erased.has(index))
          add({
            code: "payload_removed",
            at: `entry ${index}`,
            detail:
              "its payload is gone, and no entry records an erasure (a log that was followed by another has it there: --later)",
          });
      for (const index of erased)
        if (present.has(index))
          add({
            code: "payload_not_erased",
            at: `entry ${index}`,
            detail: "an entry records that its payload was erased, and it is still there",
          });
      return { opened, erased: [...missing].filter((index) => erased.has(index)).length, unopened };
    },
  };
}

const textOf = (bytes: Buffer, from: number, to: number): string => bytes.toString("latin1", from, to);

const heldOf = (bytes: Buffer): Held => ({
  bytes,
  view: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength),
});

// One bit an entry: a log of ten millions takes little more than a megabyte.
function createBits(): { set(index: number): void; has(index: number): boolean } {
  let bits = new Uint8Array(1_024);
  return {
    set(index): void {
      const place = index >> 3;
      if (place >= bits.byteLength) {
        const larger = new Uint8Array(place * 2);
        larger.set(bits);
        bits = larger;
      }
      bits[place] = (bits[place] ?? 0) | (1 << (index & 7));
    },
    has: (index) => ((bits[index >> 3] ?? 0) & (1 << (index & 7))) !== 0,
  };
}
