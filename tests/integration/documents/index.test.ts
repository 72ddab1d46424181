// A search reads what it finds, and not what there is: counted in the database's own pages, which no clock changes.

import { uuidOf } from "@assent/contract";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Caller } from "../../../packages/harness/src/ports.ts";
import { type Engine, openEngine, value } from "../../support/engine.ts";

let engine: Engine;
let ours: Caller;
let theirs: Caller;

beforeAll(async () => {
  engine = await openEngine();
  ours = await engine.newCaller("ann");
  theirs = await engine.newCaller("bob", "other");
  for (const caller of [ours, theirs])
    value(
      await engine.harness.documents.add(caller, {
        name: "handbook",
        text: "The ornithorhynchus lays eggs, as the handbook says.",
        metadata: {},
      }),
    );
});
afterAll(async () => {
  await engine[Symbol.asyncDispose]();
});

/** So many passages more of the tenant's one document, each of words that many others have. */
async function addPassages({ tenant }: Caller, count: number): Promise<void> {
  const pool = engine.database.ownerPool();
  await pool.query(
    `insert into assent.document_passages (tenant_id, document_id, seq, starts_at, body, words)
     select d.tenant_id, d.id, last + n, 0, body, assent.words_of('', body)
     from assent.documents d
     cross join lateral (
       select max(seq) as last from assent.document_passages p
       where p.tenant_id = d.tenant_id and p.document_id = d.id) as so_far
     cross join generate_series(1, $2::int) as n
     cross join lateral (
       select format('Report %s of branch %s: sales in region %s rose by %s percent against the year before.',
         n, n % 97, n % 13, n % 31) as body) as made
     where d.tenant_id = $1`,
    [uuidOf(tenant), count],
  );
  await pool.query("analyze assent.document_passages");
}

/** Pages that one statement reads for a tenant, as the service asks it. */
async function pagesOf({ tenant }: Caller, statement: string, given: readonly unknown[]): Promise<number> {
  const client = await engine.database.appPool().connect();
  try {
    await client.query("begin");
    await client.query("select set_config('assent.tenant', $1, true)", [uuidOf(tenant)]);
    // The first time a session also reads what there is to know of tables and functions.
    await client.query(statement, [...given]);
    const { rows } = await client.query<{ "QUERY PLAN": [{ Plan: Record<string, number> }] }>(
      `explain (analyze, buffers, format json) ${statement}`,
      [...given],
    );
    const plan = rows[0]?.["QUERY PLAN"][0].Plan ?? {};
    return (plan["Shared Hit Blocks"] ?? 0) + (plan["Shared Read Blocks"] ?? 0);
  } finally {
    await client.query("rollback");
    client.release();
  }
}

const BY_WORDS = "select * from assent.passages_by_words(assent.any_word_of($1), 5)";
const BY_LETTERS = "select * from assent.passages_by_letters($1, assent.any_word_of($1), 0.35, 5)";
const ALL =
  "select * from assent.document_passages where tenant_id = assent.tenant() and length(body) + length(words) > 0";

async function measure(): Promise<Readonly<Record<"words" | "letters" | "all", number>>> {
  return {
    words: await pagesOf(ours, BY_WORDS, ["does an ornithorhynchus lay eggs?"]),
    letters: await pagesOf(ours, BY_LETTERS, ["ornithorhinchus laing"]),
    all: await pagesOf(ours, ALL, []),
  };
}

test("four times the passages do not make four times the reading, of the tenant's own or of others'", async () => {
  await addPassages(ours, 2_000);
  const small = await measure();
  await addPassages(ours, 6_000);
  const large = await measure();
  await addPassages(theirs, 8_000);
  const beside = await measure();
  expect(large.all).toBeGreaterThan(3 * small.all);
  for (const way of ["words", "letters"] as const) {
    expect(large[way]).toBeLessThan(large.all / 4);
    expect(large[way]).toBeLessThan(2 * small[way]);
    expect(beside[way]).toBeLessThan(2 * large[way]);
  }
  const [byWords] = await engine.harness.documents.search(ours, "does an ornithorhynchus lay eggs?", 3);
  expect(byWords).toMatchObject({ found_by: "words", passage: 1 });
  const [byLetters] = await engine.harness.documents.search(ours, "ornithorhinchus laing", 3);
  expect(byLetters).toMatchObject({ found_by: "likeness", passage: 1 });
});
