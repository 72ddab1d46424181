// Holds what the tables say against what the events say: states are rebuilt from the events alone, and every object's
// row against the digest that its newest event took of it. Names each run, step, approval and artifact that differs.

import type { ApprovalState, RunId, RunState, StepState } from "@assent/contract";
import { createRunObjects } from "../../core/audit/run-objects.ts";
import type { LogFinding } from "../../core/audit/verify-source.ts";
import { followApproval, followRun, followStep } from "../../core/run/replay.ts";
import type { ReviewedEvent, ReviewedKeys, ReviewedRun, ReviewTx } from "../../ports.ts";
import { REVIEW_FINDINGS_MAX } from "./review-log.ts";
import { type ReviewedPrecedents, reviewPrecedents } from "./review-precedents.ts";
import { type ReviewedSigningKeys, reviewSigningKeys } from "./review-signing-keys.ts";
import { checkVotes } from "./review-votes.ts";
import { type ReviewedWebhooks, reviewWebhooks } from "./review-webhooks.ts";

/** Runs whose events are read and held at once. */
const PAGE_RUNS = 100;
/** Keys that nobody made by a request, and that are named: of an honest installation there are a few. */
const KEYS_NAMED_MAX = 20;

export type ReviewedState = {
  readonly runs: number;
  readonly steps: number;
  readonly approvals: number;
  /** Of people, on approvals that take several, held against their events. */
  readonly votes: number;
  readonly keys: ReviewedKeys;
  readonly signingKeys: Omit<ReviewedSigningKeys, "findings">;
  readonly webhooks: Omit<ReviewedWebhooks, "findings">;
  readonly precedents: Omit<ReviewedPrecedents, "findings">;
  /** Objects whose rows were held against a digest. */
  readonly compared: number;
  /** Steps and approvals that were not rebuilt, since an event that may have been about them was erased. */
  readonly erased: number;
  readonly findings: readonly LogFinding[];
};

type Add = (finding: LogFinding) => void;
type Counts = {
  runs: number;
  steps: number;
  approvals: number;
  votes: number;
  compared: number;
  erased: number;
};

export async function reviewState(tx: ReviewTx, tenant: string): Promise<ReviewedState> {
  const findings: LogFinding[] = [];
  const add: Add = (finding) => void (findings.length < REVIEW_FINDINGS_MAX && findings.push(finding));
  const counts: Counts = { runs: 0, steps: 0, approvals: 0, votes: 0, compared: 0, erased: 0 };
  for (let after: RunId | null = null; ;) {
    const page: readonly ReviewedRun[] = await tx.runs(tenant, after, PAGE_RUNS);
    const ids = page.map(({ id }) => id);
    const events = Map.groupBy(await tx.events(tenant, ids), ({ run }) => run);
    for (const run of page) checkRun(run, events.get(run.id) ?? [], counts, add);
    const { compared, objects } = await tx.changed(tenant, ids);
    counts.compared += compared;
    for (const { run, object, version, isGone } of objects)
      add({
        code: isGone ? "row_removed" : "row_altered",
        at: object === "run" ? run : `${run} ${object}`,
        detail: isGone
          ? `event ${version} is about it, and there is no such row`
          : `its row is not what it was when event ${version} was recorded`,
      });
    after = ids.at(-1) ?? null;
    if (page.length < PAGE_RUNS) break;
  }
  for (const { id, what } of await tx.changedDocuments(tenant, REVIEW_FINDINGS_MAX)) {
    const [code, detail] = DOCUMENT_FINDINGS[what];
    add({ code, at: id, detail });
  }
  for (const { id, what } of [
    ...(await tx.changedPrincipals(tenant, REVIEW_FINDINGS_MAX)),
    ...(await tx.changedKeys(tenant, REVIEW_FINDINGS_MAX)),
  ]) {
    const [code, detail] = ROW_FINDINGS[what];
    add({ code, at: id, detail });
  }
  for (const { approval, by } of await tx.strayVotes(tenant, REVIEW_FINDINGS_MAX))
    add({ code: "row_added", at: `${approval} vote of ${by}`, detail: "there is no such approval" });
  const { findings: ofSigningKeys, ...signingKeys } = await reviewSigningKeys(tx, tenant);
  const { findings: ofWebhooks, ...webhooks } = await reviewWebhooks(tx, tenant);
  const { findings: ofPrecedents, ...precedents } = await reviewPrecedents(tx, tenant);
  for (const finding of [...ofSigningKeys, ...ofWebhooks, ...ofPrecedents]) add(finding);
  for (const run of await tx.missingRuns(tenant, REVIEW_FINDINGS_MAX))
    add({ code: "row_removed", at: run, detail: "there are events of it, and there is no such run" });
  const keys = await tx.keys(tenant, KEYS_NAMED_MAX);
  return { ...counts, keys, signingKeys, webhooks, precedents, findings };
}

const DOCUMENT_FINDINGS = {
  unrecorded: ["row_added", "no event says that it was added"],
  removed: ["row_removed", "its newest event says that it is there, and there is no such document"],
  altered: ["row_altered", "its text has another digest than its newest event"],
  "still there": ["state_differs", "its newest event says that it was removed"],
} as const;

const ROW_FINDINGS = {
  unrecorded: ["row_added", "no event says that it was stored"],
  removed: ["row_removed", "an event is about it, and there is no such row"],
  altered: ["row_altered", "its row is not what it was when its newest event was recorded"],
} as const;

function checkRun(run: ReviewedRun, events: readonly ReviewedEvent[], counts: Counts, add: Add): void {
  counts.runs += 1;
  checkVersions(run, events, add);
  const objects = createRunObjects(false);
  let state: RunState | null = null;
  for (const { kind, version, data, isErased, actor } of events) {
    objects.follow(run.id, { kind, data: isErased ? null : data, actor }, (code, detail) => {
      add({ code, at: `${run.id} event ${version}`, detail });
    });
    const next = followRun(state, kind);
    if (next === null)
      add({
        code: "illegal_transition",
        at: `${run.id} event ${version}`,
        detail: `no ${kind} can follow when the run is ${state ?? "not queued yet"}`,
      });
    else state = next;
  }
  if (state !== run.state)
    add({
      code: "state_differs",
      at: run.id,
      detail: `its events end in ${state ?? "no state"}, its row says ${run.state}`,
    });
  checkSteps(run, events, counts, add);
  checkApprovals(run, events, counts, add);
  checkArtifacts(run, events, add);
}

/** Those that are gone, or another than they were, are named by their digests. */
function checkArtifacts({ id, artifacts }: ReviewedRun, all: readonly ReviewedEvent[], add: Add): void {
  const events = all.filter(({ kind }) => kind.startsWith("artifact_"));
  if (events.some(({ isErased }) => isErased)) return;
  const committed = new Set(events.map(({ data }) => data["artifact_id"]));
  for (const artifact of artifacts)
    if (!committed.has(artifact))
      add({ code: "row_added", at: `${id} ${artifact}`, detail: "no event says that it was committed" });
}

function checkVersions({ id, version }: ReviewedRun, events: readonly ReviewedEvent[], add: Add): void {
  let last = 0;
  for (const event of events) {
    if (event.version !== last + 1)
      add({
        code: "event_missing",
        at: `${id} event ${last + 1}`,
        detail: `after event ${last} comes event ${event.version}`,
      });
    last = event.version;
  }
  if (last !== version)
    add({
      code: "version_differs",
      at: id,
      detail: `its events end with number ${last}, its row says ${version}`,
    });
}

type Family<S> = {
  readonly prefix: string;
  readonly rows: ReadonlyMap<string, S>;
  readonly objectOf: (event: ReviewedEvent) => string | null;
  readonly follow: (state: S | null, kind: ReviewedEvent["kind"]) => S | null;
};

const stepOf = ({ data }: ReviewedEvent): string | null =>
  typeof data["step"] === "number" ? `step ${data["step"]}` : null;
const approvalOf = ({ data }: ReviewedEvent): string | null =>
  typeof data["approval_id"] === "string" ? data["approval_id"] : null;

function checkSteps(run: ReviewedRun, events: readonly ReviewedEvent[], counts: Counts, add: Add): void {
  const rows = new Map(run.steps.map(({ seq, state }) => [`step ${seq}`, state]));
  counts.steps += rows.size;
  const family: Family<StepState> = { prefix: "step_", rows, objectOf: stepOf, follow: followStep };
  checkFamily(run.id, events, family, counts, add);
}

function checkApprovals(run: ReviewedRun, events: readonly ReviewedEvent[], counts: Counts, add: Add): void {
  const rows = new Map(run.approvals.map(({ id, state }) => [id, state]));
  counts.approvals += rows.size;
  const family: Family<ApprovalState> = {
    prefix: "approval_",
    rows,
    objectOf: approvalOf,
    follow: followApproval,
  };
  const isWhole = checkFamily(run.id, events, family, counts, add);
  if (isWhole) counts.votes += checkVotes(run, events, add);
}

/** @returns whether all of its events say what they are about */
function checkFamily<S extends string>(
  run: RunId,
  all: readonly ReviewedEvent[],
  { prefix, rows, objectOf, follow }: Family<S>,
  counts: Counts,
  add: Add,
): boolean {
  const events = all.filter(({ kind }) => kind.startsWith(prefix));
  if (events.some(({ isErased }) => isErased)) {
    counts.erased += rows.size;
    return false;
  }
  const states = new Map<string, S>();
  for (const event of events) {
    const object = objectOf(event) ?? "of nothing";
    const before = states.get(object) ?? null;
    const next = follow(before, event.kind);
    // What cannot happen was named already.
    if (next !== null) states.set(object, next);
  }
  for (const [object, state] of rows)
    if (states.get(object) !== state)
      add({
        code: "state_differs",
        at: `${run} ${object}`,
        detail: `its events end in ${states.get(object) ?? "no state"}, its row says ${state}`,
      });
  for (const object of states.keys())
    if (!rows.has(object))
      add({ code: "row_removed", at: `${run} ${object}`, detail: "there are events of it, and no such row" });
  return true;
}
