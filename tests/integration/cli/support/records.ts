// Records as the harness keeps them. Digests are computed here a second time, by other code than the one under test.

import { createHash } from "node:crypto";
import type {
  Actor,
  Approval,
  Artifact,
  AuditEvent,
  EventKind,
  Run,
  RunRequest,
  RunSummary,
} from "@assent/contract";

export const NOW: Date = new Date("2026-11-20T12:00:00.000Z");
export const AT = "2026-11-20T11:57:00.000Z";
export const EXPIRES = "2026-11-23T11:57:00.000Z";

const hex = (n: number): string => n.toString(16).padStart(32, "0");
export const runId = (n: number): Run["id"] => `run_${hex(n)}`;
export const approvalId = (n: number): Approval["id"] => `apr_${hex(n)}`;
export const artifactId = (n: number): Artifact["id"] => `art_${hex(n)}`;
export const keyId = (n: number): `key_${string}` => `key_${hex(n)}`;

export const ANNA: Actor = { id: `prn_${hex(1)}`, kind: "human", name: "anna" };
export const DIFF =
  "--- a/CHANGELOG.md\n+++ b/CHANGELOG.md\n@@ -1 +1,2 @@\n # Changelog\n+- The first entry\n";

const sha256 = (text: string | Uint8Array): string => createHash("sha256").update(text).digest("hex");

// RFC 8785 for what these records hold: ASCII keys, integers, text.
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const members = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return `{${members.map(([name, item]) => `${JSON.stringify(name)}:${canonical(item)}`).join(",")}}`;
}

export function makeEvent(
  run: Run["id"],
  version: number,
  kind: EventKind,
  data: Record<string, unknown> = {},
): AuditEvent {
  const body = { v: 1 as const, run_id: run, version, at: AT, kind, actor: null, data };
  return { ...body, digest: `sha256:${sha256(`assent/event/v1\n${canonical(body)}`)}` };
}

export function makeTrail(run: Run["id"], kinds: readonly EventKind[]): AuditEvent[] {
  return kinds.map((kind, index) => makeEvent(run, index + 1, kind));
}

export function makeApproval(n: number, run: Run["id"], change: Partial<Approval> = {}): Approval {
  return {
    id: approvalId(n),
    run_id: run,
    step: 3,
    status: "open",
    subject: "action",
    action: {
      tool: "edit_file",
      tool_version: "1.0.0",
      manifest_digest: `sha256:${sha256("manifest")}`,
      effect: "idempotent",
      harm: ["write"],
      arguments: { path: "CHANGELOG.md", new_text: "- The first entry" },
    },
    action_digest: `sha256:${sha256(`action ${n}`)}`,
    summary: "Change CHANGELOG.md",
    preview: DIFF,
    labels: {},
    requirement: { approvers: null, quorum: 1, separate_duties: false },
    advice: [],
    votes: 0,
    decision: {
      verdict: "needs_approval",
      reasons: [{ code: "write_needs_approval", detail: "Writes need a person's approval." }],
    },
    edited_arguments: null,
    requested_at: AT,
    expires_at: EXPIRES,
    decided_at: null,
    decided_by: null,
    comment: null,
    ...change,
  };
}

export function makeArtifact(n: number, name: string, bytes: Uint8Array): Artifact {
  return {
    id: artifactId(n),
    name,
    media_type: "text/x-diff",
    size_bytes: bytes.byteLength,
    sha256: sha256(bytes),
    created_at: AT,
  };
}

export function makeRun(n: number, change: Partial<Run> = {}): Run {
  return {
    id: runId(n),
    status: "queued",
    agent: "maintainer",
    agent_version: `sha256:${sha256("agent")}`,
    task: "Write a changelog entry.",
    workspace: { name: "assent", commit: "0".repeat(40) },
    model: "scripted/changelog",
    labels: {},
    requested_by: ANNA,
    reason: null,
    attempt: 0,
    version: 1,
    created_at: AT,
    updated_at: AT,
    finished_at: null,
    answer: null,
    usage: { input_tokens: 12, output_tokens: 3 },
    steps: [],
    approvals: [],
    artifacts: [],
    ...change,
  };
}

export function requestedRun(n: number, request: RunRequest): Run {
  return makeRun(n, {
    agent: request.agent,
    task: request.task,
    labels: request.labels ?? {},
    ...(request.model === undefined ? {} : { model: request.model }),
  });
}

export function summaryOf(run: Run): RunSummary {
  const { answer, usage, steps, approvals, artifacts, ...summary } = run;
  void [answer, usage, steps, approvals, artifacts];
  return summary;
}
