// Who may ask, and how often, over every route that the harness itself says it has: a list of ours would miss the one
// that was forgotten.

import type { Answer } from "../../client.ts";
import type { TokenChange } from "../../faults/token-issuer.ts";
import { fieldsOf, isProblem, readRun, type RunReading, textOf } from "../../run-reading.ts";
import { PreconditionMissing, type Scenario, type ScenarioContext } from "../../scenario.ts";
import type { Role } from "../../target.ts";
import { awaitStatus, openApprovals, readRunOf, submitGatedTask } from "../moves.ts";
import { attackIds } from "./foreign-ids.ts";

const QUOTA_PROBLEM = "https://iana.org/assignments/http-problem-types#quota-exceeded";
/** Requests of the burst, for each that the quota grants. */
const BURST_FACTOR = 3;

export const runEndpointAuthzRateLimitIntegration: Scenario = {
  id: "harness_api/run_endpoint_authz_rate_limit_integration",
  title: "No route serves whoever may not, and a burst gets exactly what its quota grants",
  tier: 1,
  phase: "integration",
  why: "One route that forgot to ask who is calling is enough; a quota that counts per server is none.",
  remedy:
    "Refuse to start with a route that has no action; ask for credential, quota and rule before anything of a request is read; answer another tenant's id as one that does not exist; count in the one database, under a lock.",
  needs: ["submit", "list", "open_api", "audit_log", "second_tenant", "tool_sink"],
  invariants: ["deny-wins", "tenant-walls", "refuse-early"],
  implies: {
    metrics: [
      ["http_server_request_duration_count", { http_response_status_code: "401" }],
      ["http_server_request_duration_count", { http_response_status_code: "403" }],
      ["http_server_request_duration_count", { http_response_status_code: "404" }],
    ],
    events: ["run_cancelled"],
  },
  seed: "spec/acceptance.md (I1)",
  timeLimitMs: 600_000,
  run: async (context) => {
    await context.part("a burst gets its quota", ["quota"], async () => {
      await burst(context);
    });
    const id = await submitGatedTask(context, context.client("requester"));
    const run = await awaitStatus(context, context.client("requester"), id, ["awaiting_approval"]);
    const operations = await readOperations(context);
    const before = await stateOf(context, run.id);
    await refuseStrangers(context, operations);
    await context.part("bearer tokens that are wrong in one way each", ["tokens"], async () => {
      await refuseWrongTokens(context, operations);
    });
    await refuseWrongScopes(context, operations);
    await refuseOtherTenant(context, operations, run);
    const after = await stateOf(context, run.id);
    context.check("nothing that was refused made a run or an effect, or moved the run", before === after, {
      before,
      after,
    });
    await context.part("ids of every kind that are another tenant's", ["approve"], async () => {
      const [open] = openApprovals(run);
      const routes = new Set(operations.map(({ method, path }) => `${method} ${path}`));
      const { id: approval = "", actionDigest: digest = "" } = open ?? {};
      await attackIds(context, routes, { run: run.id, approval, digest });
    });
    await context.client("requester").cancel(run.id);
  },
};

type Operation = { readonly method: string; readonly path: string; readonly scope: string | null };

const METHODS: readonly string[] = ["get", "put", "post", "delete", "patch"];

/** Every operation of the served document but those that it says are open to all. */
async function readOperations(context: ScenarioContext): Promise<readonly Operation[]> {
  const answer = await context
    .client("requester")
    .request({ method: "GET", path: "/openapi.json", headers: { accept: "application/json" }, body: null });
  const guarded = Object.entries(fieldsOf(fieldsOf(answer.json)["paths"])).flatMap(([path, item]) =>
    Object.entries(fieldsOf(item)).flatMap(([method, value]) => {
      const { security, description } = fieldsOf(value);
      const isOpen = Array.isArray(security) && security.length === 0;
      if (!METHODS.includes(method) || isOpen) return [];
      const scope = /scope `([a-z:]+)`/u.exec(textOf(description))?.[1] ?? null;
      return [{ method: method.toUpperCase(), path, scope }];
    }),
  );
  context.read("guarded operations", guarded);
  const paths = new Set(guarded.map(({ path }) => path));
  context.check(
    "the served document has the routes of runs and approvals, guarded",
    ["/api/harness/run", "/api/harness/runs/{id}", "/api/harness/approve"].every((path) => paths.has(path)),
    [...paths],
  );
  return guarded;
}

type Ask = {
  readonly role: Role;
  /** Instead of the role's own; empty: none at all. */
  readonly authorization?: string;
  readonly id: string;
  readonly body: unknown;
};

async function ask(context: ScenarioContext, { method, path }: Operation, given: Ask): Promise<Answer> {
  const writes = method !== "GET" && method !== "DELETE";
  const filled = path
    .replace("{epoch}", "1")
    .replace("{version}", "1")
    .replaceAll(/\{[^}]+\}/gu, given.id);
  return await context.client(given.role).request({
    method,
    path: filled,
    headers: {
      accept: "application/json",
      ...(method === "GET" ? {} : { "idempotency-key": context.unique("authz") }),
      ...(writes ? { "content-type": "application/json" } : {}),
      ...(given.authorization === undefined ? {} : { authorization: given.authorization }),
    },
    body: writes ? JSON.stringify(given.body) : null,
  });
}

const ABSENT = `run_${"0".repeat(32)}`;

async function refuseStrangers(context: ScenarioContext, operations: readonly Operation[]): Promise<void> {
  const { body } = context.target.gatedTask;
  for (const authorization of [
    "",
    "Basic bm9ib2R5Om5vdGhpbmc=",
    "Bearer garbage",
    `Bearer ask_${"A".repeat(43)}`,
  ]) {
    const answers = await Promise.all(
      operations.map(async (operation) => ({
        operation,
        answer: await ask(context, operation, { role: "requester", authorization, id: ABSENT, body }),
      })),
    );
    for (const { operation, answer } of answers)
      context.check(
        "whoever shows no valid key gets 401 from every route",
        answer.status === 401 && isProblem(answer) && answer.headers["www-authenticate"] !== undefined,
        { ...operation, authorization, status: answer.status },
      );
  }
}

const FAR_FUTURE = 4_102_444_800;

/** All else of each is as it should be: it is refused for this, or for nothing. */
const WRONG_TOKENS: readonly (readonly [what: string, change: TokenChange])[] = [
  ["an end that has passed", { claims: { exp: 1_000_000_000, iat: 999_999_000 } }],
  ["no end", { claims: { exp: undefined } }],
  ["a beginning that has not come", { claims: { nbf: FAR_FUTURE, exp: FAR_FUTURE + 600 } }],
  ["another audience", { claims: { aud: "https://other.example" } }],
  ["no audience", { claims: { aud: undefined } }],
  ["another issuer", { claims: { iss: "https://issuer.example" } }],
  ["no subject", { claims: { sub: undefined } }],
  ["the type of an ID token", { header: { typ: "JWT" } }],
  ["the algorithm `none`", { header: { alg: "none" }, signedBy: "nothing" }],
  ["the algorithm `none` and some signature", { header: { alg: "none" }, signedBy: "stranger" }],
  ["the public key for an HMAC secret", { header: { alg: "HS256" }, signedBy: "secret" }],
  ["another key under the issuer's name for its own", { signedBy: "stranger" }],
  ["a key that the issuer does not have", { header: { kid: "k2" }, signedBy: "stranger" }],
  ["claims that were changed after they were signed", { forged: { sub: "eve" } }],
];

async function refuseWrongTokens(context: ScenarioContext, operations: readonly Operation[]): Promise<void> {
  const { tokens, gatedTask } = context.target;
  if (tokens === undefined) return;
  const asOwner = async (token: string, path: string): Promise<number> => {
    const headers = { accept: "application/json", authorization: `Bearer ${token}` };
    const answer = await context.client("requester").request({ method: "GET", path, headers, body: null });
    return answer.status;
  };
  const good = await asOwner(tokens.make(), "/api/harness/runs");
  context.check("a good token is its holder", good === 200, good);
  const plain = await asOwner(tokens.make({ claims: { groups: ["admin", "none"] } }), "/api/harness/runs");
  context.check("groups that nobody gave a role give none", plain === 403, plain);
  for (const [what, change] of WRONG_TOKENS) {
    const authorization = `Bearer ${tokens.make(change)}`;
    const answers = await Promise.all(
      operations.map(async (operation) => ({
        operation,
        answer: await ask(context, operation, {
          role: "requester",
          authorization,
          id: ABSENT,
          body: gatedTask.body,
        }),
      })),
    );
    for (const { operation, answer } of answers)
      context.check(
        `a token with ${what} gets 401 from every route`,
        answer.status === 401 && isProblem(answer),
        { ...operation, status: answer.status },
      );
  }
}

/** A key that is good for something else: the auditor's, and where an auditor may, the requester's. */
async function refuseWrongScopes(context: ScenarioContext, operations: readonly Operation[]): Promise<void> {
  const scoped = operations.filter(({ scope }) => scope !== null);
  context.check("operations say which scope they need", scoped.length * 2 > operations.length, operations);
  const answers = await Promise.all(scoped.map(async (operation) => await askBelow(context, operation)));
  for (const { operation, role, answer } of answers)
    context.check("a key without the route's scope gets 403", answer.status === 403 && isProblem(answer), {
      ...operation,
      role,
      status: answer.status,
    });
}

/** Of who lacks the route's scope; somebody else of them where a route's own quota is used up for longer than it is waited. */
async function askBelow(
  context: ScenarioContext,
  operation: Operation,
): Promise<{ readonly operation: Operation; readonly role: Role; readonly answer: Answer }> {
  const { body } = context.target.gatedTask;
  const roles = operation.scope === "audit:read" ? READERS_OF_NOTHING : (["auditor"] as const);
  let limit: PreconditionMissing | null = null;
  for (const role of roles.filter((each) => context.target.key(each) !== null)) {
    try {
      return { operation, role, answer: await ask(context, operation, { role, id: ABSENT, body }) };
    } catch (error) {
      if (!(error instanceof PreconditionMissing)) throw error;
      limit = error;
    }
  }
  throw limit ?? new PreconditionMissing("there is nobody who lacks the route's scope");
}

/** None of them may read what an auditor reads. */
const READERS_OF_NOTHING: readonly Role[] = ["requester", "approver", "second_approver", "other_principal"];

/** Every route that takes an id, those too that we have no name for: with an id of ours, and with whatever it wants. */
async function refuseOtherTenant(
  context: ScenarioContext,
  operations: readonly Operation[],
  run: RunReading,
): Promise<void> {
  for (const operation of operations.filter(({ path }) => path.includes("{id}"))) {
    const answer = await ask(context, operation, { role: "other_tenant", id: run.id, body: {} });
    const isRefused =
      [401, 403, 404].includes(answer.status) ||
      // Bodies are judged before ids, so that a body which does not fit says nothing of the id.
      (operation.method === "POST" && REFUSALS_OF_BODIES.includes(answer.status));
    context.check("another tenant's key gets nothing by ids of ours", isRefused && isProblem(answer), {
      ...operation,
      status: answer.status,
    });
  }
}

const REFUSALS_OF_BODIES: readonly number[] = [400, 415, 422];

/** What must be as it was: the run's version, the newest runs of both tenants, and the effects. */
async function stateOf(context: ScenarioContext, id: string): Promise<string> {
  const { status, version } = await readRunOf(context, context.client("requester"), id);
  const lists: unknown[] = [];
  for (const role of ["requester", "other_tenant"] as const) {
    const { data } = fieldsOf((await context.client(role).listRuns()).json);
    lists.push(Array.isArray(data) ? data.map((row) => readRun(row)?.id) : null);
  }
  return JSON.stringify({ status, version, lists, effects: [...(context.target.sink?.effects() ?? [])] });
}

async function burst(context: ScenarioContext): Promise<void> {
  const { quota } = context.target;
  if (quota === undefined) return;
  const key = await quota.freshKey();
  const endpoints = context.target.endpoints().length;
  const answers = await Promise.all(
    Array.from({ length: quota.requests * BURST_FACTOR }, async (_, index) => {
      const headers = { accept: "application/json", authorization: `Bearer ${key}` };
      return await context
        .client("requester", index % endpoints, "shown")
        .request({ method: "GET", path: quota.path, headers, body: null });
    }),
  );
  const refused = answers.filter(({ status }) => status === 429);
  const served = answers.filter(({ status }) => status === 200);
  context.read("the burst", { requests: answers.length, endpoints, served: served.length });
  context.check(
    "a burst over all servers gets exactly what the quota grants",
    served.length === quota.requests && refused.length === answers.length - quota.requests,
    { granted: quota.requests, served: served.length, refused: refused.length },
  );
  for (const { headers } of served)
    context.check(
      "whoever is served is told the quota and what is left of it",
      (headers["ratelimit"] ?? "").includes(";r=") && (headers["ratelimit-policy"] ?? "").includes(";q="),
      headers,
    );
  for (const answer of refused) {
    const left = Number(/;t=(\d+)/u.exec(answer.headers["ratelimit"] ?? "")?.[1] ?? "NaN");
    context.check(
      "whoever is refused is told why and when to come back",
      isProblem(answer) &&
        fieldsOf(answer.json)["type"] === QUOTA_PROBLEM &&
        Number(answer.headers["retry-after"]) >= left,
      { headers: answer.headers, body: answer.json },
    );
  }
}
