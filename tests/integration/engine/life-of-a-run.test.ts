import type { ToolCall } from "../../../packages/harness/src/core/run/journal.ts";
import { expect, test } from "vitest";
import { answering, countingTool, type Engine, openEngine, value } from "../../support/engine.ts";

const call = (id: string, tool: string): ToolCall => ({ id, tool, arguments: { id } });

async function sealedKeys({ database }: Engine): Promise<number> {
  const { rows } = await database.ownerPool().query("select from assent.sealed_keys");
  return rows.length;
}

test("a run without tools is queued, running, succeeded, and every move is an event", async () => {
  await using engine = await openEngine({ models: answering(() => ({ text: "All done." })) });
  await engine.startWorker();
  const id = await engine.submit();
  const run = await engine.reaches(id, "succeeded", "failed");
  expect(run).toMatchObject({ status: "succeeded", answer: "All done.", attempt: 0 });
  expect(run.artifacts.map((artifact) => artifact.name)).toEqual(["answer.md"]);
  const { events, ended } = value(await engine.harness.listEvents(engine.caller, id, 0));
  expect(ended).toBe(true);
  expect(events.map((event) => event.kind)).toEqual([
    "run_queued",
    "run_leased",
    "step_intended",
    "step_succeeded",
    "step_intended",
    "artifact_committed",
    "step_succeeded",
    "run_succeeded",
  ]);
  expect(events.map((event) => event.version)).toEqual(events.map((_, index) => index + 1));
});

test("a write waits for a person, happens once after the yes, and the approval is spent", async () => {
  const tool = countingTool("count", "once");
  await using engine = await openEngine({
    models: answering((turn) => (turn === 0 ? { calls: [call("c1", "count")] } : { text: "Counted." })),
    tools: [tool],
  });
  await engine.startWorker();
  const id = await engine.submit();
  const waiting = await engine.reaches(id, "awaiting_approval");
  expect(tool.effects).toEqual([]);
  // Of a run that asks, nothing is personal, and so nothing costs a key, until a person answers.
  expect(await sealedKeys(engine)).toBe(0);
  const [approval] = waiting.approvals;
  if (approval === undefined) throw new Error("nothing waits");
  const decided = value(
    await engine.harness.decide(engine.caller, {
      approval_id: approval.id,
      decision: "approve",
      action_digest: approval.action_digest,
    }),
  );
  expect(decided.status).toBe("approved");
  expect(await sealedKeys(engine)).toBe(0);
  const run = await engine.reaches(id, "succeeded", "failed");
  expect(run.status).toBe("succeeded");
  expect(tool.effects).toHaveLength(1);
  expect(run.approvals.map(({ status }) => status)).toEqual(["spent"]);
});
