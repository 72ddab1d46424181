// The evidence from the command line: what there is, copies of it, and proofs. Verifying needs no server.

import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { type AuditEntry, type AuditLog, type Receipt, receiptSchema, type RunId } from "@assent/contract";
import { parsePolicy, parseVerifierKey, type Policy, type VerifierKey, verifyProof } from "@assent/tlog";
import { err, ok, type Result } from "../../base/result.ts";
import { decodeLeaf } from "../../core/audit/leaf.ts";
import { epochOf } from "../../core/audit/verify-leaf.ts";
import { verifyLog } from "../../core/audit/verify-log.ts";
import type { Context, Outcome } from "../context.ts";
import { type Failure, failureOfClient, usageFailure } from "../failure.ts";
import { table } from "../output/table.ts";
import { visibleLine } from "../output/visible.ts";
import { copyLog } from "../verify/copy-log.ts";
import { isLater, readLaterLogs } from "../verify/later-logs.ts";
import { isFolder, openLogFolder } from "../verify/log-folder.ts";
import { reportLines } from "../verify/report-lines.ts";

export async function showLogs(context: Context): Outcome {
  const client = await context.openClient();
  if (!client.ok) return client;
  const logs = await client.value.listAuditLogs();
  if (!logs.ok) return err(failureOfClient(logs.error));
  context.show(logs.value, () => [
    ...table(
      ["LOG", "ENTRIES", "SIGNED", "FROM", "ORIGIN"],
      logs.value.data.map((log) => [
        String(log.epoch),
        String(log.size),
        String(log.signed_size),
        String(log.minimum_index),
        log.origin,
      ]),
    ),
    "",
    ...logs.value.data.flatMap((log) => log.keys.map((key) => `key of log ${log.epoch}: ${key}`)),
    ...logs.value.data.flatMap(cosignedLine),
    ...(logs.value.stopped === null
      ? []
      : ["", visibleLine(`NOT SIGNED any more: ${logs.value.stopped.detail} (${logs.value.stopped.code})`)]),
  ]);
  return ok(logs.value.stopped === null ? "ok" : "failed");
}

const cosignedLine = ({ epoch, cosigned_size: size, uncosigned_since: since }: AuditLog): string[] =>
  size === null
    ? []
    : [
        `log ${epoch} is cosigned up to ${size} entries${since === null ? "" : `; not cosigned since ${since}`}`,
      ];

export type EntryFlags = { readonly epoch?: number };

export async function showEntry(context: Context, index: number, flags: EntryFlags): Outcome {
  const client = await context.openClient();
  if (!client.ok) return client;
  const page = await client.value.listAuditEntries(flags.epoch ?? 1, index, 1);
  if (!page.ok) return err(failureOfClient(page.error));
  const [entry] = page.value.data;
  if (entry === undefined) return err(index < page.value.minimum_index ? prunedEntry(index) : noEntry(index));
  context.show(entry, () => entryLines(entry));
  return ok("ok");
}

const prunedEntry = (index: number): Failure => ({
  exit: "refused",
  code: "audit_entry_pruned",
  detail: `Entry ${index} was pruned: it was older than this installation keeps entries.`,
  remedy:
    "`assent audit log` says from where on there are entries. Who has a copy of it can prove it with the tree.",
});

const noEntry = (index: number): Failure => ({
  exit: "refused",
  code: "audit_entry_not_found",
  detail: `There is no entry ${index}.`,
  remedy: "See `assent audit log` for how many there are.",
});

const entryLines = ({ index, leaf, payload, opened }: AuditEntry): string[] => [
  `entry ${index}`,
  visibleLine(leaf),
  visibleLine(payload ?? "The payload was erased."),
  ...(opened === null
    ? sealedLines(payload)
    : [visibleLine(`sealed in it: ${JSON.stringify(opened.fields)}`)]),
];

const sealedLines = (payload: string | null): string[] =>
  /"sealed" ?: ?"v1\./u.test(payload ?? "")
    ? ["What is sealed in it cannot be opened: its key was erased, or is not at this server."]
    : [];

export type CopyFlags = { readonly epoch?: number; readonly open?: boolean };

/** An erasure's record is signed within this, usually. */
const NEWER_CHECKPOINT_MS = 100;

/** Tiles, entries and checkpoint; for an export what opens the entries as well. A copy that is there is brought forward. */
export async function copyAudit(
  context: Context,
  folder: string,
  flags: CopyFlags,
  what: "export" | "mirror",
): Outcome {
  const client = await context.openClient();
  if (!client.ok) return client;
  const logs = await client.value.listAuditLogs();
  if (!logs.ok) return err(failureOfClient(logs.error));
  const log = logs.value.data.find(({ epoch }) => epoch === (flags.epoch ?? logs.value.data.at(-1)?.epoch));
  if (log === undefined) return err(noLog());
  const target = resolve(context.deps.cwd, folder);
  const depth = flags.open === true ? "opened" : "payloads";
  const goesOn = log === logs.value.data.at(-1);
  const nap = async (): Promise<void> =>
    await context.deps.clock.sleep(NEWER_CHECKPOINT_MS, new AbortController().signal);
  const copied = await copyLog(
    client.value,
    log,
    target,
    what === "mirror" ? "bare" : depth,
    goesOn ? nap : null,
  );
  if (!copied.ok) return copied;
  const record = { folder: target, origin: log.origin, size: copied.value.size, keys: log.keys };
  context.show(record, () => copyLines(context.command, log, target, copied.value.size));
  return ok("ok");
}

const noLog = (): Failure => ({
  exit: "refused",
  code: "audit_log_not_found",
  detail: "There is no such log yet.",
  remedy: "The first event begins it.",
});

const copyLines = (command: string, log: AuditLog, folder: string, size: number): string[] => [
  `${size} entries of ${log.origin} are in ${visibleLine(folder)}.`,
  "Verify them with a key that you got from somebody you trust, not with this copy:",
  ...log.keys.map((key) => `  ${command} audit verify ${visibleLine(folder)} --key '${key}'`),
];

export type VerifyFlags = {
  readonly key?: readonly string[];
  readonly remembered?: string;
  readonly policy?: string;
  readonly later?: readonly string[];
  readonly cosignedWithin?: number;
  readonly published?: boolean;
  readonly now?: Date;
  readonly db?: boolean;
  readonly state?: boolean;
};

/** Verifies an exported log: no server, no database, nothing believed that stands in the export. */
export async function verifyExport(context: Context, folder: string, flags: VerifyFlags): Outcome {
  const given = readTrust(context, flags);
  if (!given.ok) return await Promise.resolve(given);
  const { keys, remembered, policy } = given.value;
  const [first] = keys;
  if (first === undefined)
    return err(usageFailure("key_missing", "No key was given.", "Give it with --key."));
  const clock = context.deps.clock.now();
  const time = { now: flags.now ?? clock, clock: flags.now === undefined ? null : clock };
  const now = time.now.getTime();
  try {
    const folders = (flags.later ?? []).map((later) => resolve(context.deps.cwd, later));
    // A folder that is not there is a slip of the hand; to find a checkpoint missing would be to say that a log was cut.
    const missing = [resolve(context.deps.cwd, folder), ...folders].find((one) => !isFolder(one));
    if (missing !== undefined)
      return err(
        usageFailure(
          "folder_missing",
          `there is no folder ${visibleLine(missing)}`,
          "Name the copy that `assent audit export` or `mirror` made, or a run's id.",
        ),
      );
    const later = readLaterLogs(folders, first.name, keys, time);
    const own = verifyLog({
      source: openLogFolder(resolve(context.deps.cwd, folder)),
      origin: first.name,
      keys: keys.filter(({ name }) => name === first.name),
      remembered,
      policy,
      ...time,
      isPublished: flags.published ?? false,
      cosignedSince:
        flags.cosignedWithin === undefined ? null : new Date(now - flags.cosignedWithin * 60_000),
      erased: later.erased,
      pruned: later.pruned,
      ended: later.ended,
      begun: later.begun,
    });
    const findings = [...own.findings, ...later.findings];
    const taken = { ...own.time, ahead: own.time.ahead + later.ahead };
    const { begun: _, ...told } = own;
    const report = { ...told, findings, verified: findings.length === 0, time: taken };
    context.show(report, () => reportLines(report));
    return ok(report.verified ? "ok" : "failed");
  } catch (error) {
    // What may not be read says nothing about the log: neither that it is whole nor that it is not.
    if (!(error instanceof Error && "path" in error && "code" in error)) throw error;
    return err(unreadable(String(error.path), String(error.code)));
  }
}

const unreadable = (file: string, why: string): Failure =>
  usageFailure("file_unreadable", `${file} cannot be read (${why}).`, "Check the path and its permissions.");

type Trust = {
  readonly keys: readonly VerifierKey[];
  readonly remembered: string | null;
  readonly policy: Policy | null;
};

export function readTrust(context: Context, flags: VerifyFlags): Result<Trust, Failure> {
  const policyText = flags.policy === undefined ? null : readText(context, flags.policy);
  if (policyText !== null && !policyText.ok) return policyText;
  const policy = policyText === null ? null : parsePolicy(policyText.value);
  if (policy !== null && !policy.ok)
    return err(usageFailure("policy_invalid", policy.error, "See https://c2sp.org/tlog-policy."));
  const keys: VerifierKey[] = [];
  for (const text of flags.key ?? []) {
    const key = parseVerifierKey(text);
    if (!key.ok)
      return err(usageFailure("key_invalid", key.error, "Give it as `assent audit log` prints it."));
    keys.push(key.value);
  }
  // A policy names the keys of the log as well, unless it is the installation's, which vouches for this one.
  const [named] = policy?.value.logs ?? [];
  const log = keys[0]?.name ?? named?.key.name;
  for (const { key } of policy?.value.logs ?? [])
    if (key.name === log && !keys.some(({ vkey }) => vkey === key.vkey)) keys.push(key);
  // A database has many logs; a copy is of one, and goes with copies of those that follow it.
  const isOther = (name: string): boolean =>
    name !== log && (flags.later === undefined || log === undefined || !isLater(name, log));
  if (flags.db !== true && keys.some(({ name }) => isOther(name)))
    return err(
      usageFailure(
        "keys_differ",
        "The keys are of several logs.",
        "Verify one log at a time; --later names copies of those that follow it.",
      ),
    );
  const remembered = flags.remembered === undefined ? null : readText(context, flags.remembered);
  if (remembered !== null && !remembered.ok) return remembered;
  return ok({ keys, remembered: remembered?.value ?? null, policy: policy?.value ?? null });
}

/** A file that somebody named. */
export function readText(
  { deps }: { readonly deps: Pick<Context["deps"], "cwd"> },
  file: string,
): Result<string, Failure> {
  try {
    return ok(readFileSync(resolve(deps.cwd, file), "utf8"));
  } catch (error) {
    const why = error instanceof Error && "code" in error ? String(error.code) : "unknown";
    return err(unreadable(file, why));
  }
}

/** Verifies the proof that came with a decision. */
export async function verifyReceipt(context: Context, file: string, flags: VerifyFlags): Outcome {
  const given = readTrust(context, flags);
  const text = readText(context, file);
  if (!given.ok) return await Promise.resolve(given);
  if (!text.ok) return text;
  const receipt = receiptSchema.safeParse(parseJson(text.value));
  const [first] = given.value.keys;
  if (first === undefined)
    return err(usageFailure("key_missing", "No key was given.", "Give it with --key."));
  if (!receipt.success)
    return err(
      usageFailure(
        "receipt_invalid",
        `${visibleLine(file)} holds no receipt`,
        "Give what `assent audit prove --json` printed, or the whole answer to a decision.",
      ),
    );
  const { leaf, proof, index } = receipt.data;
  const proved = verifyProof(proof, Buffer.from(leaf, "latin1"), first.name, given.value.keys);
  const other = proved.ok ? otherThanProved(receipt.data, proved.value.index, first.name) : null;
  const verified = other === null ? proved : err(other);
  const record = { verified: verified.ok, index, leaf, ...(verified.ok ? {} : { detail: verified.error }) };
  context.show(record, () =>
    verified.ok
      ? [`Receipt verified: entry ${index} of ${first.name} is`, visibleLine(leaf)]
      : [visibleLine(`Receipt NOT verified: ${verified.error}`)],
  );
  return ok(verified.ok ? "ok" : "failed");
}

// The place is told beside the proof, which says it as well, and the entry whose it is.
function otherThanProved({ epoch, index, leaf }: Receipt, proved: number, origin: string): string | null {
  if (proved !== index || epochOf(origin) !== epoch)
    return `the proof is of entry ${proved} of ${origin}, and the receipt says entry ${index} of log ${epoch}`;
  const log = decodeLeaf(Buffer.from(leaf, "latin1"))?.log;
  return log === origin
    ? null
    : `what is proved is no entry of ${origin}: it says ${log ?? "nothing that entries say"}`;
}

function parseJson(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    // The whole answer to a decision does as well.
    return typeof value === "object" && value !== null && "receipt" in value ? value.receipt : value;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

export type EraseFlags = { readonly epoch?: number; readonly reason: string };

export async function erasePayload(context: Context, index: number, flags: EraseFlags): Outcome {
  const client = await context.openClient();
  if (!client.ok) return client;
  const erased = await client.value.eraseAuditPayload({
    epoch: flags.epoch ?? 1,
    index,
    reason: flags.reason,
  });
  if (!erased.ok) return err(failureOfClient(erased.error));
  context.show(erased.value, () => [
    `The payload of entry ${index} is gone; a record of it stays in the log.`,
  ]);
  return ok("ok");
}

export type EpochFlags = { readonly reason: string; readonly anyway?: true };

export async function beginEpoch(context: Context, flags: EpochFlags): Outcome {
  const client = await context.openClient();
  if (!client.ok) return client;
  const logs = await client.value.beginAuditEpoch(flags);
  if (!logs.ok) return err(failureOfClient(logs.error));
  const newest = logs.value.data.at(-1);
  context.show(logs.value, () => [
    `Log ${newest?.epoch ?? ""} begins: ${newest?.origin ?? ""}`,
    ...(newest?.keys ?? []),
  ]);
  return ok("ok");
}

export async function rotateSigner(context: Context, step: "add" | "retire"): Outcome {
  const client = await context.openClient();
  if (!client.ok) return client;
  const logs = await client.value.rotateAuditSigner(step);
  if (!logs.ok) return err(failureOfClient(logs.error));
  context.show(logs.value, () => ["These keys sign from now on:", ...(logs.value.data.at(-1)?.keys ?? [])]);
  return ok("ok");
}

export async function proveEvent(context: Context, run: RunId, version: number): Outcome {
  const client = await context.openClient();
  if (!client.ok) return client;
  const receipt = await client.value.proveEvent(run, version);
  if (!receipt.ok) return err(failureOfClient(receipt.error));
  context.show(receipt.value, () => [
    visibleLine(receipt.value.leaf),
    "",
    ...receipt.value.proof.split("\n"),
  ]);
  return ok("ok");
}
