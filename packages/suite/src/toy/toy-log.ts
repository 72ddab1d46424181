// The toy's evidence: one signed log a tenant, in which every event of its runs is an entry.

import { createHash, randomBytes } from "node:crypto";
import type { AuditEvent, ProblemCode } from "@assent/contract";
import {
  type Hash,
  formatProof,
  leafHash,
  newSeed,
  proveInclusion,
  signCheckpoint,
  signerKey,
  type SignerKey,
  SIGNATURE_TYPES,
  treeHash,
} from "@assent/tlog";
import { canonicalJson } from "../canonical-json.ts";
import { fieldsOf } from "../run-reading.ts";
import type { Breaks, ToyRun } from "./toy-run.ts";

type Entry = { readonly leaf: string; readonly salt: string; readonly payload: string };
type Log = {
  readonly origin: string;
  readonly signer: SignerKey;
  readonly entries: Entry[];
  /** Events by run and version. */
  readonly places: Map<string, number>;
};

/** By tenant. */
export type ToyEvidence = Map<string, Log>;

export const READERS: readonly string[] = ["auditor", "other_auditor"];

/** Who asks whom for what. */
export type ToyLook = {
  readonly evidence: ToyEvidence;
  readonly breaks: Breaks;
  /** The number of the server that is asked. */
  readonly place: number;
  readonly tenant: string;
  readonly reader: string;
  readonly runs: readonly ToyRun[];
};

type Said = { readonly body: unknown } | { readonly refused: ProblemCode };

function createLog(tenant: string): Log {
  const origin = `toy.example/${tenant}/e1`;
  const signer = signerKey(origin, SIGNATURE_TYPES.ed25519, newSeed());
  return { origin, signer, entries: [], places: new Map() };
}

function entryOf(event: AuditEvent, breaks: Breaks): Entry {
  const salt = randomBytes(32);
  const payload = canonicalJson(event.data);
  const commit = createHash("sha256").update("audit-commit/v1\n").update(salt).update(payload).digest("hex");
  const at = breaks.has("log.times") ? "2020-02-02T00:00:00.000Z" : event.at;
  const { kind, run_id: subj, version: ver, actor } = event;
  const leaf = canonicalJson({ actor: actor?.id ?? null, at, commit, kind, subj, v: 1, ver });
  return { leaf, salt: salt.toString("base64"), payload };
}

const isLeftOut = ({ run }: ToyRun, breaks: Breaks): boolean =>
  (breaks.has("log.success") && run.status !== "succeeded") ||
  (breaks.has("log.called") && run.status === "cancelled");

/** The tenant's log, with all that has happened by now. */
function logOf({ evidence, tenant, runs, breaks }: ToyLook): Log {
  const log = evidence.get(tenant) ?? createLog(tenant);
  evidence.set(tenant, log);
  const add = (event: AuditEvent): void => {
    const name = `${event.run_id} ${event.version}`;
    if (log.places.has(name)) return;
    log.places.set(name, log.entries.length);
    log.entries.push(entryOf(event, breaks));
  };
  for (const toy of runs.filter((one) => one.tenant === tenant && !isLeftOut(one, breaks))) {
    for (const event of toy.events) add(event);
    const last = toy.events.at(-1);
    const isHiding = breaks.has("log.hidden") && toy.run.finished_at !== null && last !== undefined;
    if (isHiding) add({ ...last, version: last.version + 1, kind: "approval_approved" });
  }
  return log;
}

/** The same but for every entry other than that. */
const forkOf = (log: Log, except: number): Log => ({
  ...log,
  entries: log.entries.map((entry, at) => (at === except ? entry : { ...entry, leaf: edited(entry.leaf) })),
});

const edited = (leaf: string): string => leaf.replace('"v":1', '"v":2');

const hashesOf = ({ entries }: Log): Hash[] => entries.map(({ leaf }) => leafHash(Buffer.from(leaf)));

function signed(log: Log, breaks: Breaks): string {
  const { origin, signer } = log;
  const hashes = hashesOf(log);
  const by = breaks.has("log.stranger") ? signerKey(origin, SIGNATURE_TYPES.ed25519, newSeed()) : signer;
  const checkpoint = { origin, size: hashes.length, root: treeHash(hashes), extensions: [] };
  const note = signCheckpoint(checkpoint, [by]);
  if (!note.ok) throw new Error(note.error);
  return note.value;
}

/** @returns undefined where the log has no such event */
function prove(log: Log, event: string, breaks: Breaks, isForked: boolean): object | undefined {
  const index = log.places.get(event);
  const leaf = index === undefined ? undefined : log.entries[index]?.leaf;
  if (index === undefined || leaf === undefined) return undefined;
  const shown = isForked ? forkOf(log, index) : log;
  const hashes = hashesOf(shown);
  const read = (level: number, at: number): Hash =>
    treeHash(hashes.slice(at * 2 ** level, (at + 1) * 2 ** level));
  const path = proveInclusion(read, index, hashes.length);
  const proof = formatProof({ index, hashes: path, checkpoint: signed(shown, breaks), extra: null });
  return { epoch: 1, index, leaf, proof };
}

const PAGE = 1_024;

/** GET /api/harness/audit/logs and what lies below it. */
export function answerAuditor(look: ToyLook, what: string, query: URLSearchParams): Said {
  const { breaks, reader, place } = look;
  if (!READERS.includes(reader) && !breaks.has("log.open")) return { refused: "scope_missing" };
  const own = logOf(look);
  const log = breaks.has("log.servers") && place > 0 ? forkOf(own, -1) : own;
  const { origin, signer, entries } = log;
  if (what === "") return { body: { data: [{ epoch: 1, origin, keys: [signer.vkey] }], stopped: null } };
  if (what === "checkpoint") return { body: { epoch: 1, size: entries.length, note: signed(log, breaks) } };
  const from = Number(query.get("from") ?? "0");
  const shown = entries.slice(from, from + Math.min(PAGE, Number(query.get("limit") ?? "256")));
  const data = shown.map((entry, at) => ({
    index: from + at,
    ...entry,
    ...(breaks.has("log.edited") && from + at === 0 ? { leaf: edited(entry.leaf) } : {}),
  }));
  return { body: { data, size: entries.length, minimum_index: 0, hashes: [] } };
}

export function proveEvent(look: ToyLook, toy: ToyRun, version: string): Said {
  const { breaks } = look;
  const body = prove(logOf(look), `${toy.run.id} ${version}`, breaks, breaks.has("log.split"));
  return body === undefined ? { refused: "audit_entry_not_found" } : { body };
}

/** The answer to a decision, with the receipt for it. */
export function withReceipt(look: ToyLook, toy: ToyRun, answer: unknown): unknown {
  const { breaks } = look;
  const decided = toy.events.findLast(
    ({ kind }) => kind === "approval_approved" || kind === "approval_denied",
  );
  if (decided === undefined || (breaks.has("log.noes") && decided.kind === "approval_denied")) return answer;
  const event = `${toy.run.id} ${decided.version}`;
  const receipt = prove(logOf(look), event, breaks, breaks.has("log.receipts"));
  return receipt === undefined ? answer : { ...fieldsOf(answer), receipt };
}
