// Audit entries as files, written once. The day in a name is only a hint for people; what counts is inside.

import { auditFromJson, auditToJson, compareAudit, type AuditEntry } from "../audit.ts";
import { AUDIT_SIZE_BYTES_MAX } from "../limits.ts";
import { auditDir, auditPath } from "../paths.ts";
import type { AuditFilter } from "../store.ts";
import type { DurableFiles } from "./durable-files.ts";
import { FolderIndex } from "./folder-index.ts";
import { decodeRecord, encodeRecord, inTheWay } from "./record-codec.ts";

const AUDIT_NAME = /^\d{8}-[0-9a-f]{64}\.json$/;
const dayOf = (entry: AuditEntry): string => entry.at.slice(0, 10).replaceAll("-", "");
const decode = (name: string, bytes: Uint8Array): AuditEntry | null =>
  decodeRecord(
    bytes,
    auditFromJson,
    (entry) => name === `${dayOf(entry)}-${entry.auditId.slice("sha256:".length)}.json`,
  );

export class AuditFiles {
  readonly #files: DurableFiles;
  readonly #index: FolderIndex<AuditEntry>;

  constructor(files: DurableFiles) {
    this.#files = files;
    this.#index = new FolderIndex(files, {
      path: auditDir(files.root),
      namePattern: AUDIT_NAME,
      sizeBytesMax: AUDIT_SIZE_BYTES_MAX,
      decode,
      compare: compareAudit,
    });
  }

  append(entry: AuditEntry): boolean {
    const { root } = this.#files;
    const bytes = encodeRecord(auditToJson(entry), AUDIT_SIZE_BYTES_MAX, auditFromJson);
    const path = auditPath(root, dayOf(entry), entry.auditId);
    if (this.#files.create(auditDir(root), path, bytes)) return true;
    const there = this.#files.read(path, AUDIT_SIZE_BYTES_MAX);
    const name = path.slice(auditDir(root).length + 1);
    if (there === null || decode(name, there) === null) throw inTheWay(path, "this audit entry");
    return false;
  }

  list(filter: AuditFilter = {}): readonly AuditEntry[] {
    const { eventType, patternId, limit } = filter;
    return this.#index
      .records()
      .filter((entry) => eventType === undefined || entry.eventType === eventType)
      .filter((entry) => patternId === undefined || entry.patternId === patternId)
      .slice(0, limit);
  }
}
