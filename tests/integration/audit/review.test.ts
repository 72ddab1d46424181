// `assent audit verify --db --state`: whatever somebody who owns the database does to the evidence, or to what it is
// about, is found and named with its place. Each attack is made and looked at in a transaction that is then undone.

import type { ApprovalId, DocumentId, KeyId, RunId } from "@assent/contract";
import { uuidOf } from "@assent/contract";
import { parseVerifierKey, treeHash, type VerifierKey } from "@assent/tlog";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  ownsSchema,
  reviewOn,
  reviewTransaction,
} from "../../../packages/harness/src/adapters/postgres/audit-review.ts";
import { postgresLogStore } from "../../../packages/harness/src/adapters/postgres/audit-log.ts";
import { transaction } from "../../../packages/harness/src/adapters/postgres/connect.ts";
import { queryOn } from "../../../packages/harness/src/adapters/postgres/store.ts";
import type { OutsideKnowledge } from "../../../packages/harness/src/ports.ts";
import { findingsOf, reviewEvidence } from "../../../packages/harness/src/services/audit/review.ts";
import type { ReviewTrust } from "../../../packages/harness/src/services/audit/review.ts";
import { openAnchorFiles } from "../../../packages/harness/src/adapters/files/anchor-files.ts";
import { letEntriesBeEdited } from "../../support/edited-entries.ts";
import { answering, countingTool, type Engine, openEngine, value } from "../../support/engine.ts";
import { anySealing } from "../../support/sealing.ts";
import {
  addFacts,
  addManyFacts,
  advanced,
  logPorts,
  type LogPorts,
  originOf,
  scratchFolder,
} from "../../support/tenant-log.ts";

const folder = scratchFolder();
let engine: Engine;
let ports: LogPorts;
let run: RunId;
let approval: ApprovalId;
/** A checkpoint that somebody kept, of less than all entries. */
let kept: string;
let size: number;
let document: DocumentId;
let gone: DocumentId;
let apiKey: KeyId;
/** The entry of one of the run's events. */
let place: number;

beforeAll(async () => {
  const call = { id: "c1", tool: "count", arguments: { amount: 10 } };
  engine = await openEngine({
    models: answering((turn) => (turn === 0 ? { calls: [call] } : { text: "Done." })),
    tools: [countingTool("count", "once")],
  });
  ports = logPorts(engine.database, folder.path);
  await letEntriesBeEdited(engine.database.ownerPool());
  await engine.startWorker();
  run = await engine.submit();
  const open = (await engine.reaches(run, "awaiting_approval")).approvals.at(-1) ?? expect.unreachable();
  approval = open.id;
  await advanced(ports, engine.tenant);
  kept = (await ports.store.transaction(engine.tenant, async (tx) => await tx.checkpoint(1, 0)))?.note ?? "";
  const decision = { approval_id: open.id, decision: "approve", action_digest: open.action_digest } as const;
  value(await engine.harness.decide(engine.caller, decision));
  await engine.reaches(run, "succeeded");
  await engine.reaches(await engine.submit("Wait."), "awaiting_approval");
  const text = { name: "handbook", text: "Refunds take a week.", metadata: {} };
  document = value(await engine.harness.documents.add(engine.caller, text)).id;
  gone = value(await engine.harness.documents.add(engine.caller, { ...text, name: "old" })).id;
  value(await engine.harness.documents.remove(engine.caller, gone));
  const named = { name: "ci", kind: "service" } as const;
  apiKey = value(
    await engine.harness.createKey(engine.caller, { principal: named, scopes: ["runs:read"] }),
  ).id;
  await addManyFacts(engine.database, engine.tenant, 280);
  await addFacts(ports.store, engine.tenant, "late", 3);
  await advanced(ports, engine.tenant);
  await addFacts(ports.store, engine.tenant, "waits", 2);
  place = (await ports.store.transaction(engine.tenant, async (tx) => await tx.place(run, 4)))?.index ?? 0;
  size = (await ports.store.transaction(engine.tenant, async (tx) => await tx.head(1)))?.size ?? 0;
});
afterAll(async () => {
  await engine[Symbol.asyncDispose]();
  folder[Symbol.dispose]();
});

function keysOf(origin: string): readonly VerifierKey[] {
  return ports.signer.vkeys(origin).map((text) => {
    const key = parseVerifierKey(text);
    return key.ok ? key.value : expect.unreachable();
  });
}

async function trust(remembered: string | null = null): Promise<ReviewTrust> {
  const origin = originOf(engine.tenant, 1);
  const anchor = await openAnchorFiles(`${folder.path}/signer`).read(origin);
  const outside: OutsideKnowledge = {
    anchor,
    published: await ports.files.readCheckpoint(origin),
    remembered,
    readFile: async (path) => await ports.files.read(origin, path),
  };
  return { keysOf, outsideOf: (of) => (of === origin ? outside : NOTHING_OUTSIDE) };
}

const NOTHING_OUTSIDE: OutsideKnowledge = {
  anchor: null,
  published: null,
  remembered: null,
  readFile: async () => await Promise.resolve(null),
};

test("an honest database has nothing to be found, and says what was looked at", async () => {
  const trusted = await trust(kept);
  const [reviewed] = await reviewTransaction(
    engine.database.ownerPool(),
    async (tx) => await reviewEvidence(tx, trusted, true),
  );
  expect(findingsOf(reviewed === undefined ? [] : [reviewed])).toEqual([]);
  expect(reviewed).toMatchObject({
    tenant: "default",
    waiting: { count: 2 },
    logs: [{ size, signedSize: size, anchorSize: size, opened: size, erased: 0, unknownSignatures: 0 }],
    state: { runs: 2, approvals: 2, erased: 0 },
  });
  expect(reviewed?.logs[0]?.rememberedSize).toBeGreaterThan(0);
  expect(reviewed?.state?.compared).toBeGreaterThan(8);
});

test("a log that nothing outside of the database knows is said to look whole when it is cut short", async () => {
  const unnoticed = async (trusted: ReviewTrust): Promise<readonly (boolean | undefined)[]> => {
    const pool = engine.database.ownerPool();
    const reviewed = await reviewTransaction(pool, async (tx) => await reviewEvidence(tx, trusted, false));
    expect(findingsOf(reviewed)).toEqual([]);
    return reviewed.flatMap(({ logs }) => logs.map(({ cutUnnoticed }) => cutUnnoticed));
  };
  expect(await unnoticed(await trust())).toEqual([false]);
  expect(await unnoticed({ keysOf, outsideOf: () => NOTHING_OUTSIDE })).toEqual([true]);
});

test("a login that sees no rows is not taken for one that sees that all is well", async () => {
  expect(await ownsSchema(engine.database.ownerPool())).toBe(true);
  expect(await ownsSchema(engine.database.appPool())).toBe(false);
});

const UNDONE = new Error("undone");
const TABLES = [
  ..."audit_batches audit_events audit_facts audit_checkpoints audit_nodes audit_inbox audit_heads".split(
    " ",
  ),
  ..."runs steps approvals artifacts documents api_keys".split(" "),
];

/** What is found after the statements, made with every rule of the database switched off, as its owner can. */
async function foundAfter(
  statements: readonly string[],
  remembered: string | null = null,
  rules: "off" | "on" = "off",
): Promise<string[]> {
  const trusted = await trust(remembered);
  let found: string[] = [];
  await transaction(engine.database.ownerPool(), async (client) => {
    for (const table of rules === "off" ? TABLES : [])
      await client.query(`alter table assent.${table} disable trigger user`);
    for (const sql of statements) await client.query(sql);
    const reviewed = await reviewEvidence(reviewOn(queryOn(client)), trusted, true);
    found = findingsOf(reviewed).map(({ code, at }) => `${code} at ${at}`);
    throw UNDONE;
  }).catch((error: unknown) => {
    if (error !== UNDONE) throw error;
  });
  return found;
}

const where = (index: number): string =>
  `tenant_id = '${uuidOf(engine.tenant)}' and epoch = 1 and idx = ${index}`;
const ofEntry = (index: number): string =>
  `event_id = (select event_id from assent.audit_leaves where ${where(index)})`;
const ofRun = (): string => `tenant_id = '${uuidOf(engine.tenant)}' and run_id = '${uuidOf(run)}'`;
const REHASHED = String.raw`leaf_hash = sha256('\x00'::bytea || convert_to(replace(convert_from(leaf, 'UTF8'), '"v":1', '"v":2'), 'UTF8'))`;

type Attack = [what: string, statements: () => readonly string[], finding: () => string, memory?: "kept"];

const ATTACKS: readonly Attack[] = [
  [
    "a byte of an entry",
    () => [`update assent.audit_leaves set leaf = leaf || ' ' where ${where(7)}`],
    () => "entry_altered at entry 7",
  ],
  [
    "an entry with its hash, long after it was signed",
    () => [
      `update assent.audit_leaves set leaf = convert_to(replace(convert_from(leaf, 'UTF8'), '"v":1', '"v":2'), 'UTF8'), ${REHASHED} where ${where(2)}`,
    ],
    () => `history_rewritten at entries 0 to ${sizeOf(kept) - 1}`,
  ],
  [
    "an entry with its hash and every checkpoint in the database: a kept one still knows",
    () => [
      "delete from assent.audit_checkpoints",
      `update assent.audit_leaves set leaf = convert_to(replace(convert_from(leaf, 'UTF8'), '"v":1', '"v":2'), 'UTF8'), ${REHASHED} where ${where(2)}`,
    ],
    () => `history_rewritten at entries 0 to ${sizeOf(kept) - 1}`,
    "kept",
  ],
  [
    "an entry between two checkpoints",
    () => [`update assent.audit_leaves set leaf_hash = sha256('x') where ${where(sizeOf(kept) + 1)}`],
    () => `history_rewritten at entries ${sizeOf(kept)} to ${size - 1}`,
  ],
  [
    "a removed entry",
    () => [`delete from assent.audit_leaves where ${where(20)}`],
    () => "entry_missing at entry 20",
  ],
  [
    "an entry taken out of its batch, the others moved up",
    () => [
      `update assent.audit_batches set event_ids = event_ids[:4] || event_ids[6:], leaves = leaves[:4] || leaves[6:],
         hashes = hashes[:4] || hashes[6:], salts = salts[:4] || salts[6:] where first = 0 and cardinality(leaves) > 6`,
    ],
    () => "version_missing at entry 6",
  ],
  [
    "the tail, with head and checkpoints",
    () => [
      `delete from assent.audit_leaves where idx >= ${sizeOf(kept)}`,
      `delete from assent.audit_nodes`,
      `delete from assent.audit_checkpoints where size > ${sizeOf(kept)}`,
      `update assent.audit_heads set size = ${sizeOf(kept)}`,
    ],
    () => `history_cut at entry ${sizeOf(kept)}`,
  ],
  [
    "a checkpoint's root",
    () => [
      `update assent.audit_checkpoints set note = replace(note, e'\\n${sizeOf(kept)}\\n', e'\\n0${sizeOf(kept)}\\n') where size = ${sizeOf(kept)}`,
    ],
    () => `checkpoint_invalid at checkpoint of ${sizeOf(kept)} entries`,
  ],
  [
    "a checkpoint under another signature",
    () => [
      `update assent.audit_checkpoints set note = left(note, -12) || 'AAAAAAAAAA=' || e'\\n' where size = ${size}`,
    ],
    () => `checkpoint_invalid at checkpoint of ${size} entries`,
  ],
  [
    "a hash of the upper levels",
    () => ["update assent.audit_nodes set hash = sha256('x') where level = 1 and n = 0"],
    () => "node_altered at entries 0 to 255",
  ],
  [
    "a removed hash of the upper levels",
    () => ["delete from assent.audit_nodes"],
    () => "node_missing at entries 0 to 255",
  ],
  [
    "a payload",
    () => [`update assent.audit_events set data = '{"step":1}' where ${ofEntry(place)}`],
    () => `payload_altered at entry ${place}`,
  ],
  [
    "a payload that is gone without a record",
    () => [`update assent.audit_leaves set salt = null where ${where(8)}`],
    () => "payload_removed at entry 8",
  ],
  [
    "an event's kind",
    () => [`update assent.audit_events set kind = 'step_failed' where ${ofEntry(place)}`],
    () => `event_altered at entry ${place}`,
  ],
  [
    "an event's time",
    () => [`update assent.audit_facts set at = at - interval '1 day' where ${ofEntry(0)}`],
    () => "event_altered at entry 0",
  ],
  [
    "an event's actor",
    () => [`update assent.audit_events set actor_id = gen_random_uuid() where ${ofEntry(place)}`],
    () => `event_altered at entry ${place}`,
  ],
  [
    "a removed event",
    () => [`delete from assent.audit_facts where ${ofEntry(0)}`],
    () => "event_missing at entry 0",
  ],
  [
    "an event that waits no more",
    () => ["delete from assent.audit_inbox where id = (select max(id) from assent.audit_inbox)"],
    () => "event_lost at waits event 2",
  ],
  [
    "an event that is to come twice",
    () => [
      `insert into assent.audit_inbox (tenant_id, id, event_ids, states)
         select tenant_id, event_id, array[event_id], array[null]::bytea[] from assent.audit_leaves where ${where(0)}`,
    ],
    () => "event_twice at",
  ],
  [
    "a run's state",
    () => [`update assent.runs set state = 'failed' where id = '${uuidOf(run)}'`],
    () => `state_differs at ${run}`,
  ],
  [
    "a run's answer",
    () => [`update assent.runs set answer = 'Something else.' where id = '${uuidOf(run)}'`],
    () => `row_altered at ${run}`,
  ],
  [
    "a step's state",
    () => [`update assent.steps set state = 'failed' where ${ofRun()} and seq = 1`],
    () => `state_differs at ${run} step 1`,
  ],
  [
    "a step's outcome",
    () => [`update assent.steps set outcome = '{}' where ${ofRun()} and seq = 1`],
    () => `row_altered at ${run} step 1`,
  ],
  [
    "a step that nobody recorded",
    () => [
      `insert into assent.steps select tenant_id, run_id, 99, kind, name, state, effect, request, decision, approval_id, outcome, error, retried_by, started_at, finished_at from assent.steps where ${ofRun()} and seq = 1`,
    ],
    () => `state_differs at ${run} step 99`,
  ],
  [
    "an approval's state",
    () => [`update assent.approvals set state = 'denied' where id = '${uuidOf(approval)}'`],
    () => `state_differs at ${run} ${approval}`,
  ],
  [
    "who decided",
    () => [`update assent.approvals set comment = 'I was asked to.' where id = '${uuidOf(approval)}'`],
    () => `row_altered at ${run} ${approval}`,
  ],
  [
    "an artifact that nobody committed",
    () => [
      `insert into assent.artifacts (tenant_id, run_id, id, name, media_type, size_bytes, sha256, created_at)
       select tenant_id, id, '00000000-0000-7000-8000-00000000abcd', 'forged.md', 'text/plain', 1, sha256('x'), now() from assent.runs where id = '${uuidOf(run)}'`,
    ],
    () => `row_added at ${run} art_0000000000007000800000000000abcd`,
  ],
  [
    "a document's text",
    () => [`update assent.documents set sha256 = sha256('x') where id = '${uuidOf(document)}'`],
    () => `row_altered at ${document}`,
  ],
  [
    "a document that is gone",
    () => [`delete from assent.documents where id = '${uuidOf(document)}'`],
    () => `row_removed at ${document}`,
  ],
  [
    "a document that was put there",
    () => [
      `insert into assent.documents (${DOCUMENT_COLUMNS}) select ${DOCUMENT_COLUMNS.replace(", id,", ", '00000000-0000-7000-8000-00000000abcd',")} from assent.documents where id = '${uuidOf(document)}'`,
    ],
    () => "row_added at doc_0000000000007000800000000000abcd",
  ],
  [
    "a document that came back",
    () => [
      `insert into assent.documents (${DOCUMENT_COLUMNS}) select ${DOCUMENT_COLUMNS.replace(", id,", `, '${uuidOf(gone)}',`)} from assent.documents where id = '${uuidOf(document)}'`,
    ],
    () => `state_differs at ${gone}`,
  ],
  [
    "a role that somebody wrote into a key's row",
    () => [`update assent.api_keys set roles = '{admin,auditor}' where id = '${uuidOf(apiKey)}'`],
    () => `row_altered at ${apiKey}`,
  ],
  [
    "a key that was revoked and is not any more",
    () => [`update assent.api_keys set revoked_at = now() where id = '${uuidOf(apiKey)}'`],
    () => `row_altered at ${apiKey}`,
  ],
  [
    "a key that was put there",
    () => [
      `insert into assent.api_keys (${KEY_COLUMNS}) select ${KEY_COLUMNS.replace(", id,", ", '00000000-0000-7000-8000-00000000abcd',").replace(" hash,", " sha256(hash),")} from assent.api_keys where id = '${uuidOf(apiKey)}'`,
    ],
    () => "row_added at key_0000000000007000800000000000abcd",
  ],
  [
    "a key that is gone",
    () => [`delete from assent.api_keys where id = '${uuidOf(apiKey)}'`],
    () => `row_removed at ${apiKey}`,
  ],
  [
    "an event in the middle of a run",
    () => [`delete from assent.audit_events where ${ofRun()} and version = 3`],
    () => `event_missing at ${run} event 3`,
  ],
  [
    "a run's newest event",
    () => [
      `delete from assent.audit_events where ${ofRun()} and version = (select max(version) from assent.audit_events where ${ofRun()})`,
    ],
    () => `version_differs at ${run}`,
  ],
];

const DOCUMENT_COLUMNS =
  "tenant_id, id, name, source, metadata, sha256, chars, passages, created_at, created_by";

const KEY_COLUMNS =
  "tenant_id, id, principal_id, hash, prefix, scopes, roles, must_sign, created_at, expires_at";

const sizeOf = (note: string): number => Number(note.split("\n")[1]);

test.each(ATTACKS)("is found: %s", async (_, statements, finding, memory) => {
  const found = await foundAfter(statements(), memory === "kept" ? kept : null);
  expect(found.map((one) => one.slice(0, finding().length))).toContain(finding());
});

test("leaves and tree rewritten together, head included: the memories outside know it", async () => {
  const store = postgresLogStore(engine.database.appPool(), anySealing(engine.database.appPool()));
  const hashes = await store.transaction(engine.tenant, async (tx) => await tx.hashes(1, 0, 0, size));
  const forged = hashes.with(size - 1, Buffer.alloc(32, 1));
  const root = Buffer.from(treeHash(forged)).toString("hex");
  const found = await foundAfter([
    `update assent.audit_leaves set leaf_hash = '\\x${"01".repeat(32)}' where ${where(size - 1)}`,
    `update assent.audit_heads set root = '\\x${root}'`,
    `delete from assent.audit_checkpoints where size = ${size}`,
  ]);
  expect(found).toContain(`history_rewritten at entries ${sizeOf(kept)} to ${size - 1}`);
});

test("an erasure is none of these, though the record of it waits for its place", async () => {
  const tenant = uuidOf(engine.tenant);
  const erase = [
    `select set_config('assent.tenant', '${tenant}', true)`,
    `select assent.audit_erase('${tenant}', 1, ${place}, sha256('x'), 'asked for', null, now())`,
  ];
  expect(await foundAfter(erase, null, "on")).toEqual([]);
});
