// Documents of two tenants in one database: found by their words and letters, by their own tenant only.

import { type Document, uuidOf } from "@assent/contract";
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
});
afterAll(async () => {
  await engine[Symbol.asyncDispose]();
});

const add = async (caller: Caller, name: string, text: string): Promise<Document> =>
  value(await engine.harness.documents.add(caller, { name, text, metadata: { tenant_id: engine.tenant } }));

test("a passage is found by its words in any form, by misspelt words, and not without either", async () => {
  const handbook = await add(
    ours,
    "handbook",
    `${"Nothing of interest stands here. ".repeat(60)}\n\nRefunds are paid within fourteen days by the accounting department.\n\n${"Nothing here either. ".repeat(60)}`,
  );
  const byWords = await engine.harness.documents.search(ours, "how fast do we refund a payment?", 3);
  expect(byWords[0]).toMatchObject({ document_id: handbook.id, found_by: "words" });
  expect(byWords[0]?.text).toContain("Refunds are paid within fourteen days");
  const place = byWords[0];
  expect(place?.passage).toBeGreaterThan(1);
  const misspelt = await engine.harness.documents.search(ours, "acounting departmnt", 3);
  expect(misspelt[0]).toMatchObject({ document_id: handbook.id, found_by: "likeness" });
  expect(await engine.harness.documents.search(ours, "zzyzx qwfp", 3)).toEqual([]);
});

test("words that mean something to the database's query language are words like others", async () => {
  await add(
    ours,
    "grammar",
    "a & b | !c <-> 'quoted' \\ :* (brackets) AND OR NOT http://example.org/?x=1&y=2",
  );
  for (const question of [
    "'",
    "a & b",
    "!!! | | &",
    "quoted' | pg_sleep(1)",
    "\\",
    ":*",
    "http://example.org/?x=1&y=2",
    "the",
  ])
    expect(Array.isArray(await engine.harness.documents.search(ours, question, 3))).toBe(true);
  const [found] = await engine.harness.documents.search(ours, "quoted' | brackets)", 1);
  expect(found?.document_name).toBe("grammar");
});

test("a page is filled from the tenant's own documents, however many others have that fit better", async () => {
  for (let index = 0; index < 30; index += 1)
    await add(
      theirs,
      `quarterly ${index}`,
      `CANARY-THEIRS quarterly figures quarterly figures of year ${index}.`,
    );
  for (let index = 0; index < 4; index += 1)
    await add(
      ours,
      `report ${index}`,
      `Somewhere in a long text about ${index} other things stand the quarterly figures, once.`,
    );
  const found = await engine.harness.documents.search(ours, "quarterly figures", 4);
  expect(found).toHaveLength(4);
  for (const passage of found) expect(passage.text).not.toContain("CANARY");
  expect(await engine.harness.documents.search(theirs, "Somewhere in a long text", 20)).not.toContainEqual(
    expect.objectContaining({ document_name: expect.stringMatching(/^report/) }),
  );
});

test("another tenant's document is not there: not to read, not to remove, not in a list, not by its cursor", async () => {
  const secret = await add(theirs, "plans", "The merger is called PROJECT-HERON.");
  const unknown = await engine.harness.documents.get(ours, `doc_${"0".repeat(32)}`);
  expect(await engine.harness.documents.get(ours, secret.id)).toEqual(unknown);
  expect(await engine.harness.documents.remove(ours, secret.id)).toEqual(unknown);
  expect(await engine.harness.documents.search(ours, "merger PROJECT-HERON", 5)).toEqual([]);
  for (const name of ["second", "third"]) await add(theirs, name, `A ${name} plan.`);
  const page = value(await engine.harness.documents.list(theirs, { limit: 2, cursor: null }));
  expect(page.next_cursor).not.toBeNull();
  expect(await engine.harness.documents.list(ours, { limit: 2, cursor: page.next_cursor })).toMatchObject({
    ok: false,
    error: { code: "invalid_request" },
  });
  expect(value(await engine.harness.documents.get(theirs, secret.id)).name).toBe("plans");
});

test("a list goes through every document once, newest first; a removed one is gone with every passage", async () => {
  const seen: string[] = [];
  let cursor: string | null = null;
  do {
    const page: { data: readonly Document[]; next_cursor: string | null } = value(
      await engine.harness.documents.list(theirs, { limit: 7, cursor }),
    );
    seen.push(...page.data.map(({ id }) => id));
    cursor = page.next_cursor;
  } while (cursor !== null);
  expect(new Set(seen).size).toBe(seen.length);
  expect(seen).toEqual(seen.toSorted().toReversed());
  const gone = await add(ours, "gone", "An ornithorhynchus lays eggs.");
  expect(value(await engine.harness.documents.remove(ours, gone.id))).toEqual(gone);
  expect(await engine.harness.documents.search(ours, "ornithorhynchus", 5)).toEqual([]);
  expect(await engine.harness.documents.remove(ours, gone.id)).toMatchObject({
    error: { code: "document_not_found" },
  });
});

test("a document's coming and going are events, with who did it and no text of it", async () => {
  const document = await add(ours, "evidence", "A text that nobody else has.");
  const other = await engine.newCaller("remover");
  value(await engine.harness.documents.remove(other, document.id));
  const { rows } = await engine.database
    .ownerPool()
    .query<{ kind: string; actor_id: string; data: string }>(
      "select kind, actor_id, data::text as data from assent.audit_facts where subject = $1 order by version",
      [document.id],
    );
  expect(rows.map(({ kind, actor_id }) => [kind, actor_id])).toEqual([
    ["document_added", uuidOf(ours.actor.id)],
    ["document_removed", uuidOf(other.actor.id)],
  ]);
  for (const { data } of rows) {
    expect(data).toContain(document.sha256.slice("sha256:".length));
    expect(data).not.toContain("nobody else");
  }
});

test("a question whose letters cost too much is answered by words, and what follows goes on", async () => {
  let isCostly = false;
  await using slow = await openEngine({
    rewriteSql: (sql) =>
      isCostly
        ? sql.replace(
            "assent.passages_by_letters($2, assent.any_word_of($2), $4, $3)",
            "assent.costly($2, $4, $3)",
          )
        : sql,
  });
  // In place of a search that takes for ever: what Postgres says once its time is over.
  await slow.database.ownerPool().query(
    `create function assent.costly(text, real, integer)
       returns table (tenant_id uuid, document_id uuid, seq integer, score real) language plpgsql as $$
     begin
       if current_setting('statement_timeout') = '2s' then
         raise exception 'canceling statement due to statement timeout' using errcode = '57014';
       end if;
       raise exception 'nothing ends this';
     end $$;
     grant execute on function assent.costly(text, real, integer) to assent_app`,
  );
  const asker = await slow.newCaller("asker");
  value(await slow.harness.documents.add(asker, { name: "a", text: "Refunds are paid.", metadata: {} }));
  isCostly = true;
  const found = await slow.harness.documents.search(asker, "refunds", 5);
  expect(found).toMatchObject([{ found_by: "words", text: "Refunds are paid." }]);
});
