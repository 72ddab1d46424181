// A driver's view of a real harness: HTTP before the whole engine, on a database of the test's own.

import { randomUUID } from "node:crypto";
import {
  type ActionAnswer,
  actionAnswerSchema,
  planAnswerSchema,
  type Problem,
  problemSchema,
  type Run,
  runSchema,
  type RunSummary,
  runSummarySchema,
  type Scope,
  type WireManifest,
} from "@assent/contract";
import { createServer } from "../../../packages/harness/src/api/server.ts";
import type { Policies } from "../../../packages/harness/src/core/decide/policy-point.ts";
import type { Caller } from "../../../packages/harness/src/ports.ts";
import { type Engine, type EngineOptions, openEngine, value } from "../../support/engine.ts";

export type Answer = {
  readonly status: number;
  readonly headers: Headers;
  readonly json: unknown;
  readonly text: string;
};

export type Driver = {
  readonly key: string;
  post(path: string, body: unknown, key?: string | null): Promise<Answer>;
  get(path: string): Promise<Answer>;
  submit(request?: Record<string, unknown>): Promise<RunSummary>;
  act(run: string, tool: string, args: Record<string, unknown>): Promise<ActionAnswer>;
  read(run: string, action: string, waitSeconds?: number): Promise<ActionAnswer>;
  report(run: string, action: string, body: unknown): Promise<Answer>;
  run(run: string): Promise<Run>;
  approve(approval: string, digest: string): Promise<Answer>;
  deny(approval: string): Promise<Answer>;
};

export type World = AsyncDisposable & {
  readonly engine: Engine;
  readonly url: string;
  readonly driver: Driver;
  newDriver(
    name: string,
    options?: { tenant?: string; scopes?: readonly Scope[]; kind?: "human" | "service" },
  ): Promise<Driver>;
  /** Another process on the same database: nothing of the first one's memory. */
  restarted(ports?: Parameters<Engine["again"]>[0]): Promise<AsyncDisposable & { readonly driver: Driver }>;
};

export const READ_INBOX: WireManifest = {
  name: "read_inbox",
  version: "1",
  input_schema: { type: "object", properties: { folder: { type: "string" } }, additionalProperties: false },
  effect: "none",
  harm: [],
  control_arguments: ["folder"],
  returns: "untrusted",
};
export const LOOK_UP: WireManifest = { ...READ_INBOX, name: "look_up", returns: "trusted" };
export const SEND_MONEY: WireManifest = {
  name: "send_money",
  version: "1",
  description: "Pays.",
  input_schema: {
    type: "object",
    properties: { recipient: { type: "string" }, amount: { type: "number" }, note: { type: "string" } },
    required: ["recipient", "amount"],
    additionalProperties: false,
  },
  effect: "once",
  harm: ["money"],
  control_arguments: ["recipient", "amount"],
  returns: "trusted",
};

export const REQUEST = {
  driver: "external",
  task: "Pay 100 to GB29NWBK60161331926819, then read my inbox.",
  tools: [READ_INBOX, LOOK_UP, SEND_MONEY],
  approver: "ask",
} as const;

export async function openWorld(options: EngineOptions = {}): Promise<World> {
  const engine = await openEngine(options);
  const server = await createServer(engine.harness, { log: engine.ports.log });
  const { url } = await server.listen("127.0.0.1", 0);
  const newDriver: World["newDriver"] = async (
    name,
    { tenant = "default", scopes = SCOPES, kind = "service" } = {},
  ) => {
    const caller = await engine.newCaller(`maker of ${name}`, tenant);
    return await driverOf(engine, url, caller, { name, kind, scopes });
  };
  return {
    engine,
    url,
    newDriver,
    driver: await newDriver("driver"),
    async restarted(ports) {
      const other = engine.again(ports);
      const second = await createServer(other, { log: engine.ports.log });
      const listening = await second.listen("127.0.0.1", 0);
      const caller = await engine.newCaller("maker of driver");
      return {
        driver: await driverOf(engine, listening.url, caller, {
          name: "driver",
          kind: "service",
          scopes: SCOPES,
        }),
        [Symbol.asyncDispose]: async () => await second.close(),
      };
    },
    async [Symbol.asyncDispose]() {
      await server.close();
      await engine[Symbol.asyncDispose]();
    },
  };
}

const SCOPES = ["runs:read", "runs:write", "approvals:decide"] as const;

async function driverOf(
  engine: Engine,
  url: string,
  caller: Caller,
  {
    name,
    kind,
    scopes,
  }: { readonly name: string; readonly kind: "human" | "service"; readonly scopes: readonly Scope[] },
): Promise<Driver> {
  const created = await engine.harness.createKey(caller, {
    principal: { name, kind },
    scopes: [...scopes],
  });
  return driverWith(url, value(created).secret);
}

function driverWith(url: string, key: string): Driver {
  const ask = async (method: string, path: string, body?: unknown, idempotency?: string): Promise<Answer> => {
    const response = await fetch(`${url}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${key}`,
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...(idempotency === undefined ? {} : { "idempotency-key": idempotency }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, text, json: JSON.parse(text) as unknown };
  };
  const post: Driver["post"] = async (path, body, idempotency = randomUUID()) =>
    await ask("POST", path, body, idempotency ?? undefined);
  const get: Driver["get"] = async (path) => await ask("GET", path);
  return {
    key,
    post,
    get,
    submit: async (request = {}) =>
      runSummarySchema.parse((await post("/api/harness/run", { ...REQUEST, ...request })).json),
    act: async (run, tool, args) =>
      actionAnswerSchema.parse(
        (await post(`/api/harness/runs/${run}/actions`, { tool, arguments: args })).json,
      ),
    read: async (run, action, waitSeconds = 0) =>
      actionAnswerSchema.parse(
        (await get(`/api/harness/runs/${run}/actions/${action}?wait=${waitSeconds}`)).json,
      ),
    report: async (run, action, body) =>
      await post(`/api/harness/runs/${run}/actions/${action}/result`, body),
    run: async (run) => runSchema.parse((await get(`/api/harness/runs/${run}`)).json),
    approve: async (approval, digest) =>
      await post("/api/harness/approve", {
        approval_id: approval,
        decision: "approve",
        action_digest: digest,
      }),
    deny: async (approval) =>
      await post("/api/harness/approve", { approval_id: approval, decision: "deny", comment: "No." }),
  };
}

export function problemOf(answer: Answer): Problem {
  const problem = problemSchema.parse(answer.json);
  if (problem.status !== answer.status) throw new Error("a problem says its own status");
  return problem;
}

/** Of a plan that a person is asked about. */
export const askedPlanSchema = planAnswerSchema.required({ approval_id: true });

/** Rules that a test writes itself; everything else of the decision path is real. */
export function rules(
  decide: (request: Parameters<Policies["decide"]>[0]) => "permit" | "deny" | "needs_approval",
): Policies {
  return {
    version: `sha256:${"1".repeat(64)}`,
    rules: [
      {
        id: "test",
        meaning: `sha256:${"1".repeat(64)}`,
        text: "",
        effect: "forbid",
        description: null,
        assent: null,
      },
    ],
    decide: (request) => {
      const verdict = decide(request);
      return {
        verdict,
        reasons: [{ code: verdict, policy: "test", detail: `The test says ${verdict}.` }],
        assent:
          verdict === "needs_approval"
            ? { quorum: 1, separateDuties: false, timeoutMs: 72 * 3_600_000, onTimeout: "deny" }
            : null,
      };
    },
  };
}
