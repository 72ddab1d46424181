import type { AuditEvent, EventKind, Run } from "@assent/contract";
import { afterEach, beforeEach, expect, test } from "vitest";
import { assent, elements, json, member } from "./support/command.ts";
import { type FakeHarness, startFakeHarness } from "./support/fake-harness.ts";
import { makeEvent, makeRun, makeTrail, runId } from "./support/records.ts";

let fake: FakeHarness;
beforeEach(async () => void (fake = await startFakeHarness()));
afterEach(async () => await fake.close());

const KINDS: readonly EventKind[] = [
  "run_queued",
  "run_leased",
  "artifact_committed",
  "step_intended",
  "approval_opened",
  "run_parked",
  "approval_approved",
  "run_resumed",
  "run_leased",
  "run_succeeded",
];
const ID = runId(1);
const ASKED = { approval_id: "apr_1", step: 1, action_digest: `sha256:${"a".repeat(64)}` };
const SAID: { readonly [K in EventKind]?: Record<string, unknown> } = {
  step_intended: { step: 1, step_kind: "gate", name: "edit_file", effect: "none" },
  approval_opened: { ...ASKED, subject: "action" },
  approval_approved: ASKED,
};
const trail = (): AuditEvent[] =>
  KINDS.map((kind, index) => makeEvent(ID, index + 1, kind, SAID[kind] ?? {}));

async function verify(
  events: AuditEvent[],
  change: Partial<Run> = {},
): Promise<{ code: number; found: string[] }> {
  fake.add(makeRun(1, { status: "succeeded", version: KINDS.length, ...change }), events);
  const done = await assent(fake, ["audit", "verify", ID, "--json"]);
  const report = json(done);
  const findings = elements(member(report, "findings"));
  expect(member(report, "verified")).toBe(findings.length === 0);
  return {
    code: done.code,
    found: findings.map((finding) => `${String(member(finding, "code"))} @ ${String(member(finding, "at"))}`),
  };
}

test("an honest trail verifies, over several pages", async () => {
  expect(await verify(trail())).toEqual({ code: 0, found: [] });
  const done = await assent(fake, ["audit", "verify", ID]);
  expect(done.terminal.stdout()).toMatch(/^Audit trail verified: 10 events .* ends in "succeeded"\.\n$/);
  expect(fake.received.filter(({ path }) => path.endsWith("/events")).length).toBeGreaterThan(4);
});

test("a trail that grew while it was read still verifies against the run as it was read", async () => {
  expect(await verify(trail(), { status: "awaiting_approval", version: 6 })).toEqual({ code: 0, found: [] });
});

test.each(KINDS.map((_, index) => index).slice(0, -1))(
  "a missing event is found: number %i",
  async (index) => {
    const { code, found } = await verify(trail().toSpliced(index, 1));
    expect(code).toBe(1);
    expect(found).toContain(`event_missing @ event ${index + 1}`);
  },
);

test.each([1, 4])("a tail of %i events cut off is found by the version that the run shows", async (count) => {
  const { code, found } = await verify(trail().slice(0, -count));
  expect(code).toBe(1);
  expect(found).toContain(`trail_truncated @ event ${KINDS.length - count + 1}`);
});

test("no events at all are a truncated trail", async () => {
  expect((await verify([])).found).toEqual(["trail_truncated @ event 1", "status_mismatch @ event 10"]);
});

const alter = (change: (event: AuditEvent) => AuditEvent): AuditEvent[] =>
  trail().map((event) => (event.version === 7 ? change(event) : event));

test.each<[string, (event: AuditEvent) => AuditEvent]>([
  ["its time", (event) => ({ ...event, at: "2026-11-20T11:57:01.000Z" })],
  ["its data", (event) => ({ ...event, data: { approval_id: "another" } })],
  ["its kind", (event) => ({ ...event, kind: "approval_denied" })],
  [
    "its actor",
    (event) => ({ ...event, actor: { id: `prn_${"a".repeat(32)}`, kind: "human", name: "eve" } }),
  ],
  ["its digest", (event) => ({ ...event, digest: `sha256:${"0".repeat(64)}` })],
])("an altered event is found: %s", async (_, change) => {
  expect(await verify(alter(change))).toEqual({ code: 1, found: ["digest_mismatch @ event 7"] });
});

test("an event of another run is found, though its digest fits", async () => {
  const { found } = await verify(alter(() => makeEvent(runId(2), 7, "approval_approved")));
  expect(found).toEqual(["event_of_another_run @ event 7"]);
});

test("reordered events are found", async () => {
  const events = trail();
  const [third, fourth] = events.splice(2, 2);
  if (third === undefined || fourth === undefined) throw new Error("the trail is too short");
  events.splice(2, 0, fourth, third);
  const { code, found } = await verify(events);
  expect(code).toBe(1);
  expect(found).toContain("event_out_of_order @ event 3");
});

test("an event told twice is found", async () => {
  const events = trail();
  const [first] = events;
  if (first === undefined) throw new Error("the trail is too short");
  const { found } = await verify([first, ...events]);
  expect(found).toContain("event_out_of_order @ event 1");
});

test.each<[string, readonly EventKind[], Run["status"], string]>([
  ["out of a terminal state", ["run_queued", "run_cancelled", "run_leased"], "running", "event 3"],
  ["success without a worker", ["run_queued", "run_succeeded"], "succeeded", "event 2"],
  ["a second beginning", ["run_queued", "run_queued"], "queued", "event 2"],
  ["something before the beginning", ["run_leased", "run_queued"], "running", "event 1"],
  [
    "going on without a decision",
    ["run_queued", "run_leased", "run_parked", "run_leased"],
    "running",
    "event 4",
  ],
])("an illegal path is found though every digest fits: %s", async (_, kinds, status, at) => {
  const { code, found } = await verify(makeTrail(ID, kinds), { status, version: kinds.length });
  expect(code).toBe(1);
  expect(found).toContain(`illegal_transition @ ${at}`);
});

test("an approval that is decided twice is found though every digest fits", async () => {
  const events = [...trail().slice(0, 7), makeEvent(ID, 8, "approval_denied", ASKED)];
  const { found } = await verify(events, { status: "awaiting_approval", version: 8 });
  expect(found).toEqual(["illegal_transition @ event 8"]);
});

test("a status that the events do not lead to is found", async () => {
  const { found } = await verify(trail(), { status: "failed" });
  expect(found).toEqual(["status_mismatch @ event 10"]);
});

test("what is no event at all is found and named by its place", async () => {
  const events = alter((event) => ({ ...event, extra: "field" }) as AuditEvent);
  expect((await verify(events)).found).toContain("event_malformed @ place 7");
});

test("the human report names what is wrong and where, one line each", async () => {
  fake.add(makeRun(1, { status: "succeeded", version: KINDS.length }), trail().toSpliced(2, 1));
  const done = await assent(fake, ["audit", "verify", ID]);
  expect(done.code).toBe(1);
  expect(done.terminal.stdout()).toBe(
    "Audit trail NOT verified: 1 findings in 9 events.\n  event 3: after event 2 comes event 4 (event_missing)\n",
  );
});

test("a run's id that is not whole is told so, and not taken for a folder without a key", async () => {
  const done = await assent(fake, ["audit", "verify", "run_0199f2"]);
  expect([done.code, done.terminal.stderr()]).toEqual([2, expect.stringContaining("32 hex digits")]);
});
