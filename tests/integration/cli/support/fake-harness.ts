// A server that speaks the contract over real HTTP and keeps its records in memory. Tests may change the records and
// break the wire; every request that came is kept.

import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { text } from "node:stream/consumers";
import {
  type Approval,
  approveRequestSchema,
  type AuditEvent,
  type CreatedKey,
  type EventKind,
  keyRequestSchema,
  problem,
  type ProblemCode,
  type Run,
  runRequestSchema,
} from "@assent/contract";
import {
  AT,
  ANNA,
  keyId,
  makeApproval,
  makeArtifact,
  makeEvent,
  requestedRun,
  runId,
  summaryOf,
} from "./records.ts";

export type Received = {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage["headers"];
  readonly body: unknown;
};

type Stored = { run: Run; events: AuditEvent[]; files: Map<string, Uint8Array> };
type Reply = (response: ServerResponse, received: Received) => void;

export type FakeHarness = {
  readonly url: string;
  readonly key: string;
  readonly received: Received[];
  readonly runs: Map<string, Stored>;
  readonly keys: CreatedKey[];
  add(run: Run, events?: AuditEvent[], files?: ReadonlyMap<string, Uint8Array>): void;
  /** Records an event and tells whoever follows the run. */
  append(run: Run["id"], kind: EventKind, change?: Partial<Run>, data?: Record<string, unknown>): void;
  /** Answers the next requests of this kind in another way; `times` of them. */
  intercept(method: string, path: RegExp, reply: Reply, times?: number): void;
  /** How many events each coming stream carries before it ends without saying so. */
  readonly cuts: number[];
  /** What an approved run leaves behind. */
  /** Without `bytes` a run ends without a patch. */
  patch: { bytes: Uint8Array | null; commit: string };
  close(): Promise<void>;
};

type Interception = { method: string; path: RegExp; reply: Reply; times: number };
type World = FakeHarness & {
  readonly followers: Map<string, Set<() => void>>;
  readonly interceptions: Interception[];
};

export async function startFakeHarness(): Promise<FakeHarness> {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const fake = createWorld(server);
  server.on("request", (request, response) => void answer(fake, request, response));
  return fake;
}

function createWorld(server: Server): World {
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the server has no port");
  const runs = new Map<string, Stored>();
  const followers = new Map<string, Set<() => void>>();
  const interceptions: Interception[] = [];
  return {
    url: `http://127.0.0.1:${address.port}`,
    key: "ask_test_key",
    received: [],
    runs,
    keys: [],
    followers,
    interceptions,
    cuts: [],
    patch: { bytes: Buffer.from("not a patch"), commit: "0".repeat(40) },
    add: (run, events = [], files = new Map()) =>
      void runs.set(run.id, { run, events, files: new Map(files) }),
    append: (id, kind, change = {}, data = {}) => {
      const stored = runs.get(id);
      if (stored === undefined) throw new Error(`no run ${id}`);
      const version = stored.events.length + 1;
      stored.events.push(makeEvent(id, version, kind, data));
      stored.run = { ...stored.run, ...change, version };
      for (const wake of followers.get(id) ?? []) wake();
    },
    intercept: (method, path, reply, times = 1) => void interceptions.push({ method, path, reply, times }),
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

export function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}

export function sendProblem(response: ServerResponse, code: ProblemCode, detail: string): void {
  const body = problem(code, detail);
  response
    .writeHead(body.status, { "content-type": "application/problem+json", "retry-after": "0" })
    .end(JSON.stringify(body));
}

async function answer(fake: World, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? "/", fake.url);
  const raw = await text(request);
  const received: Received = {
    method: request.method ?? "",
    path: url.pathname,
    query: url.searchParams,
    headers: request.headers,
    body: raw === "" ? undefined : JSON.parse(raw),
  };
  fake.received.push(received);
  const interception = fake.interceptions.find(
    (one) => one.times > 0 && one.method === received.method && one.path.test(received.path),
  );
  if (interception !== undefined) {
    interception.times -= 1;
    interception.reply(response, received);
    return;
  }
  const known = [fake.key, ...fake.keys.map((key) => key.secret)].map((key) => `Bearer ${key}`);
  if (!known.includes(request.headers.authorization ?? ""))
    sendProblem(response, "unauthenticated", "No key of this server.");
  else route(fake, response, received);
}

function route(fake: World, response: ServerResponse, received: Received): void {
  const { method, path } = received;
  const parts = path.split("/").slice(3);
  if (method === "POST" && path === "/api/harness/run") submit(fake, response, received);
  else if (method === "POST" && path === "/api/harness/approve") decide(fake, response, received);
  else if (method === "GET" && parts[0] === "approvals") ofApproval(fake, response, parts[1]);
  else if (parts[0] === "keys") ofKeys(fake, response, received, parts[1]);
  else if (parts[0] === "runs" && parts.length === 1) list(fake, response, received);
  else if (parts[0] === "runs") ofRun(fake, response, received, parts.slice(1));
  else sendProblem(response, "route_not_found", "There is nothing here.");
}

function ofApproval(fake: World, response: ServerResponse, id: string | undefined): void {
  const found = [...fake.runs.values()]
    .flatMap(({ run }) => run.approvals)
    .find((approval) => approval.id === id);
  if (found === undefined) sendProblem(response, "approval_not_found", "There is none of this id.");
  else sendJson(response, 200, found);
}

function submit(fake: World, response: ServerResponse, { body, headers }: Received): void {
  const request = runRequestSchema.parse(body);
  const key = headers["idempotency-key"];
  if (key === undefined) return sendProblem(response, "idempotency_key_missing", "There was none.");
  const run = requestedRun(fake.runs.size + 1, request);
  const approval = { ...makeApproval(fake.runs.size + 1, run.id), step: 1 };
  fake.add({ ...run, ...(run.workspace && { workspace: { name: "assent", commit: fake.patch.commit } }) });
  fake.append(run.id, "run_queued");
  sendJson(response, 202, summaryOf(fake.runs.get(run.id)?.run ?? run));
  fake.append(run.id, "run_leased", { status: "running" });
  const gate = { step: approval.step, step_kind: "gate", name: "edit_file", effect: "none" };
  fake.append(run.id, "step_intended", {}, gate);
  fake.append(run.id, "approval_opened", { approvals: [approval] }, saidOf(approval));
  fake.append(run.id, "run_parked", { status: "awaiting_approval" });
}

/** What the events of an approval say of it. */
const saidOf = ({ id, step, action_digest }: Approval): Record<string, unknown> => ({
  approval_id: id,
  step,
  action_digest,
});

function decide(fake: World, response: ServerResponse, { body }: Received): void {
  const request = approveRequestSchema.parse(body);
  const stored = [...fake.runs.values()].find(({ run }) =>
    run.approvals.some((approval) => approval.id === request.approval_id),
  );
  const approval = stored?.run.approvals.find((one) => one.id === request.approval_id);
  if (stored === undefined || approval === undefined)
    return sendProblem(response, "approval_not_found", "There is none of this id.");
  if (approval.status !== "open")
    return sendProblem(response, "approval_already_decided", `It is ${approval.status}.`);
  if (request.decision !== "deny" && request.action_digest !== approval.action_digest)
    return sendProblem(response, "approval_digest_mismatch", "That is not what waits.");
  const decided = {
    ...approval,
    status: request.decision === "deny" ? ("denied" as const) : ("approved" as const),
    edited_arguments: (request.decision === "approve" && request.arguments) || null,
    decided_at: AT,
    decided_by: { id: ANNA.id, name: ANNA.name },
    comment: request.comment ?? null,
  };
  const approvals = stored.run.approvals.map((one) => (one.id === approval.id ? decided : one));
  const { id } = stored.run;
  fake.append(
    id,
    decided.status === "denied" ? "approval_denied" : "approval_approved",
    { approvals },
    saidOf(approval),
  );
  sendJson(response, 200, decided);
  finish(fake, id, decided.status === "approved");
}

function finish(fake: World, id: Run["id"], approved: boolean): void {
  fake.append(id, "run_resumed", { status: "queued" });
  fake.append(id, "run_leased", { status: "running" });
  if (!approved) {
    const reason = { code: "denied", detail: "The change was denied." };
    fake.append(id, "run_failed", { status: "failed", finished_at: AT, reason });
    return;
  }
  const { bytes } = fake.patch;
  if (bytes !== null) {
    const artifact = makeArtifact(1, "changes.patch", bytes);
    fake.runs.get(id)?.files.set(artifact.id, bytes);
    fake.append(id, "artifact_committed", { artifacts: [artifact] });
  }
  fake.append(id, "run_succeeded", { status: "succeeded", finished_at: AT, answer: "The entry is written." });
}

function ofKeys(fake: World, response: ServerResponse, received: Received, id: string | undefined): void {
  if (received.method === "DELETE") {
    const found = fake.keys.find((key) => key.id === id);
    if (found === undefined) return sendProblem(response, "key_not_found", "There is none of this id.");
    const { secret, ...key } = found;
    void secret;
    return sendJson(response, 200, { ...key, revoked_at: AT });
  }
  const { principal, scopes, expires_at } = keyRequestSchema.parse(received.body);
  const created: CreatedKey = {
    id: keyId(fake.keys.length + 1),
    prefix: "ask",
    principal: { id: ANNA.id, ...principal },
    scopes,
    roles: [],
    must_sign: false,
    last_used_at: null,
    created_at: AT,
    expires_at: expires_at ?? null,
    revoked_at: null,
    secret: `secret-${principal.name}`,
  };
  fake.keys.push(created);
  return sendJson(response, 201, created);
}

function list(fake: World, response: ServerResponse, { query }: Received): void {
  const states = query.getAll("status");
  const label = query.get("label")?.split(":");
  const found = [...fake.runs.values()]
    .map(({ run }) => run)
    .filter((run) => states.length === 0 || states.includes(run.status))
    .filter((run) => !query.has("agent") || run.agent === query.get("agent"))
    .filter((run) => label === undefined || run.labels[label[0] ?? ""] === label[1]);
  const from = Number(query.get("cursor") ?? 0);
  const to = from + Number(query.get("limit") ?? 20);
  sendJson(response, 200, {
    data: found.slice(from, to).map(summaryOf),
    next_cursor: to < found.length ? String(to) : null,
  });
}

function ofRun(fake: World, response: ServerResponse, received: Received, parts: readonly string[]): void {
  const [id, part, artifact] = parts;
  const stored = fake.runs.get(id ?? "");
  if (stored === undefined) return sendProblem(response, "run_not_found", "There is none of this id.");
  if (part === undefined) return sendJson(response, 200, stored.run);
  if (part === "cancel") {
    const change = { status: "cancelled", finished_at: AT } as const;
    fake.append(runId(Number.parseInt((id ?? "").slice(4), 16)), "run_cancelled", change);
    return sendJson(response, 200, summaryOf(fake.runs.get(stored.run.id)?.run ?? stored.run));
  }
  if (part === "artifacts") return download(stored, response, artifact ?? "");
  if (received.headers.accept === "text/event-stream") return stream(fake, stored, response, received);
  const after = Number(received.query.get("after") ?? 0);
  // Pages of four, so that every longer trail takes more than one.
  const events = stored.events.filter((event) => event.version > after).slice(0, 4);
  sendJson(response, 200, { data: events, ended: false });
}

function download(stored: Stored, response: ServerResponse, id: string): void {
  const bytes = stored.files.get(id);
  if (bytes === undefined) return sendProblem(response, "artifact_not_found", "There is none of this id.");
  const digest = createHash("sha256").update(bytes).digest("base64");
  response.writeHead(200, { "content-digest": `sha-256=:${digest}:` }).end(bytes);
}

const TERMINAL: ReadonlySet<string> = new Set(["succeeded", "failed", "cancelled", "dead_lettered"]);

function stream(fake: World, stored: Stored, response: ServerResponse, { headers }: Received): void {
  let after = Number(headers["last-event-id"] ?? 0);
  let left = fake.cuts.shift() ?? Number.POSITIVE_INFINITY;
  const { id } = stored.run;
  response.writeHead(200, { "content-type": "text/event-stream" });
  response.write("retry: 1\n: hello\n\n");
  const wake = (): void => {
    for (const event of stored.events.filter((one) => one.version > after)) {
      if (left === 0) break;
      left -= 1;
      after = event.version;
      response.write(`id: ${after}\nevent: ${event.kind}\ndata: ${JSON.stringify(event)}\n\n`);
    }
    if (left === 0) response.end();
    else if (TERMINAL.has(fake.runs.get(id)?.run.status ?? "")) response.end("event: end\ndata: {}\n\n");
  };
  fake.followers.set(id, (fake.followers.get(id) ?? new Set()).add(wake));
  response.once("close", () => fake.followers.get(id)?.delete(wake));
  wake();
}
