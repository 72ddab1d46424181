// A server and a worker whose machine's clock is set while they work: they say so, decide nothing, and come back by
// themselves when it is set right; the others carry everything out meanwhile (invariants 2, 6, 7, 16).

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { z } from "zod";
import { ask, playRun } from "../support/target/fleet-client.ts";
import { readEvidence } from "../support/target/fleet-evidence.ts";
import { openSmallFleet, type SmallFleet } from "../support/target/small-fleet.ts";
import { temporaryFolder } from "../integration/files/repository.ts";
import { until } from "../support/until.ts";

const PRELOAD = fileURLToPath(new URL("../support/target/set-clock.ts", import.meta.url));

const eventsSchema = z.looseObject({
  data: z.array(z.looseObject({ kind: z.string(), data: z.looseObject({ worker: z.number().optional() }) })),
});

/** The workers that had the run. */
async function workersOf(fleet: SmallFleet, run: string): Promise<readonly number[]> {
  const events = eventsSchema.parse(await (await ask(fleet, `/api/harness/runs/${run}/events`)).json());
  return events.data.flatMap(({ kind, data }) => (kind === "run_leased" ? [data.worker ?? 0] : []));
}

async function readiness(url: string): Promise<string> {
  const answer = await fetch(`${url}/readyz`);
  return `${answer.status} ${await answer.text()}`;
}

test.for([
  [3_600_000, "3600 s ahead of"],
  [-3_600_000, "3600 s behind"],
] as const)("processes whose clock is set by %i ms take no part until it is set back", async ([ms, said]) => {
  await using stack = new AsyncDisposableStack();
  const clockFile = join(temporaryFolder(), "ahead");
  const attack = { CLOCK_FILE: clockFile, NODE_OPTIONS: `--import ${PRELOAD}` };
  const fleet = await openSmallFleet(stack, ["server"], ["worker"], ["server", attack], ["worker", attack]);
  const [server, worker, strayServer, strayWorker] = fleet.members;
  if (server === undefined || worker === undefined || strayServer === undefined || strayWorker === undefined)
    throw new Error("four were started");
  const set = (aheadMs: number): void => {
    writeFileSync(clockFile, String(aheadMs));
    for (const member of [strayServer, strayWorker]) member.child.kill("SIGUSR2");
  };
  set(ms);
  await until("it is not ready", async () => (await readiness(strayServer.url)).includes(said));
  const refused = await fetch(`${strayServer.url}/api/harness/run`, {
    method: "POST",
    headers: {
      authorization: `Bearer ${fleet.key}`,
      "content-type": "application/json",
      "idempotency-key": "astray",
    },
    body: JSON.stringify({ agent: "notary", task: "Put it on record." }),
  });
  expect([refused.status, await refused.text()]).toEqual([503, expect.stringContaining(said)]);
  // A sweep of the one that is ahead would take each run from whoever has it.
  const had = new Set<number>();
  for (let index = 1; index <= 8; index += 1) {
    const { run } = await playRun(fleet, index);
    expect(run?.status).toBe("succeeded");
    for (const one of await workersOf(fleet, run?.id ?? "")) had.add(one);
  }
  expect(had.size).toBe(1);
  set(0);
  await until("it is ready", async () => (await readiness(strayServer.url)).startsWith("200"));
  await fleet.end(worker);
  await fleet.end(server);
  const { run } = await playRun(fleet, 9);
  expect(run?.status).toBe("succeeded");
  for (const one of await workersOf(fleet, run?.id ?? "")) had.add(one);
  expect(had.size).toBe(2);
  expect([...fleet.sink.effects().values()]).toEqual(Array.from({ length: 9 }, () => 1));
  await fleet.endAll();
  expect(await readEvidence(fleet.installation)).toMatchObject({
    stored: { succeeded: 9 },
    contradictions: [],
    auditFindings: [],
  });
});
