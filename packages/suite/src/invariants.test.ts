// Every checker finds a planted contradiction, and none where there is none.

import { expect, test } from "vitest";
import { makeApproval, makeArtifact, makeEvent, makeRun, makeStep } from "./fixtures/makers.ts";
import { INVARIANTS, violationsOf } from "./invariants.ts";
import type { Observation } from "./observation.ts";

const KINDS = [
  "run_queued",
  "run_leased",
  "approval_opened",
  "run_parked",
  "approval_approved",
  "run_resumed",
  "run_leased",
  "step_intended",
  "approval_spent",
  "step_succeeded",
  "artifact_committed",
  "run_succeeded",
] as const;

const AT = "2026-11-20T10:00:00.000Z";
const approval = makeApproval({ status: "spent", decided_at: AT });
const step = makeStep();
const events = KINDS.map((kind, index) => makeEvent({ kind, version: index + 1 }));
const artifact = makeArtifact();

const NOTHING = { input_tokens: 0, output_tokens: 0, cost_usd: 0 };
const CHARGED = { input_tokens: 7, output_tokens: 3, cost_usd: 0.5, reserved: NOTHING, calls: 1, retries: 0 };
const USAGE = { input_tokens: 7, output_tokens: 3, charged: CHARGED };

const GOOD: Observation = {
  run: makeRun({
    usage: USAGE,
    status: "succeeded",
    version: KINDS.length,
    finished_at: AT,
    steps: [step],
    approvals: [approval],
    artifacts: [artifact],
  }),
  events,
  artifacts: [{ id: artifact.id, bytes: Buffer.from("text") }],
  sinkEffects: new Map([[step.effect_id ?? "", 1]]),
  texts: ["nothing"],
  secrets: ["s3cret-key-of-somebody"],
};

test("nothing is found where nothing is wrong", () => {
  expect(violationsOf(GOOD)).toEqual([]);
});

const run = GOOD.run;
const renumbered = (kinds: readonly (typeof KINDS)[number][]): Observation["events"] =>
  kinds.map((kind, index) => makeEvent({ kind, version: index + 1 }));

test.each<[string, string, Partial<Observation>]>([
  [
    "journal-first",
    "an effect without intent",
    { events: renumbered(KINDS.filter((kind) => kind !== "step_intended")) },
  ],
  ["journal-first", "a gap in the journal", { run: { ...run, steps: [{ ...step, seq: 2 }] } }],
  [
    "at-most-once",
    "a once effect that came twice",
    {
      run: { ...run, steps: [{ ...step, effect: "once" }] },
      sinkEffects: new Map([[step.effect_id ?? "", 2]]),
    },
  ],
  ["at-most-once", "two steps with one key", { run: { ...run, steps: [step, { ...step, seq: 2 }] } }],
  ["at-most-once", "an effect without a key", { run: { ...run, steps: [{ ...step, effect_id: null }] } }],
  ["legal-transitions", "a way out of the end", { events: renumbered([...KINDS, "run_leased"]) }],
  ["legal-transitions", "a state that the events do not end in", { run: { ...run, status: "failed" } }],
  [
    "legal-transitions",
    "a second decision",
    { events: renumbered(["run_queued", "approval_approved", "approval_approved"]) },
  ],
  [
    "deny-wins",
    "a denied step that was carried out",
    { run: { ...run, steps: [{ ...step, decision: { verdict: "deny", reasons: [] } }] } },
  ],
  ["deny-wins", "a step without a decision", { run: { ...run, steps: [{ ...step, decision: null }] } }],
  [
    "deny-wins",
    "a refused step that reached the sink",
    { run: { ...run, steps: [{ ...step, state: "refused" }] } },
  ],
  [
    "assent-is-exact",
    "other arguments",
    { run: { ...run, steps: [{ ...step, arguments: { path: "OTHER" } }] } },
  ],
  ["assent-is-exact", "no approval", { run: { ...run, steps: [{ ...step, approval_id: null }] } }],
  ["assent-is-exact", "an open approval", { run: { ...run, approvals: [makeApproval()] } }],
  [
    "assent-is-exact",
    "one approval for two steps",
    { run: { ...run, steps: [step, { ...step, seq: 2, effect_id: "sha256:other" }] } },
  ],
  ["secrets-stay-out", "a secret in an answer", { texts: ["x s3cret-key-of-somebody"] }],
  [
    "secrets-stay-out",
    "an encoded secret in an artifact",
    {
      artifacts: [
        { id: artifact.id, bytes: Buffer.from(Buffer.from(GOOD.secrets[0] ?? "").toString("base64")) },
      ],
    },
  ],
  ["history-is-evidence", "a missing event", { events: events.toSpliced(3, 1) }],
  ["history-is-evidence", "a truncated history", { events: events.slice(0, -1) }],
  [
    "history-is-evidence",
    "a changed event",
    { events: events.with(4, { ...makeEvent({ version: 5 }), kind: "approval_approved" }) },
  ],
  ["complete-or-nothing", "a missing artifact", { artifacts: [] }],
  [
    "complete-or-nothing",
    "a cut-off artifact",
    { artifacts: [{ id: artifact.id, bytes: Buffer.from("tex") }] },
  ],
  ["complete-or-nothing", "an artifact that was not recorded", { run: { ...run, artifacts: [] } }],
  [
    "budget-before-spend",
    "tokens that nobody is charged",
    { run: { ...run, usage: { ...USAGE, input_tokens: 8 } } },
  ],
  [
    "budget-before-spend",
    "more answered than charged",
    { run: { ...run, usage: { ...USAGE, output_tokens: 4 } } },
  ],
  [
    "budget-before-spend",
    "what is set aside after the end",
    {
      run: { ...run, usage: { ...USAGE, charged: { ...CHARGED, reserved: { ...NOTHING, cost_usd: 0.01 } } } },
    },
  ],
])("%s: finds %s", (id, _, change) => {
  const invariant = INVARIANTS.find((each) => each.id === id);
  const check = invariant !== undefined && "check" in invariant ? invariant.check : () => [];
  expect(check({ ...GOOD, ...change })).not.toEqual([]);
});
