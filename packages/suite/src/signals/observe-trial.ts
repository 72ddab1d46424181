// After a scenario has held: whether what the target told of itself meanwhile is right, too.

import type { HarnessClient } from "../client.ts";
import type { Exchange } from "../evidence.ts";
import { readEventLoosely } from "../loose-reading.ts";
import { fieldsOf } from "../run-reading.ts";
import type { Implied, ScenarioContext } from "../scenario.ts";
import { ROLES, type Role, type Signal } from "../target.ts";
import { lookUntil } from "../wait.ts";
import {
  type Fault,
  faultsOfEvents,
  faultsOfImplied,
  faultsOfLog,
  faultsOfMetrics,
  faultsOfTraces,
  type Trial,
} from "./laws.ts";
import { type Mark, type MadeRun, signalsSince, type Submission, submissionsIn } from "./trial-signals.ts";

/** Of a flood the first will do: every event of a run is a request's worth of reading. */
const RUNS_READ_MAX = 20;

/** A run that still goes on has spans that have not ended; longer than this nobody waits for them. */
const SETTLE_MS_MAX = 15_000;

export type Watched = {
  readonly mark: Mark;
  readonly exchanges: readonly Exchange[];
  /** Messages of errors that the scenario provokes, and of warnings. */
  readonly errors: readonly string[];
  readonly warnings: readonly string[];
  readonly implied: Implied;
};

const ALL: ReadonlySet<Signal> = new Set(["spans", "metrics", "log", "warnings"]);

const isRole = (name: string): name is Role => ROLES.some((role) => role === name);

async function readRuns(context: ScenarioContext, made: readonly Submission[]): Promise<MadeRun[]> {
  const runs: MadeRun[] = [];
  for (const { id, as, driven } of made.slice(0, RUNS_READ_MAX)) {
    if (!isRole(as)) continue;
    const events = await readTrail(context.client(as), id);
    if (events !== null) runs.push({ id, driven, events });
  }
  return runs;
}

/** Null where it cannot be read (the scenario has taken the right to do so away). */
async function readTrail(client: HarnessClient, id: string): Promise<MadeRun["events"] | null> {
  const events: MadeRun["events"][number][] = [];
  for (;;) {
    const answer = await client.listEvents(id, events.at(-1)?.version ?? 0);
    const rows = fieldsOf(answer.json)["data"];
    if (answer.status !== 200 || !Array.isArray(rows)) return null;
    const read = rows.flatMap((row) => readEventLoosely(row).data ?? []);
    if (read.length === 0) return events;
    events.push(...read);
  }
}

/** Ends the trial as FAIL where what the target tells of itself does not fit what it did. */
export async function observeTrial(context: ScenarioContext, watched: Watched): Promise<void> {
  const { observation } = context.target;
  if (observation === undefined) return;
  const { mark, errors, warnings, implied } = watched;
  // What is asked below is no part of the trial.
  const exchanges = [...watched.exchanges];
  const submissions = submissionsIn(exchanges);
  const look = async (): Promise<{ readonly trial: Trial; readonly faults: readonly Fault[] }> => {
    const runs = context.capabilities.has("events") ? await readRuns(context, submissions) : [];
    const signals = await signalsSince(observation, mark);
    const trial = { tells: observation.tells ?? ALL, signals, exchanges, runs, errors, warnings, implied };
    const faults = [faultsOfLog, faultsOfTraces, faultsOfMetrics, faultsOfEvents, faultsOfImplied].flatMap(
      (law) => law(trial),
    );
    return { trial, faults };
  };
  const { seen } = await lookUntil(look, ({ faults }) => faults.length === 0, {
    timeoutMs: context.pace.settleMsMax ?? Math.min(SETTLE_MS_MAX, context.pace.waitMsMax),
    signal: context.signal,
  });
  const { spans, lines, metrics } = seen.trial.signals;
  context.read("what the target told of itself", {
    spans: spans.length,
    lines: lines.length,
    metrics:
      metrics === null ? "processes were started anew: not compared" : `of ${metrics.length} processes`,
    runs: seen.trial.runs.length,
  });
  for (const { claim, found } of seen.faults) context.check(claim, false, found);
  context.check("it tells of itself what it did", true);
}
