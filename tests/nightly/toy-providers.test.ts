// Who tests the tester, where a provider fails: the scenarios of it pass on the good toy, and each bug of whoever asks it is found by the
// scenario that is there to find it. All else that is planted in the toy is tried in the gate (kill-matrix.test.ts); these take their time.

import { SCENARIOS } from "@assent/suite";
import { expect, test } from "vitest";
import { runTrial } from "../../packages/suite/src/runner.ts";
import {
  isProviderBug,
  PROVIDER_BUGS,
  type ProviderBug,
} from "../../packages/suite/src/toy/provider-bugs.ts";
import { createToyTarget } from "../../packages/suite/src/toy/toy-target.ts";

const [RETRY, OUTAGE, SPIKE] = ["retry_backoff", "dependency_outage", "latency_spike"] as const;

/** The words of the claim that must be the one to fail. */
const KILLS: Record<ProviderBug, readonly [scenario: string, claim: string | RegExp]> = {
  "retry.now": [RETRY, "and not all of them are none"],
  "retry.fixed": [RETRY, "some are far shorter than the bound"],
  "retry.refused": [RETRY, "and is not made again"],
  "retry.storm": [OUTAGE, "and asked no more often than a step may"],
  "after.none": [RETRY, "nobody asks before the time that the provider named"],
  "after.own": [RETRY, "nobody asks before the time that the provider named"],
  "after.limits": [RETRY, "nobody asks before the time that the provider named"],
  "after.dates": [RETRY, "nobody asks before the time that the provider named"],
  "after.millis": [RETRY, "a run waits and goes on"],
  "breaker.none": [RETRY, "connections that break open the breaker"],
  "breaker.answers": [RETRY, "connections that break open the breaker"],
  "breaker.silence": [RETRY, "an open breaker lets nobody in but a probe now and then"],
  "breaker.own": [RETRY, "nobody asks before the time that the provider named"],
  "breaker.all": [RETRY, "one call probes at a time"],
  "breaker.herd": [RETRY, "nor does the next moment"],
  "half.used": [OUTAGE, "the answer that did not end was asked for again"],
  "half.waits": [OUTAGE, "in time"],
  "half.ends": [OUTAGE, "a run outlives a broken connection"],
  "turn.first": [OUTAGE, "what was answered is not asked again"],
  "away.mute": [OUTAGE, "and says why"],
  "away.still": [OUTAGE, "while it is away the run says what it waits for"],
  "away.stays": [OUTAGE, "and gives no reason once it has ended well"],
  "away.ever": [OUTAGE, "an outage without an end ends the run by its deadline"],
  "limit.fixed": [SPIKE, "a spike makes fewer of them"],
  "limit.none": [SPIKE, "never more at once than the limit"],
  "limit.errors": [SPIKE, "a spike makes fewer of them"],
  "limit.stale": [SPIKE, "every run is answered by its own call"],
  "limit.hedged": [
    SPIKE,
    /never more at once than the limit|every run ends well|trouble multiplies no calls/u,
  ],
  "limit.holds": [SPIKE, "whoever asks nobody slow is not held up"],
  "limit.stuck": [SPIKE, "afterwards there are more again"],
};

/** Bugs that keep something from ever coming. */
const IN_VAIN: readonly ProviderBug[] = ["half.waits", "after.millis", "retry.fixed"];

async function tryOn(part: string, bugs: readonly ProviderBug[]): Promise<readonly [string, string]> {
  const scenario = SCENARIOS.find(({ id }) => id.includes(part));
  if (scenario === undefined) throw new Error(`no scenario ${part}`);
  const target = createToyTarget(bugs, "outage");
  await target.start();
  try {
    const waitMsMax = bugs.some((bug) => IN_VAIN.includes(bug)) ? 20_000 : 120_000;
    const { verdict, reason } = await runTrial(scenario, target, {
      seed: 42,
      pace: { waitMsMax, holdMs: 150 },
    });
    return [verdict, reason];
  } finally {
    await target.stop();
  }
}

test.concurrent.each([RETRY, OUTAGE, SPIKE])("the good toy passes %s", async (part) => {
  expect(await tryOn(part, [])).toEqual(["PASS", ""]);
});

test.concurrent.each(Object.keys(PROVIDER_BUGS).filter(isProviderBug))("%s is found", async (bug) => {
  const [part, claim] = KILLS[bug];
  expect(await tryOn(part, [bug])).toEqual(["FAIL", expect.stringMatching(claim)]);
});
