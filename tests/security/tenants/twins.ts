// A tenant with runs, an open question, a document and a remembered answer, and its twin: every row once more under the
// same ids. Each of the two layers that hold them apart can be left out.

import { type Approval, type Run, type RunId, type TenantId, uuidOf } from "@assent/contract";
import type { Caller } from "../../../packages/harness/src/ports.ts";
import { searchDocumentsTool } from "../../../packages/harness/src/services/tools/search-documents.ts";
import { answering, countingTool, type Engine, openEngine, value } from "../../support/engine.ts";
import { copyTenant, OURS, tenantTables, THEIRS } from "./twin.ts";

export type Layers = { readonly predicates: boolean; readonly rowSecurity: boolean };

// What is left of a query whose author forgot the tenant.
const forget = (sql: string): string =>
  sql
    .replaceAll(/\b(?:\w+\.)?tenant_id = \$1\b/g, "($1::uuid is not null)")
    .replaceAll(/\b\w+\.tenant_id = \w+\.tenant_id\b/g, "true")
    .replaceAll(/\(\s*(\w+)\.tenant_id, (\w+)\.id\) = \((\w+)\.tenant_id, (\w+)\.(\w+)\)/g, "$2.id = $4.$5");

export type Twins = {
  readonly engine: Engine;
  readonly ours: Caller;
  readonly theirs: Caller;
  readonly finished: RunId;
  readonly waiting: RunId;
  readonly approval: Approval;
  /** Ids of things that both have, by what stands before them in a path. */
  readonly ids: Readonly<Record<string, string>>;
};

/** @param told of the engine as soon as there is one, and of every statement as it reaches the database */
export async function openTwins(
  { predicates, rowSecurity }: Layers,
  told: { readonly engine: (engine: Engine) => void; readonly statement?: (sql: string) => void },
): Promise<Twins> {
  // No two questions are the same, so that a remembered answer to one leaves the other open.
  let amount = 0;
  const opened = await openEngine({
    rewriteSql: (sql) => {
      told.statement?.(sql);
      return predicates ? sql : forget(sql);
    },
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
  told.engine(opened);
  // Events name who acted, so that streams speak as well.
  const ours = await opened.newCaller(`${OURS}-clerk`);
  const submit = async (task: string, key: string): Promise<RunId> =>
    value(await opened.harness.submitRun(ours, { agent: "tester", task }, key)).runId;
  const url = "https://hooks.example.org/";
  value(await opened.harness.webhooks.create(ours, { url, events: ["run.ended"], description: OURS }));
  const document = { name: `${OURS} figures`, text: `Figures of ${OURS}.`, metadata: { of: OURS } };
  value(await opened.harness.documents.add(ours, document));
  const worker = await opened.startWorker();
  const finished = await submit(`Task one of ${OURS}.`, "same-key");
  await agree(opened, await opened.reaches(finished, "awaiting_approval"));
  await opened.reaches(finished, "succeeded");
  const waiting = await submit(`Task two of ${OURS}: another.`, "other-key");
  const parked = await opened.reaches(waiting, "awaiting_approval", "succeeded");
  await worker.stop();
  const ids = await idsOf(opened, ours, finished);
  // Whoever holds two tenants apart by name holds them apart by id as well.
  const other = await opened.newCaller("twin", "other");
  await emptyTenant(opened, other);
  const copied = await copyTenant(opened.database.ownerPool(), ours.tenant, other.tenant);
  for (const table of [
    "approvals",
    "artifacts",
    "audit_events",
    "documents",
    "runs",
    "steps",
    "webhook_deliveries",
  ])
    if (!copied.includes(table)) throw new Error(`there was nothing to copy of ${table}`);
  await giveOwnArtifact(opened, other.tenant);
  if (!rowSecurity) await dropRowSecurity(opened);
  const approval = parked.approvals.find(({ status }) => status === "open");
  if (approval === undefined) throw new Error("the second run waits");
  return {
    engine: opened,
    ours,
    theirs: { ...ours, tenant: other.tenant },
    finished,
    waiting,
    approval,
    ids: { ...ids, approvals: approval.id },
  };
}

// Content is named by its digest, which copying rows does not change: the twin's output would be ours, rightly.
async function giveOwnArtifact(here: Engine, tenant: TenantId): Promise<void> {
  const { sha256, sizeBytes } = await here.ports.files.put(Buffer.from(`The answer of ${THEIRS}.`));
  await here.database
    .ownerPool()
    .query("update assent.artifacts set sha256 = decode($1, 'hex'), size_bytes = $2 where tenant_id = $3", [
      sha256,
      sizeBytes,
      uuidOf(tenant),
    ]);
}

async function idsOf(
  { harness }: Engine,
  ours: Caller,
  finished: RunId,
): Promise<Readonly<Record<string, string>>> {
  const [artifact] = value(await harness.getRun(ours, finished)).artifacts;
  const [document] = value(await harness.documents.list(ours, { limit: 1, cursor: null })).data;
  const [key] = value(await harness.listKeys(ours));
  const [precedent] = value(await harness.listPrecedents(ours, { limit: 1, cursor: null })).data;
  const asked = { status: null, limit: 1, cursor: null };
  const [escalation] = value(await harness.listEscalations(ours, asked)).data;
  const [webhook] = value(await harness.webhooks.list(ours));
  const ids = {
    webhooks: webhook,
    runs: finished,
    artifacts: artifact,
    documents: document,
    keys: key,
    precedents: precedent,
    escalations: escalation,
  };
  return Object.fromEntries(
    Object.entries(ids).map(([kind, of]) => {
      if (of === undefined) throw new Error(`there is nothing of ${kind}`);
      return [kind, typeof of === "string" ? of : of.id];
    }),
  );
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
  // What finds passages for whoever asks stands below row-level security and has a wall of its own.
  for (const name of ["passages_by_words", "passages_by_letters"]) {
    const { rows } = await pool.query<{ definition: string }>(
      "select pg_get_functiondef(p.oid) as definition from pg_proc p where p.proname = $1",
      [name],
    );
    const open = rows[0]?.definition.replace("p.tenant_id = assent.tenant()", "true") ?? "";
    if (open === rows[0]?.definition) throw new Error(`${name} has no wall to take away`);
    await pool.query(open);
  }
}
