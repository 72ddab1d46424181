import { DATABASE_WARNINGS } from "../warnings.ts";
import type { StatementFault } from "../../database-bench.ts";
import type { Scenario, ScenarioContext } from "../../scenario.ts";
import {
  awaitHeld,
  beginLives,
  beside,
  checkLives,
  checkStored,
  databaseOf,
  goOnToEnd,
  live,
  type Lives,
  submitUntilTaken,
} from "../database-moves.ts";

/** Statements that take a request in, those of the commit among them: struck for good. */
const FIRST = 8;
/** Of a gate: every other one of those, and two of the many that carry the request out. */
const GATE: { readonly first: readonly number[]; readonly rest: number } = { first: [3, 5, 7], rest: 2 };

/** In the middle of taking a request in: something is written, and not all. */
const HELD_AT = 3;

/** A life that met a fault can be a few statements shorter; its last ones are then not reached. */
const LOOSE_END = 4;

export const apiToOrchestratorToDbAtomicity: Scenario = {
  id: "harness_integration/api_to_orchestrator_to_db_atomicity",
  title: "A write that fails at any statement leaves all of it or nothing, and a repetition succeeds",
  tier: 1,
  phase: "integration",
  why: "A task that is carried out without a record of it cannot be stopped, explained or taken back.",
  remedy:
    "Write the key, the run, its event and its message in one transaction, and every later change of a run with its event in one; begin nothing before the commit.",
  needs: ["submit", "approve", "tool_sink", "database"],
  invariants: ["journal-first", "one-key-one-run", "at-most-once"],
  warnings: DATABASE_WARNINGS,
  implies: { spans: ["execute_tool "], events: ["run_succeeded"] },
  seed: "backend/tests/harness_integration/test_api_to_orchestrator_to_db_atomicity.py",
  timeLimitMs: 900_000,
  errors: ["a request failed", "a run broke off", "a queued run could not be taken"],
  run: async (context) => {
    const bench = databaseOf(context);
    const lives = beginLives(context);
    try {
      await bench.arm(null);
      await live(context, lives);
      const statements = await bench.count();
      context.precondition("a run is written in several statements", statements >= 3);
      for (const [n, fault] of choose(statements, context.pace.strikes))
        await strike(context, lives, n, fault, statements);
      await checkLives(context, lives);
      await context.part("a process killed in the middle of a transaction", ["kill"], async () => {
        await killInSubmission(context, lives);
        if ((context.pace.strikes ?? 0) > FIRST)
          await killWhileCarriedOut(context, lives, Math.ceil(statements / 2));
        await checkLives(context, lives);
      });
    } finally {
      await bench.disarm();
    }
  },
};

/** Statements and what befalls each: what takes a request in fails for good, what carries it out by turns. */
function choose(
  statements: number,
  strikes: number | undefined,
): readonly (readonly [n: number, fault: StatementFault])[] {
  const every = Array.from({ length: FIRST }, (_, at) => at + 1);
  // Where a whole life is few statements, the last is a person's answer or what comes of it.
  const gate = statements > FIRST ? GATE.first : [...GATE.first, statements];
  const first = (strikes === undefined ? gate : every.slice(0, strikes)).filter((n) => n <= statements);
  const rest = Math.max(0, Math.min(strikes ?? GATE.rest + FIRST, statements) - FIRST);
  const later = Array.from({ length: rest }, (_, at) => {
    const n = FIRST + Math.ceil(((at + 1) * (statements - FIRST)) / (rest + 1));
    return [n, at % 2 === 0 ? "cut" : "broken"] as const;
  });
  return [...first.map((n) => [n, "broken"] as const), ...later];
}

async function strike(
  context: ScenarioContext,
  lives: Lives,
  n: number,
  fault: StatementFault,
  statements: number,
): Promise<void> {
  const bench = databaseOf(context);
  await bench.arm({ fault, from: n, to: n });
  await live(context, lives);
  const fired = await bench.fired();
  context.precondition(`statement ${n} was struck`, fired === 1 || n > statements - LOOSE_END);
  await checkStored(context);
}

async function killInSubmission(context: ScenarioContext, lives: Lives): Promise<void> {
  const bench = databaseOf(context);
  await bench.arm({ fault: "held", from: HELD_AT, to: HELD_AT });
  const key = context.unique("key");
  const submitted = beside(submitUntilTaken(context, lives, key));
  await awaitHeld(context);
  await context.target.kill?.("server");
  await checkStored(context);
  await bench.disarm();
  await goOnToEnd(context, lives, await submitted);
}

async function killWhileCarriedOut(context: ScenarioContext, lives: Lives, n: number): Promise<void> {
  const bench = databaseOf(context);
  await bench.arm({ fault: "held", from: n, to: n });
  const lived = beside(live(context, lives));
  await awaitHeld(context);
  await context.target.kill?.("worker");
  await checkStored(context);
  await bench.disarm();
  await lived;
}
