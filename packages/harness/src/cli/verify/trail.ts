// Checks a run's audit events as anybody can who holds them: invariant 11 (history is evidence) for one run. It
// trusts nothing that the server says of the events but the events themselves.

import { type AuditEvent, auditEventSchema, type RunState } from "@assent/contract";
import { AssertionFailed } from "../../base/assert.ts";
import { digestOf } from "../../base/digest.ts";
import { createRunObjects } from "../../core/audit/run-objects.ts";
import { followRun } from "../../core/run/replay.ts";
import type { Finding } from "./finding.ts";

/** The run as the server shows it, read before its events were. */
export type ShownRun = { readonly id: string; readonly version: number; readonly status: RunState };

/** @param received the events in the order in which the server gave them, as they came */
export function verifyTrail(received: readonly unknown[], run: ShownRun): Finding[] {
  const findings: Finding[] = [];
  const events: AuditEvent[] = [];
  const altered = new Set<AuditEvent>();
  for (const [index, value] of received.entries()) {
    const parsed = auditEventSchema.safeParse(value);
    if (!parsed.success) {
      const issue = parsed.error.issues[0];
      findings.push({
        code: "event_malformed",
        at: `place ${index + 1}`,
        detail: `not an audit event: ${issue?.path.join(".") ?? ""} ${issue?.message ?? ""}`,
      });
      continue;
    }
    events.push(parsed.data);
    const wrong = checkEvent(parsed.data, run.id);
    if (wrong.length > 0) altered.add(parsed.data);
    findings.push(...wrong);
  }
  return [...findings, ...checkVersions(events, run), ...checkPath(events, altered, run)];
}

function checkEvent(event: AuditEvent, runId: string): Finding[] {
  const at = `event ${event.version}`;
  const findings: Finding[] = [];
  if (event.run_id !== runId)
    findings.push({ code: "event_of_another_run", at, detail: `it belongs to ${event.run_id}` });
  const { digest, ...body } = event;
  const computed = digestOrNull(body);
  if (computed !== digest)
    findings.push({
      code: "digest_mismatch",
      at,
      detail: `its digest is ${digest}, its content gives ${computed ?? "none"}: it was altered`,
    });
  return findings;
}

// Text with lone surrogates has no canonical form: the harness never writes such an event.
function digestOrNull(body: unknown): string | null {
  try {
    return digestOf("event", body);
  } catch (error) {
    if (error instanceof AssertionFailed) return null;
    throw error;
  }
}

function checkVersions(events: readonly AuditEvent[], run: ShownRun): Finding[] {
  const findings: Finding[] = [];
  let last = 0;
  for (const { version } of events) {
    const at = `event ${version}`;
    if (version <= last)
      findings.push({ code: "event_out_of_order", at, detail: `it comes after event ${last}` });
    else if (version > last + 1)
      findings.push({
        code: "event_missing",
        at: `event ${last + 1}`,
        detail: `after event ${last} comes event ${version}`,
      });
    last = Math.max(last, version);
  }
  if (last < run.version)
    findings.push({
      code: "trail_truncated",
      at: `event ${last + 1}`,
      detail: `the trail ends with event ${last}, the run has had ${run.version}`,
    });
  return findings;
}

// What the server says is gone; that a record of it is in the log, a copy of the log tells.
const isErased = ({ data }: AuditEvent): boolean => data["erased"] === true || data["pruned"] === true;

/** Replays the states of the run, and of its steps and approvals, from its events alone. */
function checkPath(
  events: readonly AuditEvent[],
  altered: ReadonlySet<AuditEvent>,
  run: ShownRun,
): Finding[] {
  const findings: Finding[] = [];
  let state: RunState | null = null;
  let shown: RunState | null = null;
  const objects = createRunObjects(false);
  let last = 0;
  for (const event of events) {
    // What comes behind one that is missing is no finding of its own, nor is what an altered one says.
    if (event.version !== last + 1) objects.forget();
    last = event.version;
    const isUnknown = altered.has(event) || isErased(event);
    const { kind } = event;
    const actor = altered.has(event) ? undefined : (event.actor?.id ?? null);
    objects.follow(run.id, { kind, data: isUnknown ? null : event.data, actor }, (code, detail) => {
      findings.push({ code, at: `event ${event.version}`, detail });
    });
    const next = followRun(state, event.kind);
    if (next === null)
      findings.push({
        code: "illegal_transition",
        at: `event ${event.version}`,
        detail: `no ${event.kind} can follow when the run is ${state ?? "not queued yet"}`,
      });
    else state = next;
    // The run may have gone on since it was read: what was shown is compared with the event it was shown at.
    if (event.version <= run.version) shown = state;
  }
  if (shown !== run.status)
    findings.push({
      code: "status_mismatch",
      at: `event ${run.version}`,
      detail: `the events end in ${shown ?? "no state"}, the server shows ${run.status}`,
    });
  return findings;
}
