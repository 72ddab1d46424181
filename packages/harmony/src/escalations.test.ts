import { describe, expect, test } from "vitest";
import { EscalationRecord, recur, resolved } from "./escalations.ts";
import { computeOccurrenceId, fakeId } from "./ids.ts";
import { ann, escalation, moment } from "./testing/samples.ts";
import { EscalationStatus } from "./vocabulary.ts";

const open = escalation("e", { escalatedAt: moment(5) });
const again = (seconds: number): EscalationRecord => escalation("e", { escalatedAt: moment(seconds) });
const done = resolved(open, fakeId("r"), ann, moment(10));

test.each([
  [open, 4, "seen_already"],
  [open, 5, "seen_already"],
  [open, 6, "counted"],
  [done, 9, "seen_already"],
  [done, 10, "seen_already"],
  [done, 11, "reopened"],
])("the stored record %j, seen at second %i: %s", (stored, seconds, kind) => {
  expect(recur(stored, again(seconds)).kind).toBe(kind);
});

test("a reopened question is a new open record that names the first; the resolved one is as it was", () => {
  const recurrence = recur(done, again(11));
  expect(recurrence.kind === "reopened" && recurrence.next).toMatchObject({
    escalationId: computeOccurrenceId(open.escalationId, 2),
    firstId: open.escalationId,
    occurrence: 2,
    status: EscalationStatus.OPEN,
    resolutionId: null,
    seenCount: 1,
  });
  expect(done.status).toBe(EscalationStatus.RESOLVED);
});

test("a resolved escalation is not resolved again", () => {
  expect(() => resolved(done, fakeId("other"), ann, moment(20))).toThrow(
    expect.objectContaining({ code: "already_resolved", details: { record: done } }),
  );
});

describe("fields that do not fit together are refused", () => {
  test.each([
    ["resolved without an answer", { status: EscalationStatus.RESOLVED }],
    ["open with an answer", { resolutionId: fakeId("r"), resolvedAt: moment(1), resolvedBy: ann }],
    [
      "resolved by nobody",
      { status: EscalationStatus.RESOLVED, resolutionId: fakeId("r"), resolvedAt: moment(1) },
    ],
    ["an occurrence whose id does not follow", { occurrence: 2 }],
    ["another's first id", { firstId: fakeId("x") }],
  ])("%s", (_, changes) => {
    expect(() => escalation("e", changes)).toThrow(expect.objectContaining({ code: "invalid_record" }));
  });
});

test("the JSON has every key of the seed document, in snake_case, also when it is null", () => {
  expect(open.toJSON()).toEqual({
    escalation_id: open.escalationId,
    pattern_id: open.patternId,
    reason: "No match found",
    escalated_at: "2026-01-02T03:04:10.000000+00:00",
    escalated_by: { type: "agent", agent_id: "robot", model_id: "model-1", principal_id: null },
    status: "open",
    resolved_at: null,
    resolved_by: null,
    resolution_id: null,
    occurrence: 1,
    first_id: open.escalationId,
    seen_count: 1,
    last_seen_at: "2026-01-02T03:04:10.000000+00:00",
    resolution_revoked_at: null,
  });
});

test("a record that holds only what the seed document names is read", () => {
  const { escalation_id, pattern_id, reason, escalated_at, escalated_by, status } = open.toJSON();
  const least = { escalation_id, pattern_id, reason, escalated_at, escalated_by, status };
  expect(EscalationRecord.fromJSON(least)).toEqual(open);
});
