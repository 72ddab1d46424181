// The harness over HTTP, as the command line uses it. Answers are checked against the contract.

import {
  type AuditCheckpoint,
  auditCheckpointSchema,
  type AuditEntryPage,
  auditEntryPageSchema,
  type AuditLogList,
  auditLogListSchema,
  type EpochRequest,
  type EraseRequest,
  eraseRequestSchema,
  type RekeyRequest,
  type Sealing,
  sealingSchema,
  type Pruning,
  pruningSchema,
  type Receipt,
  receiptSchema,
  type AccessEventId,
  type AccessEventPage,
  accessEventPageSchema,
  type Approval,
  type ApproveRequest,
  approvalSchema,
  type Artifact,
  type BudgetReport,
  budgetReportSchema,
  type CreatedKey,
  createdKeySchema,
  type Principal,
  type PrincipalChange,
  principalListSchema,
  principalSchema,
  type CreatedSigningKey,
  createdSigningKeySchema,
  type Document,
  type DocumentId,
  type DocumentRequest,
  documentSchema,
  type Key,
  type KeyId,
  type KeyRequest,
  keySchema,
  type Passage,
  passageSchema,
  type Escalation,
  type EscalationPage,
  escalationPageSchema,
  escalationSchema,
  type EscalationStatus,
  type Precedent,
  precedentSchema,
  providerListSchema,
  type ProviderView,
  type RotateKey,
  type RotateSigningKey,
  type Run,
  type RedriveRequest,
  type RunId,
  type RunRequest,
  type RunState,
  runSchema,
  type RunSummary,
  runSummarySchema,
  type SigningKey,
  type SigningKeyId,
  type SigningKeyRequest,
  signingKeySchema,
  type ApprovalId,
  type WaitingPage,
  waitingPageSchema,
} from "@assent/contract";
import { z } from "zod";
import type { Result } from "../base/result.ts";
import { type Download, download } from "./download.ts";
import type { ClientFailure } from "./failure.ts";
import { type FollowItem, type FollowOptions, followRun } from "./follow.ts";
import { type RulesCalls, rulesCalls } from "./rules-calls.ts";
import { type Connection, type Exchange, exchangeJson } from "./request.ts";
import { webhookCalls, type WebhookClient } from "./webhooks.ts";

/** How much of a list, and from where on. */
export type PageFlags = { readonly limit?: number; readonly cursor?: string };

export type RunFilter = PageFlags & {
  readonly states?: readonly RunState[];
  readonly agent?: string;
  readonly label?: { readonly name: string; readonly value: string };
};

export type RunPage = { readonly data: readonly RunSummary[]; readonly next_cursor: string | null };

export type DecisionPage = { readonly data: readonly unknown[]; readonly next_cursor: string | null };

export type DocumentPage = { readonly data: readonly Document[]; readonly next_cursor: string | null };

export type PrecedentPage = { readonly data: readonly Precedent[]; readonly next_cursor: string | null };

type Answer<T> = Promise<Result<T, ClientFailure>>;

export type Client = RulesCalls & {
  readonly url: string;
  submitRun(request: RunRequest, idempotencyKey: string): Answer<RunSummary>;
  getRun(id: RunId, signal?: AbortSignal): Answer<Run>;
  listRuns(filter: RunFilter, signal?: AbortSignal): Answer<RunPage>;
  cancelRun(id: RunId): Answer<RunSummary>;
  redriveRun(id: RunId, request: RedriveRequest): Answer<RunSummary>;
  getApproval(id: ApprovalId): Answer<Approval>;
  decide(request: ApproveRequest): Answer<Approval>;
  /** Events as they came, unchecked: who verifies a trail must see what is wrong with it. */
  listEvents(id: RunId, after: number): Answer<readonly unknown[]>;
  followRun(id: RunId, options: FollowOptions): AsyncGenerator<FollowItem>;
  downloadArtifact(run: RunId, artifact: Artifact): Answer<Download>;
  listProviders(): Answer<readonly ProviderView[]>;
  getBudget(): Answer<BudgetReport>;
  addDocument(request: DocumentRequest): Answer<Document>;
  listDocuments(page: PageFlags): Answer<DocumentPage>;
  searchDocuments(question: string, limit?: number): Answer<readonly Passage[]>;
  removeDocument(id: DocumentId): Answer<Document>;
  listAuditLogs(): Answer<AuditLogList>;
  getAuditCheckpoint(epoch: number): Answer<AuditCheckpoint>;
  listAuditEntries(epoch: number, from: number, limit: number): Answer<AuditEntryPage>;
  proveEvent(run: RunId, version: number): Answer<Receipt>;
  eraseAuditPayload(request: EraseRequest): Answer<EraseRequest>;
  beginAuditEpoch(request: EpochRequest): Answer<AuditLogList>;
  rotateAuditSigner(step: "add" | "retire"): Answer<AuditLogList>;
  pruneAudit(): Answer<Pruning>;
  getAuditSealing(): Answer<Sealing>;
  rekeyAudit(request: RekeyRequest): Answer<Sealing>;
  createKey(request: KeyRequest): Answer<CreatedKey>;
  listPrecedents(page: PageFlags): Answer<PrecedentPage>;
  revokePrecedent(id: string, reason: string): Answer<Precedent>;
  listEscalations(filter: PageFlags & { readonly status?: EscalationStatus }): Answer<EscalationPage>;
  resolveEscalation(id: string, comment: string): Answer<Escalation>;
  listKeys(): Answer<readonly Key[]>;
  rotateKey(id: KeyId, request: RotateKey): Answer<CreatedKey>;
  revokeKey(id: KeyId): Answer<Key>;
  changePrincipal(change: PrincipalChange): Answer<Principal>;
  listSigners(): Answer<readonly Principal[]>;
  createSigningKey(request: SigningKeyRequest): Answer<CreatedSigningKey>;
  listSigningKeys(): Answer<readonly SigningKey[]>;
  rotateSigningKey(id: SigningKeyId, request: RotateSigningKey): Answer<CreatedSigningKey>;
  revokeSigningKey(id: SigningKeyId): Answer<SigningKey>;
  listAccessEvents(before: AccessEventId | null): Answer<AccessEventPage>;
  /** Decisions since then, oldest first, unchecked: what a record must hold is the reader's question. */
  listDecisions(since: Date, cursor: string | null): Answer<DecisionPage>;
  listWaiting(cursor: ApprovalId | null): Answer<WaitingPage>;
  readonly webhooks: WebhookClient;
};

const RUNS = "/api/harness/runs";
const KEYS = "/api/harness/keys";
const DOCUMENTS = "/api/harness/documents";
const SIGNING_KEYS = "/api/harness/signing-keys";
const PRINCIPALS = "/api/harness/principals";
const AUDIT = "/api/harness/audit";
const ESCALATIONS = "/api/harness/escalations";
const PRECEDENTS = "/api/harness/precedents";

const runPageSchema = z.looseObject({ data: z.array(runSummarySchema), next_cursor: z.string().nullable() });
const eventPageSchema = z.looseObject({ data: z.array(z.unknown()) });
const precedentPageSchema = z.looseObject({
  data: z.array(precedentSchema),
  // Servers of before there were pages say nothing.
  next_cursor: z.string().nullable().default(null),
});
const decisionPageSchema = z.looseObject({ data: z.array(z.unknown()), next_cursor: z.string().nullable() });
const documentListSchema = z.looseObject({
  data: z.array(documentSchema),
  next_cursor: z.string().nullable(),
});
const passagePageSchema = z.looseObject({ data: z.array(passageSchema) });
const signingKeyPageSchema = z.looseObject({ data: z.array(signingKeySchema) });
const keyPageSchema = z.looseObject({ data: z.array(keySchema) });

export function createClient(connection: Connection): Client {
  const ask = async <T>(request: Exchange, schema: z.ZodType<T>): Answer<T> =>
    await exchangeJson(connection, request, schema);
  return {
    url: connection.url,
    submitRun: async (body, idempotencyKey) =>
      await ask(
        {
          method: "POST",
          path: "/api/harness/run",
          headers: { "idempotency-key": idempotencyKey },
          body,
        },
        runSummarySchema,
      ),
    getRun: async (id, signal) =>
      await ask({ method: "GET", path: `${RUNS}/${id}`, ...(signal && { signal }) }, runSchema),
    listRuns: async (filter, signal) =>
      await ask(
        { method: "GET", path: `${RUNS}${queryOf(filter)}`, ...(signal && { signal }) },
        runPageSchema,
      ),
    cancelRun: async (id) => await ask({ method: "POST", path: `${RUNS}/${id}/cancel` }, runSummarySchema),
    redriveRun: async (id, body) =>
      await ask({ method: "POST", path: `${RUNS}/${id}/redrive`, body }, runSummarySchema),
    getApproval: async (id) =>
      await ask({ method: "GET", path: `/api/harness/approvals/${id}` }, approvalSchema),
    decide: async (body) => await ask({ method: "POST", path: "/api/harness/approve", body }, approvalSchema),
    listEvents: async (id, after) => {
      const page = await ask({ method: "GET", path: `${RUNS}/${id}/events?after=${after}` }, eventPageSchema);
      return page.ok ? { ok: true, value: page.value.data } : page;
    },
    followRun: (id, options) => followRun(connection, id, options),
    downloadArtifact: async (run, artifact) => await download(connection, run, artifact),
    ...documentCalls(ask),
    listProviders: async () => {
      const listed = await ask({ method: "GET", path: "/api/harness/providers" }, providerListSchema);
      return listed.ok ? { ok: true, value: listed.value.data } : listed;
    },
    getBudget: async () => await ask({ method: "GET", path: "/api/harness/budget" }, budgetReportSchema),
    ...auditCalls(ask),
    createKey: async (body) => await ask({ method: "POST", path: KEYS, body }, createdKeySchema),
    ...rulesCalls(ask),
    ...memoryCalls(ask),
    listKeys: async () => {
      const page = await ask({ method: "GET", path: KEYS }, keyPageSchema);
      return page.ok ? { ok: true, value: page.value.data } : page;
    },
    rotateKey: async (id, body) =>
      await ask({ method: "POST", path: `${KEYS}/${id}/rotate`, body }, createdKeySchema),
    ...signingKeyCalls(connection),
    webhooks: webhookCalls(connection),
    listAccessEvents: async (before) =>
      await ask(
        {
          method: "GET",
          path: `/api/harness/access-events${before === null ? "" : `?before=${before}`}`,
        },
        accessEventPageSchema,
      ),
    revokeKey: async (id) => await ask({ method: "DELETE", path: `${KEYS}/${id}` }, keySchema),
    ...decisionCalls(ask),
  };
}

type Ask = <T>(request: Exchange, schema: z.ZodType<T>) => Answer<T>;

function decisionCalls(ask: Ask): Pick<Client, "listDecisions" | "listWaiting"> {
  return {
    listWaiting: async (cursor) =>
      await ask(
        {
          method: "GET",
          path: cursor === null ? "/api/harness/waiting" : `/api/harness/waiting?cursor=${cursor}`,
        },
        waitingPageSchema,
      ),
    listDecisions: async (since, cursor) => {
      const query = new URLSearchParams({ since: since.toISOString() });
      if (cursor !== null) query.set("cursor", cursor);
      return await ask(
        { method: "GET", path: `/api/harness/decisions?${query.toString()}` },
        decisionPageSchema,
      );
    },
  };
}

type AuditCalls =
  | "listAuditLogs"
  | "getAuditCheckpoint"
  | "listAuditEntries"
  | "proveEvent"
  | "eraseAuditPayload"
  | "beginAuditEpoch"
  | "rotateAuditSigner"
  | "pruneAudit"
  | "getAuditSealing"
  | "rekeyAudit";

function auditCalls(ask: Ask): Pick<Client, AuditCalls> {
  return {
    listAuditLogs: async () => await ask({ method: "GET", path: `${AUDIT}/logs` }, auditLogListSchema),
    getAuditCheckpoint: async (epoch) =>
      await ask({ method: "GET", path: `${AUDIT}/logs/${epoch}/checkpoint` }, auditCheckpointSchema),
    listAuditEntries: async (epoch, from, limit) =>
      await ask(
        { method: "GET", path: `${AUDIT}/logs/${epoch}/entries?from=${from}&limit=${limit}` },
        auditEntryPageSchema,
      ),
    proveEvent: async (run, version) =>
      await ask({ method: "GET", path: `${RUNS}/${run}/events/${version}/proof` }, receiptSchema),
    eraseAuditPayload: async (body) =>
      await ask({ method: "POST", path: `${AUDIT}/erase`, body }, eraseRequestSchema),
    beginAuditEpoch: async (body) =>
      await ask({ method: "POST", path: `${AUDIT}/epoch`, body }, auditLogListSchema),
    rotateAuditSigner: async (step) =>
      await ask({ method: "POST", path: `${AUDIT}/rotate`, body: { step } }, auditLogListSchema),
    pruneAudit: async () => await ask({ method: "POST", path: `${AUDIT}/prune`, body: {} }, pruningSchema),
    getAuditSealing: async () => await ask({ method: "GET", path: `${AUDIT}/sealing` }, sealingSchema),
    rekeyAudit: async (body) => await ask({ method: "POST", path: `${AUDIT}/rekey`, body }, sealingSchema),
  };
}

function documentCalls(
  ask: Ask,
): Pick<Client, "addDocument" | "listDocuments" | "searchDocuments" | "removeDocument"> {
  return {
    addDocument: async (body) => await ask({ method: "POST", path: DOCUMENTS, body }, documentSchema),
    listDocuments: async (page) =>
      await ask({ method: "GET", path: `${DOCUMENTS}${queryOf(page)}` }, documentListSchema),
    searchDocuments: async (question, limit) => {
      const query = new URLSearchParams({ q: question });
      if (limit !== undefined) query.set("limit", String(limit));
      const page = await ask(
        { method: "GET", path: `${DOCUMENTS}/search?${query.toString()}` },
        passagePageSchema,
      );
      return page.ok ? { ok: true, value: page.value.data } : page;
    },
    removeDocument: async (id) => await ask({ method: "DELETE", path: `${DOCUMENTS}/${id}` }, documentSchema),
  };
}

function memoryCalls(
  ask: Ask,
): Pick<Client, "listEscalations" | "resolveEscalation" | "listPrecedents" | "revokePrecedent"> {
  return {
    listEscalations: async (filter) =>
      await ask({ method: "GET", path: `${ESCALATIONS}${queryOf(filter)}` }, escalationPageSchema),
    resolveEscalation: async (id, comment) =>
      await ask(
        { method: "POST", path: `${ESCALATIONS}/${encodeURIComponent(id)}/resolve`, body: { comment } },
        escalationSchema,
      ),
    listPrecedents: async (page) =>
      await ask({ method: "GET", path: `${PRECEDENTS}${queryOf(page)}` }, precedentPageSchema),
    revokePrecedent: async (id, reason) =>
      await ask(
        { method: "POST", path: `${PRECEDENTS}/${encodeURIComponent(id)}/revoke`, body: { reason } },
        precedentSchema,
      ),
  };
}

function signingKeyCalls(
  connection: Connection,
): Pick<
  Client,
  | "createSigningKey"
  | "listSigningKeys"
  | "rotateSigningKey"
  | "revokeSigningKey"
  | "changePrincipal"
  | "listSigners"
> {
  return {
    changePrincipal: async (body) =>
      await exchangeJson(connection, { method: "POST", path: PRINCIPALS, body }, principalSchema),
    listSigners: async () => {
      const page = await exchangeJson(connection, { method: "GET", path: PRINCIPALS }, principalListSchema);
      return page.ok ? { ok: true, value: page.value.data } : page;
    },
    createSigningKey: async (body) =>
      await exchangeJson(connection, { method: "POST", path: SIGNING_KEYS, body }, createdSigningKeySchema),
    listSigningKeys: async () => {
      const page = await exchangeJson(
        connection,
        { method: "GET", path: SIGNING_KEYS },
        signingKeyPageSchema,
      );
      return page.ok ? { ok: true, value: page.value.data } : page;
    },
    rotateSigningKey: async (id, body) =>
      await exchangeJson(
        connection,
        { method: "POST", path: `${SIGNING_KEYS}/${id}/rotate`, body },
        createdSigningKeySchema,
      ),
    revokeSigningKey: async (id) =>
      await exchangeJson(connection, { method: "DELETE", path: `${SIGNING_KEYS}/${id}` }, signingKeySchema),
  };
}

function queryOf(filter: RunFilter & { readonly status?: EscalationStatus }): string {
  const query = new URLSearchParams();
  for (const state of filter.states ?? []) query.append("status", state);
  if (filter.status !== undefined) query.set("status", filter.status);
  if (filter.agent !== undefined) query.set("agent", filter.agent);
  if (filter.label !== undefined) query.set("label", `${filter.label.name}:${filter.label.value}`);
  if (filter.limit !== undefined) query.set("limit", String(filter.limit));
  if (filter.cursor !== undefined) query.set("cursor", filter.cursor);
  return query.size === 0 ? "" : `?${query.toString()}`;
}
