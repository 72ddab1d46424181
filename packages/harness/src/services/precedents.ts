// Before a person is asked, the memory is: Harmony's engine, over this tenant's own answers. What a person remembered on
// purpose answers the very same question again; anything else is shown to the next person and decides nothing.

import {
  type Action,
  type Advice,
  type Decision,
  type Precedent,
  type RevokePrecedent,
} from "@assent/contract";
import {
  AgentProvenance,
  APPROVAL_DOMAIN,
  approvalPattern,
  computeResolutionId,
  confidenceOf,
  type ConflictPattern,
  type Decision as MemoryDecision,
  type HarmonyStore,
  memory,
  newAuditEntry,
  parseTimestamp,
  AuditEventType,
  ReasonCode,
  type Resolution,
  ResolutionStrategy,
} from "@assent/harmony";
import { digestOf } from "../base/digest.ts";
import { askingRules, noteOfRule, wantedBeyondOne } from "../core/decide/asking-rules.ts";
import { destinationIn } from "../core/tool.ts";
import { PAGE_ROWS_MAX } from "../base/limits.ts";
import { err, ok, type Result } from "../base/result.ts";
import type { Judgement } from "../core/decide/judgement.ts";
import type { Assent } from "../core/decide/policy-annotations.ts";
import type { Policies } from "../core/decide/policy-point.ts";
import type { Caller, Clock, PrecedentPlace, RunRecord, Store, StoreTx } from "../ports.ts";
import { type Cursors, FOREIGN_CURSOR } from "./cursors.ts";
import type { Page, PageQuery, Refusal } from "./harness.ts";
import { expiryOf, inForce, isStanding, usualExpiry, type Wanted } from "./precedents-in-force.ts";

export type AskedAction = {
  readonly run: RunRecord;
  readonly action: Action;
  readonly judgement: Judgement;
  readonly precondition: string | null;
};

const digest = (value: unknown): string => digestOf("argument", value);

// All driven runs bear one agent's name; which agent drives is what it declared: its system text and its tools.
const scopeOf = ({ tenant, driver, agent, agentVersion }: RunRecord): string =>
  driver === "external" ? `${tenant}/${agent}/${agentVersion}` : `${tenant}/${agent}`;

/** Its scope holds tenant and agent: a precedent of one never answers for another. */
export function patternOf(asked: AskedAction, by: AgentProvenance, at: Date): ConflictPattern {
  const { run, action, judgement, precondition } = asked;
  return approvalPattern(
    {
      scope: scopeOf(run),
      tool: action.tool,
      toolVersion: action.tool_version,
      manifestDigest: action.manifest_digest,
      // What the tool found belongs to the question: the same words over another file are another change, and sent to
      // another place another call. And where:
      // what a run may write into one workspace it may not write into every other that lacks the file as well.
      argumentsDigest: digest({
        arguments: action.arguments,
        precondition,
        ...(precondition === null || destinationIn(precondition) !== null || run.workspace === null
          ? {}
          : { workspace: run.workspace.name }),
      }),
      argumentDigests: Object.fromEntries(
        Object.entries(action.arguments).map(([name, value]) => [name, digest(value)]),
      ),
      labels: Object.entries(judgement.labels).map(([pointer, { origin }]) => `${pointer}=${origin}`),
    },
    by,
    at,
  );
}

export type Consulted =
  | { readonly answer: "approve" | "deny"; readonly precedentId: string; readonly explanation: string }
  | {
      readonly answer: null;
      readonly advice: readonly Advice[];
      /** Why a yes that was to be given again is not; they stand beside the rules' own. */
      readonly reasons: Decision["reasons"];
    };

/** Of a reason: an answer to the question, or the question itself, cannot be read in the memory, and may say otherwise. */
export const PRECEDENT_UNREADABLE = "precedent_unreadable";

export const provenanceOf = ({ actor: { kind, name } }: Caller): AgentProvenance =>
  kind === "human" ? AgentProvenance.human(name) : AgentProvenance.agent(name);
export const asAgent = (run: RunRecord): AgentProvenance => AgentProvenance.agent(run.agent, run.model);

const DAY_MS = 86_400_000;

/**
 * Asks the memory. Where it has no answer the question is escalated in it, and waits there beside the approval.
 * @param wanted by whom and why; where `mayGiveYes` says no, nothing but a standing no is asked for
 */
export async function consult(tx: StoreTx, asked: AskedAction, at: Date, wanted: Wanted): Promise<Consulted> {
  const actor = asAgent(asked.run);
  const pattern = patternOf(asked, actor, at);
  const { store, over, reasons } = await inForce(tx, pattern.patternId, at, wanted);
  if (!mayGiveYes(wanted.requirement, asked)) {
    const answers = (await store.listResolutions(pattern.patternId)).filter(isStanding);
    const isNo = answers.length > 0 && answers.every(({ strategy }) => strategy === ResolutionStrategy.DENY);
    if (!isNo) return { answer: null, advice: over, reasons };
  }
  const decision = await memory.ask(store, pattern, { at, actor });
  if (decision.status !== "applied") {
    const isDamaged = decision.reason === ReasonCode.EXACT_UNREADABLE;
    const damaged = { code: PRECEDENT_UNREADABLE, detail: decision.explanation };
    return {
      answer: null,
      advice: [...over, ...adviceFrom(decision)],
      reasons: isDamaged ? [...reasons, damaged] : reasons,
    };
  }
  const { strategy, resolutionId, explanation } = decision;
  const known = strategy === ResolutionStrategy.APPROVE || strategy === ResolutionStrategy.DENY;
  // Harmony's own policies are for repositories; here Cedar's have already spoken, and only a precedent may answer.
  if (!known || resolutionId === null) return { answer: null, advice: [], reasons };
  return { answer: strategy, precedentId: resolutionId, explanation };
}

/** Whether anybody has said anything for good of this very question, in force or not any more. */
export async function isAnswered(store: Store, asked: AskedAction, at: Date): Promise<boolean> {
  const { patternId } = patternOf(asked, asAgent(asked.run), at);
  return await store.transaction(asked.run.tenant, async (tx) =>
    (await tx.memory.listResolutions(patternId)).some(isStanding),
  );
}

/**
 * Whether a standing yes may answer: a rule that wants more than one person, or certain ones, is never satisfied from
 * memory. A standing no always may: who has said that a thing is never to be done is not asked until they give in.
 */
export const mayGiveYes = (requirement: Assent, asked: Pick<AskedAction, "action" | "judgement">): boolean =>
  wantedBeyondOne(requirement) === null && mayRepeat(asked);

/**
 * The same question put again by a standing answer may not be spared a person where the stakes or the source forbid it, nor
 * where the run made the very same call before: a yes for each run is not one for as many times as a model likes.
 */
function mayRepeat({ action, judgement }: Pick<AskedAction, "action" | "judgement">): boolean {
  if (action.effect === "once" && judgement.circumstances?.repeated === true) return false;
  if (action.harm.includes("money") || action.harm.includes("destructive")) return false;
  return judgement.controlArguments.every((name) =>
    Object.entries(judgement.labels).every(
      ([pointer, { origin }]) => !isWithin(pointer, name) || origin !== "untrusted",
    ),
  );
}

const isWithin = (pointer: string, name: string): boolean => {
  const top = `/${name.replaceAll("~", "~0").replaceAll("/", "~1")}`;
  return pointer === top || pointer.startsWith(`${top}/`);
};

function adviceFrom(decision: Exclude<MemoryDecision, { status: "applied" }>): Advice[] {
  return decision.proposals.flatMap((proposal) =>
    proposal.resolutionId === null
      ? []
      : [
          {
            precedent_id: proposal.resolutionId,
            decision: proposal.strategy,
            decided_by: proposal.provenance?.principalId ?? proposal.provenance?.agentId ?? null,
            decided_at: proposal.resolvedAt,
            explanation: proposal.explanation,
            confidence: proposal.confidence,
          },
        ],
  );
}

export type Told = {
  readonly decision: "approve" | "deny";
  readonly comment: string | null;
  readonly remember: boolean;
  /** How long it is given again, where it is remembered. */
  readonly days: number;
  /** Why it was asked: a yes that is remembered is one to these rules. */
  readonly reasons: Decision["reasons"];
  /** As they are loaded now. */
  readonly policies: Pick<Policies, "version" | "rules">;
  /** Names this one decision, where it is not to be given again. */
  readonly approvalId: string;
};

/** What a person decided, told to the memory: as a standing answer where they said so, else only that it was answered. */
export async function tell(
  tx: StoreTx,
  asked: AskedAction,
  told: Told,
  caller: Caller,
  at: Date,
): Promise<void> {
  const actor = provenanceOf(caller);
  const pattern = patternOf(asked, asAgent(asked.run), at);
  const { patternId } = pattern;
  const strategy = told.decision === "approve" ? ResolutionStrategy.APPROVE : ResolutionStrategy.DENY;
  const result = told.remember ? null : told.approvalId;
  const resolutionId = computeResolutionId(patternId, strategy, result);
  await tx.questions.closeOpen(patternId, (open) => {
    const metadata = {
      escalation_id: open.escalationId,
      resolution_id: resolutionId,
      approval_id: told.approvalId,
      remembered: told.remember,
    };
    const fact = { eventType: AuditEventType.ESCALATION_RESOLVED, at, actor, patternId, metadata };
    return {
      escalation: open.with({
        status: "resolved",
        resolutionId,
        resolvedBy: actor,
        resolvedAt: parseTimestamp(at),
      }),
      fact: newAuditEntry(fact),
    };
  });
  if (!told.remember) return;
  // A question that no yes may answer for good was not put to the memory; its no is found by it, listed and taken back.
  if ((await tx.memory.loadPattern(patternId)) === null) await memory.recordPattern(tx.memory, pattern);
  const rationale = told.comment ?? "";
  const known = await tx.memory.loadResolution(patternId, computeResolutionId(patternId, strategy, null));
  const given = await memory.answer(tx.memory, patternId, { strategy, rationale }, { at, actor });
  // How long a person's answer holds is for people to say: a program would give it for good, or call it back to life.
  if (actor.type !== "human" && known?.humanVerified === true) return;
  // Given anew it holds anew, from today.
  const expiresAt = new Date(at.getTime() + told.days * DAY_MS);
  // A program's own answer is given to nobody; were rules noted with it, a person's later yes would hold for them too.
  const rules = actor.type === "human" ? notesOf(asked, told) : [];
  await tx.precedentTerms.set(patternId, given.resolutionId, { expiresAt, rules });
}

// A yes is one to the rules whose reasons its giver was shown. Where others were loaded since, nobody can say any more what those
// meant: it is noted under none, and whoever is asked next is asked by the rules of then.
function notesOf({ judgement }: AskedAction, { reasons, policies }: Told): readonly string[] {
  if (judgement.policyVersion !== policies.version) return [];
  return askingRules(reasons).flatMap((rule) => noteOfRule(rule, policies.rules) ?? []);
}

/** Whether this answer stood once and was taken out of force: it cannot be given for good again. */
export async function isRevoked(
  tx: StoreTx,
  asked: AskedAction,
  decision: "approve" | "deny",
  at: Date,
): Promise<boolean> {
  const { patternId } = patternOf(asked, asAgent(asked.run), at);
  const strategy = decision === "approve" ? ResolutionStrategy.APPROVE : ResolutionStrategy.DENY;
  const known = await tx.memory.loadResolution(patternId, computeResolutionId(patternId, strategy, null));
  return known !== null && known.revokedAt !== null;
}

/** Those in force come first, so that what is given without asking can be seen, and taken back. */
export async function listPrecedents(
  { store, cursors }: { readonly store: Store; readonly cursors: Cursors },
  caller: Caller,
  query: PageQuery,
): Promise<Result<Page<Precedent>, Refusal>> {
  const limit = Math.min(query.limit, PAGE_ROWS_MAX);
  const list = { tenant: caller.tenant, of: "precedents" };
  const after = query.cursor === null ? null : placeIn(cursors.openBytes(query.cursor, list));
  if (after === undefined) return err(FOREIGN_CURSOR);
  const answers = await store.transaction(
    caller.tenant,
    async (tx) => await tx.precedentTerms.answers(APPROVAL_DOMAIN, after, limit + 1),
  );
  const page = answers.slice(0, limit);
  const last = answers.length > limit ? page.at(-1) : undefined;
  return ok({
    // What cannot be read answers nothing; whoever is asked its question is told where it stands.
    data: page.flatMap(({ pattern, resolution, expiresAt }) =>
      pattern === null || resolution === null
        ? []
        : [view(pattern, resolution, expiresAt ?? usualExpiry(resolution))],
    ),
    next_cursor: last === undefined ? null : cursors.sealBytes(bytesOfPlace(last.place), list),
  });
}

const DIGEST_BYTES = 32;
/** Whether it is revoked, when the question was first put, the question, the answer. */
const PLACE_BYTES = 1 + 8 + 2 * DIGEST_BYTES;

function bytesOfPlace({ recordedAt, patternId, resolutionId, ...place }: PrecedentPlace): Uint8Array {
  const bytes = Buffer.alloc(PLACE_BYTES);
  bytes.writeUInt8(place.isRevoked ? 1 : 0);
  bytes.writeBigInt64BE(BigInt(recordedAt.getTime()), 1);
  for (const [at, id] of [patternId, resolutionId].entries())
    bytes.write(id.slice("sha256:".length), 9 + at * DIGEST_BYTES, "hex");
  return bytes;
}

function placeIn(bytes: Buffer | undefined): PrecedentPlace | undefined {
  if (bytes?.length !== PLACE_BYTES) return undefined;
  const idAt = (at: number): string => `sha256:${bytes.toString("hex", at, at + DIGEST_BYTES)}`;
  return {
    isRevoked: bytes[0] === 1,
    recordedAt: new Date(Number(bytes.readBigInt64BE(1))),
    patternId: idAt(9),
    resolutionId: idAt(9 + DIGEST_BYTES),
  };
}

export async function revokePrecedent(
  { store, clock }: { readonly store: Store; readonly clock: Clock },
  caller: Caller,
  id: string,
  { reason }: RevokePrecedent,
): Promise<Result<Precedent, Refusal>> {
  const actor = provenanceOf(caller);
  return await store.transaction(caller.tenant, async (tx) => {
    const found = await findPrecedent(tx.memory, id);
    if (found === null)
      return err({ code: "precedent_not_found", detail: "There is no precedent with this id." });
    const { patternId } = found.pattern;
    const revoked = await memory.revoke(tx.memory, patternId, id, { at: clock.now(), actor }, reason);
    const terms = await tx.precedentTerms.list(patternId);
    return ok(
      view(found.pattern, revoked?.resolution ?? found.resolution, expiryOf(found.resolution, terms)),
    );
  });
}

async function findPrecedent(
  store: HarmonyStore,
  id: string,
): Promise<{ readonly pattern: ConflictPattern; readonly resolution: Resolution } | null> {
  const resolution = await store.findResolution(id);
  const pattern = resolution === null ? null : await store.loadPattern(resolution.patternId);
  if (resolution === null || pattern === null || pattern.domain !== APPROVAL_DOMAIN) return null;
  return { pattern, resolution };
}

function view(pattern: ConflictPattern, resolution: Resolution, expiresAt: Date): Precedent {
  return {
    id: resolution.resolutionId,
    pattern_id: pattern.patternId,
    tool: pattern.path,
    decision: resolution.strategy === ResolutionStrategy.DENY ? "deny" : "approve",
    decided_by: resolution.resolvedBy.principalId ?? resolution.resolvedBy.agentId,
    decided_at: resolution.resolvedAt,
    expires_at: expiresAt.toISOString(),
    rationale: resolution.rationale,
    uses: resolution.appliedCount,
    last_used_at: resolution.lastUsedAt,
    confidence: confidenceOf(resolution),
    revoked_at: resolution.revokedAt,
    revoked_reason: resolution.revokedReason,
  };
}
