// What each command of `harmony` does, without a terminal: options in, lines for a person and JSON for a program out.

import { auditToJson } from "./audit.ts";
import { HarmonyError } from "./errors.ts";
import { blobFingerprint } from "./fingerprint.ts";
import { digestId, parseId, type ContentId } from "./ids.ts";
import * as memory from "./memory.ts";
import type { Act } from "./memory.ts";
import { newPattern, patternToJson } from "./patterns.ts";
import { policyToJson } from "./policies.ts";
import type { Resolution } from "./resolutions.ts";
import type { HarmonyStore } from "./store.ts";
import * as tables from "./tables.ts";
import type { PolicyAction, PolicyScope } from "./types.ts";
import { visible } from "./visible.ts";
import { ConflictType, EscalationStatus } from "./vocabulary.ts";

/** 0 done; 1 refused or left undecided; 2 wrongly called; 3 no such record; 4 decided already. */
export const EXIT = { DONE: 0, REFUSED: 1, USAGE: 2, NOT_FOUND: 3, DECIDED: 4 } as const;

export type Output = {
  readonly exitCode: number;
  readonly lines: readonly string[];
  /** Gets `schema: "assent.harmony/<command>/v1"` in front. */
  readonly json: { readonly [key: string]: unknown };
};

/** Wrongly called: what was typed makes no sense, whatever the memory holds. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

const done = (lines: readonly string[], json: Output["json"]): Output => ({
  exitCode: EXIT.DONE,
  lines,
  json,
});
const notFound = (what: string): Output => ({
  exitCode: EXIT.NOT_FOUND,
  lines: [`no such ${what}`],
  json: { error: { code: "not_found", message: `no such ${what}` } },
});

/** A whole id, or the beginning of one (6 hex digits at least) that only one of these has. Null when none has it. */
async function findId(
  text: string,
  kind: string,
  ids: () => Promise<readonly string[]>,
): Promise<string | null> {
  if (/^sha256:[0-9a-f]{64}$/.test(text)) return parseId(text);
  const digits = text.replace(/^sha256:/, "");
  if (!/^[0-9a-f]{6,63}$/.test(digits)) {
    throw new UsageError(`${kind}: want sha256: and 64 hex digits, or the first 6 to 63 of them`);
  }
  const found = (await ids()).filter((id) => id.startsWith(`sha256:${digits}`));
  if (found.length > 1) throw new UsageError(`${kind} ${digits} is ambiguous: ${found.length} begin so`);
  return found[0] ?? null;
}

const findPattern = async (store: HarmonyStore, text: string): Promise<string | null> =>
  await findId(text, "pattern", async () => (await store.listPatterns()).map((p) => p.patternId));
const findEscalation = async (store: HarmonyStore, text: string): Promise<string | null> =>
  await findId(text, "escalation", async () => (await store.listEscalations()).map((e) => e.escalationId));

async function findResolution(store: HarmonyStore, text: string): Promise<Resolution | null> {
  const id = await findId(text, "resolution", async () => {
    const patterns = await store.listPatterns();
    const all = await Promise.all(patterns.map(async (p) => await store.listResolutions(p.patternId)));
    return all.flat().map((resolution) => resolution.resolutionId);
  });
  return id === null ? null : await store.findResolution(id);
}

export type RecordOptions = {
  readonly path?: string;
  readonly domain?: string;
  readonly scope?: string;
  readonly type?: string;
};

/** Contents of the sides (ours, theirs, and the base where there is one), each as bytes. */
export async function record(
  store: HarmonyStore,
  [ours, theirs, base]: readonly Uint8Array[],
  options: RecordOptions,
  { actor, at }: Act,
): Promise<Output> {
  if (ours === undefined || theirs === undefined)
    throw new UsageError("want two files, and the base if there is one");
  const baseId = base === undefined ? null : digestId(base);
  const pattern = newPattern({
    domain: options.domain ?? "merge",
    scope: options.scope ?? "",
    conflictType: options.type ?? (base === undefined ? ConflictType.BOTH_ADDED : ConflictType.BOTH_MODIFIED),
    blobFingerprint: blobFingerprint(digestId(ours), digestId(theirs), baseId),
    path: options.path ?? "",
    recordedAt: at,
    recordedBy: actor,
  });
  const isNew = await memory.recordPattern(store, pattern);
  const stored = (await store.loadPattern(pattern.patternId)) ?? pattern;
  const seen = isNew ? "recorded" : `known, seen ${stored.occurrences} times`;
  return done([`${tables.shortId(pattern.patternId)} ${seen}`], {
    new: isNew,
    pattern: patternToJson(stored),
  });
}

export type ListOptions = {
  readonly domain?: string;
  readonly scope?: string;
  readonly type?: string;
  readonly limit?: number;
};

export async function list(store: HarmonyStore, { type, ...options }: ListOptions): Promise<Output> {
  const patterns = await store.listPatterns({
    ...options,
    ...(type === undefined ? {} : { conflictType: type }),
  });
  const lines =
    patterns.length === 0
      ? ["Nothing remembered yet. `harmony merge` learns from conflicts; `harmony record` takes two files."]
      : tables.patternTable(patterns);
  return done(lines, { patterns: patterns.map(patternToJson) });
}

export async function show(store: HarmonyStore, text: string): Promise<Output> {
  const patternId = await findPattern(store, text);
  const pattern = patternId === null ? null : await store.loadPattern(patternId);
  if (pattern !== null) {
    const resolutions = await store.listResolutions(pattern.patternId);
    const unreadable = await store.unreadableResolutions(pattern.patternId);
    const escalations = await store.listEscalations({ patternId: pattern.patternId });
    const lines = [
      ...tables.patternTable([pattern]),
      "",
      ...(resolutions.length === 0 ? ["no resolutions"] : tables.resolutionTable(resolutions)),
      ...unreadable.map((path) => `cannot be read: ${visible(path)}`),
      ...(escalations.length === 0 ? [] : ["", ...tables.escalationTable(escalations)]),
    ];
    return done(lines, { pattern: patternToJson(pattern), resolutions, unreadable, escalations });
  }
  const escalationId = await findEscalation(store, text);
  const escalation = escalationId === null ? null : await store.loadEscalation(escalationId);
  if (escalation !== null) {
    return done([...tables.escalationTable([escalation]), "", visible(escalation.reason)], {
      escalation,
    });
  }
  const resolution = await findResolution(store, text);
  if (resolution === null) return notFound("pattern, escalation or resolution");
  const result = resolution.result === null ? [] : ["", ...resolution.result.split("\n").map(visible)];
  return done([...tables.resolutionTable([resolution]), ...result], { resolution });
}

export type ResolveOptions = {
  readonly strategy: string;
  readonly result?: string;
  readonly rationale?: string;
};

/** Answers an escalation, or a pattern that nobody has escalated. */
export async function resolve(
  store: HarmonyStore,
  text: string,
  options: ResolveOptions,
  act: Act,
): Promise<Output> {
  if ((options.strategy === "text") !== (options.result !== undefined)) {
    throw new UsageError("strategy `text` goes with --text or --file, the other strategies without");
  }
  const escalationId = await findEscalation(store, text);
  const resolution = escalationId === null ? null : await memory.resolve(store, escalationId, options, act);
  if (resolution !== null) {
    return done([`resolved with ${tables.shortId(resolution.resolutionId)}`], { resolution });
  }
  const patternId = await findPattern(store, text);
  if (patternId === null || (await store.loadPattern(patternId)) === null)
    return notFound("escalation or pattern");
  const given = await memory.answer(store, patternId, options, act);
  return done([`remembered as ${tables.shortId(given.resolutionId)}`], { resolution: given });
}

export async function best(store: HarmonyStore, text: string): Promise<Output> {
  const patternId = await findPattern(store, text);
  const found = patternId === null ? null : await memory.best(store, patternId);
  if (found === null) return notFound("answer in force");
  const { resolution, confidence } = found;
  return done(tables.resolutionTable([resolution]), { resolution, confidence });
}

/** What domains keep beside the records, and forget with them. */
export type DomainNotes = {
  readonly forget: (patternId: ContentId) => void;
  readonly clear: () => void;
};

export async function forget(
  store: HarmonyStore,
  text: string,
  act: Act,
  notes: () => DomainNotes,
): Promise<Output> {
  const patternId = await findPattern(store, text);
  const pattern = patternId === null ? null : await store.loadPattern(patternId);
  // Notes first: cut short, the pattern is still there to be forgotten again.
  if (pattern !== null) notes().forget(pattern.patternId);
  if (patternId === null || !(await memory.forget(store, patternId, act))) return notFound("pattern");
  return done([`forgot ${tables.shortId(patternId)} and its answers`], { pattern_id: patternId });
}

export async function revoke(store: HarmonyStore, text: string, reason: string, act: Act): Promise<Output> {
  const known = await findResolution(store, text);
  const revoked =
    known === null ? null : await memory.revoke(store, known.patternId, known.resolutionId, act, reason);
  if (revoked === null) return notFound("resolution");
  const { resolution, decisions, escalations } = revoked;
  const lines = [
    `revoked ${tables.shortId(resolution.resolutionId)}; it had decided ${decisions.length} times and answered ${escalations.length} escalations`,
    ...(decisions.length === 0 ? [] : tables.auditTable(decisions)),
    ...(escalations.length === 0 ? [] : tables.escalationTable(escalations)),
  ];
  return done(lines, { resolution, decisions: decisions.map(auditToJson), escalations });
}

export async function clear(
  store: HarmonyStore,
  isSure: boolean,
  act: Act,
  notes: () => DomainNotes,
): Promise<Output> {
  if (!isSure) throw new UsageError("this forgets everything but the audit; say --yes");
  notes().clear();
  const removed = await memory.clear(store, act);
  return done([`forgot ${removed} records; the audit stays`], { removed });
}

const DAY_MS = 86_400_000;

export async function gc(
  store: HarmonyStore,
  days: number,
  act: Act,
  notes: () => DomainNotes,
): Promise<Output> {
  if (!Number.isFinite(days) || days < 0) throw new UsageError("--days is a number from 0");
  const before = new Date(new Date(act.at).getTime() - days * DAY_MS);
  const gone = await memory.collect(store, before, act);
  for (const patternId of gone) notes().forget(parseId(patternId));
  return done([`forgot ${gone.length} patterns without an answer`], { forgotten: gone });
}

export type PolicyOptions = {
  readonly scope: PolicyScope;
  readonly action: PolicyAction;
  readonly pathGlob?: string;
  readonly domain?: string;
  readonly type?: string;
  readonly minConfidence?: number;
  readonly priority?: number;
  readonly comment?: string;
};

export async function policyAdd(store: HarmonyStore, options: PolicyOptions, act: Act): Promise<Output> {
  const policy = await memory.addPolicy(store, {
    scope: options.scope,
    action: options.action,
    condition: {
      pathGlob: options.pathGlob ?? null,
      domain: options.domain ?? null,
      conflictType: options.type ?? null,
      confidenceMin: options.minConfidence ?? null,
    },
    ...(options.priority === undefined ? {} : { priority: options.priority }),
    comment: options.comment ?? "",
    createdAt: act.at,
    createdBy: act.actor,
  });
  return done(tables.policyTable([policy]), { policy: policyToJson(policy) });
}

export async function policyList(store: HarmonyStore): Promise<Output> {
  const policies = await store.listPolicies();
  const lines =
    policies.length === 0
      ? ["No policies. `harmony policy-add --action union --path-glob CHANGELOG.md` writes one."]
      : tables.policyTable(policies);
  return done(lines, { policies: policies.map(policyToJson) });
}

export async function policyRemove(store: HarmonyStore, text: string, act: Act): Promise<Output> {
  const policyId = await findId(text, "policy", async () =>
    (await store.listPolicies()).map((p) => p.policyId),
  );
  if (policyId === null || !(await memory.removePolicy(store, policyId, act))) return notFound("policy");
  return done([`removed ${tables.shortId(policyId)}`], { policy_id: policyId });
}

export type AuditOptions = { readonly type?: string; readonly pattern?: string; readonly limit?: number };

export async function audit(store: HarmonyStore, { type, pattern, limit }: AuditOptions): Promise<Output> {
  const patternId = pattern === undefined ? undefined : await findPattern(store, pattern);
  if (patternId === null) return notFound("pattern");
  const entries = await store.listAudit({
    ...(type === undefined ? {} : { eventType: type }),
    ...(patternId === undefined ? {} : { patternId }),
    ...(limit === undefined ? {} : { limit }),
  });
  const lines = entries.length === 0 ? ["No audit entries."] : tables.auditTable(entries);
  return done(lines, { entries: entries.map(auditToJson) });
}

export async function listWaiting(
  store: HarmonyStore,
  { status, limit }: { readonly status: string; readonly limit?: number },
): Promise<Output> {
  const found = await store.listEscalations({
    ...(status === "all" ? {} : { status }),
    ...(limit === undefined ? {} : { limit }),
  });
  const lines =
    found.length === 0
      ? [status === EscalationStatus.OPEN ? "Nothing waits for a person." : "No escalations."]
      : tables.escalationTable(found);
  return done(lines, { escalations: found });
}

export async function escalate(store: HarmonyStore, text: string, reason: string, act: Act): Promise<Output> {
  const patternId = await findPattern(store, text);
  if (patternId === null) return notFound("pattern");
  const { opened, record: escalation } = await memory.escalate(store, patternId, reason, act);
  const state = opened ? "waits for a person" : `was waiting already, seen ${escalation.seenCount} times`;
  return done([`${tables.shortId(escalation.escalationId)} ${state}`], { opened, escalation });
}

export async function showStatus(store: HarmonyStore, root: string): Promise<Output> {
  const [patterns, policies, all, entries] = await Promise.all([
    store.listPatterns(),
    store.listPolicies(),
    store.listEscalations(),
    store.listAudit({ limit: 1 }),
  ]);
  const open = all.filter((e) => e.status === EscalationStatus.OPEN).length;
  const json = { root, patterns: patterns.length, policies: policies.length, escalations: all.length, open };
  if (patterns.length + policies.length + all.length === 0) {
    return done(
      [
        `No memory at ${visible(root)} yet; it begins with the first record.`,
        "  harmony merge <file…>     answer git's conflicts, and learn from what you leave in the files",
        "  harmony policy-add …      write down what is always to be done",
        "  harmony --help            everything else",
      ],
      json,
    );
  }
  const last = entries[0] === undefined ? "never" : tables.shortTime(entries[0].at);
  return done(
    [
      `memory       ${visible(root)}`,
      `patterns     ${patterns.length}`,
      `policies     ${policies.length}`,
      `escalations  ${all.length} (${open} open)`,
      `last event   ${last}`,
    ],
    json,
  );
}

/** What to say of an error, with the exit code; rethrows what is not ours to explain. */
export function refusal(error: unknown): Output {
  if (error instanceof UsageError) {
    return {
      exitCode: EXIT.USAGE,
      lines: [error.message],
      json: { error: { code: "usage", message: error.message } },
    };
  }
  if (!(error instanceof HarmonyError)) throw error;
  const exitCode = error.code === "already_resolved" ? EXIT.DECIDED : EXIT.REFUSED;
  return { exitCode, lines: [error.message], json: { error: { code: error.code, message: error.message } } };
}
