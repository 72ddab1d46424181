// Postgres goes down and comes back while a call that may happen once only is under way: in order (fast) or at once
// (immediate); the tool answers while it is away, or when it is back (invariants 1, 2 and 12).

import { kill } from "node:process";
import { expect, test } from "vitest";
import { openEmbedded } from "../../packages/harness/src/adapters/postgres/embedded/embedded.ts";
import { playRun } from "../support/target/fleet-client.ts";
import { readEvidence } from "../support/target/fleet-evidence.ts";
import { openSmallFleet } from "../support/target/small-fleet.ts";
import { until } from "../support/until.ts";

/** What `pg_ctl stop` sends. */
const SIGNALS = { fast: "SIGINT", immediate: "SIGQUIT" } as const;
const RUNS = 6;

test.for([
  ["fast", "away"],
  ["fast", "back"],
  ["immediate", "away"],
  ["immediate", "back"],
] as const)(
  "%s restarts inside of calls that answer while it is %s: each effect is one",
  async ([kind, when]) => {
    await using stack = new AsyncDisposableStack();
    const fleet = await openSmallFleet(stack, ["server"], ["worker"], ["worker"]);
    const opened = await openEmbedded({ folder: fleet.installation.home });
    if (!opened.ok) throw new Error(opened.error.message);
    const server = opened.value;
    const servers = new Set<number>();
    const hook = async (): Promise<void> => {
      const before = server.serverPid;
      servers.add(before);
      kill(before, SIGNALS[kind]);
      if (when === "back") await until("it is back", () => server.serverPid !== before);
    };
    fleet.sink.cue(...Array.from({ length: RUNS }, () => ({ do: "apply_then", hook }) as const));
    for (let index = 1; index <= RUNS; index += 1) {
      const { run } = await playRun(fleet, index);
      expect(run?.status).toBe("succeeded");
      await until("it is back", () => !servers.has(server.serverPid));
    }
    expect(servers.size).toBe(RUNS);
    expect([...fleet.sink.effects().values()]).toEqual(Array.from({ length: RUNS }, () => 1));
    await server.release();
    await fleet.endAll();
    expect(await readEvidence(fleet.installation)).toMatchObject({
      stored: { succeeded: RUNS },
      contradictions: [],
      isAuditVerified: true,
      auditFindings: [],
    });
  },
);
