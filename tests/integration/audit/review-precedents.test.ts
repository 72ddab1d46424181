// `assent audit verify --db --state` on precedents: whatever whoever owns the database writes into an answer that is given again, or
// into how long and for which rules it is given, is found with its place; what each use of it counts is not looked at.

import type { ApproveRequest } from "@assent/contract";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Caller } from "../../../packages/harness/src/ports.ts";
import { answering, countingTool, type Engine, openEngine, policiesOf, value } from "../../support/engine.ts";
import { foundIn, stateAfter } from "../../support/state-after.ts";

const NOBODY = "00000000-0000-7000-8000-00000000abcd";
const OTHER = "ab".repeat(32);

let engine: Engine;
let ann: Caller;
/** Their ids: a yes that is given again and was, a no, a yes that was taken back. */
let [yes, no, gone]: string[] = [];

beforeAll(async () => {
  engine = await openEngine({
    models: {
      ...answering(() => ({ text: "Done." })),
      call: async (...args) => {
        const [first] = args[0].messages;
        const amount = Number(/\d+/.exec(first?.role === "user" ? first.text : "")?.[0] ?? 0);
        const calls = [{ id: "c1", tool: "count", arguments: { amount } }];
        return await answering((turn) => (turn === 0 ? { calls } : { text: "Done." })).call(...args);
      },
    },
    tools: [countingTool("count", "once")],
    policies: policiesOf({
      texts: {
        "test.cedar": `@id("act") permit (principal, action == Action::"call", resource);
          @id("ask") @needs_approval forbid (principal, action == Action::"call", resource);`,
      },
    }),
  });
  await engine.startWorker();
  ann = await engine.newCaller("ann", "default", "human");
  yes = await answered("Count 10.", { decision: "approve", remember_days: 1 });
  no = await answered("Count 11.", { decision: "deny" });
  gone = await answered("Count 12.", { decision: "approve", remember_days: 1 });
  value(await engine.harness.revokePrecedent(ann, gone, { reason: "No more." }));
  await engine.reaches(await engine.submit("Count 10."), "succeeded");
});
afterAll(async () => await engine[Symbol.asyncDispose]());

const ALL = { limit: 100, cursor: null };

/** Puts a question, has it answered for good, and says which precedent that made. */
async function answered(
  task: string,
  word: { readonly decision: "approve" | "deny"; readonly remember_days?: number },
): Promise<string> {
  const known = new Set(value(await engine.harness.listPrecedents(ann, ALL)).data.map(({ id }) => id));
  const run = await engine.submit(task);
  const { approvals } = await engine.reaches(run, "awaiting_approval");
  const open = approvals.find(({ status }) => status === "open") ?? expect.unreachable();
  const request: ApproveRequest = {
    approval_id: open.id,
    action_digest: open.action_digest,
    comment: "As it was before.",
    remember: true,
    ...word,
  };
  value(await engine.harness.decide(ann, request));
  await engine.reaches(run, "succeeded", "failed");
  const [made] = value(await engine.harness.listPrecedents(ann, ALL)).data.filter(({ id }) => !known.has(id));
  return made?.id ?? expect.unreachable();
}

const hex = (id: string | undefined): string => id?.slice("sha256:".length) ?? expect.unreachable();
const where = (id: string | undefined): string => String.raw`where id = '\x${hex(id)}'`;
const whereTerms = (id: string | undefined): string => String.raw`where resolution_id = '\x${hex(id)}'`;

test("an honest database has nothing to be found, whatever was given again since", async () => {
  const state = await stateAfter(engine, []);
  expect(state.findings).toEqual([]);
  expect(state.precedents).toEqual({ held: 3, erased: 0 });
  const [used] = value(await engine.harness.listPrecedents(ann, ALL)).data.filter(({ id }) => id === yes);
  expect(used?.uses).toBe(1);
});

test("each change is a fact of the evidence, numbered without a gap, and each use of an answer is none", async () => {
  const { rows } = await engine.database.ownerPool().query<{ subject: string; told: string }>(
    `select subject, string_agg(version || ' ' || kind, ', ' order by version) as told
       from assent.audit_facts where subject like 'precedent\\_%' group by subject`,
  );
  const told = Object.fromEntries(rows.map(({ subject, told: all }) => [subject, all]));
  const stored = "1 precedent_stored, 2 precedent_changed";
  expect(told).toEqual({
    [`precedent_${hex(yes)}`]: stored,
    [`precedent_${hex(no)}`]: stored,
    [`precedent_${hex(gone)}`]: `${stored}, 3 precedent_changed`,
  });
});

type Attack = [what: string, statements: () => readonly string[], codes?: readonly string[]];

const ALTERED = ["row_altered"];
/** Of the yes. */
const set = (to: string) => (): readonly string[] => [
  `update assent.harmony_resolutions set ${to} ${where(yes)}`,
];
const setTerms = (to: string) => (): readonly string[] => [
  `update assent.precedent_terms set ${to} ${whereTerms(yes)}`,
];
/** Replaces a member of the record, in its text, and makes sure that it was there. */
const inRecord = (name: string, to: string): Attack => [
  `${name} in the record`,
  () => [
    `do $$ begin
       update assent.harmony_resolutions set record = regexp_replace(record::text, '"${name}":("[^"]*"|null|[0-9]+|true|false|\\{[^}]*\\})', '"${name}":${to}')::json
         ${where(yes)};
     end $$`,
  ],
  ALTERED,
];

const ATTACKS: readonly Attack[] = [
  inRecord("resolution_id", `"sha256:${OTHER}"`),
  inRecord("pattern_id", `"sha256:${OTHER}"`),
  inRecord("strategy", `"deny"`),
  inRecord("result", `"apr_1"`),
  inRecord("rationale", `"Another."`),
  inRecord("human_verified", "false"),
  inRecord("resolved_at", `"2001-01-01T00:00:00+00:00"`),
  inRecord("resolved_by", `{"type":"human","agent_id":null,"model_id":null,"principal_id":"eve"}`),
  inRecord("confirmed_count", "1000"),
  inRecord("overridden_count", "1"),
  inRecord("revoked_at", `"2001-01-01T00:00:00+00:00"`),
  inRecord("revoked_by", `{"type":"human","agent_id":null,"model_id":null,"principal_id":"eve"}`),
  inRecord("revoked_reason", `"None."`),
  [
    "what is said twice in the record",
    set(`record = replace(record::text, '"strategy"', '"strategy":"deny","strategy"')::json`),
    ALTERED,
  ],
  ["a record that is none", set("record = '[]'"), ALTERED],
  ["whether it is in force", set("revoked = true"), ["row_altered", "state_differs"]],
  ["whose tenant's it is", set(`tenant_id = '${NOBODY}'`), ["row_added", "row_removed"]],
  ["which question it is of", set(String.raw`pattern_id = '\x${OTHER}'`), ["row_added", "row_altered"]],
  [
    "that it is gone",
    () => [
      `delete from assent.precedent_terms ${whereTerms(yes)}`,
      `delete from assent.harmony_resolutions ${where(yes)}`,
    ],
    ["row_removed"],
  ],
  ["until when it is given", setTerms("expires_at = expires_at + interval '1 microsecond'"), ALTERED],
  [
    "for which rules it is given",
    setTerms(`rules = rules || '{"another": "2099-01-01T00:00:00Z"}'`),
    ALTERED,
  ],
  ["that nobody says for which rules it is given", setTerms("rules = null"), ALTERED],
  ["whose tenant's its terms are", setTerms(`tenant_id = '${NOBODY}'`), ALTERED],
  [
    "of which question its terms are",
    setTerms(String.raw`pattern_id = '\x${OTHER}'`),
    ["row_added", "row_altered"],
  ],
  ["terms that are gone", () => [`delete from assent.precedent_terms ${whereTerms(yes)}`], ALTERED],
];

test.each(ATTACKS)("is found: %s", async (_, statements, codes = ALTERED) => {
  const found = foundIn(await stateAfter(engine, statements()));
  expect(found.toSorted()).toEqual(codes.map((code) => `${code} at precedent ${yes ?? ""}`));
});

test("is found: another id", async () => {
  const found = foundIn(await stateAfter(engine, set(String.raw`id = '\x${OTHER}'`)()));
  // Its terms stay behind, and are of nothing.
  expect(found.toSorted()).toEqual(
    [
      `row_added at precedent sha256:${OTHER}`,
      `row_added at precedent sha256:${OTHER}`,
      `row_added at precedent ${yes ?? ""}`,
      `row_removed at precedent ${yes ?? ""}`,
    ].toSorted(),
  );
});

test("is found: a yes that was taken back, and is in force again", async () => {
  const again = [
    `update assent.harmony_resolutions set revoked = false, record = regexp_replace(record::text, '"revoked_at":"[^"]*"', '"revoked_at":null')::json ${where(gone)}`,
  ];
  expect(foundIn(await stateAfter(engine, again))).toEqual([
    `row_altered at precedent ${gone ?? ""}`,
    `state_differs at precedent ${gone ?? ""}`,
  ]);
  // With the rules on the database says so itself, and nobody said it to the memory.
  expect(foundIn(await stateAfter(engine, again, "on"))).toEqual([
    `state_differs at precedent ${gone ?? ""}`,
  ]);
});

test("is found: a yes that was put there, with the rules off and on", async () => {
  const forged = [
    String.raw`insert into assent.harmony_resolutions (tenant_id, pattern_id, id, revoked, record)
     select tenant_id, '\x${OTHER}', sha256('x'), revoked, record from assent.harmony_resolutions ${where(yes)}`,
  ];
  const { findings } = await stateAfter(engine, forged);
  expect(findings.map(({ code, detail }) => `${code}: ${detail}`)).toEqual([
    "row_added: no event says that it was stored",
    "row_added: nothing that the memory recorded says that anybody gave this answer",
  ]);
  expect((await stateAfter(engine, forged, "on")).findings.map(({ detail }) => detail)).toEqual([
    "nothing that the memory recorded says that anybody gave this answer",
  ]);
});

test("is found: an answer that its newest event says was removed, and that is there again", async () => {
  const removed = [
    `create temporary table kept on commit drop as select * from assent.harmony_resolutions ${where(no)}`,
    `delete from assent.harmony_resolutions ${where(no)}`,
  ];
  expect(foundIn(await stateAfter(engine, removed, "on"))).toEqual([]);
  const back = [
    "alter table assent.harmony_resolutions disable trigger user",
    "insert into assent.harmony_resolutions select * from kept",
  ];
  expect(foundIn(await stateAfter(engine, [...removed, ...back], "on"))).toEqual([
    `row_added at precedent ${no ?? ""}`,
  ]);
});

test("what each use counts is not looked at, and nothing else goes through with it", async () => {
  const used = set(
    `record = regexp_replace(regexp_replace(record::text, '"applied_count":[0-9]+', '"applied_count":99'), '"last_used_at":"[^"]*"', '"last_used_at":"2031-01-01T00:00:00+00:00"')::json`,
  );
  expect((await stateAfter(engine, used())).findings).toEqual([]);
  const within = set(
    String.raw`record = replace(record::text, '"rationale":"', '"rationale":"\"applied_count\":7')::json`,
  );
  expect(foundIn(await stateAfter(engine, within()))).toEqual([`row_altered at precedent ${yes ?? ""}`]);
});

test("what the memory recorded and was erased is no finding, and excuses nothing of another time", async () => {
  const erase = (type: string): string =>
    `update assent.audit_facts set data = '{"erased":true}' where kind = 'memory_recorded' and data::text like '%"event_type":"${type}"%'`;
  const saved = await stateAfter(engine, [erase("resolution_saved")]);
  expect(saved).toMatchObject({ findings: [], precedents: { erased: 2 } });
  const revoked = await stateAfter(engine, [erase("resolution_revoked")]);
  expect(revoked).toMatchObject({ findings: [], precedents: { erased: 1 } });
  const moved = [
    erase("resolution_saved"),
    ...set(
      `record = regexp_replace(record::text, '"resolved_at":"[^"]*"', '"resolved_at":"2001-01-01T00:00:00+00:00"')::json`,
    )(),
  ];
  expect(foundIn(await stateAfter(engine, moved))).toEqual([
    `row_altered at precedent ${yes ?? ""}`,
    `row_added at precedent ${yes ?? ""}`,
  ]);
});
