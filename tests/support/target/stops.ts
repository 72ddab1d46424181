// A process of a fleet is stopped (SIGSTOP) at a chosen point, for longer than its lease. Another takes over and ends the
// run; then the first wakes (SIGCONT) with all that it believed, of which nothing holds any more.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type RunId, runSchema } from "@assent/contract";
import { z } from "zod";
import { until } from "../until.ts";
import { ask, type Fleet, playRun } from "./fleet-client.ts";
import { readEvidence } from "./fleet-evidence.ts";
import type { Member } from "./fleet-member.ts";
import { startFencingTool } from "./fencing-tool.ts";
import { openFleetWith, openSmallFleet } from "./small-fleet.ts";
import type { StopPoint } from "./stop-at.ts";

const PRELOAD = fileURLToPath(new URL("./stop-at.ts", import.meta.url));
const STOPPED_MS_MAX = 60_000;

export type StopReport = {
  readonly status: string;
  /** The last that was recorded of the run before it was taken from the stopped worker; null where it was not. */
  readonly lastBefore: string | null;
  /** Times that each run's effect was taken, the stopped one's first. */
  readonly effects: readonly number[];
  /** Whether the run was, to the byte, what it had been before the stopped process woke. */
  readonly isUntouched: boolean;
  /** Whether the woken process carried out a run of its own. */
  readonly isAtWork: boolean;
  /** Runs by their state: a request that was sent twice is one. */
  readonly stored: Readonly<Record<string, number>>;
  readonly contradictions: readonly string[];
  readonly auditFindings: readonly string[];
  /** Why the woken worker let the run go, as its log says; of a server nothing. */
  readonly why: readonly string[];
};

const leftSchema = z.looseObject({ reason: z.string() });
const eventsSchema = z.looseObject({ data: z.array(z.looseObject({ kind: z.string() })) });

async function lastBeforeRelease(fleet: Fleet, run: RunId): Promise<string | null> {
  const told = await ask(fleet, `/api/harness/runs/${run}/events`);
  const kinds = eventsSchema.parse(await told.json()).data.map(({ kind }) => kind);
  return kinds[kinds.indexOf("run_released") - 1] ?? null;
}

const isStopped = ({ child }: Member): boolean =>
  /^State:\s+T/m.test(readFileSync(`/proc/${child.pid}/status`, "utf8"));

/** @param at `in_tool`: in the tool, after the effect and before its answer */
export async function stopAt(role: Member["role"], at: StopPoint | "in_tool"): Promise<StopReport> {
  await using stack = new AsyncDisposableStack();
  const attack = at === "in_tool" ? {} : { STOP_AT: at, NODE_OPTIONS: `--import ${PRELOAD}` };
  const members = [[role, attack], [role === "server" ? "worker" : "server"]] as const;
  // A tool that knows of tokens would hide from all others what a worker sends that it must not send.
  const fleet =
    at === "sending"
      ? await openFleetWith(stack, async (to) => await startFencingTool(to, stack), members)
      : await openSmallFleet(stack, ...members);
  const { sink, installation } = fleet;
  const [doomed] = fleet.members;
  if (doomed === undefined) throw new Error("it was started");
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
  const other = await fleet.start(role);
  const { run } = await playing;
  if (run === null) throw new Error(`the run was not ended by the other ${role}`);
  if (!isStopped(doomed)) throw new Error(`the ${role} woke by itself`);
  doomed.child.kill("SIGCONT");
  // It is awake and at work again when it can carry out a run by itself.
  await fleet.end(other);
  const second = await playRun(fleet, 2);
  const after = runSchema.parse(await (await ask(fleet, `/api/harness/runs/${run.id}`)).json());
  const lastBefore = await lastBeforeRelease(fleet, run.id);
  await fleet.endAll();
  const why = readFileSync(join(installation.home, "assent.log"), "utf8")
    .split("\n")
    .filter((line) => line.includes('"run left to another worker"') && line.includes(run.id))
    .map((line) => leftSchema.parse(JSON.parse(line)).reason);
  const { stored, contradictions, auditFindings } = await readEvidence(installation);
  return {
    status: after.status,
    lastBefore,
    effects: [...sink.effects().values()],
    isUntouched: JSON.stringify(after) === JSON.stringify(run),
    isAtWork: doomed.child.exitCode === 0 && second.run?.status === "succeeded",
    stored,
    contradictions,
    auditFindings,
    why,
  };
}
