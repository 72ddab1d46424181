// How a worker gets its next run: taken, leased and read by one statement.

import { idFromUuid, uuidOf } from "@assent/contract";
import type { TenantSlots } from "../../core/run/turns.ts";
import { type Fence, type NewLease, type Taken, TakeFailed, type Turn, type WorkerId } from "../../ports.ts";
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
  const values = [placeOf(turn), turn.now, MESSAGE_VERSION, lease.worker, lease.until, lease.attemptsMax];
  const { tenantSlots = null } = lease;
  const [row] =
    tenantSlots === null
      ? await query<TakenRow>("select * from assent.take_leased($1, $2, $3, $4, $5, $6)", values)
      : await query<TakenRow>("select * from assent.take_leased_within($1, $2, $3, $4, $5, $6, $7)", [
          tenantSlots,
          ...values,
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

// After which tenant the turn goes on. Whoever comes first stands right behind the id before their own.
function placeOf({ after, first = null }: Turn): string | null {
  if (first === null) return after === null ? null : uuidOf(after);
  const before = BigInt(`0x${uuidOf(first).replaceAll("-", "")}`) - 1n;
  return before.toString(16).padStart(32, "0");
}

/** As {@link import("../../ports.ts").Store.leasesOf} says. */
export async function leasesOf(query: Query, worker: WorkerId): Promise<readonly Fence[]> {
  const rows = await query<{ readonly tenant_id: string; readonly run_id: string; readonly token: string }>(
    "select * from assent.leases_of($1)",
    [worker],
  );
  return rows.map((row) => ({
    tenant: idFromUuid("ten", row.tenant_id),
    run: idFromUuid("run", row.run_id),
    token: Number(row.token),
  }));
}

/** Tenants that wait and are told of; where more do, the next look tells of the others. */
const WAITING_MAX = 100;

/** As {@link import("../../ports.ts").Store.slots} says. */
export async function slots(
  query: Query,
  { after, now }: Pick<Turn, "after" | "now">,
): Promise<readonly TenantSlots[]> {
  const rows = await query<{
    readonly tenant_id: string;
    readonly held: string;
    readonly is_waiting: boolean;
  }>("select * from assent.slots($1, $2, $3, $4)", [
    after === null ? null : uuidOf(after),
    now,
    MESSAGE_VERSION,
    WAITING_MAX,
  ]);
  return rows.map((row) => ({
    tenant: idFromUuid("ten", row.tenant_id),
    held: Number(row.held),
    isWaiting: row.is_waiting,
  }));
}
