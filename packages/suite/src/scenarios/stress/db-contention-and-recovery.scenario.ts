import { DATABASE_WARNINGS } from "../warnings.ts";
import type { StatementFault } from "../../database-bench.ts";
import { readRun } from "../../run-reading.ts";
import type { RaceEntry, Scenario, ScenarioContext } from "../../scenario.ts";
import {
  awaitHeld,
  awaitReadiness,
  beginLives,
  beside,
  checkLives,
  checkStored,
  databaseOf,
  goOnToEnd,
  live,
  type Lives,
  submitFirst,
  submitUntilTaken,
} from "../database-moves.ts";
import { lookUntil } from "../../wait.ts";

/** What databases do to those who share them, and which statement of a life it strikes. */
const QUARRELS: readonly (readonly [fault: StatementFault, statement: number])[] = [
  ["conflict", 2],
  ["late", 3],
  ["cut", 2],
  ["deadlock", 8],
];

/** Any bound will do; without one a conflict that does not end is repeated for ever. */
const ATTEMPTS_MAX = 50;
const FOR_EVER = 1_000_000;

/** Per server: more than any of them has connections to its database. */
const CROWD = 24;

/** A statement in the middle of a run, after it was taken in. */
const MIDWAY = 9;

export const dbContentionAndRecovery: Scenario = {
  id: "harness_stress/db_contention_and_recovery",
  title: "Conflicts, locks, a crowd and a restart of the database lose nothing and leave nothing half done",
  tier: 2,
  phase: "stress",
  why: "Whoever passes a conflict on, repeats it for ever, or commits half of it, fails with the first busy day.",
  remedy:
    "Run whole transactions again, with jitter and a bound; limit every wait for a lock, a statement and a connection; say not ready while the database does not answer, and ready when it does.",
  needs: ["submit", "approve", "tool_sink", "database"],
  invariants: ["journal-first", "one-key-one-run", "at-most-once", "refuse-early"],
  warnings: DATABASE_WARNINGS,
  implies: { spans: ["execute_tool "], events: ["run_succeeded"] },
  seed: "backend/tests/harness_stress/test_db_contention_and_recovery.py",
  timeLimitMs: 600_000,
  run: async (context) => {
    const bench = databaseOf(context);
    const lives = beginLives(context);
    try {
      await bench.arm(null);
      await live(context, lives);
      const statements = await bench.count();
      for (const [fault, n] of QUARRELS) await quarrel(context, lives, fault, Math.min(n, statements));
      await neverAgree(context, lives);
      await checkLives(context, lives);
      await crowd(context);
      await restartMidway(context, lives, Math.min(MIDWAY, statements));
      await checkLives(context, lives);
    } finally {
      await bench.disarm();
    }
  },
};

async function quarrel(
  context: ScenarioContext,
  lives: Lives,
  fault: StatementFault,
  n: number,
): Promise<void> {
  const bench = databaseOf(context);
  await bench.arm({ fault, from: n, to: n });
  const before = lives.refused.length;
  await live(context, lives);
  context.precondition(`${fault} struck`, (await bench.fired()) > 0);
  context.check(
    "a quarrel among transactions is not the caller's business",
    lives.refused.length === before,
    { fault, refused: lives.refused.slice(before) },
  );
  await checkStored(context);
}

/** A conflict without an end: who asks is told so, and the database is not asked without one. */
async function neverAgree(context: ScenarioContext, lives: Lives): Promise<void> {
  const bench = databaseOf(context);
  const key = context.unique("key");
  await bench.arm({ fault: "conflict", from: 1, to: FOR_EVER });
  const answer = await submitFirst(context, lives, key);
  const attempts = await bench.count();
  context.precondition("conflict after conflict struck", (await bench.fired()) > 1);
  context.check("a conflict that does not end is answered with 503", answer.status === 503, answer.status);
  context.check("and was met in a bounded number of tries", attempts <= ATTEMPTS_MAX, attempts);
  await checkStored(context);
  await bench.disarm();
  await goOnToEnd(context, lives, await submitUntilTaken(context, lives, key));
}

/** Another client holds all runs, and more requests come than there are connections. */
async function crowd(context: ScenarioContext): Promise<void> {
  const entries = context.target.endpoints().flatMap((_, endpoint) =>
    Array.from({ length: CROWD }, () => ({
      role: "requester" as const,
      endpoint,
      submit: context.target.gatedTask.body,
      idempotencyKey: context.unique("crowd"),
    })),
  );
  let answered: ReturnType<ScenarioContext["race"]> | undefined;
  let watched: Watched | undefined;
  await databaseOf(context).whileLocked(async () => {
    watched = submitWatched(context);
    answered = beside(context.race(entries));
    await awaitReadiness(context, "without a free connection a server says that it is not ready", false);
    const { seen } = await lookUntil(watched.taken, (isTaken) => isTaken, {
      timeoutMs: context.pace.holdMs,
      signal: context.signal,
    });
    context.check("nobody is told that a run is taken in while none can be written", !seen, seen);
  });
  const answers = (await answered) ?? [];
  await watched?.answered;
  await awaitReadiness(context, "with one it is ready again", true);
  const statuses = answers.map(({ status }) => status);
  context.read("a crowd before a locked table", statuses);
  context.check(
    "each of a crowd is taken in or told to come again",
    answers.every(
      ({ status, headers }) => status === 202 || (status === 503 && headers["retry-after"] !== undefined),
    ),
    statuses,
  );
  await repeatAll(
    context,
    entries,
    answers.map(({ json }) => readRun(json)?.id ?? null),
  );
  await checkStored(context);
}

type Watched = { readonly taken: () => Promise<boolean>; readonly answered: Promise<void> };

/** One more submission, by itself: the answers of a race come together. */
function submitWatched(context: ScenarioContext): Watched {
  let isTaken = false;
  const note = async (): Promise<void> => {
    const body = context.target.gatedTask.body;
    isTaken = (await context.client("requester").submit(body, context.unique("watched"))).status === 202;
  };
  return { taken: async () => await Promise.resolve(isTaken), answered: beside(note()) };
}

/** What was refused is sent again, and what was accepted is the same run still; none of it is to be carried out. */
async function repeatAll(
  context: ScenarioContext,
  entries: readonly Extract<RaceEntry, { submit: unknown }>[],
  first: readonly (string | null)[],
): Promise<void> {
  const answers = await context.race(entries);
  const ids = answers.map(({ json }) => readRun(json)?.id ?? "none");
  context.check(
    "a repetition names the run of the first, or makes the one that was refused",
    answers.every(({ status }) => status === 202) &&
      ids.every((id, at) => first[at] === null || first[at] === id) &&
      new Set(ids).size === entries.length,
    answers.map(({ status }) => status),
  );
  await context.part("the crowd is called off", ["cancel"], async () => {
    for (const id of ids) {
      const { status } = await context.client("requester").cancel(id);
      context.check("each of them can be called off, or has ended", [200, 202, 409].includes(status), status);
    }
  });
}

/** The database is gone in the middle of a transaction, with a run under way and a request that comes meanwhile. */
async function restartMidway(context: ScenarioContext, lives: Lives, n: number): Promise<void> {
  const bench = databaseOf(context);
  await bench.arm({ fault: "held", from: n, to: n });
  const lived = beside(live(context, lives));
  await awaitHeld(context);
  let asked: Promise<string> | undefined;
  await bench.restart(async () => {
    asked = beside(submitUntilTaken(context, lives, context.unique("key")));
    await awaitReadiness(context, "without its database a server says that it is not ready", false);
  });
  await awaitReadiness(context, "with its database back it is ready again", true);
  await bench.disarm();
  await lived;
  await goOnToEnd(context, lives, (await asked) ?? "");
}
