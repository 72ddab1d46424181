// Runs that a trial has begun: none of them is left behind at a harness that others use, however the trial ended.

import type { Answer, HarnessClient } from "./client.ts";
import type { HttpRequest } from "./http.ts";
import { fieldsOf, readRun, TERMINAL_STATES } from "./run-reading.ts";
import type { Role } from "./target.ts";
import { lookUntil } from "./wait.ts";

export type BegunRuns = {
  /** Takes in what an answer says of runs: which were begun by it, and which have ended. */
  readonly note: (role: Role, request: HttpRequest, answer: Answer) => void;
  /** Ends what has not ended, as well as the harness lets it. Whatever goes wrong is no word on the trial. */
  readonly end: (ways: WaysToEnd) => Promise<void>;
};

type WaysToEnd = {
  readonly client: (role: Role) => HarnessClient;
  /** The harness has a way to call runs off; without it only those can be ended that the trial drives itself. */
  readonly cancels: boolean;
  readonly signal: AbortSignal;
};

type Begun = { readonly role: Role; readonly driven: boolean };

/** For a worker to let go of a run, and for what a called-off run takes back: it must not befall the next trial. */
const SETTLE_MS_MAX = 3_000;

const FINISHED = JSON.stringify({ output: "The trial that drove this run is over." });

function isDriven({ body }: HttpRequest): boolean {
  try {
    return fieldsOf(JSON.parse(Buffer.from(body ?? "").toString("utf8")))["driver"] === "external";
  } catch {
    return false;
  }
}

const begins = ({ method, path }: HttpRequest, status: number): boolean => {
  const [bare = ""] = path.split("?");
  const isRedrive = bare.endsWith("/redrive") && status === 200;
  return method === "POST" && (isRedrive || (bare === "/api/harness/run" && status === 202));
};

export function watchBegunRuns(): BegunRuns {
  const begun = new Map<string, Begun>();
  const ended = new Set<string>();
  const left = (): readonly (readonly [string, Begun])[] => [...begun].filter(([id]) => !ended.has(id));
  const note: BegunRuns["note"] = (role, request, answer) => {
    const run = readRun(answer.json);
    if (run === null) return;
    if (begins(request, answer.status) && !begun.has(run.id))
      begun.set(run.id, { role, driven: isDriven(request) });
    if (TERMINAL_STATES.includes(run.status)) ended.add(run.id);
  };
  const settle = async ({ client, signal }: WaysToEnd, states: readonly string[]): Promise<void> => {
    const owned = left().filter(([, { driven }]) => !driven);
    const settled = new Set<string>();
    await lookUntil(
      async () => {
        for (const [id, { role }] of owned.filter(([each]) => !settled.has(each))) {
          const run = readRun((await client(role).getRun(id)).json);
          if (run === null || states.includes(run.status)) settled.add(id);
        }
      },
      () => settled.size === owned.length,
      { timeoutMs: SETTLE_MS_MAX, signal },
    );
  };
  const end = async (ways: WaysToEnd): Promise<void> => {
    const { client, cancels } = ways;
    if (left().length === 0) return;
    // Whoever asks a person holds no worker: to take a run out of a worker's hands would be a trial of its own.
    if (cancels) await settle(ways, ["awaiting_approval", ...TERMINAL_STATES]);
    for (const [id, { role, driven }] of left())
      if (cancels) await client(role).cancel(id);
      else if (driven) await client(role).request(finish(id));
    if (cancels) await settle(ways, TERMINAL_STATES);
  };
  return { note, end };
}

const finish = (id: string): HttpRequest => ({
  method: "POST",
  path: `/api/harness/runs/${encodeURIComponent(id)}/finish`,
  headers: { accept: "application/json", "content-type": "application/json" },
  body: FINISHED,
});
