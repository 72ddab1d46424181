// A question that nobody answers does not wait in the memory for ever: it is closed by the harness, which says why, as a
// denial of that one time, and is a new question when it is put again.

import type { Approval, RunId } from "@assent/contract";
import { AuditEventType, type EscalationRecord } from "@assent/harmony";
import { expect, test } from "vitest";
import { escalateLeft } from "../../../packages/harness/src/services/left-effects.ts";
import { closeUnanswered } from "../../../packages/harness/src/services/unanswered.ts";
import { answering, countingTool, type Engine, openEngine, value } from "../../support/engine.ts";

const HOUR_MS = 3_600_000;
const never = new AbortController().signal;

const openAsking = async (): Promise<Engine> =>
  await openEngine({
    tools: [countingTool("count", "once")],
    models: answering((turn) =>
      turn === 0 ? { calls: [{ id: "c", tool: "count", arguments: { amount: 10 } }] } : { text: "Done." },
    ),
  });

async function waiting(engine: Engine): Promise<{ readonly id: RunId; readonly approval: Approval }> {
  const id = await engine.submit();
  const { approvals } = await engine.reaches(id, "awaiting_approval");
  const [approval] = approvals;
  if (approval === undefined) throw new Error("it waits for somebody");
  return { id, approval };
}

const escalations = async (engine: Engine): Promise<readonly EscalationRecord[]> =>
  await engine.store.transaction(engine.tenant, async ({ memory }) => await memory.listEscalations());

const resolvedWhy = async (engine: Engine): Promise<unknown[]> =>
  await engine.store.transaction(engine.tenant, async ({ memory }) =>
    (await memory.listAudit({ eventType: AuditEventType.ESCALATION_RESOLVED })).map(({ metadata, actor }) => [
      metadata["why"],
      metadata["approval_id"],
      metadata["remembered"],
      actor.agentId ?? actor.principalId,
    ]),
  );

test("with the approval its question is closed, by the harness, and is put as a new one next time", async () => {
  await using engine = await openAsking();
  await engine.startWorker();
  const { id, approval } = await waiting(engine);
  expect(await escalations(engine)).toMatchObject([{ status: "open", occurrence: 1 }]);
  engine.clock.advance(73 * HOUR_MS);
  await engine.reaches(id, "succeeded", "failed");
  expect(await escalations(engine)).toMatchObject([
    { status: "resolved", resolvedBy: { type: "agent", agentId: "assent", modelId: null } },
  ]);
  expect(await resolvedWhy(engine)).toEqual([["expired", approval.id, false, "assent"]]);
  // A no that nobody said is remembered as nothing.
  const query = { limit: 100, cursor: null };
  expect(value(await engine.harness.listPrecedents(engine.caller, query)).data).toEqual([]);
  const again = await waiting(engine);
  expect(again.approval.advice).toEqual([]);
  expect(
    new Set((await escalations(engine)).map(({ occurrence, status }) => `${occurrence} ${status}`)),
  ).toEqual(new Set(["1 resolved", "2 open"]));
});

test("what somebody else has asked since stays open, and is answered by who answers them", async () => {
  await using engine = await openAsking();
  await engine.startWorker();
  const first = await waiting(engine);
  engine.clock.advance(2 * HOUR_MS);
  const second = await waiting(engine);
  engine.clock.advance(71 * HOUR_MS);
  await engine.reaches(first.id, "succeeded", "failed");
  expect((await engine.run(second.id)).status).toBe("awaiting_approval");
  expect(await escalations(engine)).toMatchObject([{ status: "open" }]);
  const late = await engine.newCaller("late");
  value(
    await engine.harness.decide(late, {
      approval_id: second.approval.id,
      decision: "deny",
      comment: "No.",
    }),
  );
  expect(await escalations(engine)).toMatchObject([{ status: "resolved" }]);
  expect(await resolvedWhy(engine)).toEqual([[undefined, second.approval.id, false, "late"]]);
});

test("what a cancelled run asked is closed once nobody can wait for it, in batches; what it left behind is not", async () => {
  await using engine = await openAsking();
  const worker = await engine.startWorker();
  const { id, approval } = await waiting(engine);
  value(await engine.harness.cancelRun(engine.caller, id));
  await worker.stop();
  await engine.store.transaction(engine.tenant, async (tx) => {
    const run = (await tx.runs.find(id)) ?? expect.unreachable();
    const left = { seq: 1, tool: "count", code: "refused", detail: "No." };
    await escalateLeft(tx, run, [left], engine.clock.now());
  });
  // As many more as two looks close, as old as that one.
  await engine.database.ownerPool().query(
    `with made as (
       insert into assent.harmony_patterns (tenant_id, id, scope, domain, conflict_type, bands, recorded_at, record)
       select p.tenant_id, sha256(n::text::bytea), p.scope, p.domain, p.conflict_type, p.bands, p.recorded_at, p.record
       from assent.harmony_patterns p, generate_series(1, 250) n where p.domain = 'approval' returning tenant_id, id)
     insert into assent.harmony_escalations (tenant_id, id, first_id, occurrence, pattern_id, status, escalated_at, record)
     select e.tenant_id, m.id, m.id, 1, m.id, 'open', e.escalated_at, replace(e.record::text,
         substr(e.record->>'escalation_id', 8), encode(m.id, 'hex'))::json
     from assent.harmony_escalations e, made m, assent.harmony_patterns p
     where p.id = e.pattern_id and p.domain = 'approval'`,
  );
  const closed = async (hours: number): Promise<number> => {
    engine.clock.advance(hours * HOUR_MS);
    return await closeUnanswered(engine.ports, never);
  };
  expect(await closed(95)).toBe(0);
  expect(await closed(2)).toBe(251);
  const all = await escalations(engine);
  expect(all.filter(({ status }) => status === "open").map(({ reason }) => reason)).toEqual([
    expect.stringContaining("could not take back"),
  ]);
  const why = await resolvedWhy(engine);
  expect(why).toHaveLength(251);
  expect(new Set(why.map(String))).toEqual(new Set(["nobody_waits,,false,assent"]));
  expect(approval.status).toBe("open");
  expect(await closed(1_000)).toBe(0);
});

test("what was put again lately is left open, and so is all by a clock that is astray", async () => {
  await using engine = await openAsking();
  const worker = await engine.startWorker();
  const first = await waiting(engine);
  value(await engine.harness.cancelRun(engine.caller, first.id));
  engine.clock.advance(60 * HOUR_MS);
  const second = await waiting(engine);
  value(await engine.harness.cancelRun(engine.caller, second.id));
  await worker.stop();
  engine.clock.advance(60 * HOUR_MS);
  const before = new Date(engine.clock.now().getTime() - 96 * HOUR_MS);
  expect(await engine.store.unansweredEscalations(before, 10)).toEqual([]);
  expect(await closeUnanswered(engine.ports, never)).toBe(0);
  // It was put again after somebody looked.
  const [put] = await escalations(engine);
  const found = [{ tenant: engine.tenant, id: put?.escalationId ?? "" }];
  const store = { ...engine.store, unansweredEscalations: async () => await Promise.resolve(found) };
  expect(await closeUnanswered({ ...engine.ports, store }, never)).toBe(0);
  engine.clock.advance(60 * HOUR_MS);
  const astray = { ...engine.ports, clockWatch: { difference: () => "an hour ahead" } };
  expect(await closeUnanswered(astray, never)).toBe(0);
  expect(await closeUnanswered(engine.ports, never)).toBe(1);
});
