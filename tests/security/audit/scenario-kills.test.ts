// The scenario of the audit log passes on the product, and fails when what it is there for is taken out of the product.

import { type AuditCheckpoint, type AuditEntry, type AuditEntryPage, runIdSchema } from "@assent/contract";
import {
  leafHash,
  newSeed,
  signCheckpoint,
  signerKey,
  type SignerKey,
  SIGNATURE_TYPES,
  treeHash,
} from "@assent/tlog";
import { vi } from "vitest";
import { z } from "zod";
import type { Caller } from "../../../packages/harness/src/ports.ts";
import type { Evidence } from "../../../packages/harness/src/services/audit/evidence.ts";
import type { Once } from "../../../packages/harness/src/services/harness.ts";
import { receiptView } from "../../../packages/harness/src/services/audit/trail.ts";
import { proveKills } from "../../support/target/kills.ts";
import { createInProcessTarget } from "../../support/target/local-target.ts";

type Break =
  | "an entry was edited in the database"
  | "a payload was exchanged"
  | "checkpoints go out as a stranger signed them"
  | "decisions are answered without a receipt"
  | "an event's proof is of another event"
  | "a decision's receipt is of another event"
  | "history is rewritten by whoever has the key"
  | "checkpoints go out without their second line"
  | "entries are taken out without a record"
  | "an auditor is shown another tenant's log";

const broken = vi.hoisted(() => ({
  by: "none" as Break | "none",
  checkpoints: 0,
  /** Who asked for a proof: in whose log the trial is. */
  owner: null as Caller | null,
}));

const edit = (text: string): string => text.replace('"kind":"run_queued"', '"kind":"run_parked"');

/** The second line has more than three thousand characters, that of Ed25519 a hundred. */
const withoutSecondLine = (note: string): string =>
  note
    .split("\n")
    .filter((line) => !line.startsWith("\u2014") || line.length < 1_000)
    .join("\n");

const TAKEN_OUT = 2;

/** As pruning shows a page, of entries that no record speaks of. */
function takeOut(page: AuditEntryPage): AuditEntryPage {
  const gone = page.data.filter(({ index }) => index < TAKEN_OUT);
  return {
    ...page,
    data: page.data.filter(({ index }) => index >= TAKEN_OUT),
    minimum_index: TAKEN_OUT,
    hashes: gone.map(({ leaf }) => Buffer.from(leafHash(Buffer.from(leaf, "latin1"))).toString("base64")),
  };
}

/** Whoever has the keys: they are among those that the log names, and sign whatever they are given. */
const ownerKeys = (origin: string): readonly SignerKey[] => {
  owner ??= [SIGNATURE_TYPES.ed25519, SIGNATURE_TYPES.mldsa].map((type) =>
    signerKey(origin, type, newSeed()),
  );
  return owner;
};
let owner: readonly SignerKey[] | undefined;

function sign(real: AuditCheckpoint, entries: readonly AuditEntry[]): AuditCheckpoint {
  const [origin = ""] = real.note.split("\n");
  const hashes = entries.map(({ leaf }) => leafHash(Buffer.from(leaf, "latin1")));
  const checkpoint = { origin, size: hashes.length, root: treeHash(hashes), extensions: [] };
  const note = signCheckpoint(checkpoint, ownerKeys(origin));
  if (!note.ok) throw new Error(note.error);
  return { ...real, note: note.value };
}

vi.mock(import("../../../packages/harness/src/services/audit/trail.ts"), async (importOriginal) => {
  const real = await importOriginal();
  return {
    ...real,
    createAuditTrail: (evidence) => {
      const trail = real.createAuditTrail(evidence);
      return {
        ...trail,
        logs: async (caller) => {
          const logs = await trail.logs(caller);
          broken.checkpoints = 0;
          if (broken.by !== "history is rewritten by whoever has the key") return logs;
          const data = logs.data.map((log) => ({
            ...log,
            keys: [...log.keys, ...ownerKeys(log.origin).map(({ vkey }) => vkey)],
          }));
          return { ...logs, data };
        },
        checkpoint: async (caller, epoch) => {
          const found = await trail.checkpoint(caller, epoch);
          if (!found.ok) return found;
          broken.checkpoints += 1;
          const page = await trail.entries(caller, epoch, 0, found.value.size);
          const entries = page.ok ? page.value.data : [];
          if (broken.by === "checkpoints go out without their second line")
            return { ok: true, value: { ...found.value, note: withoutSecondLine(found.value.note) } };
          if (broken.by === "checkpoints go out as a stranger signed them")
            return { ok: true, value: sign(found.value, entries) };
          if (broken.by !== "history is rewritten by whoever has the key" || broken.checkpoints === 1)
            return found;
          const rewritten = entries.map((entry) => ({ ...entry, leaf: edit(entry.leaf) }));
          return { ok: true, value: sign(found.value, rewritten) };
        },
        entries: async (caller, ...given) => {
          const isOther = broken.by === "an auditor is shown another tenant's log";
          const page = await trail.entries(isOther ? (broken.owner ?? caller) : caller, ...given);
          if (!page.ok) return page;
          if (broken.by === "entries are taken out without a record")
            return { ok: true, value: takeOut(page.value) };
          const isRewritten =
            broken.by === "history is rewritten by whoever has the key" && broken.checkpoints > 1;
          const data = page.value.data.map((entry) => {
            if (broken.by === "an entry was edited in the database" || isRewritten)
              return { ...entry, leaf: edit(entry.leaf) };
            if (broken.by === "a payload was exchanged") return { ...entry, payload: `${entry.payload} ` };
            return entry;
          });
          return { ok: true, value: { ...page.value, data } };
        },
        prove: async (caller, run, version) => {
          // Of the very trial: in others nobody has asked before the neighbour reads.
          if (broken.by === "an auditor is shown another tenant's log") broken.owner = caller;
          const proof = await trail.prove(caller, run, version);
          // Only once it is covered: else the log would be looked at before it holds the run.
          const isOther = proof.ok && broken.by === "an event's proof is of another event";
          return isOther ? await trail.prove(caller, run, 1) : proof;
        },
      };
    },
  };
});

vi.mock(import("../../../packages/harness/src/services/audit/covered.ts"), async (importOriginal) => {
  const real = await importOriginal();
  return {
    ...real,
    coveredAnswer: async (evidence, ...rest) =>
      broken.by === "decisions are answered without a receipt"
        ? await real.coveredAnswer(null, ...rest)
        : await withOther(evidence, rest[0], await real.coveredAnswer(evidence, ...rest)),
    withReceipt: async (evidence, ...rest) =>
      broken.by === "decisions are answered without a receipt"
        ? await real.withReceipt(null, ...rest)
        : await real.withReceipt(evidence, ...rest),
  };
});

const decidedSchema = z.looseObject({ run_id: z.string().startsWith("run_"), receipt: z.unknown() });

/** With the receipt of how the run began, which is as true as that of the decision. */
async function withOther(evidence: Evidence | null, { tenant }: Caller, done: Once): Promise<Once> {
  if (broken.by !== "a decision's receipt is of another event" || !done.answer.ok) return done;
  const decided = decidedSchema.safeParse(JSON.parse(done.answer.value.body));
  if (!decided.success || decided.data.receipt === undefined) return done;
  const first = await evidence?.prove(tenant, runIdSchema.parse(decided.data.run_id), 1);
  if (first === undefined || first === null) return done;
  const body = JSON.stringify({ ...decided.data, receipt: receiptView(first) });
  return { ...done, answer: { ok: true, value: { ...done.answer.value, body } } };
}

proveKills<Break>(createInProcessTarget(), broken, [
  [
    "audit_log_tamper_evidence",
    "an entry was edited in the database",
    "the downloaded log is what its checkpoint has signed",
  ],
  ["audit_log_tamper_evidence", "a payload was exchanged", "every entry opens to its event"],
  [
    "audit_log_tamper_evidence",
    "checkpoints go out as a stranger signed them",
    "the checkpoint is signed by a key of the log",
  ],
  [
    "audit_log_tamper_evidence",
    "decisions are answered without a receipt",
    "every decision is answered with a receipt that verifies",
  ],
  [
    "audit_log_tamper_evidence",
    "a decision's receipt is of another event",
    "and for the decision itself, and no other event",
  ],
  [
    "audit_log_tamper_evidence",
    "an event's proof is of another event",
    "every event's proof leads to a signed root",
  ],
  [
    "audit_log_tamper_evidence",
    "history is rewritten by whoever has the key",
    "the later log continues the remembered checkpoint",
  ],
  [
    "audit_log_tamper_evidence",
    "checkpoints go out without their second line",
    "the checkpoint is signed by a key of the log",
  ],
  [
    "audit_log_tamper_evidence",
    "entries are taken out without a record",
    "the downloaded log is what its checkpoint has signed",
  ],
  [
    "audit_log_tamper_evidence",
    "an auditor is shown another tenant's log",
    "nothing that another tenant's auditor reads is of our log",
  ],
]);
