// One memory in files: all folders of one root. Kept for as long as it is used, so that its indexes stay warm.

import type { FileOperations } from "./operations.ts";
import { nodeOperations } from "./operations.ts";
import { AuditFiles } from "./audit-files.ts";
import { DurableFiles } from "./durable-files.ts";
import { EscalationFiles } from "./escalation-files.ts";
import { PatternFiles } from "./pattern-files.ts";
import { PolicyFiles } from "./policy-files.ts";
import { ResolutionFiles } from "./resolution-files.ts";

export type MemoryFiles = {
  readonly files: DurableFiles;
  readonly patterns: PatternFiles;
  readonly resolutions: ResolutionFiles;
  readonly policies: PolicyFiles;
  readonly escalations: EscalationFiles;
  readonly audit: AuditFiles;
};

export function openMemoryFiles(root: string, operations: FileOperations = nodeOperations): MemoryFiles {
  const files = new DurableFiles(root, operations);
  return {
    files,
    patterns: new PatternFiles(files),
    resolutions: new ResolutionFiles(files),
    policies: new PolicyFiles(files),
    escalations: new EscalationFiles(files),
    audit: new AuditFiles(files),
  };
}

/** Roots whose indexes are kept at a time; a process seldom has more than one. */
const KEPT_MAX = 16;
const kept = new Map<string, MemoryFiles>();

/** The memory of a root, the same object while it is among the last used. */
export function memoryOf(root: string): MemoryFiles {
  const memory = kept.get(root) ?? openMemoryFiles(root);
  kept.delete(root);
  kept.set(root, memory);
  for (const oldest of kept.keys()) {
    if (kept.size <= KEPT_MAX) break;
    kept.delete(oldest);
  }
  return memory;
}
