// The approval domain: an agent's action that wants assent, as a pattern. Assent is exact (DESIGN.md, invariant 5): the
// fingerprint binds tool, version, manifest, canonical arguments and labels; the scope, in the pattern's id, binds whose
// decision it is. Changing any of them is another question. An action is similar when the same tool is called with the
// same argument names; that is at most proposed.

import { HarmonyError } from "../errors.ts";
import { computeId, parseId, type ContentId } from "../ids.ts";
import { newPattern, PATTERN_TOKENS_MAX, type ConflictPattern } from "../patterns.ts";
import type { AgentProvenance } from "../provenance.ts";
import { semanticFingerprint } from "../fingerprint.ts";
import { ConflictType } from "../vocabulary.ts";

export const APPROVAL_DOMAIN = "approval";

export type AgentAction = {
  /** Tenant, and whatever narrower the caller wants a precedent confined to. Never empty. */
  readonly scope: string;
  readonly tool: string;
  readonly toolVersion: string;
  /** Digest of the tool's manifest: a changed definition needs assent again. */
  readonly manifestDigest: string;
  /** Digest of the canonical arguments (RFC 8785), all of them. */
  readonly argumentsDigest: string;
  /** Digest of each top-level argument's canonical value, by name. What similarity is measured on. */
  readonly argumentDigests: Readonly<Record<string, string>>;
  /** Where the arguments came from, as `source` texts of the harness's labels; their order does not matter. */
  readonly labels: readonly string[];
};

/** The exact identity of an action: everything that an approval binds to, except its scope. */
export function actionFingerprint(action: AgentAction): ContentId {
  const labels = [...new Set(action.labels)].toSorted();
  return computeId("approval-action", [
    action.tool,
    action.toolVersion,
    parseId(action.manifestDigest, "manifest_digest"),
    parseId(action.argumentsDigest, "arguments_digest"),
    String(labels.length),
    ...labels,
  ]);
}

/** The pattern of an action. Throws HarmonyError. */
export function approvalPattern(
  action: AgentAction,
  recordedBy: AgentProvenance,
  recordedAt: Date | string,
): ConflictPattern {
  if (action.scope === "") {
    throw new HarmonyError(
      "invalid_record",
      "an action's scope says whose decision it is; it is never empty",
    );
  }
  const names = Object.keys(action.argumentDigests).toSorted();
  const tokens = names.map((name) =>
    computeId("argument", [name, parseId(action.argumentDigests[name], "argument_digest")]),
  );
  return newPattern({
    domain: APPROVAL_DOMAIN,
    scope: action.scope,
    conflictType: ConflictType.APPROVAL,
    blobFingerprint: actionFingerprint(action),
    semanticFingerprint: semanticFingerprint(APPROVAL_DOMAIN, [action.tool, ...names]),
    path: action.tool,
    tokens: tokens.slice(0, PATTERN_TOKENS_MAX),
    recordedAt,
    recordedBy,
  });
}
