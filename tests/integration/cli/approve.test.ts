import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Approval, approvalSchema } from "@assent/contract";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { assent, json, makeFolder } from "./support/command.ts";
import { type FakeHarness, startFakeHarness } from "./support/fake-harness.ts";
import { approvalId, makeApproval, makeRun, makeTrail, runId } from "./support/records.ts";

let fake: FakeHarness;
beforeEach(async () => void (fake = await startFakeHarness()));
afterEach(async () => await fake.close());

function park(change: Partial<Approval> = {}): Approval {
  const approval = makeApproval(1, runId(1), change);
  fake.add(
    makeRun(1, { status: "awaiting_approval", approvals: [approval] }),
    makeTrail(runId(1), ["run_queued", "run_leased", "run_parked"]),
  );
  return approval;
}

const posted = (): unknown[] =>
  fake.received.filter(({ method }) => method === "POST").map(({ body }) => body);

describe("approve", () => {
  test("never approves blindly: without a terminal and without --yes it is refused, nothing is sent", async () => {
    const { id } = park();
    const done = await assent(fake, ["approve", id]);
    expect(done.code).toBe(2);
    expect(done.terminal.stderr()).toContain("(cannot_ask)");
    expect(fake.received).toEqual([]);
  });

  test("a terminal for the question is not enough when the action goes to a file", async () => {
    const { id } = park();
    const done = await assent(fake, ["approve", id], {
      interactive: true,
      stdoutIsFile: true,
      answers: ["y"],
    });
    expect(done.code).toBe(2);
    expect(done.terminal.questions).toEqual([]);
    expect(fake.received).toEqual([]);
  });

  test("shows tool, arguments, change, digest and expiry before it asks, and sends the digest shown", async () => {
    const approval = park();
    const done = await assent(fake, ["approve", approval.id, "--no-color"], {
      interactive: true,
      answers: ["y"],
    });
    expect(done.code).toBe(0);
    const shown = done.terminal.stdout();
    for (const part of [
      "edit_file 1.0.0 (effect idempotent, harm write)",
      "Change CHANGELOG.md",
      '"path": "CHANGELOG.md"',
      '"new_text": "- The first entry"',
      "  +- The first entry",
      approval.action_digest,
      "in 2 days (2026-11-23 11:57:00Z)",
      "Writes need a person's approval. (write_needs_approval)",
    ])
      expect(shown).toContain(part);
    expect(done.terminal.questions).toEqual(["Approve? [y/N] "]);
    expect(posted()).toEqual([
      { approval_id: approval.id, decision: "approve", action_digest: approval.action_digest },
    ]);
    expect(shown).toContain(`Approval ${approval.id}: approved by anna.`);
  });

  test.each(["", "n", "no", "yeah", "Y E S"])(
    "the answer %j sends nothing and leaves it waiting",
    async (answer) => {
      const { id } = park();
      const done = await assent(fake, ["approve", id], { interactive: true, answers: [answer] });
      expect(done.code).toBe(5);
      expect(posted()).toEqual([]);
    },
  );

  test("--yes needs no terminal, and still shows what it approves", async () => {
    const approval = park();
    const done = await assent(fake, ["approve", approval.id, "--yes", "--comment", "looks right"]);
    expect(done.code).toBe(0);
    expect(done.terminal.stdout()).toContain("+- The first entry");
    expect(posted()).toEqual([
      {
        approval_id: approval.id,
        decision: "approve",
        action_digest: approval.action_digest,
        comment: "looks right",
      },
    ]);
  });

  test("--json puts the Approval on standard output and the action on standard error", async () => {
    const approval = park();
    const done = await assent(fake, ["approve", approval.id, "--yes", "--json"]);
    expect(approvalSchema.parse(json(done)).status).toBe("approved");
    expect(done.terminal.stderr()).toContain("+- The first entry");
  });

  test("an action that changed between showing and deciding is refused by its digest", async () => {
    const approval = park();
    // What is shown is read once; the server's own record is another by the time of the decision.
    fake.intercept("GET", /runs\/run_/, (response) => {
      const stored = fake.runs.get(runId(1));
      response.end(JSON.stringify(stored?.run));
      if (stored !== undefined)
        stored.run = {
          ...stored.run,
          approvals: [{ ...approval, action_digest: `sha256:${"f".repeat(64)}` }],
        };
    });
    const done = await assent(fake, ["approve", approval.id, "--yes"]);
    expect(done.code).toBe(4);
    expect(done.terminal.stderr()).toContain("(approval_digest_mismatch)");
    expect(posted()).toEqual([
      { approval_id: approval.id, decision: "approve", action_digest: approval.action_digest },
    ]);
  });

  test("takes a run's id with exactly one open approval", async () => {
    park();
    expect((await assent(fake, ["approve", runId(1), "--yes"])).code).toBe(0);
    expect((await assent(fake, ["approve", runId(1), "--yes"])).terminal.stderr()).toContain(
      "(approval_not_found)",
    );
  });

  test.each([
    ["approved", "(approval_already_decided)"],
    ["denied", "(approval_already_decided)"],
    ["expired", "(approval_expired)"],
  ] as const)("one that is %s already is not shown again, and said to be so", async (status, code) => {
    const approval = park({ status });
    const done = await assent(fake, ["approve", approval.id, "--yes"]);
    expect(done.code).toBe(4);
    expect(done.terminal.stderr()).toContain(`approval ${approval.id} is ${status}`);
    expect(done.terminal.stderr()).toContain(code);
    expect(posted()).toEqual([]);
  });

  test("does not choose among several open approvals of a run", async () => {
    const two = [makeApproval(1, runId(1)), makeApproval(2, runId(1))];
    fake.add(makeRun(1, { status: "awaiting_approval", approvals: two }));
    const done = await assent(fake, ["approve", runId(1), "--yes"]);
    expect(done.code).toBe(2);
    expect(done.terminal.stderr()).toContain(`Name one: ${approvalId(1)}, ${approvalId(2)}.`);
    expect(posted()).toEqual([]);
  });

  test("finds one approval among many by two look-ups", async () => {
    for (let n = 1; n <= 101; n += 1)
      fake.add(makeRun(n, { status: "awaiting_approval", approvals: [makeApproval(n, runId(n))] }));
    expect((await assent(fake, ["approve", approvalId(101), "--yes"])).code).toBe(0);
    expect(posted()).toMatchObject([{ approval_id: approvalId(101) }]);
    expect(fake.received.map(({ method, path }) => `${method} ${path}`)).toEqual([
      `GET /api/harness/approvals/${approvalId(101)}`,
      `GET /api/harness/runs/${runId(101)}`,
      "POST /api/harness/approve",
    ]);
  });

  test("says what became of an approval that waits no more, and sends nothing", async () => {
    const { id } = park({ status: "denied" });
    const done = await assent(fake, ["approve", id, "--yes"]);
    expect(done.code).toBe(4);
    expect(done.terminal.stderr()).toContain(`approval ${id} is denied`);
    expect(posted()).toEqual([]);
  });

  test("edited arguments are shown and sent as they are, from a file or from input", async () => {
    const folder = await makeFolder();
    await writeFile(join(folder, "args.json"), '{"path":"OTHER.md","new_text":"x\\u202ey"}');
    park();
    const done = await assent(fake, ["approve", approvalId(1), "--yes", "--args", "args.json"], {
      cwd: folder,
    });
    expect(done.code).toBe(0);
    expect(done.terminal.stdout()).toContain(String.raw`"new_text": "x\u202ey"`);
    expect(posted()).toMatchObject([{ arguments: { path: "OTHER.md", new_text: "x\u202Ey" } }]);
    park();
    const piped = await assent(fake, ["approve", approvalId(1), "--yes", "--args", "-"], {
      input: '{"a":1}',
    });
    expect(piped.code).toBe(0);
    expect(posted()[1]).toMatchObject({ arguments: { a: 1 } });
  });

  test.each([["[1]"], ["nonsense"], [""]])(
    "arguments %j are refused before anything is sent",
    async (input) => {
      const { id } = park();
      const done = await assent(fake, ["approve", id, "--yes", "--args", "-"], { input });
      expect(done.code).toBe(2);
      expect(fake.received).toEqual([]);
    },
  );
});

describe("deny and confirm", () => {
  test("deny sends the reason", async () => {
    const { id } = park();
    const done = await assent(fake, ["deny", id, "--reason", "not now"]);
    expect(done.code).toBe(0);
    expect(posted()).toEqual([{ approval_id: id, decision: "deny", comment: "not now" }]);
    expect(done.terminal.stdout()).toBe(`Approval ${id}: denied by anna.\n`);
  });

  test("deny without a reason is no denial", async () => {
    const done = await assent(fake, ["deny", park().id]);
    expect(done.code).toBe(2);
    expect(fake.received).toEqual([]);
  });

  test("a second decision is refused by the server and said", async () => {
    const { id } = park();
    await assent(fake, ["deny", id, "--reason", "no"]);
    const done = await assent(fake, ["deny", id, "--reason", "no", "--json"]);
    expect(done.code).toBe(4);
    expect(json(done)).toMatchObject({ error: { code: "approval_already_decided", exit_code: 4 } });
  });

  test("confirm says that the effect did happen, and asks first", async () => {
    const approval = park({ subject: "in_doubt" });
    const words = ["confirm", approval.id, "--comment", "the mail arrived"];
    expect((await assent(fake, words)).code).toBe(2);
    const done = await assent(fake, words, { interactive: true, answers: ["yes"] });
    expect(done.code).toBe(0);
    expect(done.terminal.questions).toEqual(["It did happen: confirm? [y/N] "]);
    expect(posted()).toEqual([
      {
        approval_id: approval.id,
        decision: "confirm",
        action_digest: approval.action_digest,
        comment: "the mail arrived",
      },
    ]);
  });

  test("approving a call in doubt asks whether to try it again", async () => {
    const approval = park({ subject: "in_doubt" });
    const done = await assent(fake, ["approve", approval.id], { interactive: true, answers: ["n"] });
    expect(done.terminal.questions).toEqual(["Its outcome is unknown. Try it again? [y/N] "]);
    expect(done.terminal.stdout()).toContain("Outcome unknown");
  });
});
