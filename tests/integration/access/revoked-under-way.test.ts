// A credential that ends while a request with it is under way: once the ending was acknowledged, nothing that needs it
// is committed any more. The request is held where a busy run holds it: at the lock on the run's row.

import { randomBytes } from "node:crypto";
import { type Approval, type RunId, runSummarySchema, uuidOf } from "@assent/contract";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type RequestSigningKey, signRequest } from "../../../packages/harness/src/client/gate.ts";
import { answering, countingTool } from "../../support/engine.ts";
import { LOOK_UP } from "../external/support.ts";
import { until } from "../../support/until.ts";
import { ask, type Edge, openEdge } from "./support.ts";

type Answer = Awaited<ReturnType<typeof ask>>;

const KEYS = "/api/harness/keys";
const APPROVE = "/api/harness/approve";

const tool = countingTool("pay", "once");
let edge: Edge;
let admin: string;
beforeAll(async () => {
  const calls = [{ id: "c1", tool: "pay", arguments: { id: "c1" } }];
  edge = await openEdge({
    models: answering((turn) => (turn === 0 ? { calls } : { text: "Paid." })),
    tools: [tool],
  });
  admin = await edge.engine.newKey("admin", "default", { roles: ["admin"] });
  await edge.engine.startWorker();
});
afterAll(async () => await edge[Symbol.asyncDispose]());

async function newKey(name: string): Promise<{ id: string; secret: string }> {
  const grant = { principal: { name, kind: "human" }, scopes: [], roles: ["approver"] };
  const { body } = await ask(edge.urls[0], admin, "POST", KEYS, grant);
  return { id: String(body["id"]), secret: String(body["secret"]) };
}

async function newSigningKey(name: string): Promise<RequestSigningKey> {
  const wanted = { principal: { name, kind: "human" }, algorithm: "hmac-sha256" };
  const { body } = await ask(edge.urls[0], admin, "POST", "/api/harness/signing-keys", wanted);
  return { id: String(body["id"]), algorithm: "hmac-sha256", secret: String(body["secret"]) };
}

async function waiting(): Promise<{ run: RunId; approval: Approval }> {
  const run = await edge.engine.submit();
  const { approvals } = await edge.engine.reaches(run, "awaiting_approval");
  const approval = approvals.find(({ status }) => status === "open");
  if (approval === undefined) throw new Error("nothing waits");
  return { run, approval };
}

/** Sends while the run's row is locked, and lets go of it only when `meanwhile` is through. */
async function held(
  run: RunId,
  send: () => Promise<Answer>,
  meanwhile: () => Promise<Answer>,
): Promise<Answer> {
  const pool = edge.engine.database.ownerPool();
  const holder = await pool.connect();
  try {
    await holder.query("begin");
    const { rows } = await holder.query<{ pid: number }>(
      "select pg_backend_pid() as pid from assent.runs where id = $1 for update",
      [uuidOf(run)],
    );
    const sent = send();
    const early = sent.then(({ body }) => {
      throw new Error(`it was answered without waiting for the run: ${JSON.stringify(body)}`);
    });
    const blocked = until("the request waits for the run", async () => {
      const { rows: waiters } = await pool.query(
        "select 1 from pg_stat_activity where $1 = any (pg_blocking_pids(pid))",
        [rows[0]?.pid],
      );
      return waiters.length > 0;
    });
    await Promise.race([blocked, early]);
    early.catch(() => undefined);
    expect((await meanwhile()).status).toBeLessThan(300);
    await holder.query("commit");
    return await sent;
  } finally {
    // Whatever it holds ends with it.
    holder.release(true);
  }
}

const approve = async (
  key: string,
  { id, action_digest }: Approval,
  signing?: RequestSigningKey,
): Promise<Answer> => {
  const body = { approval_id: id, decision: "approve", action_digest };
  const headers = { "content-type": "application/json", "idempotency-key": randomBytes(8).toString("hex") };
  const url = edge.urls[0] + APPROVE;
  const signed =
    signing === undefined
      ? {}
      : signRequest({ method: "POST", url, headers, body: JSON.stringify(body) }, signing, {
          now: edge.engine.clock.now(),
          nonce: randomBytes(16).toString("hex"),
        });
  return await ask(edge.urls[0], key, "POST", APPROVE, body, { ...headers, ...signed });
};

async function expectNothingApproved(answer: Answer, run: RunId): Promise<void> {
  expect(answer).toMatchObject({ status: 401, body: { code: "unauthenticated" } });
  const now = await edge.engine.run(run);
  expect(now.status).toBe("awaiting_approval");
  expect(now.approvals.map(({ status }) => status)).toEqual(["open"]);
  expect(tool.effects).toEqual([]);
}

test("a key that is revoked while its approval is under way approves nothing", async () => {
  const key = await newKey("ann");
  const { run, approval } = await waiting();
  const answer = await held(
    run,
    async () => await approve(key.secret, approval),
    async () => await ask(edge.urls[1], admin, "DELETE", `${KEYS}/${key.id}`),
  );
  await expectNothingApproved(answer, run);
});

test("nor does one that is replaced meanwhile", async () => {
  const key = await newKey("ben");
  const { run, approval } = await waiting();
  const answer = await held(
    run,
    async () => await approve(key.secret, approval),
    async () => await ask(edge.urls[1], admin, "POST", `${KEYS}/${key.id}/rotate`, {}),
  );
  await expectNothingApproved(answer, run);
});

test("nor does a request whose signing key is revoked meanwhile", async () => {
  const key = await newKey("cleo");
  const signing = await newSigningKey("cleo");
  const { run, approval } = await waiting();
  const answer = await held(
    run,
    async () => await approve(key.secret, approval, signing),
    async () => await ask(edge.urls[1], admin, "DELETE", `/api/harness/signing-keys/${signing.id}`),
  );
  await expectNothingApproved(answer, run);
});

test("nor does one without a signature, where signatures are demanded of its principal meanwhile", async () => {
  const key = await newKey("dora");
  const { run, approval } = await waiting();
  const change = { principal: { name: "dora", kind: "human" }, must_sign: true };
  const answer = await held(
    run,
    async () => await approve(key.secret, approval),
    async () => await ask(edge.urls[1], admin, "POST", "/api/harness/principals", change),
  );
  await expectNothingApproved(answer, run);
});

const POST_WORD = { name: "post_word", effect: "once", harm: ["write"] };

type DriverOf = {
  readonly id: string;
  readonly run: RunId;
  readonly send: (method: string, path: string, body?: object) => Promise<Answer>;
};

async function newDriver(): Promise<DriverOf> {
  const grant = { principal: { name: "driver", kind: "service" }, scopes: [], roles: ["requester"] };
  const made = await ask(edge.urls[0], admin, "POST", KEYS, grant);
  const key = String(made.body["secret"]);
  const send: DriverOf["send"] = async (method, path, body) =>
    await ask(
      edge.urls[0],
      key,
      method,
      path,
      body,
      method === "POST" ? { "idempotency-key": randomBytes(8).toString("hex") } : {},
    );
  const task = { driver: "external", task: "Look.", tools: [LOOK_UP, POST_WORD], approver: "ask" };
  const run = await send("POST", "/api/harness/run", task);
  return { id: String(made.body["id"]), run: runSummarySchema.parse(run.body).id, send };
}

/** What a driver does, after what had to come before. */
const DOINGS: Readonly<Record<string, (driver: DriverOf) => Promise<() => Promise<Answer>>>> = {
  "its report": async ({ run, send }) => {
    const actions = `/api/harness/runs/${run}/actions`;
    const action = await send("POST", actions, { tool: LOOK_UP.name, arguments: {} });
    expect(action.body).toMatchObject({ decision: "permit" });
    const result = `${actions}/${String(action.body["action_id"])}/result`;
    return async () => await send("POST", result, { output: "seen" });
  },
  "its call, which the rules permit,": async ({ run, send }) =>
    await Promise.resolve(
      async () =>
        await send("POST", `/api/harness/runs/${run}/actions`, { tool: LOOK_UP.name, arguments: {} }),
    ),
  "its question to a person": async ({ run, send }) =>
    await Promise.resolve(
      async () =>
        await send("POST", `/api/harness/runs/${run}/actions`, {
          tool: POST_WORD.name,
          arguments: { word: randomBytes(8).toString("hex") },
        }),
    ),
  "its plan": async ({ run, send }) =>
    await Promise.resolve(
      async () =>
        await send("POST", `/api/harness/runs/${run}/plan`, {
          calls: [{ tool: POST_WORD.name, arguments: { word: "planned" } }],
        }),
    ),
  "its reading of what nobody has decided": async ({ run, send }) => {
    const actions = `/api/harness/runs/${run}/actions`;
    const call = { tool: POST_WORD.name, arguments: { word: randomBytes(8).toString("hex") } };
    const asked = await send("POST", actions, call);
    expect(asked.body).toMatchObject({ decision: "needs_approval" });
    return async () => await send("GET", `${actions}/${String(asked.body["action_id"])}`);
  },
  "its reading of what a person approved": async ({ run, send }) => {
    const actions = `/api/harness/runs/${run}/actions`;
    const call = { tool: POST_WORD.name, arguments: { word: randomBytes(8).toString("hex") } };
    const asked = await send("POST", actions, call);
    const approval = await ask(
      edge.urls[0],
      admin,
      "GET",
      `/api/harness/approvals/${String(asked.body["approval_id"])}`,
    );
    const yes = {
      approval_id: approval.body["id"],
      decision: "approve",
      action_digest: approval.body["action_digest"],
    };
    expect((await ask(edge.urls[0], admin, "POST", APPROVE, yes)).status).toBe(200);
    return async () => await send("GET", `${actions}/${String(asked.body["action_id"])}`);
  },
  "the end of its run": async ({ run, send }) =>
    await Promise.resolve(
      async () => await send("POST", `/api/harness/runs/${run}/finish`, { output: "Done." }),
    ),
};

for (const [doing, prepare] of Object.entries(DOINGS))
  test(`a driver whose key is revoked while ${doing} is under way has done and learnt nothing`, async () => {
    const driver = await newDriver();
    const send = await prepare(driver);
    const before = await edge.rows();
    const answer = await held(
      driver.run,
      send,
      async () => await ask(edge.urls[1], admin, "DELETE", `${KEYS}/${driver.id}`),
    );
    expect(answer).toMatchObject({ status: 401, body: { code: "unauthenticated" } });
    const { runs, steps, approvals } = await edge.rows();
    expect({ runs, steps, approvals }).toEqual({
      runs: before["runs"],
      steps: before["steps"],
      approvals: before["approvals"],
    });
  });
