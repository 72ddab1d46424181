// Witnesses that the keeper shows its log to, as processes of their own over loopback: what they sign is kept, served and
// verified offline; what they do not sign, or a witness that is gone, holds up nothing.

import { cpSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type TenantId, uuidOf } from "@assent/contract";
import {
  formatCheckpoint,
  parsePolicy,
  parseVerifierKey,
  type Policy,
  signerKey,
  SIGNATURE_TYPES,
  signNote,
  type VerifierKey,
} from "@assent/tlog";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { createAskWitness } from "../../../packages/harness/src/adapters/witness/ask-witness.ts";
import { copyLog } from "../../../packages/harness/src/cli/verify/copy-log.ts";
import { openLogFolder, writeLogFile } from "../../../packages/harness/src/cli/verify/log-folder.ts";
import { verifyLog } from "../../../packages/harness/src/core/audit/verify-log.ts";
import { askForCosignature } from "../../../packages/harness/src/services/audit/ask-for-cosignature.ts";
import { reviewOn } from "../../../packages/harness/src/adapters/postgres/audit-review.ts";
import { transaction } from "../../../packages/harness/src/adapters/postgres/connect.ts";
import { queryOn } from "../../../packages/harness/src/adapters/postgres/store.ts";
import {
  reviewEvidence,
  type ReviewedEvidence,
} from "../../../packages/harness/src/services/audit/review.ts";
import { createEvidence } from "../../../packages/harness/src/services/audit/evidence.ts";
import {
  type Installation,
  startInstallation,
} from "../../../packages/harness/src/services/audit/installation.ts";
import { advance } from "../../../packages/harness/src/services/audit/keeper.ts";
import { createAuditTrail } from "../../../packages/harness/src/services/audit/trail.ts";
import { startWitnessing, type Witnessing } from "../../../packages/harness/src/services/audit/witnessing.ts";
import { connectThrowAwayDatabase, type ThrowAwayDatabase } from "../../support/database.ts";
import { hastenedClock } from "../../support/hastened-clock.ts";
import {
  adminOf,
  addFacts,
  logPorts,
  type LogPorts,
  newTenant,
  originOf,
  scratchFolder,
} from "../../support/tenant-log.ts";
import { until } from "../../support/until.ts";
import { startWitnessProcess, type WitnessProcess } from "../../support/witness-process.ts";

const folder = scratchFolder();
const tagOf = (tenant: TenantId, epoch: number): string => `${uuidOf(tenant).replaceAll("-", "")}${epoch}`;
let database: ThrowAwayDatabase;
let ports: LogPorts;
let tenant: TenantId;
let installationTenant: TenantId;
let installation: Installation;
let witness: WitnessProcess;
let witnessing: Witnessing;
let policy: Policy;
let policyText: string;
let logged: string[];

const keysOf = (of: TenantId): readonly VerifierKey[] =>
  ports.signer.vkeys(originOf(of, 1)).map((text) => {
    const key = parseVerifierKey(text);
    return key.ok ? key.value : expect.unreachable();
  });

const policyOf = (text: string): Policy => {
  const parsed = parsePolicy(text);
  return parsed.ok ? parsed.value : expect.unreachable();
};

/** Sequences and signs, as the keeper's next look does. */
async function keep(of: TenantId): Promise<void> {
  const refusal = await advance(
    {
      ...ports,
      onCheckpoint: (checkpoint) => {
        installation.cover(checkpoint);
        witnessing.see(checkpoint);
      },
    },
    of,
  );
  expect(refusal).toBeNull();
}

const keysSchema = z.object({ seeds: z.array(z.string()) });
const seedOfLog = (): Buffer => {
  const { seeds } = keysSchema.parse(
    JSON.parse(readFileSync(join(folder.path, "signer", "keys.json"), "utf8")),
  );
  return Buffer.from(seeds[0] ?? "", "base64");
};

const nobody = signerKey("witness.example/gone", SIGNATURE_TYPES.cosignature, new Uint8Array(32).fill(9));

beforeAll(async () => {
  database = await connectThrowAwayDatabase();
  ports = logPorts(database, folder.path);
  tenant = await newTenant(database, "business");
  installationTenant = await newTenant(database, "installation");
  const origin = originOf(installationTenant, 1);
  mkdirSync(join(folder.path, "witness"));
  witness = await startWitnessProcess(join(folder.path, "witness"), ports.signer.vkeys(origin));
  policyText = [
    `log ${ports.signer.vkeys(origin)[0]}`,
    `witness one ${witness.vkey} ${witness.url}`,
    // Nobody listens there: one of two is enough.
    `witness gone ${nobody.vkey} http://127.0.0.1:9/`,
    "group both any one gone",
    "quorum both",
    "",
  ].join("\n");
  policy = policyOf(policyText);
  logged = [];
  const log = (level: string, message: string, fields?: object): void =>
    void logged.push(JSON.stringify({ level, message, ...fields }));
  // The intervals of minutes and seconds are what they are; nobody waits for them here.
  const clock = hastenedClock(50);
  witnessing = startWitnessing({ ...ports, clock, log, witnesses: { policy, ask: createAskWitness(fetch) } });
  installation = await startInstallation(
    { ...ports, clock, log, tenant: installationTenant, tagOf, process: "process_1", wake: () => undefined },
    { role: "all", configuration: null, policies: "sha256:1" },
  );
  await addFacts(ports.store, tenant, "s", 5);
  await keep(tenant);
  await exported("early");
  await witnessedUpTo(5);
  await exported("copy");
});
afterAll(async () => {
  await installation.stop();
  await witnessing.stop();
  await witness.kill();
  await database[Symbol.asyncDispose]();
  folder[Symbol.dispose]();
});

function openTrail(): ReturnType<typeof createAuditTrail> {
  return createAuditTrail(
    createEvidence({
      ...ports,
      holds: () => false,
      onCheckpoint: () => () => undefined,
      wake: async () => await Promise.resolve(),
      stoppedBy: () => null,
      rotate: () => undefined,
      onOperated: async () => await Promise.resolve(),
      witnessed: { policy, installation: installationTenant, tagOf },
      installation: null,
      operators: null,
      retentionDays: null,
      gaps: () => 0,
      stopped: () => 0,
    }),
  );
}

const aborted = { ok: false, error: { kind: "aborted" } } as const;

async function exported(what: string, of: TenantId = tenant): Promise<string> {
  const trail = openTrail();
  const target = join(folder.path, what);
  const log = (await trail.logs(adminOf(of))).data.at(-1) ?? expect.unreachable();
  const client: Parameters<typeof copyLog>[0] = {
    getAuditCheckpoint: async (epoch) => {
      const found = await trail.checkpoint(adminOf(of), epoch);
      return found.ok ? found : aborted;
    },
    listAuditEntries: async (epoch, from, limit) => {
      const found = await trail.entries(adminOf(of), epoch, from, limit);
      return found.ok ? found : aborted;
    },
  };
  expect((await copyLog(client, log, target, "payloads")).ok).toBe(true);
  return target;
}

const verified = (copy: string, by: Policy = policy, of: TenantId = tenant): ReturnType<typeof verifyLog> =>
  verifyLog({
    source: openLogFolder(copy),
    origin: originOf(of, 1),
    keys: keysOf(of),
    remembered: null,
    policy: by,
    now: new Date(),
    cosignedSince: new Date(Date.now() - 600_000),
  });

function verify(copy: string, by: Policy = policy): { found: string[]; cosigners: readonly string[] } {
  const report = verified(copy, by);
  return { found: report.findings.map(({ code, at }) => `${code} at ${at}`), cosigners: report.cosigners };
}

/** Until witnesses have seen the tenant's newest checkpoint, by way of the installation's log. */
async function witnessedUpTo(size: number, of: TenantId = tenant): Promise<void> {
  await until(`witnesses have seen ${size} entries`, async () => {
    await keep(installationTenant);
    const found = await openTrail().checkpoint(adminOf(of), 1);
    return found.ok && found.value.witnessed?.note.split("\n")[1] === String(size);
  });
}

test("a tenant's log is witnessed by way of the installation's, though one witness of two is gone", async () => {
  expect(verify(join(folder.path, "early")).found).toEqual(["witnessed_missing at witnessed"]);
  const copy = join(folder.path, "copy");
  expect(verify(copy)).toEqual({ found: [], cosigners: ["witness.example/one"] });
  // A policy names the installation's log of each epoch, in any order: the proof says of which it is.
  const rotated = signerKey(
    originOf(installationTenant, 2),
    SIGNATURE_TYPES.ed25519,
    new Uint8Array(32).fill(8),
  );
  const later = `log ${rotated.vkey}\n`;
  expect(verify(copy, policyOf(later + policyText)).found).toEqual([]);
  const withoutIt = policyOf(later + policyText.slice(policyText.indexOf("\n") + 1));
  expect(verify(copy, withoutIt).found).toEqual(["witnessed_invalid at witnessed"]);
  // What is published of the installation's log verifies by itself, cosignature and all.
  const verifyPublished = (): ReturnType<typeof verifyLog> =>
    verifyLog({
      source: openLogFolder(join(folder.path, "logs", originOf(installationTenant, 1))),
      origin: originOf(installationTenant, 1),
      keys: keysOf(installationTenant),
      remembered: null,
      policy,
      now: new Date(),
      cosignedSince: new Date(Date.now() - 600_000),
    });
  // A checkpoint is published when it is signed, and once more when a witness has seen it.
  await until("the newest is cosigned", () => verifyPublished().cosigners.length > 0);
  const published = verifyPublished();
  expect(published.findings).toEqual([]);
  expect(published.cosigners).toEqual(["witness.example/one"]);
  const standings = witnessing.standings(originOf(installationTenant, 1));
  expect(standings.map(({ witness: name, refusal }) => [name, refusal?.code ?? null])).toEqual([
    ["witness.example/one", null],
    ["witness.example/gone", "silent"],
  ]);
  const standing = (await openTrail().logs(adminOf(installationTenant))).data[0];
  expect(standing?.cosigned_size).toBeGreaterThan(0);
  // The tenant's own log is shown to nobody: what of it was seen stands in the installation's.
  expect((await openTrail().logs(adminOf(tenant))).data[0]).toMatchObject({
    size: 5,
    cosigned_size: 5,
    uncosigned_since: null,
  });
});

test("verify --db misses a checkpoint that the installation's log took over, where its log has it no more", async () => {
  const undone = new Error("undone");
  const look = async (sql?: string) => {
    let looked: readonly ReviewedEvidence[] = [];
    await transaction(database.ownerPool(), async (client) => {
      await client.query("alter table assent.audit_checkpoints disable trigger user");
      if (sql !== undefined) await client.query(sql, [uuidOf(tenant)]);
      const outside = { anchor: null, published: null, remembered: null };
      const readFile = async () => await Promise.resolve(null);
      const trust = { keysOf: () => [], outsideOf: () => ({ ...outside, readFile }) };
      looked = await reviewEvidence(reviewOn(queryOn(client)), trust, false);
      throw undone;
    }).catch((error: unknown) => {
      if (error !== undone) throw error;
    });
    const { covered, findings } =
      looked.find((each) => each.tenant === "installation") ?? expect.unreachable();
    return { covered, found: findings.map(({ code, at, detail }) => `${code} at ${at}: ${detail}`) };
  };
  const honest = await look();
  expect(honest.covered).toBeGreaterThan(0);
  expect(honest.found).toEqual([]);
  const missed = `covered_missing at log_${tagOf(tenant, 1)} event 1: it took over a checkpoint of 5 entries`;
  const altered =
    "update assent.audit_checkpoints set note = replace(note, e'\\n5\\n', e'\\n4\\n') where tenant_id = $1";
  for (const sql of ["delete from assent.audit_checkpoints where tenant_id = $1 and size = 5", altered])
    expect((await look(sql)).found).toEqual([expect.stringContaining(missed)]);
});

test("the installation's entries name no tenant, and hold no size or digest that is not behind a salt", async () => {
  const entries = await ports.store.transaction(installationTenant, async (tx) => await tx.opened(1, 0, 100));
  const kinds = entries.map(({ leaf }) => /"kind":"([^"]+)"/.exec(Buffer.from(leaf).toString())?.[1]);
  expect(kinds).toEqual(
    expect.arrayContaining(["installation.started", "configuration.stated", "log.covered"]),
  );
  for (const { leaf } of entries) expect(Buffer.from(leaf).toString()).not.toContain('"size"');
});

const proofSchema = z.record(z.string(), z.string());
test("the installation's log says what is in force, when that changes, and when a process stops", async () => {
  const own = await newTenant(database, "another-installation");
  const log = (): undefined => undefined;
  const open = async (name: string, policies: string): Promise<Installation> =>
    await startInstallation(
      { ...ports, clock: hastenedClock(50), log, tenant: own, tagOf, process: name, wake: () => undefined },
      { role: "server", configuration: "1".repeat(64), policies },
    );
  const first = await open("process_a", "sha256:1");
  await first.record("signer", "key.added", { after: ["x"] });
  await first.stop();
  // The same again is no change; other rules are one.
  await (await open("process_b", "sha256:1")).stop();
  await (await open("process_c", "sha256:2")).stop();
  const { rows } = await database
    .ownerPool()
    .query<{ said: string }>(
      "select subject || ' ' || version || ' ' || kind as said from assent.audit_facts where tenant_id = $1 order by event_id",
      [uuidOf(own)],
    );
  expect(rows.map(({ said }) => said)).toEqual([
    "process_a 1 installation.started",
    "configuration_server 1 configuration.stated",
    "signer 1 key.added",
    "process_a 2 installation.stopped",
    "process_b 1 installation.started",
    "process_b 2 installation.stopped",
    "process_c 1 installation.started",
    "configuration_server 2 configuration.changed",
    "process_c 2 installation.stopped",
  ]);
});

test("an installation whose database is gone starts and stops, and says that nothing was recorded", async () => {
  const told: string[] = [];
  const store = { ...ports.store, transaction: async () => await Promise.reject(new Error("gone")) };
  const broken = await startInstallation(
    {
      ...ports,
      store,
      clock: hastenedClock(50),
      log: (_, message) => void told.push(message),
      tenant: installationTenant,
      tagOf,
      process: "process_d",
      wake: () => undefined,
    },
    { role: "all", configuration: null, policies: "sha256:1" },
  );
  await broken.record("signer", "key.added", {});
  await broken.stop();
  expect(new Set(told)).toEqual(new Set(["the installation's log could not be written"]));
  expect(told).toHaveLength(3);
});

type Change = (proof: Record<string, string>) => Record<string, string>;
const swap = (text: string, place: number): string =>
  text.slice(0, place) + (text[place] === "A" ? "B" : "A") + text.slice(place + 1);

test.each<[string, Change, string]>([
  [
    "another checkpoint",
    (proof) => ({ ...proof, note: proof["note"]?.replace("\n5\n", "\n4\n") ?? "" }),
    "witnessed_invalid",
  ],
  [
    "another payload",
    (proof) => ({ ...proof, payload: proof["payload"]?.replace('"size":5', '"size":6') ?? "" }),
    "witnessed_invalid",
  ],
  ["another salt", (proof) => ({ ...proof, salt: swap(proof["salt"] ?? "", 3) }), "witnessed_invalid"],
  [
    "another entry",
    (proof) => ({ ...proof, leaf: proof["leaf"]?.replace("log.covered", "log.coverex") ?? "" }),
    "witnessed_invalid",
  ],
  [
    "cosignatures stripped",
    (proof) => ({ ...proof, proof: `${proof["proof"]?.split("\n").slice(0, -2).join("\n")}\n` }),
    "witnessed_invalid",
  ],
  ["something else", () => ({ note: "x" }), "witnessed_missing"],
])("a proof with %s is none", (_, change, code) => {
  const source = join(folder.path, "copy");
  const proof = proofSchema.parse(JSON.parse(readFileSync(join(source, "witnessed"), "utf8")));
  const changed = `${JSON.stringify(change(proof))}\n`;
  const original = readFileSync(join(source, "witnessed"));
  writeLogFile(source, "witnessed", changed);
  const { found } = verify(source);
  writeLogFile(source, "witnessed", original);
  expect(found).toEqual([`${code} at witnessed`]);
});

test("a quorum that was not reached is said so, and so is a log that was cut back behind what witnesses saw", async () => {
  const copy = join(folder.path, "cut");
  cpSync(join(folder.path, "copy"), copy, { recursive: true });
  const both = policyOf(policyText.replace("group both any", "group both all"));
  expect(verify(copy, both).found).toEqual(["witnessed_invalid at witnessed"]);
  // Set back to one entry, genuinely signed: only what witnesses have seen tells.
  const origin = originOf(tenant, 1);
  const [first] = await ports.store.transaction(tenant, async (tx) => await tx.hashes(1, 0, 0, 1));
  const cut = formatCheckpoint({ origin, size: 1, root: first ?? expect.unreachable(), extensions: [] });
  const signed = signNote(cut, [signerKey(origin, SIGNATURE_TYPES.ed25519, seedOfLog())]);
  writeLogFile(copy, "checkpoint", signed.ok ? signed.value : expect.unreachable());
  expect(verify(copy).found).toContain("history_cut at entry 1");
});

test("while a witness is gone the log goes on, and it catches up when it is back, with the memory that it kept", async () => {
  const origin = originOf(installationTenant, 1);
  const left = await newTenant(database, "left-alone");
  await addFacts(ports.store, left, "before", 2);
  await keep(left);
  await witnessedUpTo(2, left);
  await witness.kill();
  await addFacts(ports.store, left, "while-gone", 3);
  await keep(left);
  await until("the witness is found to be silent", async () => {
    await keep(installationTenant);
    return witnessing.standings(origin)[0]?.refusal?.code === "silent";
  });
  const alone = (await openTrail().logs(adminOf(installationTenant))).data[0];
  expect(alone?.uncosigned_since).not.toBeNull();
  expect(alone?.signed_size).toBeGreaterThan(alone?.cosigned_size ?? 0);
  // Nor has anybody seen what the tenant's log has more by now; a copy of it verifies, and says how far they have seen it.
  const own = (await openTrail().logs(adminOf(left))).data[0] ?? expect.unreachable();
  expect(own.uncosigned_since).not.toBeNull();
  const unseen = verified(await exported("while-gone", left), policy, left);
  expect([unseen.findings, unseen.size]).toEqual([[], own.signed_size]);
  expect(unseen.witnessedSize).toBe(own.cosigned_size);
  expect(unseen.witnessedSize).toBe(own.signed_size - 3);
  const port = Number(new URL(witness.url).port);
  witness = await startWitnessProcess(join(folder.path, "witness"), ports.signer.vkeys(origin), port);
  await addFacts(ports.store, left, "back", 1);
  await keep(left);
  await witnessedUpTo(6, left);
  expect(verified(await exported("later", left), policy, left).findings).toEqual([]);
});

test("a witness does not cosign another history of the same log, and says how far it has seen", async () => {
  // Whoever has the key, on a database that was set back: another tree under the same name.
  const origin = originOf(installationTenant, 1);
  const forged = await newTenant(database, "forged");
  using other = scratchFolder();
  await addFacts(ports.store, forged, "s", 2);
  expect(await advance(logPorts(database, other.path), forged)).toBeNull();
  const head = await ports.store.transaction(forged, async (tx) => await tx.head(1));
  const text = formatCheckpoint({
    origin,
    size: 2,
    root: head?.root ?? expect.unreachable(),
    extensions: [],
  });
  const note = signNote(text, [signerKey(origin, SIGNATURE_TYPES.ed25519, seedOfLog())]);
  const [known] = policy.witnesses;
  const asked = await askForCosignature(
    { store: ports.store, ask: createAskWitness(fetch) },
    { tenant: forged, origin },
    { epoch: 1, size: 2, note: note.ok ? note.value : expect.unreachable() },
    known ?? expect.unreachable(),
    0,
    new AbortController().signal,
  );
  expect(asked).toMatchObject({ ok: false, error: { code: "ahead" } });
});
