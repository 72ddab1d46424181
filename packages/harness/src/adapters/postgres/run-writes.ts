// All that one commit of a run writes, as the arguments of one call. Arguments go by name, and those of
// a group that writes nothing are left out: there are few such texts, so each is parsed and planned once a connection.

import { uuidOf } from "@assent/contract";
import { DatabaseError } from "pg";
import { eventDigest } from "../../core/audit/event.ts";
import { manifestDigest } from "../../core/tool.ts";
import { ApprovalTaken, MemoryMoved, type NewApproval, type RunWrites } from "../../ports.ts";
import { toWire } from "./audit.ts";
import { noteCall } from "./harmony/questions.ts";
import { digestToBytes } from "./rows.ts";
import { MESSAGE_VERSION } from "./message-version.ts";

/** Value by name of the argument, in the order in which they are numbered. */
type Arguments = Record<string, unknown>;

/** @returns the call, its arguments numbered from `first` on */
export function writeCall(
  writes: RunWrites,
  first: number,
): { readonly text: string; readonly values: readonly unknown[] } {
  const given = argumentsOf(writes);
  const names = Object.keys(given).map((name, at) => `${name} => $${first + at}`);
  const values = Object.values(given);
  const text = `assent.write_run(${names.join(", ")})`;
  if (writes.noted === null) return { text, values };
  const note = noteCall(writes.noted, first + values.length);
  return { text: `case when ${note.text} then ${text} end`, values: [...values, ...note.values] };
}

const TAKEN = "AS006";
const MOVED = "AS017";

/** In the words of the port. */
export async function unlessTaken<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof DatabaseError && error.code === TAKEN) throw new ApprovalTaken(error.message);
    if (error instanceof DatabaseError && error.code === MOVED) throw new MemoryMoved(error.message);
    throw error;
  }
}

const json = (value: unknown): string | null => (value === null ? null : JSON.stringify(value));

function argumentsOf(writes: RunWrites): Arguments {
  return {
    ...changeArguments(writes),
    ...eventArguments(writes),
    ...openedArguments(writes),
    ...changedArguments(writes),
    ...decidedArguments(writes),
    ...(writes.asked === null ? {} : askedArguments(writes.asked)),
    ...settledArguments(writes.settled),
    ...(writes.chargesAll ? { charge_all: true } : {}),
  };
}

const changeArguments = ({ run, change }: RunWrites): Arguments => ({
  of_run: uuidOf(run),
  to_state: change.state,
  to_version: change.version,
  at: change.updatedAt,
  attempts: change.attempt,
  ended: change.finishedAt,
  why_code: change.reason?.code ?? null,
  why: change.reason?.detail ?? null,
  answer_given: change.answer,
  wake: change.wakeAt,
  format: MESSAGE_VERSION,
});

function eventArguments({ run, change, events, actor }: RunWrites): Arguments {
  const at = change.updatedAt;
  return {
    event_versions: events.map(({ version }) => version),
    event_kinds: events.map(({ kind }) => kind),
    event_actor: actor === null ? null : uuidOf(actor.id),
    event_data: events.map(({ data }) => JSON.stringify(data)),
    event_digests: events.map((event) => digestToBytes(eventDigest(toWire({ run, at, actor, ...event })))),
  };
}

const openedArguments = ({ opened }: RunWrites): Arguments =>
  opened.length === 0
    ? {}
    : {
        opened_seqs: opened.map(({ seq }) => seq),
        opened_kinds: opened.map(({ kind }) => kind),
        opened_names: opened.map(({ name }) => name),
        opened_states: opened.map(({ state }) => state),
        opened_effects: opened.map(({ effect }) => effect),
        opened_requests: opened.map(({ request }) => JSON.stringify(request)),
        opened_decisions: opened.map(({ decision }) => json(decision)),
        opened_approvals: opened.map(({ approvalId }) => (approvalId === null ? null : uuidOf(approvalId))),
        opened_outcomes: opened.map(({ outcome }) => json(outcome)),
        opened_errors: opened.map(({ error }) => json(error)),
        opened_ends: opened.map(({ finishedAt }) => finishedAt),
        opened_compensates: opened.map(({ request }) =>
          request.kind === "tool" ? (request.compensates ?? null) : null,
        ),
      };

const changedArguments = ({ changed }: RunWrites): Arguments =>
  changed.length === 0
    ? {}
    : {
        changed_seqs: changed.map(({ seq }) => seq),
        changed_states: changed.map(({ state }) => state),
        changed_outcomes: changed.map(({ outcome }) => json(outcome)),
        changed_errors: changed.map(({ error }) => json(error)),
        changed_starts: changed.map(({ startedAt }) => startedAt),
        changed_ends: changed.map(({ finishedAt }) => finishedAt),
        changed_retries: changed.map(({ retriedBySeq }) => retriedBySeq),
      };

const decidedArguments = ({ decided }: RunWrites): Arguments =>
  decided.length === 0
    ? {}
    : {
        decided: decided.map(({ id }) => uuidOf(id)),
        decided_from: decided.map(({ from }) => from),
        decided_to: decided.map(({ change }) => change.state),
        decided_digests: decided.map(({ change }) => digestToBytes(change.actionDigest)),
        decided_edits: decided.map(({ change }) => json(change.editedAction)),
        decided_at: decided.map(({ change }) => change.decidedAt),
        decided_by: decided.map(({ change }) =>
          change.decidedBy === null ? null : uuidOf(change.decidedBy.id),
        ),
        decided_comments: decided.map(({ change }) => change.comment),
        decided_preconditions: decided.map(({ change }) => change.precondition),
        decided_previews: decided.map(({ change }) => change.preview),
        decided_judgements: decided.map(({ change }) => JSON.stringify(change.judgement)),
      };

function askedArguments(approval: NewApproval): Arguments {
  const { manifest } = approval;
  return {
    asked: uuidOf(approval.id),
    asked_seq: approval.seq,
    asked_subject: approval.subject,
    asked_action: JSON.stringify(approval.action),
    asked_digest: digestToBytes(approval.actionDigest),
    asked_summary: approval.summary,
    asked_preview: approval.preview,
    asked_precondition: approval.precondition,
    asked_decision: JSON.stringify(approval.decision),
    asked_judgement: JSON.stringify(approval.judgement),
    asked_requirement: JSON.stringify(approval.requirement),
    asked_advice: JSON.stringify(approval.advice),
    asked_at: approval.requestedAt,
    asked_until: approval.expiresAt,
    asked_manifest_digest: manifest === null ? null : digestToBytes(manifestDigest(manifest)),
    asked_manifest: json(manifest),
  };
}

export const settledArguments = (settled: RunWrites["settled"]): Arguments =>
  settled === null
    ? {}
    : {
        settled: settled.reservation,
        settled_input: settled.spent.inputTokens,
        settled_output: settled.spent.outputTokens,
        settled_microdollars: settled.spent.microdollars,
      };
