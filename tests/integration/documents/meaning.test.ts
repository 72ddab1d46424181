// Documents found by what they mean: embeddings over the real wire, from a server whose vectors are of our making.

import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { z } from "zod";
import { openEmbedder } from "../../../packages/harness/src/adapters/models/embeddings.ts";
import { meaningOf } from "../../../packages/harness/src/core/retrieval/meaning.ts";
import type { Caller, Embedder } from "../../../packages/harness/src/ports.ts";
import { type Engine, openEngine, value } from "../../support/engine.ts";

/** What words mean, as directions: the server's whole knowledge of the world. */
const CONCEPTS: readonly (readonly string[])[] = [
  ["car", "automobile", "vehicle", "motor"],
  ["money", "refund", "reimbursement", "payment"],
  ["dog", "hound", "puppy"],
];

const vectorOf = (input: string): number[] => [
  ...CONCEPTS.map((words) => words.filter((word) => input.toLowerCase().includes(word)).length),
  // So that no vector is all zeros.
  0.01,
];

const requestSchema = z.object({ model: z.string(), input: z.array(z.string()) });

let server: Server;
let engine: Engine;
let ours: Caller;
let theirs: Caller;
let embedder: Embedder;
const asked: z.infer<typeof requestSchema>[] = [];
let broken: "no" | "down" | "short" | "not numbers" | "elsewhere" = "no";

beforeAll(async () => {
  server = createServer((message, response) => {
    void (async () => {
      const request = requestSchema.parse(JSON.parse(await text(message)));
      asked.push(request);
      if (broken === "down") return response.writeHead(500).end("{}");
      if (broken === "elsewhere") return response.writeHead(307, { location: "http://127.0.0.1:9/" }).end();
      const vectors = request.input.map((input): unknown =>
        broken === "not numbers" ? ["a"] : vectorOf(input),
      );
      const data = vectors
        .slice(broken === "short" ? 1 : 0)
        .map((embedding, index) => ({ object: "embedding", index, embedding }));
      const body = {
        object: "list",
        model: request.model,
        data,
        usage: { prompt_tokens: 1, total_tokens: 1 },
      };
      return response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(body));
    })();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  embedder = value(openedEmbedder(`http://127.0.0.1:${portOf(server)}/v1`));
  engine = await openEngine({ embedder });
  ours = engine.caller;
  theirs = await engine.newCaller("bob", "other");
});
afterAll(async () => {
  await engine[Symbol.asyncDispose]();
  server.closeAllConnections();
  server.close();
});
beforeEach(() => {
  broken = "no";
  asked.length = 0;
});

function openedEmbedder(
  baseUrl: string,
): { ok: true; value: Embedder } | { ok: false; error: { detail: string } } {
  const opened = openEmbedder({ model: "openai-compatible/fake-embed", openaiCompatible: { baseUrl } });
  return opened.ok ? opened : { ok: false, error: { detail: opened.error } };
}

const add = async (caller: Caller, name: string, body: string) =>
  await engine.harness.documents.add(caller, { name, text: body, metadata: {} });

test("a text is found by what it means, without a word or letter in common, and the nearest comes first", async () => {
  const garage = value(await add(ours, "garage", "The automobile stands below the house."));
  value(await add(ours, "kennel", "The hound sleeps. The puppy as well."));
  expect(asked[0]).toEqual({ model: "fake-embed", input: ["The automobile stands below the house."] });
  const found = await engine.harness.documents.search(ours, "vehicle", 2);
  expect(found[0]).toMatchObject({ document_id: garage.id, found_by: "meaning" });
  expect(found[0]?.score).toBeGreaterThan(0.9);
  expect(found).toHaveLength(1);
});

test("equal embeddings of another tenant's are not found, however many there are", async () => {
  const mine = await engine.newCaller("carol", "third");
  for (let index = 0; index < 12; index += 1)
    value(await add(theirs, `theirs ${index}`, `A motor car, CANARY-THEIRS ${index}.`));
  value(await add(mine, "mine", "The automobile stands before the house."));
  const found = await engine.harness.documents.search(mine, "vehicle", 5);
  expect(JSON.stringify(found)).not.toContain("CANARY");
  expect(found.length).toBeGreaterThan(0);
  expect(await engine.harness.documents.search(theirs, "automobile house", 20)).toHaveLength(12);
});

test("where its meaning cannot be had a document is not stored, and says so", async () => {
  for (const how of ["down", "short", "not numbers", "elsewhere"] as const) {
    broken = how;
    expect(await add(ours, `never ${how}`, "The reimbursement is late.")).toMatchObject({
      ok: false,
      error: { code: "embedding_unavailable" },
    });
  }
  broken = "no";
  const names = value(await engine.harness.documents.list(ours, { limit: 100, cursor: null })).data.map(
    ({ name }) => name,
  );
  expect(names.filter((name) => name.startsWith("never"))).toEqual([]);
});

test("a question that cannot be embedded is answered by words", async () => {
  value(await add(ours, "money", "A refund takes a week."));
  broken = "down";
  const found = await engine.harness.documents.search(ours, "refund week", 3);
  expect(found[0]).toMatchObject({ document_name: "money", found_by: "words" });
  expect(engine.logged.some((line) => line.includes("answered by words"))).toBe(true);
});

test("vectors of another model are left alone", async () => {
  const other = openEmbedder({
    model: "openai-compatible/other-embed",
    openaiCompatible: { baseUrl: `http://127.0.0.1:${portOf(server)}/v1` },
  });
  if (!other.ok) throw new Error(other.error);
  const [vector] = value(await other.value.embed(["vehicle"], AbortSignal.timeout(60_000)));
  expect(vector).toEqual(vectorOf("vehicle"));
  const found = await engine.store.transaction(
    engine.tenant,
    async (tx) => await tx.documents.searchByMeaning(meaningOf(vector ?? []), other.value.model, 5),
  );
  expect(found).toEqual([]);
});

const portOf = (of: Server): number => {
  const address = of.address();
  return typeof address === "object" && address !== null ? address.port : 0;
};
