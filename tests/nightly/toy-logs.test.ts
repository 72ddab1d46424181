// Who tests the tester, where history is to be evidence: the scenario of the log passes on the good toy, and each bug of whoever keeps one
// is found. What it does at night only (a stop, and a start on the same state) is done here.

import { SCENARIOS } from "@assent/suite";
import { expect, test } from "vitest";
import { runTrial } from "../../packages/suite/src/runner.ts";
import { isLogBug, LOG_BUGS, type LogBug } from "../../packages/suite/src/toy/log-bugs.ts";
import { createToyTarget } from "../../packages/suite/src/toy/toy-target.ts";

const ONE_LOG = "is of the one log that the auditor reads";
/** The words of the claim that must be the one to fail. */
const KILLS: Record<LogBug, string> = {
  "log.success": "another tenant's auditor finds that tenant's run in its log",
  "log.called": "a checkpoint covers the run's last event in time",
  "log.noes": "every decision is answered with a receipt that verifies",
  "log.split": ONE_LOG,
  "log.receipts": ONE_LOG,
  "log.servers": ONE_LOG,
  "log.anew": "the checkpoint is signed by a key of the log",
  "log.times": "every entry opens to its event",
  "log.hidden": "the log tells of a run what the run's events tell",
  "log.stranger": "the checkpoint is signed by a key of the log",
  "log.edited": "the downloaded log is what its checkpoint has signed",
  "log.open": "nobody but an auditor reads the log",
};

/** Bugs that keep something from ever coming. */
const IN_VAIN: readonly LogBug[] = ["log.success", "log.called", "log.noes", "log.stranger"];

async function tryOn(bugs: readonly LogBug[]): Promise<readonly [string, string]> {
  const scenario = SCENARIOS.find(({ id }) => id.includes("audit_log_tamper"));
  if (scenario === undefined) throw new Error("there is no such scenario");
  const target = createToyTarget(bugs, "log");
  await target.start();
  try {
    const waitMsMax = bugs.some((bug) => IN_VAIN.includes(bug)) ? 5_000 : 60_000;
    const pace = { waitMsMax, holdMs: 150, thorough: true };
    const { verdict, reason, parts } = await runTrial(scenario, target, { seed: 42, pace });
    expect(parts.flatMap(({ lacks }) => lacks)).toEqual([]);
    return [verdict, reason];
  } finally {
    await target.stop();
  }
}

test("the good toy passes, every part of it", async () => {
  expect(await tryOn([])).toEqual(["PASS", ""]);
});

test.concurrent.each(Object.keys(LOG_BUGS).filter(isLogBug))("%s is found", async (bug) => {
  expect(await tryOn([bug])).toEqual(["FAIL", expect.stringContaining(KILLS[bug])]);
});
