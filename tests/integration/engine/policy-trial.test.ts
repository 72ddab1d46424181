// Other rules are tried on what was decided, beside the rules in force and without any effect on them.

import type { PolicyTrial } from "@assent/contract";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openTrial } from "../../../packages/harness/src/adapters/cedar/trial.ts";
import { diffDecisions } from "../../../packages/harness/src/core/decide/policy-diff.ts";
import { decisionRecordSchema } from "../../../packages/harness/src/core/decide/decision-record.ts";
import { createTrials } from "../../../packages/harness/src/services/trials.ts";
import { answering, countingTool, type Engine, openEngine, policiesOf, value } from "../../support/engine.ts";

const ACT = `@id("act") permit (principal, action == Action::"call", resource);`;
const ASK = `${ACT}\n@id("ask") @needs_approval forbid (principal, action == Action::"call", resource);`;
const calling = (turn: number) =>
  turn === 0
    ? {
        calls: [
          { id: "c1", tool: "count", arguments: { amount: 1 } },
          { id: "c2", tool: "other", arguments: { amount: 2 } },
        ],
      }
    : { text: "Done." };

async function working(): Promise<Engine> {
  const engine = await openEngine({
    models: answering(calling),
    tools: [countingTool("count", "once"), countingTool("other", "none")],
    policies: policiesOf({ texts: { "test.cedar": ACT } }),
  });
  await engine.startWorker();
  return engine;
}

type Loaded = Extract<PolicyTrial, { loads: true }>;

async function tryRules(engine: Engine, text: string, days = 7): Promise<Loaded> {
  const tried = value(await engine.harness.tryPolicies(engine.caller, { text, days }));
  if (!tried.loads) throw new Error(`${tried.fault.line}:${tried.fault.column} ${tried.fault.detail}`);
  return tried;
}

const ALL_RUNS = { states: null, agent: null, label: null, cursor: null, limit: 10 };

/** All rows of all tables but those of the requests themselves. */
async function rowsOf(engine: Engine): Promise<string> {
  const { rows } = await engine.database
    .ownerPool()
    .query<{ name: string }>(
      `select format('%I', tablename) as name from pg_tables where schemaname = 'assent' order by 1`,
    );
  const told = [];
  for (const { name } of rows) {
    const counted = await engine.database
      .ownerPool()
      .query<{ digest: string }>(
        `select md5(coalesce(string_agg(t::text, '|' order by t::text), '')) as digest from assent.${name} t`,
      );
    told.push(`${name} ${counted.rows[0]?.digest}`);
  }
  return told.join("\n");
}

/** With one run that has made two calls; of what is only looked at. */
let shared: Engine;
beforeAll(async () => {
  shared = await working();
  await shared.reaches(await shared.submit(), "succeeded");
});
afterAll(async () => {
  await shared[Symbol.asyncDispose]();
});

test("which decisions would be other ones is told with their calls, and as the command line works it out", async () => {
  const engine = shared;
  const [{ id } = { id: "" }] = value(await engine.harness.listRuns(engine.caller, ALL_RUNS)).data;
  const text = `${ACT}\n@id("no-count") forbid (principal, action == Action::"call", resource == Tool::"count");`;
  const tried = await tryRules(engine, text);
  const { version } = policiesOf({ texts: { "other.cedar": text } });
  expect(tried).toMatchObject({
    version,
    rules: 2,
    judged: 2,
    complete: true,
    unchanged: 1,
    other_reasons: 0,
  });
  expect(tried.changes).toEqual([
    expect.objectContaining({
      run_id: id,
      tool: "count",
      before: { verdict: "permit", policies: ["act"] },
      after: { verdict: "deny", policies: ["no-count"] },
    }),
  ]);
  const { data } = value(await engine.harness.listDecisions(engine.caller, new Date(0), null));
  const records = data.map((one) => decisionRecordSchema.parse(one));
  const known = diffDecisions(records, policiesOf({ texts: { "other.cedar": text } }));
  expect(known.changes.map(({ run, step }) => [run, step])).toEqual(
    tried.changes.map(({ run_id: run, step }) => [run, step]),
  );
});

test("the same rules under another name change reasons; the same rules change nothing", async () => {
  const engine = shared;
  expect(await tryRules(engine, ACT)).toMatchObject({ unchanged: 2, other_reasons: 0, changes: [] });
  const renamed = ACT.replace('"act"', '"do"');
  expect(await tryRules(engine, renamed)).toMatchObject({ unchanged: 0, other_reasons: 2, changes: [] });
});

test.each([
  ["what is no Cedar", `${ACT}\n\n  forbid (principal, action resource);`, "policy_syntax", 3],
  ["a rule without an id", `${ACT}\nforbid (principal, action, resource);`, "policy_annotation", 2],
  [
    "what the schema does not know",
    `${ACT}\n@id("x") forbid (principal, action == Action::"call", resource) when { context.colour == "red" };`,
    "policy_schema",
    2,
  ],
  ["two of one id", `${ACT}\n\n${ACT.replace("permit", "forbid")}`, "policy_duplicate", 3],
])("%s is told at its place", async (_, text, code, line) => {
  const tried = value(await shared.harness.tryPolicies(shared.caller, { text, days: 7 }));
  expect(tried).toMatchObject({ loads: false, fault: { code, line, column: expect.any(Number) } });
});

test("nothing is written, and the rules in force stay as they are", async () => {
  await using engine = await working();
  await engine.reaches(await engine.submit(), "succeeded");
  const [rows, rules] = [await rowsOf(engine), engine.harness.getPolicies()];
  expect((await tryRules(engine, ASK)).changes).toHaveLength(2);
  expect(await rowsOf(engine)).toBe(rows);
  expect(engine.harness.getPolicies()).toEqual(rules);
  expect((await engine.reaches(await engine.submit(), "succeeded", "awaiting_approval")).status).toBe(
    "succeeded",
  );
});

test("another tenant's decisions are not judged", async () => {
  const stranger = await shared.newCaller("eve", "elsewhere");
  const tried = value(await shared.harness.tryPolicies(stranger, { text: ASK, days: 90 }));
  expect(tried).toMatchObject({ judged: 0, changes: [], complete: true });
});

test("what was decided before these days is not judged, and what a run decides long after it was submitted is", async () => {
  await using engine = await working();
  await engine.reaches(await engine.submit(), "succeeded");
  engine.clock.advance(3 * 86_400_000);
  const late = await engine.submit();
  await engine.reaches(late, "succeeded");
  // It was submitted earlier than these days.
  await engine.database.ownerPool().query("alter table assent.runs disable trigger user");
  await engine.database
    .ownerPool()
    .query("update assent.runs set created_at = created_at - interval '2 days' where id = $1::uuid", [
      late.slice(4),
    ]);
  const tried = await tryRules(engine, ASK, 1);
  expect(tried.changes.map(({ run_id: run }) => run)).toEqual([late, late]);
  expect((await tryRules(engine, ASK, 4)).judged).toBe(4);
});

test("every decision is judged once, however many looks it takes, the newest first; of too many it is said", async () => {
  await using engine = await working();
  const id = await engine.submit();
  await engine.reaches(id, "succeeded");
  const copy = async (from: number, to: number): Promise<void> => {
    const owner = engine.database.ownerPool();
    for (const table of ["runs", "steps"])
      await owner.query(`alter table assent.${table} disable trigger user`);
    const columns = async (table: string): Promise<string[]> => {
      const { rows } = await owner.query<{ name: string }>(
        `select attname as name from pg_attribute where attrelid = ('assent.' || $1)::regclass and attnum > 0 and not attisdropped and attgenerated = ''`,
        [table],
      );
      return rows.map(({ name }) => name);
    };
    const runs = (await columns("runs")).filter((name) => name !== "id" && name !== "created_at");
    await owner.query(
      `insert into assent.runs (id, created_at, ${runs.join(", ")})
       select md5('run' || n)::uuid, created_at + n / 7 * interval '1 second', ${runs.join(", ")}
       from assent.runs, generate_series($2::int, $3::int) n where id = $1::uuid`,
      [id.slice(4), from, to],
    );
    const steps = (await columns("steps")).filter((name) => name !== "run_id");
    await owner.query(
      `insert into assent.steps (run_id, ${steps.join(", ")})
       select md5('run' || n)::uuid, ${steps.join(", ")}
       from assent.steps, generate_series($2::int, $3::int) n where run_id = $1::uuid`,
      [id.slice(4), from, to],
    );
  };
  await copy(1, 329);
  const all = await tryRules(engine, ASK);
  expect(all).toMatchObject({ judged: 660, complete: true, changes_more: 460 });
  expect(new Set(all.changes.map(({ run_id: run, step }) => `${run} ${step}`)).size).toBe(200);
  const submitted = await engine.database
    .ownerPool()
    .query<{ id: string }>("select id from assent.runs order by created_at desc, id desc limit 100");
  expect([...new Set(all.changes.map(({ run_id: run }) => run))]).toEqual(
    submitted.rows.map(({ id: uuid }) => `run_${uuid.replaceAll("-", "")}`),
  );
  // Each change names every rule that speaks: with many rules fewer changes are told, so that the answer stays small.
  const many = Array.from(
    { length: 100 },
    (_, at) => `@id("no-${at}") forbid (principal, action, resource);`,
  );
  const crowded = await tryRules(engine, [ACT, ...many].join("\n"));
  expect([crowded.changes.length, crowded.changes_more]).toEqual([99, 561]);
  await copy(330, 1_009);
  expect(await tryRules(engine, ASK)).toMatchObject({ judged: 2_000, complete: false, changes_more: 1_800 });
});

test("one trial at a time of a tenant and two of a server; who comes too soon is told, and later it is tried", async () => {
  const places = createTrials(openTrial);
  const [a, b, c] = ["ten_a", "ten_b", "ten_c"] as const;
  const first = places.take(a);
  expect(places.take(a)).toBeNull();
  const second = places.take(b);
  expect([first === null, second === null, places.take(c)]).toEqual([false, false, null]);
  first?.[Symbol.dispose]();
  expect(places.take(c)).not.toBeNull();

  const engine = shared;
  const asked = Promise.all(
    [1, 2].map(async () => await engine.harness.tryPolicies(engine.caller, { text: ACT, days: 1 })),
  );
  const answers = await asked;
  expect(answers.filter(({ ok }) => ok)).toHaveLength(1);
  expect(answers.find(({ ok }) => !ok)).toMatchObject({
    error: { code: "policy_trial_busy", retryAfterSeconds: 15 },
  });
  expect((await tryRules(engine, ACT)).loads).toBe(true);
});

test("a thread that is ended, by the time or by itself, is told as such and takes nothing with it", async () => {
  const late = new AbortController();
  const opening = openTrial(ACT, late.signal);
  late.abort();
  await expect(opening).rejects.toMatchObject({ name: "AbortError" });
  const opened = await openTrial(ACT, new AbortController().signal);
  if (!opened.ok) throw new Error("these rules load");
  // No record: the thread falls over it.
  const broken: never[] = [];
  broken.length = 1;
  await expect(opened.value.judge(broken)).rejects.toMatchObject({ name: "AbortError" });
  await opened.value[Symbol.asyncDispose]();
  expect(policiesOf({ texts: { "test.cedar": ACT } }).rules).toHaveLength(1);
});

test("what cannot be read in time is said, and the place is free again", async () => {
  const engine = shared;
  const harness = engine.again({
    trials: createTrials(async () => {
      await Promise.resolve();
      throw new DOMException("too late", "AbortError");
    }),
  });
  const tried = value(await harness.tryPolicies(engine.caller, { text: ACT, days: 1 }));
  expect(tried).toMatchObject({ loads: false, fault: { code: "policy_unreadable", line: null } });
  expect(value(await harness.tryPolicies(engine.caller, { text: ACT, days: 1 })).loads).toBe(false);
});

test("where time is up while decisions are judged, what was judged by then is told, and that it is not all", async () => {
  let asked = 0;
  const harness = shared.again({
    trials: createTrials(async (...given) => {
      const opened = await openTrial(...given);
      if (!opened.ok) return opened;
      const judge = async (): Promise<never> => {
        asked += 1;
        await opened.value[Symbol.asyncDispose]();
        throw new DOMException("too late", "AbortError");
      };
      return { ok: true, value: { ...opened.value, judge } };
    }),
  });
  const tried = value(await harness.tryPolicies(shared.caller, { text: ASK, days: 1 }));
  expect(tried).toMatchObject({ loads: true, judged: 0, complete: false, changes: [] });
  expect(asked).toBe(1);
});

test("what is nested so deeply that Cedar falls over it takes no memory along that decides calls", async () => {
  const text = `@id("a") permit (principal, action, resource) when { ${"(".repeat(2_000)}true${")".repeat(2_000)} };`;
  await using engine = await working();
  const tried = value(await engine.harness.tryPolicies(engine.caller, { text, days: 1 }));
  expect(tried).toMatchObject({ loads: false, fault: { code: "policy_unreadable" } });
  expect((await engine.reaches(await engine.submit(), "succeeded", "failed")).status).toBe("succeeded");
  expect((await tryRules(engine, ACT)).unchanged).toBe(2);
});
