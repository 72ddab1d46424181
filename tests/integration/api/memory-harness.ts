// A Harness in memory: enough of one to see what reaches it through the HTTP edge, and what does not. The real one is
// tested behind the same edge elsewhere.

import { webhookCalls } from "./memory-webhooks.ts";
import { precedentCalls } from "./memory-precedents.ts";
import { spendingCalls } from "./spending-calls.ts";
import { type AuditEvent, type RunId, SCOPES, type Scope } from "@assent/contract";
import { openAccess } from "../../../packages/harness/src/adapters/cedar/access.ts";
import { shippedAccessFolder } from "../../../packages/harness/src/adapters/cedar/policy-folder.ts";
import { err, ok, type Result } from "../../../packages/harness/src/base/result.ts";
import type { Caller } from "../../../packages/harness/src/ports.ts";
import type { DriverCall, Harness, Once, Refusal } from "../../../packages/harness/src/services/harness.ts";
import {
  ACTION_ANSWER,
  APPROVAL,
  ARTIFACT,
  ARTIFACT_BYTES,
  ARTIFACT_ID,
  AT,
  CREATED_KEY,
  ENDED_RUN,
  KEY,
  KEYS,
  KEY_ID,
  KEY_OF_SCOPE,
  DOCUMENT,
  RUN,
  RUN_DETAIL,
  callerWith,
  eventOf,
  summaryOf,
} from "./samples.ts";
import { signingCalls } from "./memory-signing.ts";

const opened = openAccess({ folder: shippedAccessFolder() });
if (!opened.ok) throw new Error(opened.error.detail);
const ACCESS = opened.value;

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

type Memory = {
  readonly keys: Map<string, readonly Scope[]>;
  readonly events: Map<RunId, AuditEvent[]>;
  readonly ended: Set<RunId>;
  readonly waiters: Set<() => void>;
};

/** @param overrides replace single calls; they are not recorded */
export function createTestHarness(overrides: Partial<Harness> = {}): TestHarness {
  const calls: Call[] = [];
  const memory: Memory = {
    ended: new Set([ENDED_RUN]),
    waiters: new Set(),
    keys: new Map([
      [KEYS.all, SCOPES],
      ...SCOPES.map((scope): [string, readonly Scope[]] => [KEY_OF_SCOPE[scope], [scope]]),
    ]),
    events: new Map([
      [RUN, [eventOf(RUN, 1), eventOf(RUN, 2)]],
      [ENDED_RUN, [eventOf(ENDED_RUN, 1), eventOf(ENDED_RUN, 2), eventOf(ENDED_RUN, 3)]],
    ]),
  };
  const record: Recorder = (name, ...args) => {
    calls.push({ name, args });
  };
  const wake = (): void => {
    for (const resolve of memory.waiters) resolve();
  };
  const whole: TestHarness = {
    once: onceIn(new Map(), () => whole),
    showProblem: (problem) => problem,
    ...accessCalls(memory, record),
    ...signingCalls(record),
    ...runCalls(record),
    ...eventCalls(memory, record),
    ...precedentCalls(record),
    external: externalCalls(record),
    documents: documentCalls(record),
    webhooks: webhookCalls(record),
    ...spendingCalls(record),
    audit: auditCalls(record),
    ...overrides,
    calls,
    keys: memory.keys,
    events: memory.events,
    push: (run, event) => {
      memory.events.get(run)?.push(event);
      wake();
    },
    end: (run) => {
      memory.ended.add(run);
      wake();
    },
    waiting: () => memory.waiters.size,
  };
  return whole;
}

// As the real one, without a database: the first answer under a key is given again.
function onceIn(kept: Map<string, string>, whole: () => Harness): Harness["once"] {
  return async (_caller, { route, key }, work) => {
    const earlier = kept.get(`${route} ${key}`);
    if (earlier !== undefined) return { answer: ok({ body: earlier, location: null }), replayed: true };
    const done = await work(whole());
    if (!done.ok) return { answer: done, replayed: false };
    const body = JSON.stringify(done.value);
    kept.set(`${route} ${key}`, body);
    return { answer: ok({ body, location: null }), replayed: false };
  };
}

export type Recorder = (name: keyof Harness, ...args: readonly unknown[]) => void;

function accessCalls(
  memory: Memory,
  record: Recorder,
): Pick<
  Harness,
  | "admit"
  | "permits"
  | "authenticate"
  | "createKey"
  | "listKeys"
  | "rotateKey"
  | "revokeKey"
  | "listAccessEvents"
  | "readiness"
> {
  const find = (key: string): Caller | null => {
    const scopes = memory.keys.get(key);
    return scopes === undefined ? null : callerWith(scopes);
  };
  return {
    admit: async ({ credential }) => {
      const caller = find(credential);
      return await Promise.resolve(
        caller === null ? null : { caller, signingKey: null, quotas: [], exceeded: null },
      );
    },
    permits: (caller, action) => ACCESS.permits(caller, action),
    authenticate: async (key) => await Promise.resolve(find(key)),
    rotateKey: async (caller, id, request) => {
      record("rotateKey", caller, id, request);
      return await Promise.resolve(
        id === KEY_ID ? ok(CREATED_KEY) : err({ code: "key_not_found", detail: "x" }),
      );
    },
    listAccessEvents: async (caller, before) => {
      record("listAccessEvents", caller, before);
      return await Promise.resolve(ok({ data: [], next: null }));
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
    readiness: async () =>
      await Promise.resolve({
        database: true,
        clock: null,
        worker: true,
        breakersOpen: 1,
        auditGaps: 2,
        auditStopped: 3,
      }),
  };
}

const documentOf = async (id: string): Promise<Result<typeof DOCUMENT, Refusal>> =>
  await Promise.resolve(
    id === DOCUMENT.id ? ok(DOCUMENT) : err({ code: "document_not_found", detail: "There is none." }),
  );

function documentCalls(record: Recorder): Harness["documents"] {
  return {
    embed: async () => await Promise.resolve(ok(null)),
    add: async (caller, request) => {
      record("documents", "add", caller, request);
      return await Promise.resolve(ok(DOCUMENT));
    },
    list: async (caller, query) => {
      record("documents", "list", caller, query);
      return await Promise.resolve(
        ok({ data: [DOCUMENT], next_cursor: query.cursor === null ? "abc" : null }),
      );
    },
    get: async (caller, id) => {
      record("documents", "get", caller, id);
      return await documentOf(id);
    },
    remove: async (caller, id) => {
      record("documents", "remove", caller, id);
      return await documentOf(id);
    },
    search: async (caller, question, limit) => {
      record("documents", "search", caller, question, limit);
      return await Promise.resolve([]);
    },
  };
}

const UNSEALED = {
  generation: null,
  held: false,
  changing: false,
  kept: 0,
  erased: 0,
  uncovered: 0,
  uncovered_since: null,
};

function auditCalls(record: Recorder): Harness["audit"] {
  const logs = { data: [], stopped: null };
  const told = async <T>(name: string, given: readonly unknown[], answer: T): Promise<Result<T, never>> => {
    record("audit", name, ...given);
    return await Promise.resolve(ok(answer));
  };
  return {
    logs: async (caller) => {
      record("audit", "logs", caller);
      return await Promise.resolve(logs);
    },
    checkpoint: async (caller, epoch) => {
      record("audit", "checkpoint", caller, epoch);
      return await Promise.resolve(
        epoch === 1
          ? ok({ epoch, size: 0, note: "", witnessed: null })
          : err({ code: "audit_log_not_found", detail: "unknown log" } as const),
      );
    },
    entries: async (caller, epoch, from, limit) => {
      record("audit", "entries", caller, epoch, from, limit);
      return await Promise.resolve(ok({ data: [], size: 0, minimum_index: 0, hashes: [] }));
    },
    prove: async (caller, run, version) => {
      record("audit", "prove", caller, run, version);
      return await Promise.resolve(
        run === RUN
          ? ok({ epoch: 1, index: 0, leaf: "{}", proof: "" })
          : err({ code: "audit_entry_not_found", detail: "unknown event" } as const),
      );
    },
    erase: async (caller, request) => {
      record("audit", "erase", caller, request);
      return await Promise.resolve(ok(request));
    },
    beginEpoch: async (...given) => await told("beginEpoch", given, logs),
    prune: async (...given) => await told("prune", given, { ...logs, unfinished: false }),
    rotate: async (...given) => await told("rotate", given, logs),
    sealing: async (caller) => {
      record("audit", "sealing", caller);
      return await Promise.resolve(UNSEALED);
    },
    rekey: async (caller, request) => {
      record("audit", "rekey", caller, request);
      return await Promise.resolve(ok(UNSEALED));
    },
  };
}

function runCalls(
  record: Recorder,
): Pick<
  Harness,
  | "submitRun"
  | "getRun"
  | "listRuns"
  | "cancelRun"
  | "redriveRun"
  | "takeRoom"
  | "openArtifact"
  | "planDecision"
  | "getApproval"
  | "decide"
> {
  return {
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
      const next = query.cursor === null ? "abc=+/" : null;
      return await Promise.resolve(ok({ data: [summaryOf(RUN)], next_cursor: next }));
    },
    cancelRun: async (caller, id) => {
      record("cancelRun", caller, id);
      return await Promise.resolve(id === RUN ? ok(summaryOf(RUN)) : unknownRun());
    },
    redriveRun: async (caller, id, request) => {
      record("redriveRun", caller, id, request);
      return await Promise.resolve(id === RUN ? ok(summaryOf(RUN)) : unknownRun());
    },
    openArtifact: async (caller, run, id) => {
      record("openArtifact", caller, run, id);
      if (run !== RUN) return await Promise.resolve(unknownRun());
      if (id !== ARTIFACT_ID) return err({ code: "artifact_not_found", detail: "x" });
      return ok({ artifact: ARTIFACT, bytes: ARTIFACT_BYTES });
    },
    takeRoom: async () => await Promise.resolve({ full: null }),
    planDecision: async () => await Promise.resolve(ok(null)),
    getApproval: async (caller, id) => {
      record("getApproval", caller, id);
      const known = id === APPROVAL.id;
      return await Promise.resolve(
        known ? ok(APPROVAL) : err({ code: "approval_not_found", detail: "None." }),
      );
    },
    decide: async (caller, request) => {
      record("decide", caller, request);
      return await Promise.resolve(ok(APPROVAL));
    },
  };
}

// Driven runs are tested on the real harness; here they only show what gets through.
function externalCalls(record: Recorder): Harness["external"] {
  const reach =
    (given: unknown) =>
    async (call: DriverCall, ...rest: readonly unknown[]): Promise<Once> => {
      record("external", call, ...rest);
      const body = JSON.stringify(given);
      const answer = call.run === RUN ? ok({ body, location: null }) : unknownRun();
      return await Promise.resolve({ answer, replayed: false });
    };
  return {
    plan: reach({ approval_id: APPROVAL.id, digest: APPROVAL.action_digest, decision: "needs_approval" }),
    act: reach(ACTION_ANSWER),
    report: reach({ label: "untrusted" }),
    finish: reach(RUN_DETAIL),
    nextCompensation: reach({ status: "failed", ended: true }),
    reportCompensation: reach({ status: "queued", ended: false }),
    read: async (read) => {
      record("external", read);
      return await Promise.resolve(read.run === RUN ? ok(ACTION_ANSWER) : unknownRun());
    },
  };
}

function eventCalls(memory: Memory, record: Recorder): Pick<Harness, "listEvents" | "waitForEvents"> {
  const { events, ended, waiters } = memory;
  return {
    listEvents: async (caller, id, after) => {
      record("listEvents", caller, id, after);
      const known = events.get(id);
      if (known === undefined) return await Promise.resolve(unknownRun());
      return ok({ events: known.filter((event) => event.version > after), ended: ended.has(id) });
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
  };
}
