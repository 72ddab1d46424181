import type { Run, RunId } from "@assent/contract";
import { z } from "zod";
import { err, ok, type Result } from "../base/result.ts";
import type { Client } from "../client/client.ts";
import { TRAIL_EVENTS_MAX } from "../client/limits.ts";
import { type Failure, failureOfClient } from "./failure.ts";
import type { Finding } from "./verify/finding.ts";
import { verifyTrail } from "./verify/trail.ts";

export type TrailReport = {
  readonly run_id: RunId;
  readonly status: Run["status"];
  readonly events: number;
  readonly verified: boolean;
  readonly findings: readonly Finding[];
};

const versionSchema = z.looseObject({ version: z.int() });

/** Reads the run, then its events, and verifies them. The order matters: every event that the run counts is there. */
export async function verifyRun(client: Client, id: RunId): Promise<Result<TrailReport, Failure>> {
  const run = await client.getRun(id);
  if (!run.ok) return err(failureOfClient(run.error));
  const events = await readTrail(client, id);
  if (!events.ok) return events;
  const findings = verifyTrail(events.value, run.value);
  return ok({
    run_id: id,
    status: run.value.status,
    events: events.value.length,
    verified: findings.length === 0,
    findings,
  });
}

async function readTrail(client: Client, id: RunId): Promise<Result<unknown[], Failure>> {
  const events: unknown[] = [];
  let after = 0;
  while (events.length < TRAIL_EVENTS_MAX) {
    const page = await client.listEvents(id, after);
    if (!page.ok) return err(failureOfClient(page.error));
    events.push(...page.value);
    const newest = Math.max(after, ...page.value.map(versionOf));
    // Nothing newer: the end, or a server that does not get on; either way there is no more to be had.
    if (newest === after) break;
    after = newest;
  }
  return ok(events);
}

function versionOf(event: unknown): number {
  const parsed = versionSchema.safeParse(event);
  return parsed.success ? parsed.data.version : 0;
}
