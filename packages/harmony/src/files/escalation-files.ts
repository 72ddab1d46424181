// Escalations as files, under the seed document's names.

import { HarmonyError } from "../errors.ts";
import { compareEscalations, EscalationRecord, recur, type Recurrence } from "../escalations.ts";
import { computeOccurrenceId, longId, parseId, type ContentId } from "../ids.ts";
import { ESCALATION_SIZE_BYTES_MAX } from "../limits.ts";
import { decisionPath, decisionsDir, escalationPath, escalationsDir } from "../paths.ts";
import type { AgentProvenance } from "../provenance.ts";
import type { EscalationFilter, Recorded } from "../store.ts";
import { parseTimestamp } from "../timestamps.ts";
import { EscalationStatus } from "../vocabulary.ts";
import { decisionFromJson, decisionToJson, withDecision, type DecisionFile } from "./decision-file.ts";
import type { DurableFiles } from "./durable-files.ts";
import { FolderIndex } from "./folder-index.ts";
import { withHold } from "./hold.ts";
import { decodeRecord, encodeRecord, idOfName, inTheWay, RECORD_NAME } from "./record-codec.ts";

/** Looks at the newest occurrence again when it was resolved, or a later one opened, between looking and writing. */
const ATTEMPTS_MAX = 5;

const STATUSES: readonly string[] = Object.values(EscalationStatus);

const fromJson = (json: unknown): EscalationRecord => EscalationRecord.fromJSON(json);
const decode = (name: string, bytes: Uint8Array): EscalationRecord | null =>
  decodeRecord(bytes, fromJson, (record) => record.escalationId === idOfName(name));

export class EscalationFiles {
  readonly #files: DurableFiles;
  readonly #index: FolderIndex<EscalationRecord>;
  readonly #decided: FolderIndex<ContentId>;
  #merged: {
    records: readonly EscalationRecord[];
    decided: readonly ContentId[];
    all: readonly EscalationRecord[];
  } | null = null;

  #filtered: { all: readonly EscalationRecord[]; byStatus: Map<string, readonly EscalationRecord[]> } = {
    all: [],
    byStatus: new Map(),
  };

  constructor(files: DurableFiles) {
    this.#files = files;
    this.#index = new FolderIndex(files, {
      path: escalationsDir(files.root),
      namePattern: RECORD_NAME,
      sizeBytesMax: ESCALATION_SIZE_BYTES_MAX,
      decode,
      compare: compareEscalations,
    });
    // Only the names matter here; a decision's content is read by its id when its escalation still looks open.
    this.#decided = new FolderIndex<ContentId>(files, {
      path: decisionsDir(files.root),
      namePattern: RECORD_NAME,
      sizeBytesMax: ESCALATION_SIZE_BYTES_MAX,
      namesOnly: true,
      decode: (name) => parseId(idOfName(name)),
      compare: (a, b) => (a < b ? -1 : Number(a > b)),
    });
  }

  record(incoming: EscalationRecord): Recorded {
    if (incoming.status !== EscalationStatus.OPEN) {
      throw new HarmonyError("invalid_record", "an escalation is recorded open");
    }
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt += 1) {
      const newest = this.#newest(incoming.firstId);
      const recorded = newest === null ? this.#open(incoming) : this.#recur(newest, recur(newest, incoming));
      if (recorded !== null) return recorded;
    }
    // Saying "it is there already" of a file that cannot be read would make the question vanish.
    throw inTheWay(escalationPath(this.#files.root, incoming.escalationId), "this escalation");
  }

  #open(incoming: EscalationRecord): Recorded | null {
    return this.#create(incoming) ? { opened: true, record: incoming } : null;
  }

  /** Null when another process was first and the newest occurrence must be looked at again. */
  #recur(newest: EscalationRecord, recurrence: Recurrence): Recorded | null {
    switch (recurrence.kind) {
      case "seen_already":
        return { opened: false, record: newest };
      case "counted": {
        const record = this.#count(recurrence.next);
        return record === null ? null : { opened: false, record };
      }
      case "reopened":
        return this.#create(recurrence.next) ? { opened: true, record: recurrence.next } : null;
      default:
        return null;
    }
  }

  /** The latest occurrence, found in a logarithm of their number: occurrences are numbered without gaps. */
  #newest(firstId: ContentId): EscalationRecord | null {
    let newest = this.load(firstId);
    if (newest === null || newest.status === EscalationStatus.OPEN) return newest;
    let step = 1;
    while (step > 0) {
      const next = this.load(computeOccurrenceId(firstId, newest.occurrence + step));
      if (next !== null) {
        newest = next;
        step *= 2;
      } else step = Math.floor(step / 2);
    }
    return newest;
  }

  #create(record: EscalationRecord): boolean {
    const bytes = encodeRecord(record, ESCALATION_SIZE_BYTES_MAX, fromJson);
    return this.#files.create(
      escalationsDir(this.#files.root),
      escalationPath(this.#files.root, record.escalationId),
      bytes,
    );
  }

  /** Null when it was resolved or removed meanwhile: then this sighting may have to open a new occurrence. */
  #count(sighting: EscalationRecord): EscalationRecord | null {
    const id = sighting.escalationId;
    return withHold(this.#files, longId(id, { strip: true }), () => {
      const stored = this.load(id);
      if (stored === null || stored.status === EscalationStatus.RESOLVED) return null;
      if (sighting.lastSeenAt <= stored.lastSeenAt) return stored;
      const next = stored.with({ seenCount: stored.seenCount + 1, lastSeenAt: sighting.lastSeenAt });
      return this.#publish(next) ? next : stored;
    });
  }

  /** False when the new content has outgrown the limit; what stands then stays. */
  #publish(record: EscalationRecord): boolean {
    const { root } = this.#files;
    const bytes = Buffer.from(JSON.stringify(record), "utf8");
    if (bytes.length > ESCALATION_SIZE_BYTES_MAX) return false;
    this.#files.replace(escalationsDir(root), escalationPath(root, record.escalationId), bytes);
    return true;
  }

  load(escalationId: string): EscalationRecord | null {
    const record = this.#read(parseId(escalationId, "escalation_id"));
    if (record === null || record.status === EscalationStatus.RESOLVED) return record;
    const decision = this.#decision(record.escalationId);
    return decision === null ? record : withDecision(record, decision);
  }

  /** What the escalation's own file says. */
  #read(id: ContentId): EscalationRecord | null {
    const { root } = this.#files;
    if (!this.#files.hasFolder(escalationsDir(root))) return null;
    const bytes = this.#files.read(escalationPath(root, id), ESCALATION_SIZE_BYTES_MAX);
    return bytes === null ? null : decode(`${longId(id, { strip: true })}.json`, bytes);
  }

  #decision(escalationId: string): DecisionFile | null {
    const { root } = this.#files;
    if (!this.#files.hasFolder(decisionsDir(root))) return null;
    const bytes = this.#files.read(decisionPath(root, escalationId), ESCALATION_SIZE_BYTES_MAX);
    if (bytes === null) return null;
    return decodeRecord(bytes, decisionFromJson, (decision) => decision.escalationId === escalationId);
  }

  list(filter: EscalationFilter = {}): readonly EscalationRecord[] {
    const { status, patternId, limit } = filter;
    let found = status === undefined ? this.#all() : this.#withStatus(status);
    if (patternId !== undefined) found = found.filter((record) => record.patternId === patternId);
    return found.slice(0, limit);
  }

  /** Kept for as long as nothing changes: what waits is asked for far more often than it changes. */
  #withStatus(status: string): readonly EscalationRecord[] {
    const all = this.#all();
    if (!STATUSES.includes(status)) return [];
    if (this.#filtered.all !== all) this.#filtered = { all, byStatus: new Map() };
    const known = this.#filtered.byStatus.get(status);
    if (known !== undefined) return known;
    const found = all.filter((record) => record.status === status);
    this.#filtered.byStatus.set(status, found);
    return found;
  }

  #all(): readonly EscalationRecord[] {
    const records = this.#index.records();
    const decided = this.#decided.records();
    if (this.#merged?.records === records && this.#merged.decided === decided) return this.#merged.all;
    const ids = new Set<string>(decided);
    const isLate = (record: EscalationRecord): boolean =>
      record.status === EscalationStatus.OPEN && ids.has(record.escalationId);
    const all = records.map((record) =>
      isLate(record) ? (this.load(record.escalationId) ?? record) : record,
    );
    this.#merged = { records, decided, all };
    return all;
  }

  resolve(escalationId: string, resolutionId: string, actor: AgentProvenance, at: Date | string): boolean {
    const { root } = this.#files;
    const id = parseId(escalationId, "escalation_id");
    const decision: DecisionFile = {
      escalationId: id,
      resolutionId: parseId(resolutionId, "resolution_id"),
      resolvedBy: actor,
      resolvedAt: parseTimestamp(at),
    };
    const known = this.load(id);
    if (known === null) return false;
    const bytes = encodeRecord(decisionToJson(decision), ESCALATION_SIZE_BYTES_MAX, decisionFromJson);
    const won =
      known.status === EscalationStatus.OPEN &&
      this.#files.create(decisionsDir(root), decisionPath(root, id), bytes);
    const record = this.#bringUpToDate(id);
    if (!won && record?.status === EscalationStatus.OPEN) {
      throw inTheWay(decisionPath(root, id), "a decision");
    }
    if (!won) throw new HarmonyError("already_resolved", `escalation ${id} is already resolved`, { record });
    return true;
  }

  /**
   * Writes the decision into the escalation's own file, where it is not there yet (its winner may have died before).
   * Under the hold, so that no count made at the same time is lost; the decision itself needs none.
   */
  #bringUpToDate(id: ContentId): EscalationRecord | null {
    const stored = this.#read(id);
    if (stored === null || stored.status === EscalationStatus.RESOLVED) return stored;
    const { root } = this.#files;
    return withHold(this.#files, longId(id, { strip: true }), () => {
      const record = this.load(id);
      if (record === null || record.status === EscalationStatus.OPEN) return record;
      const bytes = Buffer.from(JSON.stringify(record), "utf8");
      if (bytes.length <= ESCALATION_SIZE_BYTES_MAX) {
        this.#files.replaceMirror(escalationsDir(root), escalationPath(root, id), bytes);
      }
      return record;
    });
  }

  /** Marks the escalations that were resolved with this resolution, and returns them all, marked before or now. */
  mark(resolutionId: string, at: Date | string): readonly EscalationRecord[] {
    const resolution = parseId(resolutionId, "resolution_id");
    const resolutionRevokedAt = parseTimestamp(at);
    const touched = this.#all().filter((record) => record.resolutionId === resolution);
    return touched.map((record) =>
      withHold(this.#files, longId(record.escalationId, { strip: true }), () => {
        const stored = this.load(record.escalationId) ?? record;
        if (stored.resolutionRevokedAt !== null) return stored;
        const next = stored.with({ resolutionRevokedAt });
        this.#publish(next);
        return next;
      }),
    );
  }
}
