// What is erased is gone from every place that the evidence has, and from what is shown of a run; what proves that it was
// there stays, for streams, trails, receipts and exports alike.

import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { type DocumentId, idFromUuid, type Run, uuidOf } from "@assent/contract";
import { parseVerifierKey, type VerifierKey, verifyProof } from "@assent/tlog";
import { expect, test } from "vitest";
import { copyLog } from "../../../packages/harness/src/cli/verify/copy-log.ts";
import { openLogFolder } from "../../../packages/harness/src/cli/verify/log-folder.ts";
import { verifyTrail } from "../../../packages/harness/src/cli/verify/trail.ts";
import { verifyLog } from "../../../packages/harness/src/core/audit/verify-log.ts";
import { createEvidence, type Evidence } from "../../../packages/harness/src/services/audit/evidence.ts";
import { createAuditTrail } from "../../../packages/harness/src/services/audit/trail.ts";
import { type Engine, openEngine, value } from "../../support/engine.ts";
import { advanced, logPorts, type LogPorts, originOf, scratchFolder } from "../../support/tenant-log.ts";

const MARKER = "a-name-that-has-to-go";

const evidenceOf = (ports: LogPorts): Evidence =>
  createEvidence({
    ...ports,
    wake: async () => await Promise.resolve(),
    holds: () => true,
    onCheckpoint: () => () => undefined,
    stoppedBy: () => null,
    rotate: () => undefined,
    onOperated: async () => await Promise.resolve(),
    witnessed: null,
    installation: null,
    operators: null,
    retentionDays: null,
    gaps: () => 0,
    stopped: () => 0,
  });

const TABLES = [
  "audit_events",
  "audit_facts",
  "audit_batches",
  "audit_inbox",
  "audit_checkpoints",
  "harmony_audit",
  "access_events",
];

async function tablesWith(engine: Engine, text: string): Promise<string[]> {
  const found: string[] = [];
  for (const table of TABLES) {
    const sql = `select count(*)::int as n from assent.${table} t
      where t::text like $1 or t::text like $2`;
    const hex = Buffer.from(text).toString("hex");
    const { rows } = await engine.database.ownerPool().query<{ n: number }>(sql, [`%${text}%`, `%${hex}%`]);
    if ((rows[0]?.n ?? 0) > 0) found.push(table);
  }
  return found;
}

const filesWith = (folder: string, text: string): string[] =>
  readdirSync(folder, { recursive: true, encoding: "utf8" })
    .map((name) => join(folder, name))
    .filter((path) => statSync(path).isFile() && readFileSync(path).includes(text));

async function trailOf(engine: Engine, run: Run): Promise<{ findings: string[]; shown: unknown }> {
  const { events } = value(await engine.harness.listEvents(engine.caller, run.id, 0));
  const findings = verifyTrail(events, { id: run.id, version: run.version, status: run.status });
  return { findings: findings.map(({ code }) => code), shown: events[1]?.data };
}

/** As a program added it that did not seal its name. */
async function addAsBefore({ database, tenant, caller }: Engine): Promise<DocumentId> {
  const id = crypto.randomUUID();
  await database.ownerPool().query(
    `insert into assent.documents (tenant_id, id, name, source, metadata, sha256, chars, passages, created_at, created_by)
     values ($1, $2, $3, null, '{}', decode(repeat('00', 32), 'hex'), 1, 1, now(), $4)`,
    [uuidOf(tenant), id, MARKER, uuidOf(caller.actor.id)],
  );
  return idFromUuid("doc", id);
}

test("an erased payload is in no table, file or stream, and everything still verifies", async () => {
  using folder = scratchFolder();
  await using engine = await openEngine();
  const ports = logPorts(engine.database, folder.path);
  await engine.startWorker();
  const run = await engine.reaches(await engine.submit(`Write to ${MARKER}.`), "succeeded");
  const document = await addAsBefore(engine);
  await advanced(ports, engine.tenant);
  const evidence = evidenceOf(ports);
  const trail = createAuditTrail(evidence);
  const places = await ports.store.transaction(engine.tenant, async (tx) => {
    const ofRun = await tx.place(run.id, 2);
    const ofDocument = await tx.newestEntry(document, 1, Number.MAX_SAFE_INTEGER);
    return [ofRun?.index ?? expect.unreachable(), ofDocument ?? expect.unreachable()];
  });
  // Of what people wrote a run's events tell nothing.
  expect(await tablesWith(engine, MARKER)).toEqual(["audit_facts"]);

  for (const index of places)
    expect((await evidence.erase(engine.caller, 1, index, "The person asked for it.")).ok).toBe(true);
  // At once, while the records of it wait for their place.
  expect(await tablesWith(engine, MARKER)).toEqual([]);
  expect(await trailOf(engine, run)).toEqual({ findings: [], shown: { erased: true } });

  await advanced(ports, engine.tenant);
  const keys: VerifierKey[] = ports.signer.vkeys(originOf(engine.tenant, 1)).map((text) => {
    const key = parseVerifierKey(text);
    return key.ok ? key.value : expect.unreachable();
  });
  const origin = originOf(engine.tenant, 1);
  const receipt = (await evidence.prove(engine.tenant, run.id, 2)) ?? expect.unreachable();
  expect(verifyProof(receipt.proof, receipt.leaf, origin, keys).ok).toBe(true);

  const copy = join(folder.path, "copy");
  const aborted = { ok: false, error: { kind: "aborted" } } as const;
  const client: Parameters<typeof copyLog>[0] = {
    getAuditCheckpoint: async (epoch) => {
      const found = await trail.checkpoint(engine.caller, epoch);
      return found.ok ? found : aborted;
    },
    listAuditEntries: async (epoch, from, limit) => {
      const found = await trail.entries(engine.caller, epoch, from, limit);
      return found.ok ? found : aborted;
    },
  };
  const log = (await trail.logs(engine.caller)).data.at(-1) ?? expect.unreachable();
  expect((await copyLog(client, log, copy, "payloads")).ok).toBe(true);
  expect(filesWith(folder.path, MARKER)).toEqual([]);
  const report = verifyLog({
    source: openLogFolder(copy),
    origin,
    keys,
    remembered: null,
    policy: null,
    now: new Date(),
    cosignedSince: null,
  });
  expect(report).toMatchObject({ verified: true, erased: 2, findings: [] });
});
