// Invariant 8, tenant walls: two tenants whose every row has the same ids. Each of the two layers (the tenant in every
// query; row-level security below) is switched off by itself, and the other has to hold alone.

import type { Approval, Run, RunId } from "@assent/contract";
import { afterEach, expect, test } from "vitest";
import type { Caller } from "../../../packages/harness/src/ports.ts";
import { searchDocumentsTool } from "../../../packages/harness/src/services/tools/search-documents.ts";
import { answering, countingTool, type Engine, openEngine, value } from "../../support/engine.ts";
import { copyTenant, OURS, tenantTables, THEIRS } from "./twin.ts";

let engine: Engine | null = null;
afterEach(async () => {
  await engine?.[Symbol.asyncDispose]();
  engine = null;
});

type Layers = { readonly predicates: boolean; readonly rowSecurity: boolean };

// What is left of a query whose author forgot the tenant.
const forget = (sql: string): string =>
  sql
    .replaceAll(/\b(?:\w+\.)?tenant_id = \$1\b/g, "($1::uuid is not null)")
    .replaceAll(/\b\w+\.tenant_id = \w+\.tenant_id\b/g, "true")
    .replaceAll(/\(\s*(\w+)\.tenant_id, (\w+)\.id\) = \((\w+)\.tenant_id, (\w+)\.(\w+)\)/g, "$2.id = $4.$5");

type Twins = {
  readonly engine: Engine;
  readonly ours: Caller;
  readonly theirs: Caller;
  readonly finished: RunId;
  readonly waiting: RunId;
  readonly approval: Approval;
};

async function openTwins({ predicates, rowSecurity }: Layers): Promise<Twins> {
  // No two questions are the same, so that a remembered answer to one leaves the other open.
  let amount = 0;
  const opened = await openEngine({
    ...(predicates ? {} : { rewriteSql: forget }),
    tools: [searchDocumentsTool, countingTool("send", "once")],
    agent: { tools: ["search_documents", "send"], system: `You are of ${OURS}.` },
    models: answering((turn) =>
      turn === 0
        ? {
            calls: [
              { id: "c2", tool: "send", arguments: { id: `${OURS}-1`, amount: (amount += 1) } },
              { id: "c1", tool: "search_documents", arguments: { query: "figures" } },
            ],
          }
        : { text: `The answer of ${OURS}.` },
    ),
  });
  engine = opened;
  const ours = opened.caller;
  const document = { name: `${OURS} figures`, text: `Figures of ${OURS}.`, metadata: { of: OURS } };
  value(await opened.harness.documents.add(ours, document));
  const worker = await opened.startWorker();
  const finished = await opened.submit(`Task one of ${OURS}.`, "same-key");
  await agree(opened, await opened.reaches(finished, "awaiting_approval"));
  await opened.reaches(finished, "succeeded");
  const waiting = await opened.submit(`Task two of ${OURS}: another.`);
  const parked = await opened.reaches(waiting, "awaiting_approval", "succeeded");
  await worker.stop();
  // Whoever holds two tenants apart by name holds them apart by id as well.
  const other = await opened.newCaller("twin", "other");
  await emptyTenant(opened, other);
  const copied = await copyTenant(opened.database.ownerPool(), ours.tenant, other.tenant);
  expect(copied).toEqual(
    expect.arrayContaining(["approvals", "artifacts", "audit_events", "documents", "runs", "steps"]),
  );
  if (!rowSecurity) await dropRowSecurity(opened);
  const approval = parked.approvals.find(({ status }) => status === "open");
  if (approval === undefined) throw new Error("the second run waits");
  return { engine: opened, ours, theirs: { ...ours, tenant: other.tenant }, finished, waiting, approval };
}

async function agree(here: Engine, run: Run): Promise<void> {
  const open = run.approvals.find(({ status }) => status === "open");
  if (open === undefined) throw new Error("nothing waits");
  value(
    await here.harness.decide(here.caller, {
      approval_id: open.id,
      decision: "approve",
      action_digest: open.action_digest,
      comment: `Fine, says ${OURS}.`,
      remember: true,
    }),
  );
}

// The maker of the second tenant left a key and its owner there; the copy brings its own.
async function emptyTenant(here: Engine, { tenant }: Caller): Promise<void> {
  const uuid = tenant.slice("ten_".length);
  const pool = here.database.ownerPool();
  await pool.query("delete from assent.api_keys where tenant_id = $1::uuid", [uuid]);
  await pool.query("delete from assent.principals where tenant_id = $1::uuid", [uuid]);
}

async function dropRowSecurity(here: Engine): Promise<void> {
  const pool = here.database.ownerPool();
  for (const table of await tenantTables(pool)) {
    await pool.query(`alter table assent.${table} no force row level security`);
    await pool.query(`alter table assent.${table} disable row level security`);
  }
}

/** Everything that can be read, by name, as one text each. */
async function readAll(
  { engine: here, finished, waiting }: Twins,
  caller: Caller,
): Promise<Record<string, string>> {
  const { harness } = here;
  const since = new Date(0);
  const query = { states: null, agent: null, label: null, cursor: null, limit: 100 };
  const run = await harness.getRun(caller, finished);
  const artifact = run.ok ? run.value.artifacts[0] : undefined;
  const documents = await harness.documents.list(caller, { limit: 100, cursor: null });
  const document = documents.ok ? documents.value.data[0] : undefined;
  const texts: Record<string, unknown> = {
    run,
    waiting: await harness.getRun(caller, waiting),
    runs: await harness.listRuns(caller, query),
    events: await harness.listEvents(caller, finished, 0),
    decisions: await harness.listDecisions(caller, since, null),
    open: await harness.listWaiting(caller, null),
    precedents: await harness.listPrecedents(caller),
    keys: await harness.listKeys(caller),
    documents,
    document: document === undefined ? null : await harness.documents.get(caller, document.id),
    passages: await harness.documents.search(caller, "figures", 20),
    artifact: artifact === undefined ? null : await harness.openArtifact(caller, finished, artifact.id),
  };
  return Object.fromEntries(Object.entries(texts).map(([name, found]) => [name, JSON.stringify(found)]));
}

const namesOf = (texts: Readonly<Record<string, string>>, canary: string): string[] =>
  Object.entries(texts).flatMap(([name, text]) => (text.includes(canary) ? [name] : []));

const SPEAKING = [
  "run",
  "waiting",
  "open",
  "runs",
  "decisions",
  "precedents",
  "documents",
  "document",
  "passages",
];

async function expectApart(twins: Twins): Promise<void> {
  const mine = await readAll(twins, twins.ours);
  const others = await readAll(twins, twins.theirs);
  expect(namesOf(mine, THEIRS)).toEqual([]);
  expect(namesOf(others, OURS)).toEqual([]);
  // A battery that reads nothing would find nothing.
  for (const name of SPEAKING) {
    expect(mine[name]).toContain(OURS);
    expect(others[name]).toContain(THEIRS);
  }
  const rows = (name: string): number => Object.keys(JSON.parse(mine[name] ?? "null").value.data).length;
  expect(rows("runs")).toBe(2);
}

async function expectWritesApart(twins: Twins): Promise<void> {
  const { engine: here, ours, theirs, waiting, approval } = twins;
  const { harness } = here;
  const before = await readAll(twins, theirs);
  const decision = {
    approval_id: approval.id,
    decision: "deny",
    action_digest: approval.action_digest,
  } as const;
  expect(await harness.decide(ours, { ...decision, comment: "No." })).toMatchObject({ ok: true });
  await harness.cancelRun(ours, waiting);
  const [document] = value(await harness.documents.list(ours, { limit: 1, cursor: null })).data;
  if (document !== undefined) value(await harness.documents.remove(ours, document.id));
  for (const key of value(await harness.listKeys(ours))) value(await harness.revokeKey(ours, key.id));
  expect(await readAll(twins, theirs)).toEqual(before);
  const after = await readAll(twins, ours);
  expect(after["waiting"]).toContain('"cancelled"');
}

test.each([
  ["both layers", { predicates: true, rowSecurity: true }],
  ["row-level security alone", { predicates: false, rowSecurity: true }],
  ["the queries alone", { predicates: true, rowSecurity: false }],
])("no byte and no change crosses with %s", async (_, layers) => {
  const twins = await openTwins(layers);
  await expectApart(twins);
  await expectWritesApart(twins);
});

test("with neither layer everything crosses: so the test sees what it looks for", async () => {
  const twins = await openTwins({ predicates: false, rowSecurity: false });
  const { harness } = twins.engine;
  const query = { states: null, agent: null, label: null, cursor: null, limit: 100 };
  const lists = {
    runs: await harness.listRuns(twins.ours, query),
    decisions: await harness.listDecisions(twins.ours, new Date(0), null),
    documents: await harness.documents.list(twins.ours, { limit: 100, cursor: null }),
    passages: await harness.documents.search(twins.ours, "figures", 20),
  };
  for (const list of Object.values(lists)) expect(JSON.stringify(list)).toContain(THEIRS);
});
