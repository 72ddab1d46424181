// Invariant 8, tenant walls: two tenants whose every row has the same ids. Each of the two layers (the tenant in every
// query; row-level security below) is switched off by itself, and the other has to hold alone.

import { afterEach, expect, test } from "vitest";
import type { Caller } from "../../../packages/harness/src/ports.ts";
import { type Engine, value } from "../../support/engine.ts";
import { OURS, THEIRS } from "./twin.ts";
import { type Layers, openTwins, type Twins } from "./twins.ts";

let engine: Engine | null = null;
afterEach(async () => {
  await engine?.[Symbol.asyncDispose]();
  engine = null;
});

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
  const webhooks = await harness.webhooks.list(caller);
  const [webhook] = webhooks.ok ? webhooks.value : [];
  const texts: Record<string, unknown> = {
    run,
    waiting: await harness.getRun(caller, waiting),
    runs: await harness.listRuns(caller, query),
    events: await harness.listEvents(caller, finished, 0),
    decisions: await harness.listDecisions(caller, since, null),
    open: await harness.listWaiting(caller, null),
    precedents: await harness.listPrecedents(caller, { limit: 100, cursor: null }),
    escalations: await harness.listEscalations(caller, { status: null, limit: 100, cursor: null }),
    keys: await harness.listKeys(caller),
    webhooks,
    deliveries:
      webhook === undefined
        ? null
        : await harness.webhooks.deliveries(caller, webhook.id, { status: null, limit: 100, cursor: null }),
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
  "webhooks",
];

const open = async (layers: Layers): Promise<Twins> =>
  await openTwins(layers, {
    engine: (opened) => {
      engine = opened;
    },
  });

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
  expect(rows("deliveries")).toBe(1);
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
  const [webhook] = value(await harness.webhooks.list(ours));
  if (webhook !== undefined) {
    value(await harness.webhooks.rotate(ours, webhook.id, { overlap_seconds: 60 }));
    value(await harness.webhooks.ping(ours, webhook.id));
    value(await harness.webhooks.redeliver(ours, webhook.id, {}));
    value(await harness.webhooks.enable(ours, webhook.id));
    value(await harness.webhooks.remove(ours, webhook.id));
  }
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
  const twins = await open(layers);
  await expectApart(twins);
  await expectWritesApart(twins);
});

test("with neither layer everything crosses: so the test sees what it looks for", async () => {
  const twins = await open({ predicates: false, rowSecurity: false });
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
