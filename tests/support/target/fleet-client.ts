// Whoever has runs carried out by a fleet: submits, approves, and repeats what was cut off.

import { createServer } from "node:http";
import { type Approval, type Run, runSchema, runSummarySchema } from "@assent/contract";
import type { ToolSink } from "@assent/suite";
import { until } from "../until.ts";
import type { Member } from "./fleet-member.ts";
import type { Installation } from "./installation.ts";
import { listening } from "../listening.ts";

/** Twice the time that a run with ten lost workers takes on a busy machine. */
export const RUN_MS_MAX = 600_000;
/** Two dozen clients that looked every few milliseconds would have the processors to themselves. */
const LOOK_MS = 150;

export type Fleet = {
  readonly installation: Installation;
  readonly sink: ToolSink;
  readonly members: Member[];
  readonly key: string;
  /** The same seed gives the same victims; when they are hit, the machine decides. */
  readonly next: () => number;
  readonly progress: { begun: number; ended: number; kills: number; unanswered: number; refused: number };
};

/** A request that is not answered by then is put to another server. */
const ANSWER_MS_MAX = 20_000;
/** One that gave no answer gets one request in so long, until it answers again: what a load balancer does by /readyz. */
const PROBE_MS = 10_000;

/** When a server that gave no answer is to be tried again. */
const silent = new WeakMap<Member, number>();

// A server that is stopped takes connections, and says nothing. Who chose it as often as any other would wait most of the time.
function chooseServer({ members, next }: Fleet): Member | undefined {
  const servers = members.filter(({ role, url }) => role === "server" && url !== "");
  const now = performance.now();
  const due = servers.filter((server) => (silent.get(server) ?? 0) <= now);
  const server = due[Math.floor(next() * due.length)];
  if (server !== undefined && silent.has(server)) silent.set(server, now + PROBE_MS);
  return server;
}

/** Asks any server that is there, until one answers; what is asked must be harmless to repeat. */
export async function ask(
  fleet: Fleet,
  path: string,
  init: { method?: "POST"; key?: string; body?: unknown } = {},
): Promise<Response> {
  let last = "no server was there";
  return await until(
    () => `an answer to ${path} (the last: ${last})`,
    async () => {
      const server = chooseServer(fleet);
      if (server === undefined) return undefined;
      try {
        const response = await fetch(`${server.url}${path}`, {
          method: init.method ?? "GET",
          headers: {
            authorization: `Bearer ${fleet.key}`,
            ...(init.body === undefined ? {} : { "content-type": "application/json" }),
            ...(init.key === undefined ? {} : { "idempotency-key": init.key }),
          },
          ...(init.body === undefined ? {} : { body: JSON.stringify(init.body) }),
          signal: AbortSignal.timeout(ANSWER_MS_MAX),
        });
        silent.delete(server);
        // Beyond capacity, or without a database for a moment: an answer, and one that says to come again.
        if (response.status !== 503 && response.status !== 429) return response;
        last = `${response.status} ${await response.text()}`;
        fleet.progress.refused += 1;
        return undefined;
      } catch (error) {
        if (!(error instanceof TypeError || error instanceof DOMException)) throw error;
        last = error.message;
        if (error.name === "TimeoutError") {
          fleet.progress.unanswered += 1;
          silent.set(server, performance.now() + PROBE_MS);
        }
        return undefined;
      }
    },
    300_000,
  );
}

// Its own tool says what happened, so a person is asked about a call in doubt only where nobody can know.
const answerTo = ({ id, action_digest }: Approval): Record<string, unknown> => ({
  approval_id: id,
  decision: "approve",
  action_digest,
});

/** Says of an effect whether it happened, by what the sink has seen: what a vendor's own look-up would be. */
export async function startLookUp(sink: ToolSink, stack: AsyncDisposableStack): Promise<string> {
  const server = createServer((request, response) => {
    const key = String(request.headers["idempotency-key"] ?? "").replace(/^"(.*)"$/, "$1");
    response.writeHead(sink.effects().has(key) ? 200 : 404, { "content-type": "application/json" });
    response.end(JSON.stringify({ taken: sink.effects().has(key) }));
  });
  const url = await listening(server, stack);
  return `${url}/effects`;
}

const TERMINAL: readonly string[] = ["succeeded", "failed", "cancelled", "dead_lettered"];

export type Played = {
  readonly id: string;
  readonly run: Run | null;
  readonly isLost: boolean;
  readonly doubts: number;
};

export async function playRun(fleet: Fleet, index: number): Promise<Played> {
  const submitted = await ask(fleet, "/api/harness/run", {
    method: "POST",
    key: `run-${index}`,
    body: { agent: "notary", task: `Put number ${index} on record.` },
  });
  if (submitted.status !== 202)
    throw new Error(`a submission was answered ${submitted.status}: ${await submitted.text()}`);
  const { id } = runSummarySchema.parse(await submitted.json());
  let doubts = 0;
  const answered = new Set<string>();
  const look = async (): Promise<Run | "lost" | undefined> => {
    const response = await ask(fleet, `/api/harness/runs/${id}`);
    if (response.status === 404) return "lost";
    const read = runSchema.parse(await response.json());
    if (TERMINAL.includes(read.status)) return read;
    const open = read.approvals.find(({ status }) => status === "open");
    if (open === undefined) return undefined;
    if (open.subject === "in_doubt" && !answered.has(open.id)) doubts += 1;
    answered.add(open.id);
    const decided = await ask(fleet, "/api/harness/approve", { method: "POST", body: answerTo(open) });
    await decided.body?.cancel();
    return undefined;
  };
  const run = await until(`run ${id} ends`, look, RUN_MS_MAX, LOOK_MS).catch(() => null);
  return { id, run: run === "lost" ? null : run, isLost: run === "lost", doubts };
}
