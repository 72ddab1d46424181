// How a worker gets its next run: taken, leased and read by one statement.

import { idFromUuid, uuidOf } from "@assent/contract";
import { type NewLease, type Taken, TakeFailed, type Turn } from "../../ports.ts";
import { MESSAGE_VERSION } from "./message-version.ts";
import type { Query } from "./rows.ts";
import { toWhole, type WholeRow } from "./runs.ts";

type TakenRow = {
  /** Null: all that is due is locked by others. */
  readonly taken_tenant: string | null;
  readonly taken_run: string | null;
  readonly is_leased: boolean;
  readonly failure: string | null;
} & { readonly [K in keyof WholeRow]: WholeRow[K] };

/** As {@link import("../../ports.ts").Store.take} says. */
export async function take(query: Query, turn: Turn, lease: NewLease): Promise<Taken | "locked" | null> {
  const [row] = await query<TakenRow>("select * from assent.take_leased($1, $2, $3, $4, $5, $6)", [
    turn.after === null ? null : uuidOf(turn.after),
    turn.now,
    MESSAGE_VERSION,
    lease.worker,
    lease.until,
    lease.attemptsMax,
  ]);
  if (row === undefined) return null;
  if (row.taken_tenant === null || row.taken_run === null) return "locked";
  const tenant = idFromUuid("ten", row.taken_tenant);
  const id = idFromUuid("run", row.taken_run);
  if (row.failure !== null) throw new TakeFailed({ tenant, run: id }, new Error(row.failure));
  if (!row.is_leased) return { tenant, id, whole: null };
  try {
    return { tenant, id, whole: toWhole(tenant, row) };
  } catch (error) {
    throw new TakeFailed({ tenant, run: id, token: Number(row.run.fencing_token) }, error);
  }
}
