// Commits to a run under a lease: one statement, which is its own transaction.

import { uuidOf } from "@assent/contract";
import { unreachable } from "../../base/assert.ts";
import { err, ok, type Result } from "../../base/result.ts";
import type { Fence, NewReservation, ReservationRefusal, RunWrites, Settlement } from "../../ports.ts";
import { type ReservedRow, refusalOf, reserveValues } from "./budgets.ts";
import { only, type Query } from "./rows.ts";
import { unlessTaken, writeCall } from "./run-writes.ts";

type Hold = "held" | "written" | "lost";

const HELD_ARGUMENTS = 5;

const heldValues = (fence: Fence, version: number, writes: RunWrites | null): readonly unknown[] => [
  uuidOf(fence.tenant),
  uuidOf(fence.run),
  fence.token,
  version,
  writes?.change.version ?? version,
];

/** False: the lease is another's. */
export async function writeHeld(
  query: Query,
  fence: Fence,
  version: number,
  writes: RunWrites,
): Promise<boolean> {
  const call = writeCall(writes, HELD_ARGUMENTS + 1);
  const rows = await unlessTaken(
    async () =>
      await query<{ hold: Hold }>(
        `select h.hold, case when h.hold = 'held' then ${call.text} end
         from assent.hold_run($1, $2, $3, $4, $5) h (hold)`,
        [...heldValues(fence, version, writes), ...call.values],
      ),
  );
  return only(rows).hold !== "lost";
}

/** @returns calls of the step; null: the lease is another's */
export async function beginCall(
  query: Query,
  fence: Fence,
  version: number,
  settled: Settlement | null,
  reservation: NewReservation,
  writes: RunWrites | null,
): Promise<Result<number, ReservationRefusal> | null> {
  const begin = [
    ...heldValues(fence, version, writes),
    settled?.reservation ?? null,
    settled?.spent.inputTokens ?? null,
    settled?.spent.outputTokens ?? null,
    settled?.spent.microdollars ?? null,
    // The run is named by the fence.
    ...reserveValues(reservation).toSpliced(1, 1),
  ];
  const call = writes === null ? null : writeCall(writes, begin.length + 1);
  const numbers = begin.map((_, at) => `$${at + 1}`).join(", ");
  const written =
    call === null ? "null" : `case when b.hold = 'held' and b.refused is null then ${call.text} end`;
  const row = only(
    await unlessTaken(
      async () =>
        await query<ReservedRow & { hold: Hold }>(
          `select b.*, ${written} as written from assent.begin_call(${numbers}) b`,
          [...begin, ...(call?.values ?? [])],
        ),
    ),
  );
  switch (row.hold) {
    case "lost":
      return null;
    case "written":
      return ok(row.calls_of_step);
    case "held":
      return row.refused === null ? ok(row.calls_of_step) : err(refusalOf(row, row.refused));
    default:
      return unreachable(row.hold);
  }
}
