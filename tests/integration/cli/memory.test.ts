import { afterEach, beforeEach, expect, test } from "vitest";
import { ESCALATION, POLICIES, PRECEDENT } from "../api/samples.ts";
import { assent, json } from "./support/command.ts";
import { type FakeHarness, sendJson, sendProblem, startFakeHarness } from "./support/fake-harness.ts";

let fake: FakeHarness;
beforeEach(async () => void (fake = await startFakeHarness()));
afterEach(async () => await fake.close());

const lines = (text: string): string[] => text.trimEnd().split("\n");

test("escalations: what was asked, why, and what was answered; a page names the next one", async () => {
  const open = { ...ESCALATION, status: "open", resolved_at: null, resolved_by: null, seen_count: 3 };
  const answered = {
    ...ESCALATION,
    answer: { decision: "manual", comment: "The bank was\u001b[2J called." },
  };
  fake.intercept(
    "GET",
    /^\/api\/harness\/escalations/u,
    (response) => {
      sendJson(response, 200, { data: [open, answered], next_cursor: "there" });
    },
    2,
  );
  const done = await assent(fake, ["escalations", "list", "--status", "open", "--limit", "2"]);
  expect(Object.fromEntries(fake.received[0]?.query.entries() ?? [])).toEqual({ status: "open", limit: "2" });
  const [head, reason, , , answer, more] = lines(done.terminal.stdout());
  expect(head).toContain(`${ESCALATION.id}  open  rollback  book  `);
  expect(head).toMatch(/, asked 3 times$/);
  expect(reason).toBe("  It could not be taken back.");
  // What somebody wrote moves no cursor.
  expect(answer).toMatch(/^ {2}manual by ann .*: The bank was.*called\.$/);
  expect(answer).not.toContain("\u001b");
  expect(more).toBe("More: --cursor there");
  const asJson = await assent(fake, ["escalations", "list", "--json"]);
  expect(json(asJson)).toEqual({ data: [open, answered], next_cursor: "there" });
});

test("escalations resolve: the comment is sent, what stands in the way is said and ends in 1", async () => {
  fake.intercept("POST", /^\/api\/harness\/escalations\//u, (response) => {
    sendJson(response, 200, ESCALATION);
  });
  const words = ["escalations", "resolve", ESCALATION.id, "--comment", "The bank was called."];
  const done = await assent(fake, words);
  const [request] = fake.received;
  expect([request?.path, request?.body]).toEqual([
    `/api/harness/escalations/${encodeURIComponent(ESCALATION.id)}/resolve`,
    { comment: "The bank was called." },
  ]);
  expect([done.code, done.terminal.stdout()]).toEqual([0, "Resolved: It could not be taken back. (ann)\n"]);
  fake.intercept("POST", /^\/api\/harness\/escalations\//u, (response) => {
    sendProblem(response, "escalation_not_open", "Somebody has said already what was done.");
  });
  const refused = await assent(fake, words);
  expect(refused.code).not.toBe(0);
  expect(refused.terminal.stderr()).toContain("Somebody has said already what was done");
  // A comment is demanded, and a status is one of two.
  expect((await assent(fake, words.slice(0, 3))).code).toBe(2);
  expect((await assent(fake, ["escalations", "list", "--status", "late"])).code).toBe(2);
});

test("precedents: each with its use and its end; taking one back says how often it answered", async () => {
  const revoked = { ...PRECEDENT, revoked_at: PRECEDENT.decided_at, revoked_reason: "A mistake." };
  fake.intercept("GET", /^\/api\/harness\/precedents/u, (response) => {
    sendJson(response, 200, {
      data: [{ ...PRECEDENT, expires_at: "2999-01-01T00:00:00.000Z" }, PRECEDENT, revoked],
    });
  });
  fake.intercept("POST", /^\/api\/harness\/precedents\//u, (response) => {
    sendJson(response, 200, { ...revoked, uses: 4 });
  });
  const list = await assent(fake, ["precedents", "list"]);
  const states = lines(list.terminal.stdout()).slice(1);
  expect(states[0]).toMatch(/2999-01-01\s+in force$/);
  expect(states[2]).toMatch(/revoked: A mistake\.$/);
  const taken = await assent(fake, ["precedents", "revoke", PRECEDENT.id, "--reason", "A mistake."]);
  expect(fake.received.at(-1)?.body).toEqual({ reason: "A mistake." });
  expect(taken.terminal.stdout()).toContain("It had answered 4 question(s) about read");
});

test("policy loaded: each rule with what it asks for; their text as JSON", async () => {
  const [asking] = POLICIES.rules;
  const set = { ...POLICIES, rules: [asking, { ...asking, id: "act", effect: "permit", asks: null }] };
  fake.intercept("GET", /^\/api\/harness\/policies$/u, (response) => sendJson(response, 200, set), 2);
  const done = await assent(fake, ["policy", "loaded"]);
  const [, asks, permits, version] = lines(done.terminal.stdout());
  expect(asks).toMatch(/^ask +asks 2 people +It pays\.$/);
  expect(permits).toMatch(/^act +permit +It pays\.$/);
  expect(version).toContain(POLICIES.version);
  expect(json(await assent(fake, ["policy", "loaded", "--json"]))).toEqual(set);
});

test("quality says how people decide, a service by its kind, and where it is not all", async () => {
  const at = "2026-01-01T00:00:00.000Z";
  const of = { id: `prn_${"0".repeat(32)}`, approved: 9, median_seconds: 2.46, reversed: 1 } as const;
  fake.intercept("GET", /^\/api\/harness\/quality$/, (response, { query }) => {
    expect(query.get("days")).toBe("7");
    sendJson(response, 200, {
      since: at,
      data: [
        { ...of, name: "ann\u202e", kind: "human", answered: 10, approved_share: 0.9 },
        { ...of, name: "gate", kind: "service", answered: 9, approved_share: 1 },
      ],
      unanswered: 4,
      complete: false,
    });
  });
  const done = await assent(fake, ["quality", "--days", "7"]);
  expect(done.code).toBe(0);
  const told = done.terminal.stdout();
  expect(told).toMatch(/ann<U\+202E>\s+10\s+90 %\s+2\.5\s+1\n/);
  expect(told).toMatch(/service\/gate\s+9\s+100 %/);
  expect(told).toContain("4 ended without an answer.");
  expect(told).toContain("There is more than one look takes");
});

test("retention says how long what is kept, what becomes of it then, and where that is set", async () => {
  fake.intercept("GET", /^\/api\/harness\/retention$/, (response) => {
    sendJson(response, 200, {
      data: [
        {
          what: "audit_entries",
          seconds: 34_560_000,
          removed: "when_asked",
          setting: "evidence.retention_days",
        },
        { what: "runs", seconds: null, removed: "never", setting: null },
        { what: "idempotency_answers", seconds: 129_600, removed: "by_itself", setting: null },
      ],
    });
  });
  const done = await assent(fake, ["retention"]);
  expect(done.code).toBe(0);
  const told = done.terminal.stdout();
  expect(told).toMatch(/audit entries\s+400 d\s+removed when asked\s+evidence\.retention_days\n/);
  expect(told).toMatch(/runs\s+no end\s+stays/);
  expect(told).toMatch(/idempotency answers\s+36 h\s+removed by itself/);
});
