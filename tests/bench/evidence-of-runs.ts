// Whole runs with the evidence and without it, in turns on one installation: what a business transaction pays for it.

import type { Pool } from "pg";

/** Triggers that file, or that ask for an event. Those that refuse changes are no cost of a run, and stay. */
const TRIGGERS = [
  ["access_events", "access_events_event"],
  ["api_keys", "api_keys_event_on_insert"],
  ["api_keys", "api_keys_event_on_update"],
  ["approval_votes", "approval_votes_event"],
  ["approvals", "approvals_event_on_insert"],
  ["approvals", "approvals_event_on_update"],
  ["artifacts", "artifacts_event"],
  ["audit_events", "audit_events_filed"],
  ["audit_facts", "audit_facts_filed"],
  ["harmony_audit", "harmony_audit_event"],
  ["runs", "runs_event_on_insert"],
  ["runs", "runs_event_on_update"],
  ["steps", "steps_event_on_insert"],
  ["steps", "steps_event_on_update"],
] as const;

/**
 * Without it a run's events are dropped before they are inserted, nothing is filed, and so nothing sequenced, signed or
 * published. The dropping itself is left in the price of a run without.
 * @param owner of the tables
 */
export async function switchEvidence(owner: Pool, isOn: boolean): Promise<void> {
  const word = isOn ? "enable" : "disable";
  for (const [table, trigger] of TRIGGERS)
    await owner.query(`alter table assent.${table} ${word} trigger ${trigger}`);
  if (isOn) {
    await owner.query("drop trigger if exists bench_dropped on assent.audit_events");
    return;
  }
  await owner.query(
    `create or replace function public.bench_drop_event() returns trigger language plpgsql as
     'begin return null; end'`,
  );
  await owner.query(
    `create or replace trigger bench_dropped before insert on assent.audit_events
     for each row execute function public.bench_drop_event()`,
  );
}

/** One measurement of runs: a second, and processor time of one, in milliseconds. */
export type RunCost = { readonly perSecond: number; readonly nodeMs: number; readonly postgresMs: number };

const ROUNDS = 3;

// Of an even number the lower of the two in the middle: not the one that flatters.
const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor((values.length - 1) / 2)] ?? Number.NaN;

/**
 * @param measure with the evidence or without; what it does first is not measured
 * @returns lines to print
 */
export async function compareEvidence(
  measure: (isOn: boolean) => Promise<RunCost>,
): Promise<readonly string[]> {
  const [withIt, without]: [RunCost[], RunCost[]] = [[], []];
  for (let round = 0; round < ROUNDS; round += 1) {
    without.push(await measure(false));
    withIt.push(await measure(true));
  }
  const line = (name: string, costs: readonly RunCost[]): string => {
    const of = (value: (cost: RunCost) => number): number => median(costs.map(value));
    return `  ${name.padEnd(18)}${of(({ perSecond }) => perSecond).toFixed(1)} runs/s, CPU of one ${of(({ nodeMs }) => nodeMs).toFixed(1)} ms, Postgres ${of(({ postgresMs }) => postgresMs).toFixed(1)} ms`;
  };
  const shares = withIt.map(({ perSecond }, round) => perSecond / (without[round]?.perSecond ?? Number.NaN));
  return [
    `whole runs in turns, ${ROUNDS} rounds, median`,
    line("without evidence", without),
    line("with it", withIt),
    `  with / without      ${median(shares).toFixed(2)} (${shares.map((share) => share.toFixed(2)).join(", ")})`,
  ];
}
