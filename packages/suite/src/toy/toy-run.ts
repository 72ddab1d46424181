// The toy's memory: runs that take one gated step and leave one patch. It exists to be broken on purpose.

import { randomUUID } from "node:crypto";
import type {
  Actor,
  Approval,
  ApproveRequest,
  AuditEvent,
  EventKind,
  ProblemCode,
  Run,
  RunState,
} from "@assent/contract";
import { idFromUuid } from "@assent/contract";
import { canonicalJson } from "../canonical-json.ts";
import { digestOfEvent, sha256Hex } from "../digest.ts";
import type { Bug } from "./bugs.ts";
import type { LibraryBug, LibraryWay } from "./library-bugs.ts";
import type { LogBug } from "./log-bugs.ts";
import type { ProviderBug } from "./provider-bugs.ts";
import type { UndoBug, UndoWay } from "./undo-bugs.ts";

export type ToyRun = {
  readonly tenant: string;
  readonly events: AuditEvent[];
  readonly bytes: Map<string, Uint8Array>;
  run: Run;
  /** Of a run that takes back what it did before it ends: begins that. */
  callOff?: () => void;
  /** How often it was looked at since its open question was put. */
  shown?: number;
  /** Of a run whose model the suite speaks for: takes a person's word on one of its questions. */
  decide?: (by: Actor, request: ApproveRequest) => ProblemCode | null;
};

/** All that can be planted in a toy. */
export type Planted = Bug | LibraryBug | LibraryWay | LogBug | ProviderBug | UndoBug | UndoWay;
export type Breaks = ReadonlySet<Planted>;

export const now = (): string => new Date().toISOString();

const PATCH = "diff --git a/NOTES b/NOTES\n--- a/NOTES\n+++ b/NOTES\n@@ -1 +1 @@\n-before\n+after\n";

const PATCH_NAME = "changes.patch";
/** As much as a store keeps of what it truncates. */
const CUT_BYTES = 20;

export function addEvent(
  toy: ToyRun,
  breaks: Breaks,
  kind: EventKind,
  actor: Actor | null,
  data: Record<string, unknown> = {},
): void {
  const version = toy.run.version + 1;
  toy.run = { ...toy.run, version, updated_at: now() };
  if (breaks.has("audit.gap") && kind === "step_intended") return;
  const event = {
    v: 1 as const,
    run_id: toy.run.id,
    version,
    at: now(),
    kind,
    actor,
    data,
    digest: "sha256:",
  };
  const digest = breaks.has("audit.digest") ? `sha256:${sha256Hex(kind)}` : digestOfEvent(event);
  toy.events.push({ ...event, digest });
}

export function moveTo(
  toy: ToyRun,
  breaks: Breaks,
  status: RunState,
  kind: EventKind,
  actor: Actor | null,
): void {
  const ended = ["succeeded", "failed", "cancelled", "dead_lettered"].includes(status);
  toy.run = { ...toy.run, status, finished_at: ended ? now() : null };
  addEvent(toy, breaks, kind, actor);
}

/** How some well-known secrets begin; enough for a toy. */
const SECRET = /\b(?:ghp_|github_pat_|glpat-|sk-|sk_|xox|npm_|SG\.|AIza)[\w.-]+/gu;

export const shownText = (text: string): string => text.replaceAll(SECRET, "[hidden]");

const SCANNED_CHARS_FEW = 8_192;

/** What whoever knows a secret at the beginning of a line only makes of a task. */
const shownTask = (text: string, breaks: Breaks): string => {
  if (breaks.has("leak.once"))
    return text
      .split("\n")
      .map((line) => line.replace(new RegExp(SECRET.source, "u"), "[hidden]"))
      .join("\n");
  if (breaks.has("leak.far"))
    return shownText(text.slice(0, SCANNED_CHARS_FEW)) + text.slice(SCANNED_CHARS_FEW);
  if (breaks.has("leak.ascii"))
    return text.replaceAll(new RegExp(`(?<=^|[\\x00-\\x7f])${SECRET.source}`, "gmu"), "[hidden]");
  const shown = (line: string): string => (shownText(line).startsWith("[hidden]") ? "[hidden]" : line);
  if (breaks.has("leak.middle")) return text.split("\n").map(shown).join("\n");
  return breaks.has("leak.whole") && shownText(text) !== text ? "[hidden]" : shownText(text);
};

const isSecret = (value: string): boolean => shownText(value) !== value;

function hideSecrets(labels: Readonly<Record<string, string>>, breaks: Breaks): Record<string, string> {
  const isAll = breaks.has("leak.nothing") && Object.values(labels).some(isSecret);
  const isHidden = (value: string): boolean => isAll || (isSecret(value) && !breaks.has("leak.label"));
  return Object.fromEntries(
    Object.entries(labels).map(([name, value]) => [name, isHidden(value) ? "[hidden]" : value]),
  );
}

export type ToyRequest = {
  readonly task: string;
  readonly agent?: string;
  readonly labels?: Record<string, string> | undefined;
};

export function createRun(tenant: string, requester: Actor, request: ToyRequest, breaks: Breaks): ToyRun {
  const at = now();
  const toy: ToyRun = {
    tenant,
    events: [],
    bytes: new Map(),
    run: {
      id: idFromUuid("run", randomUUID()),
      status: "queued",
      agent: request.agent ?? "toy",
      agent_version: `sha256:${sha256Hex("toy")}`,
      task: shownTask(request.task, breaks),
      workspace: null,
      model: "scripted/toy",
      labels: hideSecrets(request.labels ?? {}, breaks),
      requested_by: requester,
      reason: null,
      attempt: 0,
      version: 1,
      created_at: at,
      updated_at: at,
      finished_at: null,
      answer: null,
      usage: { input_tokens: 0, output_tokens: 0 },
      steps: [],
      approvals: [],
      artifacts: [],
    },
  };
  toy.run = { ...toy.run, version: 0 };
  addEvent(toy, breaks, "run_queued", requester);
  return toy;
}

type Asked = {
  readonly action: Approval["action"];
  readonly preview: string;
  readonly requirement?: Approval["requirement"];
  /** How long it can be answered. */
  readonly lifetimeMs?: number;
};

const LIFETIME_MS = 86_400_000;

const ANYBODY: Approval["requirement"] = { approvers: null, quorum: 1, separate_duties: false };

/** A question about one action of the run, after those that it has asked already. */
export function addApproval(toy: ToyRun, breaks: Breaks, asked: Asked): Approval {
  const { action, preview, requirement = ANYBODY, lifetimeMs = LIFETIME_MS } = asked;
  const step = toy.run.approvals.length + 1;
  const approval: Approval = {
    id: idFromUuid("apr", randomUUID()),
    run_id: toy.run.id,
    step,
    status: "open",
    subject: "action",
    action,
    action_digest: `sha256:${sha256Hex(canonicalJson({ action, run: toy.run.id, step }))}`,
    summary: `Call ${action.tool}.`,
    preview,
    decision: { verdict: "needs_approval", reasons: [{ code: "write", detail: "It writes." }] },
    labels: {},
    requirement,
    advice: [],
    votes: 0,
    edited_arguments: null,
    requested_at: now(),
    expires_at: new Date(Date.now() + lifetimeMs).toISOString(),
    decided_at: null,
    decided_by: null,
    comment: null,
  };
  toy.run = { ...toy.run, approvals: [...toy.run.approvals, approval] };
  addEvent(toy, breaks, "approval_opened", null, { approval: approval.id });
  return approval;
}

export const toyAction = (tool: string, args: Readonly<Record<string, unknown>>): Approval["action"] => ({
  tool,
  tool_version: "1",
  manifest_digest: `sha256:${sha256Hex(tool)}`,
  effect: "idempotent",
  harm: ["write"],
  arguments: { ...args },
});

export function openGate(toy: ToyRun, breaks: Breaks): void {
  moveTo(toy, breaks, "running", "run_leased", null);
  addApproval(toy, breaks, { action: toyAction("note", { text: toy.run.task }), preview: PATCH });
  moveTo(toy, breaks, "awaiting_approval", "run_parked", null);
}

/** Journals the intent, so that the effect may be sent. @returns its idempotency key */
export function intendEffect(toy: ToyRun, breaks: Breaks): string {
  const approval = toy.run.approvals[0];
  if (approval === undefined) throw new Error("the toy's run has no approval");
  const effectId = `sha256:${sha256Hex(`effect ${toy.run.id}`)}`;
  addEvent(toy, breaks, "step_intended", null);
  toy.run = {
    ...toy.run,
    steps: [
      {
        seq: 1,
        kind: "tool",
        name: "note",
        state: "intended",
        effect: "idempotent",
        effect_id: effectId,
        arguments: breaks.has("apr.other") ? { text: "something else" } : approval.action.arguments,
        decision: approval.decision,
        approval_id: approval.id,
        result: null,
        error: null,
        started_at: now(),
        finished_at: null,
      },
    ],
  };
  return effectId;
}

/** A store of artifacts that can be told to fail. */
export type ToyStore = { refusals: number; truncations: number; fired: Map<string, number> };

export const createToyStore = (): ToyStore => ({ refusals: 0, truncations: 0, fired: new Map() });

function strike(store: ToyStore): "refused" | "truncated" | null {
  const how = store.refusals > 0 ? "refused" : store.truncations > 0 ? "truncated" : null;
  if (how === null) return null;
  const name = how === "refused" ? "artifact_store_refuses" : "artifact_store_truncates";
  if (how === "refused") store.refusals -= 1;
  else store.truncations -= 1;
  store.fired.set(name, (store.fired.get(name) ?? 0) + 1);
  return how;
}

export function finish(toy: ToyRun, breaks: Breaks, store: ToyStore): void {
  toy.run = {
    ...toy.run,
    answer: "done",
    approvals: toy.run.approvals.map((approval) => ({ ...approval, status: "spent" as const })),
    steps: toy.run.steps.map((step) => ({ ...step, state: "succeeded" as const, finished_at: now() })),
  };
  addEvent(toy, breaks, "approval_spent", null);
  addEvent(toy, breaks, "step_succeeded", null);
  const struck = strike(store);
  if (!breaks.has("artifact.none")) {
    commitPatch(toy, breaks, struck);
    commitBytes(toy, breaks, "answer.md", Buffer.from("done"));
  }
  moveTo(toy, breaks, "succeeded", "run_succeeded", null);
}

/** The good toy looks whether the store took it, and stores it again. */
function commitPatch(toy: ToyRun, breaks: Breaks, struck: ReturnType<typeof strike>): void {
  const isStruck = struck !== null;
  if (isStruck && breaks.has("artifact.fewer")) return;
  const isCut = breaks.has("artifact.flagfirst") || (isStruck && breaks.has("artifact.optimist"));
  const kept = struck === "truncated" && breaks.has("artifact.readback") ? PATCH.slice(0, CUT_BYTES) : PATCH;
  commitBytes(toy, breaks, PATCH_NAME, Buffer.from(kept), isCut);
  if (isStruck && breaks.has("artifact.twice")) commitBytes(toy, breaks, PATCH_NAME, Buffer.from(PATCH));
}

export function commitBytes(
  toy: ToyRun,
  breaks: Breaks,
  name: string,
  bytes: Uint8Array,
  isCut = false,
): void {
  const id = idFromUuid("art", randomUUID());
  toy.bytes.set(id, isCut ? bytes.subarray(0, CUT_BYTES) : bytes);
  const artifact = {
    id,
    name,
    media_type: "text/x-diff",
    size_bytes: bytes.byteLength,
    sha256: sha256Hex(bytes),
    created_at: now(),
  };
  toy.run = { ...toy.run, artifacts: [...toy.run.artifacts, artifact] };
  addEvent(toy, breaks, "artifact_committed", null, { artifact: id });
}
