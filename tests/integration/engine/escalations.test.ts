// What neither rules nor memory could answer can be seen by people, and what a run left behind they can settle: once, by whoever is
// first, with a credential that is good.

import type { Escalation } from "@assent/contract";
import { AgentProvenance, AuditEventType, computeResolutionId, newEscalation } from "@assent/harmony";
import { expect, test } from "vitest";
import { digestOf } from "../../../packages/harness/src/base/digest.ts";
import type { Caller, StoreTx } from "../../../packages/harness/src/ports.ts";
import { foundIn, stateAfter } from "../../support/state-after.ts";
import { answering, countingTool, type Engine, openEngine, policiesOf, value } from "../../support/engine.ts";

const ALL = { status: null, limit: 100, cursor: null };
const RULES = policiesOf({
  texts: {
    "test.cedar": `@id("act") permit (principal, action == Action::"call", resource);
      @id("ask") @needs_approval forbid (principal, action == Action::"call", resource == Tool::"ask");`,
  },
});

/** Sends, which nobody can take back, and then asks. */
const openSending = async (): Promise<Engine> => {
  const engine = await openEngine({
    tools: [countingTool("send", "once"), countingTool("ask", "once")],
    policies: RULES,
    models: answering((turn) =>
      turn > 1
        ? { text: "Done." }
        : {
            calls: [
              { id: `c${turn}`, tool: turn === 0 ? "send" : "ask", arguments: { amount: turn * 4711 } },
            ],
          },
    ),
  });
  await engine.startWorker();
  return engine;
};

const listed = async (engine: Engine, caller = engine.caller): Promise<readonly Escalation[]> =>
  value(await engine.harness.listEscalations(caller, ALL)).data;

const decider = async (engine: Engine, name: string): Promise<Caller> =>
  await engine.newCaller(name, "default", "human");

/** Called off after it sent. */
async function leaveSomething(engine: Engine): Promise<Escalation> {
  const id = await engine.submit("Send it.");
  await engine.reaches(id, "awaiting_approval");
  value(await engine.harness.cancelRun(engine.caller, id));
  await engine.reaches(id, "cancelled");
  const left = (await listed(engine)).find((one) => one.kind === "rollback" && one.reason.includes(id));
  if (left === undefined) throw new Error("what was left is not put before people");
  return left;
}

test("a call's question is listed while it waits, is decided with its approval alone, and then says by whom", async () => {
  await using engine = await openSending();
  const id = await engine.submit("Send it.");
  const [approval] = (await engine.reaches(id, "awaiting_approval")).approvals;
  if (approval === undefined) throw new Error("nothing waits");
  const [open] = await listed(engine);
  expect(open).toMatchObject({ kind: "approval", tool: "ask", status: "open", occurrence: 1, seen_count: 1 });
  const ann = await decider(engine, "ann");
  expect(await engine.harness.resolveEscalation(ann, open?.id ?? "", { comment: "Let it." })).toMatchObject({
    ok: false,
    error: { code: "escalation_not_open" },
  });
  value(
    await engine.harness.decide(ann, {
      approval_id: approval.id,
      decision: "approve",
      action_digest: approval.action_digest,
      comment: "Go.",
      remember: true,
    }),
  );
  expect(await listed(engine)).toMatchObject([
    { id: open?.id, status: "resolved", resolved_by: "ann", answer: { decision: "approve", comment: "Go." } },
  ]);
  const [precedent] = value(await engine.harness.listPrecedents(ann, { limit: 1, cursor: null })).data;
  value(await engine.harness.revokePrecedent(ann, precedent?.id ?? "", { reason: "No more." }));
  expect((await listed(engine))[0]?.answer_revoked_at).not.toBeNull();
});

test("what a run left is settled once, by the first of those who say so at once; the memory's audit says who and what", async () => {
  await using engine = await openSending();
  const left = await leaveSomething(engine);
  expect(left).toMatchObject({ tool: "send", status: "open", answer: null, resolved_by: null });
  const people = await Promise.all(["ann", "ben", "cleo"].map(async (name) => await decider(engine, name)));
  const answers = await Promise.all(
    people.map(
      async (person) =>
        await engine
          .again()
          .resolveEscalation(person, left.id, { comment: `${person.actor.name} called the bank.` }),
    ),
  );
  const won = answers.flatMap((answer, at) => (answer.ok ? [people[at]?.actor.name ?? ""] : []));
  expect(won).toHaveLength(1);
  for (const answer of answers) if (!answer.ok) expect(answer.error.code).toBe("escalation_not_open");
  const comment = `${won[0]} called the bank.`;
  const settled = (await listed(engine)).find(({ id }) => id === left.id);
  expect(settled).toMatchObject({
    status: "resolved",
    resolved_by: won[0],
    answer: { decision: "manual", comment },
  });
  const told = await engine.store.transaction(engine.tenant, async ({ memory }) => [
    ...(await memory.listAudit({
      eventType: AuditEventType.ESCALATION_RESOLVED,
      patternId: left.pattern_id,
    })),
    ...(await memory.listAudit({ eventType: AuditEventType.RESOLUTION_SAVED, patternId: left.pattern_id })),
  ]);
  expect(told.map(({ actor, metadata }) => [actor.principalId, metadata["rationale"]])).toEqual([
    [won[0], undefined],
    [won[0], comment],
  ]);
  // The evidence holds it: an honest row is no finding, and nobody puts other words into it.
  expect((await stateAfter(engine, [])).findings).toEqual([]);
  const rewritten = `update assent.harmony_resolutions set record = replace(record::text, 'called', 'robbed')::json`;
  expect(foundIn(await stateAfter(engine, [rewritten]))).toEqual([
    `row_altered at precedent ${settled?.resolution_id ?? ""}`,
  ]);
  // It answers no call: nothing is remembered by it.
  expect(value(await engine.harness.listPrecedents(engine.caller, { limit: 9, cursor: null })).data).toEqual(
    [],
  );
});

test("a key that was revoked under way settles nothing, an unknown id and another tenant's are the same answer", async () => {
  await using engine = await openSending();
  const left = await leaveSomething(engine);
  const ann = await decider(engine, "ann");
  const key = value(await engine.harness.listKeys(engine.caller)).find(
    ({ principal }) => principal.name === "ann",
  );
  if (key === undefined) throw new Error("ann has a key");
  value(await engine.harness.revokeKey(engine.caller, key.id));
  expect(await engine.harness.resolveEscalation(ann, left.id, { comment: "Done." })).toMatchObject({
    ok: false,
    error: { code: "unauthenticated" },
  });
  const stranger = await engine.newCaller("eve", "elsewhere", "human");
  const unknown = `sha256:${"0".repeat(64)}`;
  const foreign = await engine.harness.resolveEscalation(stranger, left.id, { comment: "Mine." });
  expect(foreign).toMatchObject({ ok: false, error: { code: "escalation_not_found" } });
  expect(await engine.harness.resolveEscalation(stranger, unknown, { comment: "Mine." })).toEqual(foreign);
  expect(await listed(engine, stranger)).toEqual([]);
  expect((await listed(engine)).find(({ id }) => id === left.id)).toEqual(left);
});

const ROBOT = AgentProvenance.agent("robot", "model-1");

/** So many questions, many of the same moment, every third answered; an order of its own. */
async function ask(tx: StoreTx, count: number): Promise<void> {
  for (let n = 0; n < count; n += 1) {
    const pattern = digestOf("argument", n);
    const at = new Date(Date.UTC(2026, 0, 1, 0, 0, n % 4));
    const { record } = await tx.memory.recordEscalation(newEscalation(pattern, `question ${n}`, ROBOT, at));
    if (n % 3 === 0)
      await tx.memory.resolveEscalation(
        record.escalationId,
        computeResolutionId(pattern, "deny", null),
        ROBOT,
        at,
      );
  }
}

test.each([null, "open", "resolved"] as const)(
  "page by page each is told once, newest first: %s",
  async (status) => {
    await using engine = await openEngine();
    await engine.store.transaction(engine.tenant, async (tx) => {
      await ask(tx, 25);
    });
    const whole = value(await engine.harness.listEscalations(engine.caller, { ...ALL, status })).data;
    expect(whole).toHaveLength({ open: 16, resolved: 9, all: 25 }[status ?? "all"]);
    expect(whole.map((one) => one.escalated_at)).toEqual(
      whole
        .map((one) => one.escalated_at)
        .toSorted()
        .toReversed(),
    );
    const paged: Escalation[] = [];
    const pageAfter = async (after: string | null): Promise<string | null> => {
      const query = { status, limit: 4, cursor: after };
      const { data, next_cursor } = value(await engine.harness.listEscalations(engine.caller, query));
      paged.push(...data);
      return next_cursor;
    };
    let cursor: string | null = null;
    do {
      cursor = await pageAfter(cursor);
      if (cursor !== null && status !== null) {
        // A cursor belongs to its list.
        const other = { status: status === "open" ? "resolved" : "open", limit: 4, cursor } as const;
        expect(await engine.harness.listEscalations(engine.caller, other)).toMatchObject({
          error: { code: "invalid_request" },
        });
      }
    } while (cursor !== null);
    expect(paged).toEqual(whole);
  },
);

test("a row that holds no escalation, or another one, hides none of the others", async () => {
  await using engine = await openEngine();
  await engine.store.transaction(engine.tenant, async (tx) => {
    await ask(tx, 4);
  });
  const owner = engine.database.ownerPool();
  const [first, second] = await listed(engine);
  for (const [id, record] of [
    [first?.id, "{}"],
    [second?.id, JSON.stringify({})],
  ])
    await owner.query("update assent.harmony_escalations set record = $2 where id = decode($1, 'hex')", [
      id?.slice("sha256:".length),
      record,
    ]);
  await owner.query(
    `update assent.harmony_escalations e set record = o.record from assent.harmony_escalations o
     where e.id = decode($1, 'hex') and o.id <> e.id and o.record::text <> '{}'`,
    [second?.id.slice("sha256:".length)],
  );
  expect((await listed(engine)).map(({ reason }) => reason).toSorted()).toHaveLength(2);
});
