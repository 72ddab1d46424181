// A Harness in memory: enough of one to see what reaches it through the HTTP edge, and what does not. The real one is
// tested behind the same edge elsewhere.

import { connect } from "node:net";
import {
  type Approval,
  type Artifact,
  type AuditEvent,
  type CreatedKey,
  type Key,
  type Problem,
  type Run,
  type RunId,
  type RunSummary,
  SCOPES,
  type Scope,
  problemSchema,
} from "@assent/contract";
import { expect } from "vitest";
import {
  type ApiServer,
  type ServerOptions,
  createServer,
} from "../../../packages/harness/src/api/server.ts";
import { err, ok } from "../../../packages/harness/src/base/result.ts";
import type { Caller } from "../../../packages/harness/src/ports.ts";
import type { EventBatch, Harness } from "../../../packages/harness/src/services/harness.ts";

const hex = (digit: string): string => digit.repeat(32);
export const AT = "2026-11-20T10:00:00.000Z";
export const RUN: RunId = `run_${hex("a")}`;
export const ENDED_RUN: RunId = `run_${hex("e")}`;
/** Belongs to another tenant than every key here. */
export const FOREIGN_RUN: RunId = `run_${hex("f")}`;
export const ARTIFACT_ID = `art_${hex("b")}` as const;
export const APPROVAL_ID = `apr_${hex("c")}` as const;
export const KEY_ID = `key_${hex("d")}` as const;
export const DIGEST = `sha256:${"0".repeat(64)}` as const;
export const ARTIFACT_BYTES: Buffer = Buffer.from("--- a\n+++ b\n");

const ACTOR = { id: `prn_${hex("1")}`, kind: "human", name: "Ada" } as const;

export function callerWith(scopes: readonly Scope[]): Caller {
  return { tenant: `ten_${hex("2")}`, actor: ACTOR, key: KEY_ID, scopes };
}

export function summaryOf(id: RunId): RunSummary {
  return {
    id,
    status: id === ENDED_RUN ? "succeeded" : "running",
    agent: "maintainer",
    agent_version: DIGEST,
    task: "write a changelog entry",
    workspace: null,
    model: "scripted/changelog",
    labels: {},
    requested_by: ACTOR,
    reason: null,
    attempt: 0,
    version: 7,
    created_at: AT,
    updated_at: AT,
    finished_at: null,
  };
}

export const RUN_DETAIL: Run = {
  ...summaryOf(RUN),
  answer: null,
  usage: { input_tokens: 1, output_tokens: 2 },
  steps: [],
  approvals: [],
  artifacts: [],
};

export const ARTIFACT: Artifact = {
  id: ARTIFACT_ID,
  name: "changes.patch",
  media_type: "text/x-diff",
  size_bytes: ARTIFACT_BYTES.length,
  sha256: "8c9c0ba4c7d2bcf8d3ae2e8d7f3c4f0d8a4e3a5e5c6a7a4d9f3b1c2d3e4f5a6b",
  created_at: AT,
};

export const APPROVAL: Approval = {
  id: APPROVAL_ID,
  run_id: RUN,
  step: 2,
  status: "approved",
  subject: "action",
  action: {
    tool: "write_file",
    tool_version: "1",
    manifest_digest: DIGEST,
    effect: "idempotent",
    harm: ["write"],
    arguments: { path: "CHANGELOG.md" },
  },
  action_digest: DIGEST,
  summary: "Write CHANGELOG.md.",
  preview: null,
  decision: { verdict: "needs_approval", reasons: [] },
  edited_arguments: null,
  requested_at: AT,
  expires_at: AT,
  decided_at: AT,
  decided_by: { id: ACTOR.id, name: ACTOR.name },
  comment: null,
};

export const KEY: Key = {
  id: KEY_ID,
  prefix: "assent_abc",
  principal: ACTOR,
  scopes: [...SCOPES],
  created_at: AT,
  expires_at: null,
  revoked_at: null,
};
export const CREATED_KEY: CreatedKey = { ...KEY, secret: "assent_abcdef" };

export function eventOf(run: RunId, version: number, data: Record<string, unknown> = {}): AuditEvent {
  return {
    v: 1,
    run_id: run,
    version,
    at: AT,
    kind: version === 1 ? "run_queued" : "step_intended",
    actor: null,
    data,
    digest: DIGEST,
  };
}

/** Keys by what they carry. `revoked` was good once. */
export const KEYS = {
  all: "assent_all",
  read: "assent_read",
  write: "assent_write",
  decide: "assent_decide",
  admin: "assent_admin",
  revoked: "assent_revoked",
} as const;

export const KEY_OF_SCOPE: Readonly<Record<Scope, string>> = {
  "runs:read": KEYS.read,
  "runs:write": KEYS.write,
  "approvals:decide": KEYS.decide,
  "keys:admin": KEYS.admin,
};

export type Call = { readonly name: keyof Harness; readonly args: readonly unknown[] };

export type TestHarness = Harness & {
  /** What reached the harness, but for authentication and readiness. */
  readonly calls: Call[];
  readonly keys: Map<string, readonly Scope[]>;
  /** A run's events as they are now; `push` wakes whoever waits. */
  readonly events: Map<RunId, AuditEvent[]>;
  push(run: RunId, event: AuditEvent): void;
  end(run: RunId): void;
  /** How many wait for events right now. */
  waiting(): number;
};

const unknownRun = () => err({ code: "run_not_found", detail: "unknown run of tenant ten_2" } as const);

/** @param overrides replace single calls; they are not recorded */
export function createTestHarness(overrides: Partial<Harness> = {}): TestHarness {
  const calls: Call[] = [];
  const ended = new Set<RunId>([ENDED_RUN]);
  const waiters = new Set<() => void>();
  const keys = new Map<string, readonly Scope[]>([
    [KEYS.all, SCOPES],
    ...SCOPES.map((scope): [string, readonly Scope[]] => [KEY_OF_SCOPE[scope], [scope]]),
  ]);
  const events = new Map<RunId, AuditEvent[]>([
    [RUN, [eventOf(RUN, 1), eventOf(RUN, 2)]],
    [ENDED_RUN, [eventOf(ENDED_RUN, 1), eventOf(ENDED_RUN, 2), eventOf(ENDED_RUN, 3)]],
  ]);
  const wake = (): void => {
    for (const resolve of waiters) resolve();
  };
  const record = (name: keyof Harness, ...args: readonly unknown[]): void => {
    calls.push({ name, args });
  };
  const harness: Harness = {
    authenticate: async (key) => {
      const scopes = keys.get(key);
      return await Promise.resolve(scopes === undefined ? null : callerWith(scopes));
    },
    submitRun: async (caller, request, idempotencyKey) => {
      record("submitRun", caller, request, idempotencyKey);
      const body = JSON.stringify(summaryOf(RUN));
      return await Promise.resolve(ok({ body, runId: RUN, replayed: idempotencyKey === "again" }));
    },
    getRun: async (caller, id) => {
      record("getRun", caller, id);
      return await Promise.resolve(id === RUN ? ok(RUN_DETAIL) : unknownRun());
    },
    listRuns: async (caller, query) => {
      record("listRuns", caller, query);
      return await Promise.resolve(
        ok({ data: [summaryOf(RUN)], next_cursor: query.cursor === null ? "abc=+/" : null }),
      );
    },
    cancelRun: async (caller, id) => {
      record("cancelRun", caller, id);
      return await Promise.resolve(id === RUN ? ok(summaryOf(RUN)) : unknownRun());
    },
    listEvents: async (caller, id, after) => {
      record("listEvents", caller, id, after);
      const known = events.get(id);
      if (known === undefined) return await Promise.resolve(unknownRun());
      const batch: EventBatch = {
        events: known.filter((event) => event.version > after),
        ended: ended.has(id),
      };
      return ok(batch);
    },
    waitForEvents: async (_caller, id, after, signal) => {
      if (signal.aborted || (events.get(id)?.at(-1)?.version ?? 0) > after || ended.has(id)) return;
      await new Promise<void>((resolve) => {
        const done = (): void => {
          waiters.delete(done);
          signal.removeEventListener("abort", done);
          resolve();
        };
        waiters.add(done);
        signal.addEventListener("abort", done, { once: true });
      });
    },
    openArtifact: async (caller, run, id) => {
      record("openArtifact", caller, run, id);
      if (run !== RUN) return await Promise.resolve(unknownRun());
      return id === ARTIFACT_ID
        ? ok({ artifact: ARTIFACT, bytes: ARTIFACT_BYTES })
        : err({ code: "artifact_not_found", detail: "x" });
    },
    decide: async (caller, request) => {
      record("decide", caller, request);
      return await Promise.resolve(ok(APPROVAL));
    },
    createKey: async (caller, request) => {
      record("createKey", caller, request);
      return await Promise.resolve(ok(CREATED_KEY));
    },
    listKeys: async (caller) => {
      record("listKeys", caller);
      return await Promise.resolve(ok([KEY]));
    },
    revokeKey: async (caller, id) => {
      record("revokeKey", caller, id);
      return await Promise.resolve(
        id === KEY_ID ? ok({ ...KEY, revoked_at: AT }) : err({ code: "key_not_found", detail: "x" }),
      );
    },
    readiness: async () => await Promise.resolve({ database: true, worker: true }),
  };
  return {
    ...harness,
    ...overrides,
    calls,
    keys,
    events,
    push: (run, event) => {
      events.get(run)?.push(event);
      wake();
    },
    end: (run) => {
      ended.add(run);
      wake();
    },
    waiting: () => waiters.size,
  };
}

export type LogRecord = {
  readonly level: string;
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
};

export type Fixture = {
  readonly url: string;
  readonly port: number;
  readonly harness: TestHarness;
  readonly server: ApiServer;
  readonly logs: LogRecord[];
  [Symbol.asyncDispose](): Promise<void>;
};

/** A real server on a free port of 127.0.0.1, before a harness in memory. */
export async function startApi(
  overrides: Partial<Harness> = {},
  options: Partial<ServerOptions> = {},
): Promise<Fixture> {
  const harness = createTestHarness(overrides);
  const logs: LogRecord[] = [];
  const server = await createServer(harness, {
    log: (level, message, fields = {}) => {
      logs.push({ level, message, fields });
    },
    ...options,
  });
  const { url } = await server.listen("127.0.0.1", 0);
  return {
    url,
    port: Number(new URL(url).port),
    harness,
    server,
    logs,
    [Symbol.asyncDispose]: async () => await server.close(),
  };
}

/** Sends bytes as they are and returns all that comes back until the server ends the connection. */
export async function sendRaw(port: number, bytes: string | Uint8Array): Promise<string> {
  return await new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1", () => socket.write(bytes));
    const chunks: Buffer[] = [];
    socket.on("data", (chunk: Buffer) => chunks.push(chunk));
    socket.on("close", () => resolve(Buffer.concat(chunks).toString("latin1")));
    socket.on("error", (error: NodeJS.ErrnoException) => {
      // The server may hang up while we still send; what it said before counts.
      if (error.code !== "ECONNRESET" && error.code !== "EPIPE") reject(error);
    });
  });
}

export type RawAnswer = { readonly status: number; readonly headers: Headers; readonly body: string };

/** Reads the one HTTP answer that the text must be. */
export function parseRaw(text: string): RawAnswer {
  const end = text.indexOf("\r\n\r\n");
  const [line = "", ...fields] = text.slice(0, end).split("\r\n");
  const headers = new Headers();
  for (const field of fields)
    headers.append(field.slice(0, field.indexOf(":")), field.slice(field.indexOf(":") + 1));
  const body = text.slice(end + 4);
  const length = headers.get("content-length");
  if (length !== null)
    expect(Buffer.byteLength(body, "latin1"), "one answer and nothing after it").toBe(Number(length));
  return { status: Number(line.split(" ")[1]), headers, body };
}

type Answer = { readonly status: number; readonly headers: Headers };

/** Asserts all that every problem has in common, and returns it. */
export function expectProblem(answer: Answer, body: string): Problem {
  expect(answer.headers.get("content-type")).toBe("application/problem+json");
  const document = problemSchema.parse(JSON.parse(body));
  expect(document.status).toBe(answer.status);
  expect(document.type).toBe(`urn:assent:problem:${document.code}`);
  expect(document.request_id).toMatch(/^req_[0-9a-f]{32}$/);
  expect(answer.headers.get("x-request-id")).toBe(document.request_id);
  expect(answer.headers.get("cache-control")).toBe("no-store");
  expect(answer.headers.get("x-content-type-options")).toBe("nosniff");
  return document;
}

export function bearer(key: string): Record<string, string> {
  return { authorization: `Bearer ${key}` };
}

export const VALID_RUN_REQUEST = { agent: "maintainer", task: "write a changelog entry" } as const;
