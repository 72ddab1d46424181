// Queue messages and rows of an older program, recorded by that program itself, so that this runs from a clone without
// history or an exported tree: the database is migrated, and every run of it goes on and ends, each effect once. With
// history, whole programs pass runs to each other: tests/nightly/rolling-upgrade.test.ts.

import { actionAnswerSchema, actionIdSchema, type Run, type RunId, runIdSchema } from "@assent/contract";
import { startToolSink, type ToolSink } from "@assent/suite";
import { afterEach, beforeEach, expect, test } from "vitest";
import { z } from "zod";
import { MESSAGE_VERSION } from "../../../packages/harness/src/adapters/postgres/message-version.ts";
import type { Manifest } from "../../../packages/harness/src/core/tool.ts";
import type { Models } from "../../../packages/harness/src/ports.ts";
import { createHttpTool } from "../../../packages/harness/src/services/tools/http.ts";
import { answering, type Engine, openEngine, value } from "../../support/engine.ts";
import { openOlderDatabase, type OlderRows, readOlderRows } from "../../support/target/older-rows.ts";

const recorded = readOlderRows();
const action = actionIdSchema.parse(recorded.action);
const idOf = (name: string): RunId => runIdSchema.parse(recorded.runs[name]);

// The transcript that the older program was given: books once, and breaks off.
const script = answering(() => ({
  calls: [{ id: "call_0", tool: "book_sink", arguments: { text: "step 1" } }],
}));
const models: Models = {
  check: (model) => script.check(model),
  call: async (call, signal) => {
    if (!call.messages.some(({ role }) => role === "assistant")) return await script.call(call, signal);
    const error = { code: "provider_refused", detail: "No.", transient: false, retryAfterMs: null };
    return { ok: false, error };
  },
};

/** The tool that is configured as it was; where it is was not noted, so what was approved for it is asked once more. */
function bookSink(sink: ToolSink): ReturnType<typeof createHttpTool> {
  const kept = (recorded.tables["tool_manifests"] ?? [])
    .map((row) => z.looseObject({ manifest: z.custom<Manifest>() }).parse(row).manifest)
    .find(({ name }) => name === "book_sink");
  if (kept === undefined) throw new Error("the older program kept the manifest that its approver saw");
  const compensationUrl = sink.url.replace("/effect", "/undo");
  return createHttpTool({ manifest: kept, url: sink.url, compensationUrl, timeoutMs: 10_000, fetch });
}

// Of each test its own: their calls are those of the same recorded runs.
let sink: ToolSink;
beforeEach(async () => {
  sink = await startToolSink();
});
afterEach(async () => {
  await sink.stop();
});

async function openOlder(rows: OlderRows): Promise<Engine> {
  return await openEngine({ database: await openOlderDatabase(rows), tools: [bookSink(sink)], models });
}

/** Answers every question until the run has ended; what is in doubt did happen, as the recording shows. */
async function goOnToEnd(engine: Engine, id: RunId): Promise<Run> {
  for (let question = 0; question < 6; question += 1) {
    const run = await engine.reaches(id, "awaiting_approval", "succeeded", "failed", "dead_lettered");
    const open = run.approvals.find(({ status }) => status === "open");
    if (open === undefined) return run;
    const { id: approval_id, action_digest } = open;
    const said =
      open.subject === "in_doubt"
        ? ({ decision: "confirm", comment: "Seen at the sink." } as const)
        : ({ decision: "approve" } as const);
    value(await engine.harness.decide(engine.caller, { ...said, approval_id, action_digest }));
  }
  throw new Error("the run asks for ever");
}

const undone = (): readonly string[] =>
  sink
    .calls()
    .filter(({ path }) => path.endsWith("/undo"))
    .map(({ body }) => z.looseObject({ compensates: z.string() }).parse(JSON.parse(body)).compensates);

test("runs of an older program go on after the migration and end, each effect once", async () => {
  await using engine = await openOlder(recorded);
  await engine.startWorker();
  for (const name of ["queued", "waiting", "decided", "begun"]) {
    const run = await goOnToEnd(engine, idOf(name));
    // All of them booked, broke off, and took the booking back.
    expect([name, run.status, run.reason?.code]).toEqual([name, "failed", "provider_refused"]);
    const [booked] = run.steps.filter(({ kind }) => kind === "tool");
    expect(run.rollback).toMatchObject({ ended: true, taken_back: [booked?.seq], left: [] });
    const calls = sink.calls().filter(({ idempotencyKey }) => idempotencyKey === booked?.effect_id);
    // The one that was begun booked at the sink of the older program, and must not book again here.
    expect([name, calls.length]).toEqual([name, name === "begun" ? 0 : 1]);
    expect(undone().filter((key) => key === booked?.effect_id)).toHaveLength(1);
  }
});

test("a driven run of an older program is driven on, by its driver", async () => {
  await using engine = await openOlder(recorded);
  const run = await engine.run(idOf("driven"));
  const call = { caller: { ...engine.caller, actor: run.requested_by }, run: run.id, key: "k" };
  // Permitted by the older program; once reported, it is as if this one had permitted it.
  const reported = await engine.harness.external.report(call, action, { output: "this" });
  expect(JSON.parse(value(reported.answer).body)).toEqual({ label: "trusted" });
  const next = { ...call, key: "l" };
  const acted = await engine.harness.external.act(next, { tool: "look_up", arguments: {} });
  const { decision } = actionAnswerSchema.parse(JSON.parse(value(acted.answer).body));
  expect(decision).toBe("permit");
  value((await engine.harness.external.finish({ ...call, key: "m" }, { output: "Done." })).answer);
  expect((await engine.run(run.id)).status).toBe("succeeded");
});

test("of a newer program's rows, what is unknown in them is passed over, and its format of messages waits for it", async () => {
  const parsed = z.array(z.looseObject({ id: z.string().optional(), message_version: z.int().optional() }));
  const queued = idOf("queued").slice(4);
  const tables = {
    ...recorded.tables,
    runs: parsed
      .parse(recorded.tables["runs"])
      .map((row) =>
        row.id?.replaceAll("-", "") === queued ? { ...row, message_version: MESSAGE_VERSION + 1 } : row,
      ),
    steps: z
      .array(z.looseObject({ request: z.looseObject({}), decision: z.looseObject({}).nullable() }))
      .parse(recorded.tables["steps"])
      .map((row) => ({ ...row, request: { ...row.request, of_the_next_version: { a: [1] } } })),
  };
  await using engine = await openOlder({ ...recorded, tables });
  await engine.startWorker();
  const run = await goOnToEnd(engine, idOf("decided"));
  expect([run.status, run.rollback?.left]).toEqual(["failed", []]);
  expect(await engine.run(idOf("queued"))).toMatchObject({ status: "queued", steps: [] });
});
