// One valid example of each thing that crosses the wire.

import {
  type Precedent,
  type ActionAnswer,
  type Approval,
  type Artifact,
  type AuditEvent,
  type CreatedKey,
  type CreatedSigningKey,
  type CreatedWebhook,
  type Delivery,
  type Document,
  type Escalation,
  type Key,
  type PolicySet,
  type PolicyTrial,
  type Quality,
  type Retention,
  type Run,
  type RunId,
  type RunSummary,
  SCOPES,
  type Scope,
  type SigningKey,
  type Webhook,
} from "@assent/contract";
import type { Caller } from "../../../packages/harness/src/ports.ts";

const hex = (digit: string): string => digit.repeat(32);
export const AT = "2026-11-20T10:00:00.000Z";
export const RUN: RunId = `run_${hex("a")}`;
export const ENDED_RUN: RunId = `run_${hex("e")}`;
/** Belongs to another tenant than every key here. */
export const FOREIGN_RUN: RunId = `run_${hex("f")}`;
export const ARTIFACT_ID = `art_${hex("b")}` as const;
export const APPROVAL_ID = `apr_${hex("c")}` as const;
export const KEY_ID = `key_${hex("d")}` as const;
export const DIGEST = `sha256:${"0".repeat(64)}` as const;
export const ARTIFACT_BYTES: Buffer = Buffer.from("--- a\n+++ b\n");

const ACTOR = { id: `prn_${hex("1")}`, kind: "human", name: "Ada" } as const;

export function callerWith(scopes: readonly Scope[]): Caller {
  return { tenant: `ten_${hex("2")}`, actor: ACTOR, key: KEY_ID, scopes, roles: [], mustSign: false };
}

export function summaryOf(id: RunId): RunSummary {
  return {
    id,
    status: id === ENDED_RUN ? "succeeded" : "running",
    agent: "maintainer",
    agent_version: DIGEST,
    task: "write a changelog entry",
    workspace: null,
    model: "scripted/changelog",
    labels: {},
    requested_by: ACTOR,
    reason: null,
    attempt: 0,
    version: 7,
    created_at: AT,
    updated_at: AT,
    finished_at: null,
  };
}

export const RUN_DETAIL: Run = {
  ...summaryOf(RUN),
  answer: null,
  usage: { input_tokens: 1, output_tokens: 2 },
  steps: [],
  approvals: [],
  artifacts: [],
};

export const ARTIFACT: Artifact = {
  id: ARTIFACT_ID,
  name: "changes.patch",
  media_type: "text/x-diff",
  size_bytes: ARTIFACT_BYTES.length,
  sha256: "8c9c0ba4c7d2bcf8d3ae2e8d7f3c4f0d8a4e3a5e5c6a7a4d9f3b1c2d3e4f5a6b",
  created_at: AT,
};

export const APPROVAL: Approval = {
  id: APPROVAL_ID,
  run_id: RUN,
  step: 2,
  status: "approved",
  subject: "action",
  action: {
    tool: "write_file",
    tool_version: "1",
    manifest_digest: DIGEST,
    effect: "idempotent",
    harm: ["write"],
    arguments: { path: "CHANGELOG.md" },
  },
  action_digest: DIGEST,
  summary: "Write CHANGELOG.md.",
  preview: null,
  decision: { verdict: "needs_approval", reasons: [] },
  labels: {},
  requirement: { approvers: null, quorum: 1, separate_duties: false },
  advice: [],
  votes: 0,
  edited_arguments: null,
  requested_at: AT,
  expires_at: AT,
  decided_at: AT,
  decided_by: { id: ACTOR.id, name: ACTOR.name },
  comment: null,
};

export const KEY: Key = {
  id: KEY_ID,
  prefix: "assent_abc",
  principal: ACTOR,
  scopes: [...SCOPES],
  roles: [],
  must_sign: false,
  created_at: AT,
  expires_at: null,
  revoked_at: null,
  last_used_at: null,
};
export const CREATED_KEY: CreatedKey = { ...KEY, secret: "assent_abcdef" };

export const SIGNING_KEY: SigningKey = {
  id: `sgk_${hex("9")}`,
  principal: ACTOR,
  algorithm: "hmac-sha256",
  public_key: null,
  created_at: AT,
  expires_at: null,
  revoked_at: null,
};
export const CREATED_SIGNING_KEY: CreatedSigningKey = { ...SIGNING_KEY, secret: "c2VjcmV0" };

export const WEBHOOK: Webhook = {
  id: `whk_${hex("7")}`,
  url: "https://hooks.example.org/assent",
  events: ["approval.requested", "run.ended"],
  description: "the team's room",
  status: "on",
  failures: 0,
  paused_until: null,
  previous_secret_until: null,
  created_at: AT,
  created_by: ACTOR,
};
export const CREATED_WEBHOOK: CreatedWebhook = { ...WEBHOOK, secret: "whsec_c2VjcmV0" };

export const DELIVERY: Delivery = {
  id: `msg_${hex("8")}`,
  type: "run.ended",
  run_id: ENDED_RUN,
  at: AT,
  status: "dead",
  attempts: 10,
  next_attempt_at: null,
  ended_at: AT,
  response_status: 500,
  failure: "status_500",
};

export function eventOf(run: RunId, version: number, data: Record<string, unknown> = {}): AuditEvent {
  return {
    v: 1,
    run_id: run,
    version,
    at: AT,
    kind: version === 1 ? "run_queued" : "step_intended",
    actor: null,
    data,
    digest: DIGEST,
  };
}

/** Keys by what they carry. `revoked` was good once. */
export const KEYS = {
  all: "assent_all",
  read: "assent_read",
  write: "assent_write",
  decide: "assent_decide",
  searches: "assent_searches",
  files: "assent_files",
  scrapes: "assent_scrapes",
  admin: "assent_admin",
  audit: "assent_audit",
  evidence: "assent_evidence",
  revoked: "assent_revoked",
} as const;

export const KEY_OF_SCOPE: Readonly<Record<Scope, string>> = {
  "runs:read": KEYS.read,
  "runs:write": KEYS.write,
  "approvals:decide": KEYS.decide,
  "documents:read": KEYS.searches,
  "documents:write": KEYS.files,
  "metrics:read": KEYS.scrapes,
  "keys:admin": KEYS.admin,
  "audit:read": KEYS.audit,
  "audit:admin": KEYS.evidence,
};

export const VALID_RUN_REQUEST = { agent: "maintainer", task: "write a changelog entry" } as const;

export const ACTION_ANSWER: ActionAnswer = {
  action_id: `act_${hex("c")}`,
  decision: "permit",
  reasons: [],
  labels: {},
  tainted: false,
  planned: false,
};

export const DOCUMENT: Document = {
  id: `doc_${hex("d")}`,
  name: "handbook",
  source: null,
  metadata: {},
  sha256: DIGEST,
  chars: 5,
  passages: 1,
  created_at: AT,
  created_by: ACTOR,
};

export const PRECEDENT: Precedent = {
  id: DIGEST,
  pattern_id: DIGEST,
  tool: "read",
  decision: "approve",
  decided_by: "ann",
  decided_at: "2026-01-01T00:00:00Z",
  expires_at: "2027-01-01T00:00:00.000Z",
  rationale: "",
  uses: 0,
  last_used_at: null,
  confidence: 0.5,
  revoked_at: null,
  revoked_reason: null,
};

export const ESCALATION: Escalation = {
  id: DIGEST,
  pattern_id: DIGEST,
  kind: "rollback",
  tool: "book",
  status: "resolved",
  reason: "It could not be taken back.",
  escalated_at: "2026-01-01T00:00:00.000000+00:00",
  escalated_by: "maintainer",
  occurrence: 1,
  first_id: DIGEST,
  seen_count: 1,
  last_seen_at: "2026-01-01T00:00:00.000000+00:00",
  resolved_at: "2026-01-02T00:00:00.000000+00:00",
  resolved_by: "ann",
  resolution_id: DIGEST,
  answer: null,
  answer_revoked_at: null,
};

export const QUALITY: Quality = {
  since: AT,
  data: [
    {
      id: ACTOR.id,
      name: ACTOR.name,
      kind: "human",
      answered: 2,
      approved: 1,
      approved_share: 0.5,
      median_seconds: 12.5,
      reversed: 1,
    },
  ],
  unanswered: 3,
  complete: true,
};

export const RETENTION: Retention = {
  data: [
    { what: "audit_entries", seconds: 34_560_000, removed: "when_asked", setting: "evidence.retention_days" },
    { what: "runs", seconds: null, removed: "never", setting: null },
    { what: "webhook_messages", seconds: 2_592_000, removed: "by_itself", setting: null },
  ],
};

export const POLICY_TRIAL: PolicyTrial = {
  loads: true,
  version: DIGEST,
  rules: 1,
  since: AT,
  judged: 1,
  complete: true,
  unchanged: 0,
  other_reasons: 0,
  changes: [
    {
      at: AT,
      run_id: RUN,
      step: 2,
      tool: "send_money",
      before: { verdict: "permit", policies: ["act"] },
      after: { verdict: "needs_approval", policies: ["ask"] },
    },
  ],
  changes_more: 0,
};

export const POLICIES: PolicySet = {
  version: DIGEST,
  rules: [
    {
      id: "ask",
      effect: "forbid",
      description: "It pays.",
      asks: { approvers: ["ann"], quorum: 2, separate_duties: true, timeout_seconds: 60 },
      text: "forbid (principal, action, resource);",
    },
  ],
};
