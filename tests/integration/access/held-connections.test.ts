// Connections to the database are few and everybody's: no request holds one while it waits for somebody outside, and none
// waits for a second one in company (invariant 14, refuse early: bounded, and shared).

import { randomBytes } from "node:crypto";
import { type RunId, uuidOf } from "@assent/contract";
import { afterEach, expect, test } from "vitest";
import { POOL_CONNECTIONS_MAX } from "../../../packages/harness/src/adapters/postgres/connect.ts";
import { postgresStore } from "../../../packages/harness/src/adapters/postgres/store.ts";
import { type ApiServer, createServer } from "../../../packages/harness/src/api/server.ts";
import type { Embedder, NewDocument, Store } from "../../../packages/harness/src/ports.ts";
import { TENANT_SEARCHES_MAX } from "../../../packages/harness/src/services/documents.ts";
import { answering, countingTool, type Engine, openEngine } from "../../support/engine.ts";
import { anySealing } from "../../support/sealing.ts";
import { keptEvidence, logPorts, scratchFolder } from "../../support/tenant-log.ts";
import { until } from "../../support/until.ts";
import { ask } from "./support.ts";

/** More than the pool of one process has. */
const MANY = 24;

let server: ApiServer | null = null;
afterEach(async () => {
  await server?.close();
  server = null;
});

async function serve(harness: Engine["harness"]): Promise<string> {
  server = await createServer(harness, { log: () => undefined });
  return (await server.listen("127.0.0.1", 0)).url;
}

type Asked = Awaited<ReturnType<typeof ask>>;

const atOnce = (post: (key: Record<string, string>, at: number) => Promise<Asked>): Promise<Asked[]> =>
  Promise.all(
    Array.from({ length: MANY }, async (_, at) => await post({ "idempotency-key": `at-once-${at}` }, at)),
  );

const statusesOf = (answers: readonly Asked[]): number[] => [...new Set(answers.map(({ status }) => status))];

/** Makes the installation's sealing key, as the start of a server does. */
async function sealOnce({ harness, caller }: Engine): Promise<void> {
  await harness.documents.add(caller, { name: "a", text: "b", metadata: {} }, { ok: true, value: null });
}

/** A run whose row says that its attempts are exhausted. */
async function deadLetterOf(engine: Engine): Promise<RunId> {
  const id = await engine.submit();
  const client = await engine.database.ownerPool().connect();
  try {
    await client.query("begin");
    await client.query("alter table assent.runs disable trigger user");
    await client.query("update assent.runs set state = 'dead_lettered', finished_at = now() where id = $1", [
      uuidOf(id),
    ]);
    await client.query("alter table assent.runs enable trigger user");
    await client.query("commit");
  } finally {
    client.release();
  }
  return id;
}

const newDocument = ({ clock, caller }: Engine): NewDocument => ({
  id: `doc_${randomBytes(16).toString("hex")}`,
  name: "a",
  source: null,
  metadata: {},
  sha256: `sha256:${"0".repeat(64)}`,
  chars: 1,
  createdAt: clock.now(),
  createdBy: caller.actor,
});

/** Somebody outside who does not answer before they are let. */
function slow(): { readonly answer: () => Promise<void>; readonly asked: () => number; let: () => void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  let asked = 0;
  return {
    answer: async () => {
      asked += 1;
      await promise;
    },
    asked: () => asked,
    let: resolve,
  };
}

test("a provider that is slow to say what documents mean holds up nobody else; a repeat does not ask it again", async () => {
  const provider = slow();
  const embedder: Embedder = {
    model: "openai/e",
    embed: async (texts) => {
      await provider.answer();
      return { ok: true, value: texts.map(() => [1, 0, 0]) };
    },
  };
  await using engine = await openEngine({ embedder });
  await sealOnce(engine);
  const url = await serve(engine.harness);
  const [key, other] = [await engine.newKey("writer"), await engine.newKey("reader", "other")];
  const upload = async (headers: Record<string, string>): Promise<Asked> =>
    await ask(url, key, "POST", "/api/harness/documents", { name: "a", text: "b" }, headers);
  const uploads = atOnce(upload);
  await until("all wait for the provider", () => provider.asked() === MANY);
  expect((await ask(url, other, "GET", "/api/harness/documents")).status).toBe(200);
  provider.let();
  const [first] = await uploads;
  expect(statusesOf(await uploads)).toEqual([201]);
  const again = await upload({ "idempotency-key": "at-once-0" });
  expect([again.headers.get("idempotent-replayed"), again.body]).toEqual(["true", first?.body]);
  expect(provider.asked()).toBe(MANY);
});

test("a tool that is slow to say what an edit would do holds up nobody else", async () => {
  const host = slow();
  const tool = countingTool("count", "once");
  let isEdited = false;
  const plan: typeof tool.plan = async (args, context) => {
    if (isEdited) await host.answer();
    return await tool.plan(args, context);
  };
  const call = { id: "c1", tool: "count", arguments: { amount: 10 } };
  await using engine = await openEngine({
    tools: [{ ...tool, plan }],
    models: answering((turn) => (turn === 0 ? { calls: [call] } : { text: "Done." })),
  });
  const url = await serve(engine.harness);
  const [key, other] = [await engine.newKey("approver"), await engine.newKey("reader", "other")];
  const worker = await engine.startWorker();
  const run = await engine.reaches(await engine.submit(), "awaiting_approval");
  await worker.stop();
  isEdited = true;
  const [open] = run.approvals;
  const approve = {
    approval_id: open?.id,
    decision: "approve",
    action_digest: open?.action_digest,
    arguments: { amount: 11 },
  };
  const answers = atOnce(
    async (headers) => await ask(url, key, "POST", "/api/harness/approve", approve, headers),
  );
  await until("all wait for the tool", () => host.asked() === MANY);
  expect((await ask(url, other, "GET", "/api/harness/runs")).status).toBe(200);
  host.let();
  expect(statusesOf(await answers)).toEqual([200]);
});

test("a process that has not sealed anything yet begins under load, on the connections that it has", async () => {
  await using engine = await openEngine();
  await sealOnce(engine);
  const pool = engine.database.appPool();
  const { wakeUps, ...rest } = { ...engine.ports, wakeUps: { ring: () => undefined } };
  const store = postgresStore({ ...rest, pool, wakeUps, sealing: anySealing(pool) });
  const all = slow();
  let taken = 0;
  pool.on("acquire", () => {
    taken += 1;
  });
  const add = async (): Promise<void> =>
    await store.transaction(engine.tenant, async (tx) => {
      const wait = all.answer();
      if (all.asked() === POOL_CONNECTIONS_MAX) all.let();
      await wait;
      await tx.documents.insert(newDocument(engine), [{ text: "b", start: 0 }], null);
    });
  await Promise.all(Array.from({ length: POOL_CONNECTIONS_MAX }, add));
  expect(taken).toBe(POOL_CONNECTIONS_MAX);
});

test("as many erasures at once as there are connections do not wait for each other's", async () => {
  await using engine = await openEngine();
  using folder = scratchFolder();
  const evidence = keptEvidence(logPorts(engine.database, folder.path));
  const url = await serve(engine.again({ evidence }));
  const [key, other] = [await engine.newKey("admin"), await engine.newKey("reader", "other")];
  const answers = atOnce(async (headers, at) => {
    const body = { epoch: 1, index: at, reason: "The person asked for it." };
    return await ask(url, key, "POST", "/api/harness/audit/erase", body, headers);
  });
  expect((await ask(url, other, "GET", "/api/harness/runs")).status).toBe(200);
  expect(statusesOf(await answers)).not.toContain(503);
});

test("redrives look at the queue before they hold anything", async () => {
  await using engine = await openEngine();
  const looks = slow();
  const capacity = {
    takeRoom: async () => {
      await looks.answer();
      return null;
    },
  };
  const url = await serve(engine.again({ capacity }));
  const [key, other] = [await engine.newKey("requester"), await engine.newKey("reader", "other")];
  const path = `/api/harness/runs/${await deadLetterOf(engine)}/redrive`;
  const answers = atOnce(async (headers) => await ask(url, key, "POST", path, {}, headers));
  await until("all look", () => looks.asked() === MANY);
  expect((await ask(url, other, "GET", "/api/harness/runs")).status).toBe(200);
  looks.let();
  expect(statusesOf(await answers)).toEqual([200]);
});

test("a tenant's costly questions take some connections, and never all of them", async () => {
  const { promise: released, resolve: release } = Promise.withResolvers<undefined>();
  let running = 0;
  let most = 0;
  await using engine = await openEngine();
  const store: Store = {
    ...engine.store,
    transaction: async (tenant, work, options) =>
      await engine.store.transaction(
        tenant,
        async (tx) => {
          const search: typeof tx.documents.search = async (question, limit) => {
            running += 1;
            most = Math.max(most, running);
            await released;
            running -= 1;
            return await tx.documents.search(question, limit);
          };
          return await work({ ...tx, documents: { ...tx.documents, search } });
        },
        options,
      ),
  };
  const url = await serve(engine.again({ store }));
  const [key, other] = [await engine.newKey("asker"), await engine.newKey("reader", "other")];
  const path = "/api/harness/documents/search?q=anything";
  const answers = atOnce(async () => await ask(url, key, "GET", path));
  await until("as many ask as may", () => running === TENANT_SEARCHES_MAX);
  expect((await ask(url, other, "GET", "/api/harness/runs")).status).toBe(200);
  const others = ask(url, other, "GET", path);
  await until("another tenant asks as well", () => running === TENANT_SEARCHES_MAX + 1);
  release(undefined);
  expect(statusesOf(await answers)).toEqual([200]);
  expect((await others).status).toBe(200);
  expect(most).toBe(TENANT_SEARCHES_MAX + 1);
});
