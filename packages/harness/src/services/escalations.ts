// Questions that neither rules nor memory could answer: listed, and answered where no approval is there to do it.

import type { Escalation, ResolveEscalation } from "@assent/contract";
import { type AgentProvenance, EscalationStatus, memory, ResolutionStrategy } from "@assent/harmony";
import { PAGE_ROWS_MAX } from "../base/limits.ts";
import { err, ok, type Result } from "../base/result.ts";
import type { AskedQuestion, Caller, Clock, EscalationPlace, Store } from "../ports.ts";
import { type Cursors, FOREIGN_CURSOR } from "./cursors.ts";
import type { EscalationQuery, Page, Refusal } from "./harness.ts";
import { ROLLBACK_DOMAIN } from "./left-effects.ts";
import { provenanceOf } from "./precedents.ts";
import { refuseEnded } from "./still-good.ts";

/** Newest first. A row that cannot be read, or holds another escalation, is left out. */
export async function listEscalations(
  { store, cursors }: { readonly store: Store; readonly cursors: Cursors },
  caller: Caller,
  { status, ...query }: EscalationQuery,
): Promise<Result<Page<Escalation>, Refusal>> {
  const limit = Math.min(query.limit, PAGE_ROWS_MAX);
  const list = { tenant: caller.tenant, of: "escalations", status };
  const after = query.cursor === null ? null : placeIn(cursors.openBytes(query.cursor, list));
  if (after === undefined) return err(FOREIGN_CURSOR);
  const statuses = status === null ? Object.values(EscalationStatus) : [status];
  const found = await store.transaction(
    caller.tenant,
    async (tx) => await tx.questions.list(statuses, after, limit + 1),
  );
  const page = found.slice(0, limit);
  const last = found.length > limit ? page.at(-1) : undefined;
  return ok({
    data: page.flatMap((one) => view(one) ?? []),
    next_cursor: last === undefined ? null : cursors.sealBytes(bytesOf(last.place), list),
  });
}

/** Of a place: the microsecond as text, and the id's digest. */
const AT_CHARS = "2026-01-01T00:00:00.000000Z".length;
const DIGEST_BYTES = 32;

const bytesOf = ({ at, id }: EscalationPlace): Uint8Array =>
  Buffer.concat([Buffer.from(at, "latin1"), Buffer.from(id.slice("sha256:".length), "hex")]);

function placeIn(bytes: Buffer | undefined): EscalationPlace | undefined {
  if (bytes?.length !== AT_CHARS + DIGEST_BYTES) return undefined;
  return { at: bytes.toString("latin1", 0, AT_CHARS), id: `sha256:${bytes.toString("hex", AT_CHARS)}` };
}

const NOT_FOUND = { code: "escalation_not_found", detail: "There is no escalation with this id." } as const;

/**
 * Says what was done about something that a run could not take back. Who said it is in the memory's audit.
 * @returns `escalation_not_open` for a call's question: it is decided with its approval, which says to what a yes binds
 */
export async function resolveEscalation(
  { store, clock }: { readonly store: Store; readonly clock: Clock },
  caller: Caller,
  id: string,
  { comment }: ResolveEscalation,
): Promise<Result<Escalation, Refusal>> {
  return await store.transaction(caller.tenant, async (tx) => {
    const found = await tx.questions.find(id);
    if (found === null || found.escalation === null) return err(NOT_FOUND);
    if (found.pattern?.domain !== ROLLBACK_DOMAIN)
      return err({
        code: "escalation_not_open",
        detail: "It asks about a call, which is decided with its approval.",
      });
    const { patternId } = found.escalation;
    // Whoever comes second finds it answered, or in the hands of the first.
    if ((await tx.questions.lockOpen(patternId)) !== found.escalation.escalationId)
      return err({ code: "escalation_not_open", detail: "Somebody has said already what was done." });
    const at = clock.now();
    const ended = await refuseEnded(tx, caller, at);
    if (ended !== null) return err(ended);
    const answer = { strategy: ResolutionStrategy.MANUAL, rationale: comment };
    await memory.resolve(tx.memory, id, answer, { at, actor: provenanceOf(caller) });
    const resolved = await tx.questions.find(id);
    const seen = resolved === null ? null : view(resolved);
    return seen === null ? err(NOT_FOUND) : ok(seen);
  });
}

function view({ escalation, pattern, answer }: AskedQuestion): Escalation | null {
  if (escalation === null) return null;
  return {
    id: escalation.escalationId,
    pattern_id: escalation.patternId,
    kind: pattern?.domain ?? null,
    tool: pattern?.path ?? null,
    status: escalation.status,
    reason: escalation.reason,
    escalated_at: escalation.escalatedAt,
    escalated_by: nameOf(escalation.escalatedBy),
    occurrence: escalation.occurrence,
    first_id: escalation.firstId,
    seen_count: escalation.seenCount,
    last_seen_at: escalation.lastSeenAt,
    resolved_at: escalation.resolvedAt,
    resolved_by: escalation.resolvedBy === null ? null : nameOf(escalation.resolvedBy),
    resolution_id: escalation.resolutionId,
    answer: answer === null ? null : { decision: answer.strategy, comment: answer.rationale },
    answer_revoked_at: escalation.resolutionRevokedAt,
  };
}

/** A person's name where one is known, else the program's. */
const nameOf = ({ type, principalId, agentId }: AgentProvenance): string => principalId ?? agentId ?? type;
