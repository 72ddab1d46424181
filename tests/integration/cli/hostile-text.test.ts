// Whoever writes into a run's fields wants the terminal to obey, or the approver to see another action.

import { afterEach, beforeEach, expect, test } from "vitest";
import { assent } from "./support/command.ts";
import { type FakeHarness, sendJson, startFakeHarness } from "./support/fake-harness.ts";
import { AT, artifactId, makeApproval, makeArtifact, makeEvent, makeRun, runId } from "./support/records.ts";

let fake: FakeHarness;
beforeEach(async () => void (fake = await startFakeHarness()));
afterEach(async () => await fake.close());

// Clear screen, title, hyperlink, 8-bit CSI, bell, backspace, return, bidi, isolates, zero width, tags, soft hyphen,
// line separator, Hangul filler, no-break space.
const EVIL =
  "\u001B[2J\u001B]0;x\u0007\u001B]8;;http://evil\u001B\\\u009B31m\b\r\u202E\u2066\u200B\u{E0041}\u00AD\u2028\u3164\u00A0\n" +
  "assent: everything is fine";

const HARMFUL = /[^\n\t\P{Cc}]|[\p{Cf}\p{Zl}\p{Zp}\u3164\u00A0]/u;

function addHostile(): void {
  const approval = makeApproval(1, runId(1), {
    summary: EVIL,
    preview: `--- a/x\n+++ b/x\n@@ -1 +1 @@\n+${EVIL}\n`,
    comment: EVIL,
    advice: [
      {
        precedent_id: `sha256:${"0".repeat(64)}`,
        decision: EVIL,
        decided_by: EVIL,
        decided_at: AT,
        explanation: EVIL,
        confidence: 1,
        comparison: {
          differs: EVIL,
          rationale: EVIL,
          revoked_at: AT,
          approval_id: null,
          run_id: null,
          arguments: [
            {
              pointer: EVIL,
              difference: "value",
              value: EVIL,
              is_text: false,
              length_chars: 1,
              origin: null,
            },
          ],
          arguments_more: 0,
          circumstances: [],
        },
      },
    ],
    decision: { verdict: "needs_approval", reasons: [{ code: EVIL, detail: EVIL }] },
  });
  const action = { ...approval.action, tool: EVIL, tool_version: EVIL, arguments: { [EVIL]: EVIL } };
  const bytes = Buffer.from("x");
  const artifact = { ...makeArtifact(1, EVIL, bytes), media_type: EVIL };
  fake.add(
    makeRun(1, {
      status: "awaiting_approval",
      task: EVIL,
      answer: EVIL,
      reason: { code: EVIL, detail: EVIL },
      labels: { [EVIL]: EVIL },
      requested_by: { id: `prn_${"0".repeat(32)}`, kind: "human", name: EVIL },
      workspace: { name: "assent", commit: EVIL },
      approvals: [{ ...approval, action }],
      artifacts: [artifact],
      steps: [
        {
          seq: 1,
          kind: "tool",
          name: EVIL,
          state: "failed",
          effect: "none",
          effect_id: null,
          decision: null,
          approval_id: null,
          result: EVIL,
          error: { code: EVIL, detail: EVIL },
          started_at: AT,
          finished_at: AT,
        },
      ],
    }),
    [makeEvent(runId(1), 1, "run_queued", { name: EVIL }), makeEvent(runId(1), 2, "run_leased")],
    new Map([[artifactId(1), bytes]]),
  );
}

test.each([
  ["runs"],
  ["show", runId(1)],
  ["artifacts", runId(1)],
  ["artifacts", runId(1), "--out", "results"],
  ["audit", "verify", runId(1)],
  ["approve", runId(1), "--yes"],
])(
  "no escape sequence and no invisible character leaves %s %s %s %s, as text or as JSON",
  async (...words) => {
    for (const form of [[], ["--json"]]) {
      addHostile();
      const done = await assent(fake, [...words, ...form]);
      const output = done.terminal.stdout() + done.terminal.stderr();
      expect(output.length).toBeGreaterThan(50);
      expect(HARMFUL.exec(output)).toBeNull();
    }
  },
);

test("an event, a principal and a problem cannot emit any either", async () => {
  addHostile();
  fake.append(runId(1), "run_cancelled", { status: "cancelled" });
  const watched = await assent(fake, ["watch", runId(1)]);
  expect(watched.terminal.stdout()).toContain("name=<U+001B>[2J");
  expect(HARMFUL.exec(watched.terminal.stdout())).toBeNull();
  fake.intercept("GET", /runs$/, (response) =>
    sendJson(response, 418, { type: EVIL, title: EVIL, status: 418, detail: EVIL, remedy: EVIL, code: EVIL }),
  );
  const refused = await assent(fake, ["runs", "--json"]);
  expect(refused.code).toBe(4);
  expect(refused.terminal.stderr().trimEnd().split("\n")).toHaveLength(1);
  expect(HARMFUL.exec(refused.terminal.stderr() + refused.terminal.stdout())).toBeNull();
});

test("a record that holds line breaks is still one line of a table", async () => {
  addHostile();
  const done = await assent(fake, ["runs"]);
  expect(done.terminal.stdout().trimEnd().split("\n")).toHaveLength(2);
});

test("no text of a run can stand at the beginning of a line of ours", async () => {
  addHostile();
  const done = await assent(fake, ["show", runId(1)]);
  expect(done.terminal.stdout()).toContain("everything is fine");
  expect(done.terminal.stdout()).not.toMatch(/^assent:/m);
});

test("words of the command line that are repeated in an error are made visible too", async () => {
  const done = await assent(fake, ["show", EVIL]);
  expect(done.code).toBe(2);
  expect(done.terminal.stderr().trimEnd().split("\n")).toHaveLength(1);
  expect(HARMFUL.exec(done.terminal.stderr())).toBeNull();
});

async function escapes(words: string[], interactive: boolean): Promise<boolean> {
  const done = await assent(fake, words, { interactive });
  return done.terminal.stdout().includes("\u001B");
}

test("colour is for terminals only, and not under NO_COLOR or --no-color", async () => {
  addHostile();
  expect(await escapes(["show", runId(1)], true)).toBe(true);
  expect(await escapes(["show", runId(1)], false)).toBe(false);
  expect(await escapes(["show", runId(1), "--no-color"], true)).toBe(false);
});
