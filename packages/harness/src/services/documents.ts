// A tenant's documents: added, listed, searched, removed.

import { deadline } from "./deadline.ts";
import type { Document, DocumentId, DocumentRequest, Passage } from "@assent/contract";
import { idFromUuid } from "@assent/contract";
import { sha256Hex } from "../base/digest.ts";
import { PAGE_ROWS_MAX } from "../base/limits.ts";
import { err, ok, type Result } from "../base/result.ts";
import { cutPassages } from "../core/retrieval/passages.ts";
import { uuidV7 } from "../core/uuid.ts";
import { interleave } from "../core/retrieval/interleave.ts";
import { meaningOf } from "../core/retrieval/meaning.ts";
import type { Caller, Clock, Embedder, Log, Random, Store } from "../ports.ts";
import { type Cursors, FOREIGN_CURSOR } from "./cursors.ts";
import type { TenantPlaces } from "./places.ts";
import type { Embedded, Page, PageQuery, Refusal } from "./harness.ts";

export type DocumentPorts = {
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
  readonly cursors: Cursors;
  readonly embedder: Embedder | null;
  readonly log: Log;
  readonly searches: TenantPlaces;
};

/** Searches of one tenant at the same time in one process; each has a connection, and a question can be made to cost. */
export const TENANT_SEARCHES_MAX = 4;

const NOT_FOUND: Refusal = { code: "document_not_found", detail: "There is no document with this id." };

/** Takes as long as its provider: not for inside a transaction. */
export async function embedDocument(
  { embedder, log }: Pick<DocumentPorts, "embedder" | "log">,
  { text }: Pick<DocumentRequest, "text">,
): Promise<Embedded> {
  if (embedder === null) return ok(null);
  const texts = cutPassages(text).map((passage) => passage.text);
  return await embedAll(embedder, texts, log);
}

export async function addDocument(
  ports: DocumentPorts,
  caller: Caller,
  request: DocumentRequest,
  embedded?: Embedded,
): Promise<Result<Document, Refusal>> {
  const { store, clock, random } = ports;
  const meanings = embedded ?? (await embedDocument(ports, request));
  const now = clock.now();
  const passages = cutPassages(request.text);
  // Without its meaning a document would be found less well than all others, and nobody would know.
  if (!meanings.ok) return meanings;
  const document = {
    id: idFromUuid("doc", uuidV7(now, random.bytes(10))),
    name: request.name,
    source: request.source ?? null,
    metadata: request.metadata,
    sha256: `sha256:${sha256Hex(request.text)}` as const,
    chars: request.text.length,
    createdAt: now,
    createdBy: caller.actor,
  };
  return await store.transaction(caller.tenant, async (tx) => {
    await tx.documents.insert(document, passages, meanings.value);
    const added = await tx.documents.find(document.id);
    if (added === null) throw new Error("a document that was just added is there");
    return ok(added);
  });
}

export async function listDocuments(
  { store, cursors }: DocumentPorts,
  caller: Caller,
  query: PageQuery,
): Promise<Result<Page<Document>, Refusal>> {
  const limit = Math.min(query.limit, PAGE_ROWS_MAX);
  // A cursor is good for this list of this tenant only.
  const list = { tenant: caller.tenant, of: "documents" };
  const before = query.cursor === null ? null : cursors.open(query.cursor, list, "doc");
  if (before === undefined) return err(FOREIGN_CURSOR);
  const rows = await store.transaction(
    caller.tenant,
    async (tx) => await tx.documents.list(before, limit + 1),
  );
  const page = rows.slice(0, limit);
  const last = rows.length > limit ? page.at(-1) : undefined;
  return ok({
    data: page,
    next_cursor:
      last === undefined ? null : cursors.seal({ createdAt: new Date(last.created_at), id: last.id }, list),
  });
}

export async function getDocument(
  { store }: DocumentPorts,
  caller: Caller,
  id: DocumentId,
): Promise<Result<Document, Refusal>> {
  const found = await store.transaction(caller.tenant, async (tx) => await tx.documents.find(id));
  return found === null ? err(NOT_FOUND) : ok(found);
}

export async function removeDocument(
  { store }: DocumentPorts,
  caller: Caller,
  id: DocumentId,
): Promise<Result<Document, Refusal>> {
  return await store.transaction(caller.tenant, async (tx) => {
    const found = await tx.documents.find(id);
    // Two who remove it at once: one of them finds it gone.
    return found !== null && (await tx.documents.remove(id, caller.actor.id)) ? ok(found) : err(NOT_FOUND);
  });
}

async function embedAll(embedder: Embedder, texts: readonly string[], log: Log): Promise<Embedded> {
  using patience = deadline(EMBED_MS_MAX);
  const embedded = await embedder.embed(texts, patience.signal);
  if (embedded.ok) return ok({ model: embedder.model, of: embedded.value.map(meaningOf) });
  log("warn", "a document could not be embedded", { code: embedded.error.code, model: embedder.model });
  return err({ code: "embedding_unavailable", detail: `Its provider failed: ${embedded.error.code}.` });
}

/** All passages of one document. */
const EMBED_MS_MAX = 20_000;
/** A question that is embedded late is answered by words. */
const QUESTION_MS_MAX = 5_000;

export async function searchDocuments(
  ports: Pick<DocumentPorts, "store" | "embedder" | "log" | "searches">,
  { tenant }: Pick<Caller, "tenant">,
  question: string,
  limit: number,
): Promise<readonly Passage[]> {
  const { store, embedder, log } = ports;
  using patience = deadline(QUESTION_MS_MAX);
  const embedded = embedder === null ? null : await embedder.embed([question], patience.signal);
  if (embedded?.ok === false)
    log("warn", "a question could not be embedded; it is answered by words", { code: embedded.error.code });
  const [vector] = embedded?.ok === true ? embedded.value : [];
  return await ports.searches(
    tenant,
    async () =>
      await store.transaction(tenant, async (tx) => {
        const byWords = await tx.documents.search(question, limit);
        if (embedder === null || vector === undefined) return byWords;
        const byMeaning = await tx.documents.searchByMeaning(meaningOf(vector), embedder.model, limit);
        return interleave([byWords, byMeaning]).slice(0, limit);
      }),
  );
}
