import {
  type DocumentId,
  type Document,
  idFromUuid,
  type Passage,
  type PrincipalId,
  uuidOf,
} from "@assent/contract";
import { DatabaseError } from "pg";
import { sealedOf } from "../../core/audit/personal.ts";
import { CANDIDATES, type Meaning } from "../../core/retrieval/meaning.ts";
import type { StoreTx } from "../../ports.ts";
import { digestFromBytes, type Scope } from "./rows.ts";
import type { Sealing } from "./sealing.ts";

type DocumentRow = {
  id: string;
  name: string;
  source: string | null;
  metadata: Record<string, string>;
  sha256: Buffer;
  chars: number;
  passages: number;
  created_at: Date;
  creator_id: string;
  creator_kind: Document["created_by"]["kind"];
  creator_name: string;
};

const SELECT = `select d.id, d.name, d.source, d.metadata, d.sha256, d.chars, d.passages, d.created_at,
    p.id as creator_id, p.kind as creator_kind, p.name as creator_name
  from assent.documents d
  join assent.principals p on p.tenant_id = d.tenant_id and p.id = d.created_by
  where d.tenant_id = $1`;

const toDocument = (row: DocumentRow): Document => ({
  id: idFromUuid("doc", row.id),
  name: row.name,
  source: row.source,
  metadata: row.metadata,
  sha256: digestFromBytes(row.sha256),
  chars: row.chars,
  passages: row.passages,
  created_at: row.created_at.toISOString(),
  created_by: { id: idFromUuid("prn", row.creator_id), kind: row.creator_kind, name: row.creator_name },
});

type PassageRow = {
  document_id: string;
  name: string;
  passages: number;
  seq: number;
  starts_at: number;
  body: string;
  score: number;
};

const toPassage =
  (foundBy: Passage["found_by"]) =>
  (row: PassageRow): Passage => ({
    document_id: idFromUuid("doc", row.document_id),
    document_name: row.name,
    passage: row.seq,
    passages: row.passages,
    start: row.starts_at,
    text: row.body,
    found_by: foundBy,
    score: row.score,
  });

/** Candidates are places only; their text is read here, under the table's own wall. */
const passagesOf = (candidates: string): string =>
  `select c.document_id, d.name, d.passages, c.seq, c.starts_at, c.body, f.score
   from ${candidates} as f
   join assent.document_passages c
     on c.tenant_id = f.tenant_id and c.document_id = f.document_id and c.seq = f.seq
   join assent.documents d on d.tenant_id = c.tenant_id and d.id = c.document_id
   where c.tenant_id = $1 order by f.score desc, c.document_id, c.seq`;

const BY_EVERY_WORD = passagesOf("assent.passages_by_words(assent.every_word_of($2), $3)");
const BY_ANY_WORD = passagesOf("assent.passages_by_words(assent.any_word_of($2), $3)");
const BY_LETTERS = passagesOf("assent.passages_by_letters($2, assent.any_word_of($2), $4, $3)");

/** Below this, two texts have nothing to do with each other. */
const NEARNESS_MIN = 0.2;

/** Looking by letters is given up after this. */
const LETTERS_MS_MAX = 2_000;
const STATEMENT_TIMED_OUT = "57014";

/** Below this, letters in common are chance. */
const LIKENESS_MIN = 0.35;

export function documentRows(scope: Scope, { sealing }: { readonly sealing: Sealing }): StoreTx["documents"] {
  const { query, tenant } = scope;
  return {
    async insert(document, passages, meanings): Promise<void> {
      const { id, name, source } = document;
      // The database states a document's facts, and puts this text into them.
      const stated = await sealing.sealed(scope, id, "document_added", { name, source });
      await query(
        `insert into assent.documents
           (tenant_id, id, name, source, metadata, sha256, chars, passages, created_at, created_by, sealed)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
        [
          tenant,
          uuidOf(document.id),
          document.name,
          document.source,
          JSON.stringify(document.metadata),
          Buffer.from(document.sha256.slice("sha256:".length), "hex"),
          document.chars,
          passages.length,
          document.createdAt,
          uuidOf(document.createdBy.id),
          sealedOf(stated),
        ],
      );
      await query(
        `insert into assent.document_passages
           (tenant_id, document_id, seq, starts_at, body, words, embedding, signature, embedding_model)
         select $1, $2, p.seq, p.starts_at, p.body, assent.words_of($3, p.body), p.embedding::real[],
           p.signature::bit(256), $6
         from unnest($4::text[], $5::integer[], $7::text[], $8::text[])
           with ordinality as p (body, starts_at, embedding, signature, seq)`,
        [
          tenant,
          uuidOf(document.id),
          document.name,
          passages.map(({ text }) => text),
          passages.map(({ start }) => start),
          meanings?.model ?? null,
          passages.map((_, at) => arrayText(meanings?.of[at]?.vector)),
          passages.map((_, at) => meanings?.of[at]?.signature ?? null),
        ],
      );
    },
    async find(id: DocumentId): Promise<Document | null> {
      const [row] = await query<DocumentRow>(`${SELECT} and d.id = $2`, [tenant, uuidOf(id)]);
      return row === undefined ? null : toDocument(row);
    },
    async list(before, limit): Promise<readonly Document[]> {
      const rows = await query<DocumentRow>(
        `${SELECT} and d.created_at >= '-infinity' and ($2::timestamptz is null or (d.created_at, d.id) < ($2, $3::uuid))
         order by d.created_at desc, d.id desc limit $4`,
        [tenant, before?.createdAt ?? null, before === null ? null : uuidOf(before.id), limit],
      );
      return rows.map(toDocument);
    },
    async remove(id: DocumentId, by: PrincipalId): Promise<boolean> {
      // The database states the event itself, and has to know whose doing it was.
      await query("select set_config('assent.actor', $1, true)", [uuidOf(by)]);
      const rows = await query<{ id: string }>(
        "delete from assent.documents where tenant_id = $1 and id = $2 returning id",
        [tenant, uuidOf(id)],
      );
      return rows.length > 0;
    },
    search: async (question, limit) => await search(scope, question, limit),
    searchByMeaning: async (meaning, model, limit) => await searchByMeaning(scope, meaning, model, limit),
  };
}

/** As Postgres reads an array; an array of arrays would have to be a rectangle. */
const arrayText = (vector: readonly number[] | undefined): string | null =>
  vector === undefined ? null : `{${vector.join(",")}}`;

// Signatures are compared for every passage of the tenant, embeddings for the nearest of those only.
async function searchByMeaning(
  { query, tenant }: Scope,
  { vector, signature }: Meaning,
  model: string,
  limit: number,
): Promise<readonly Passage[]> {
  const rows = await query<PassageRow>(
    `select * from (
       select c.document_id, d.name, d.passages, c.seq, c.starts_at, c.body,
         assent.nearness(c.embedding, $2::real[]) as score
       from (
         select * from assent.document_passages p
         where p.tenant_id = $1 and p.embedding_model = $3
         order by bit_count(p.signature # $4::bit(256)) limit $5
       ) as c
       join assent.documents d on d.tenant_id = c.tenant_id and d.id = c.document_id
       where c.tenant_id = $1
     ) as compared
     where score >= $6 order by score desc, document_id, seq limit $7`,
    [tenant, arrayText(vector), model, signature, CANDIDATES, NEARNESS_MIN, limit],
  );
  return rows.map(toPassage("meaning"));
}

const placeOf = ({ document_id, passage }: Passage): string => `${document_id} ${passage}`;

// Each way is gone only where the one before has not filled the page: it finds more, and costs more.
async function search(
  { query, tenant }: Scope,
  question: string,
  limit: number,
): Promise<readonly Passage[]> {
  const byEvery = await query<PassageRow>(BY_EVERY_WORD, [tenant, question, limit]);
  const found = byEvery.map(toPassage("words"));
  if (found.length === limit) return found;
  const known = new Set(found.map(placeOf));
  const byAny = await query<PassageRow>(BY_ANY_WORD, [tenant, question, limit]);
  const others = byAny.map(toPassage("words")).filter((passage) => !known.has(placeOf(passage)));
  const byWords = [...found, ...others].slice(0, limit);
  if (byWords.length === limit) return byWords;
  const byLetters = await searchByLetters({ query, tenant }, question, limit - byWords.length);
  return [...byWords, ...byLetters.map(toPassage("likeness"))];
}

// What this costs is the asker's to choose: every passage that shares enough letters is compared with the question. Past
// the limit it is done without, and the rest of the transaction goes on.
async function searchByLetters(
  { query, tenant }: Pick<Scope, "query" | "tenant">,
  question: string,
  limit: number,
): Promise<readonly PassageRow[]> {
  const limitTo = async (ms: string): Promise<void> => {
    await query("select set_config('statement_timeout', $1, true)", [ms]);
  };
  const [before] = await query<{ value: string }>("select current_setting('statement_timeout') as value", []);
  await query("savepoint letters", []);
  await limitTo(String(LETTERS_MS_MAX));
  try {
    const rows = await query<PassageRow>(BY_LETTERS, [tenant, question, limit, LIKENESS_MIN]);
    await limitTo(before?.value ?? "0");
    return rows;
  } catch (error) {
    if (!(error instanceof DatabaseError) || error.code !== STATEMENT_TIMED_OUT) throw error;
    await query("rollback to savepoint letters", []);
    return [];
  }
}
