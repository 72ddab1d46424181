// A process of a fleet is stopped (SIGSTOP) at a chosen point, for longer than its lease. Another takes over and ends the
// run; then the first wakes (SIGCONT) with all that it believed, of which nothing holds any more.

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { runSchema } from "@assent/contract";
import { startToolSink } from "@assent/suite";
import { randomFrom } from "../../../packages/suite/src/chance.ts";
import { readCredentials } from "../../../packages/harness/src/home.ts";
import { until } from "../until.ts";
import { ask, type Fleet, playRun, startLookUp } from "./fleet-client.ts";
import { readEvidence } from "./fleet-evidence.ts";
import { endMember, type Member, spawnMember, untilReady } from "./fleet-member.ts";
import { createInstallation } from "./installation.ts";
import { addNotary } from "./notary.ts";
import type { StopPoint } from "./stop-at.ts";

const PRELOAD = fileURLToPath(new URL("./stop-at.ts", import.meta.url));
const STOPPED_MS_MAX = 60_000;

export type StopReport = {
  readonly status: string;
  /** Times that each run's effect was taken, the stopped one's first. */
  readonly effects: readonly number[];
  /** Whether the run was, to the byte, what it had been before the stopped process woke. */
  readonly isUntouched: boolean;
  /** Whether the woken process carried out a run of its own. */
  readonly isAtWork: boolean;
  readonly contradictions: readonly string[];
  readonly auditFindings: readonly string[];
};

const isStopped = ({ child }: Member): boolean =>
  /^State:\s+T/m.test(readFileSync(`/proc/${child.pid}/status`, "utf8"));

/** @param at `in_tool`: in the tool, after the effect and before its answer */
export async function stopAt(role: Member["role"], at: StopPoint | "in_tool"): Promise<StopReport> {
  await using stack = new AsyncDisposableStack();
  const sink = await startToolSink();
  stack.defer(async () => {
    await sink.stop();
  });
  const installation = createInstallation(sink.url);
  addNotary(installation, sink.url, await startLookUp(sink, stack));
  stack.defer(() => {
    installation.remove();
  });
  const members: Member[] = [];
  const endAll = async (): Promise<void> => {
    for (const member of members.toReversed()) {
      member.child.kill("SIGCONT");
      await endMember(member, "SIGTERM");
    }
  };
  stack.defer(endAll);
  const start = async (
    of: Member["role"],
    environment: Readonly<Record<string, string>> = {},
  ): Promise<Member> => {
    const member = spawnMember(
      { ...installation, environment: { ...installation.environment, ...environment } },
      of,
    );
    members.push(member);
    await untilReady(member);
    return member;
  };
  const doomed = await start(
    role,
    at === "in_tool" ? {} : { STOP_AT: at, NODE_OPTIONS: `--import ${PRELOAD}` },
  );
  await start(role === "server" ? "worker" : "server");
  const key = readCredentials(installation.home)?.key ?? "";
  const progress = { begun: 0, ended: 0, kills: 0 };
  const fleet: Fleet = { installation, sink, members, key, next: randomFrom(1), progress };
  if (at === "in_tool")
    sink.cue({
      do: "apply_then",
      hook: async () => {
        doomed.child.kill("SIGSTOP");
        await Promise.resolve();
      },
    });
  const playing = playRun(fleet, 1);
  await until(`the ${role} stops`, () => isStopped(doomed), STOPPED_MS_MAX);
  const other = await start(role);
  const { run } = await playing;
  if (run === null) throw new Error(`the run was not ended by the other ${role}`);
  if (!isStopped(doomed)) throw new Error(`the ${role} woke by itself`);
  doomed.child.kill("SIGCONT");
  // It is awake and at work again when it can carry out a run by itself.
  await endMember(other, "SIGTERM");
  members.splice(members.indexOf(other), 1);
  const second = await playRun(fleet, 2);
  const after = runSchema.parse(await (await ask(fleet, `/api/harness/runs/${run.id}`)).json());
  await endAll();
  const { contradictions, auditFindings } = await readEvidence(installation);
  return {
    status: after.status,
    effects: [...sink.effects().values()],
    isUntouched: JSON.stringify(after) === JSON.stringify(run),
    isAtWork: doomed.child.exitCode === 0 && second.run?.status === "succeeded",
    contradictions,
    auditFindings,
  };
}
