// What the rules have decided, as records that other rules can judge again (`assent policy diff`).

import { runIdSchema } from "@assent/contract";
import { err, ok, type Result } from "../base/result.ts";
import { type DecisionRecord, recordOf } from "../core/decide/decision-record.ts";
import type { Caller, DecidedCall, DecidedCalls, DecisionPlace, Store, StoreTx } from "../ports.ts";
import { FOREIGN_CURSOR } from "./cursors.ts";
import type { Page, Refusal } from "./harness.ts";

const DECISIONS_PER_PAGE = 200;
/** Of runs in which nothing was decided there may be any number between two decisions; nobody waits for all of them. */
const LOOKS_PER_PAGE = 20;

export async function listDecisions(
  { store }: { readonly store: Store },
  caller: Caller,
  since: Date,
  cursor: string | null,
): Promise<Result<Page<DecisionRecord>, Refusal>> {
  const after = cursor === null ? null : readCursor(cursor);
  if (after === undefined) return err(FOREIGN_CURSOR);
  const { calls, last } = await store.transaction(
    caller.tenant,
    async (tx) => await lookFor(tx, since, after),
  );
  return ok({
    data: calls.map(({ seq, ...call }) => recordOf({ ...call, step: seq, tenant: caller.tenant })),
    next_cursor: last === null ? null : `${last.at.toISOString()}~${last.run}~${last.seq}`,
  });
}

async function lookFor(tx: StoreTx, since: Date, after: DecisionPlace | null): Promise<DecidedCalls> {
  const calls: DecidedCall[] = [];
  let place = after;
  for (let look = 0; look < LOOKS_PER_PAGE; look += 1) {
    const found = await tx.decisions.list(since, place, DECISIONS_PER_PAGE - calls.length);
    calls.push(...found.calls);
    place = found.last;
    if (place === null || calls.length === DECISIONS_PER_PAGE) break;
  }
  return { calls, last: place };
}

// A place in the tenant's own list; whoever makes one up sees no more than the list itself shows.
function readCursor(text: string): DecisionPlace | undefined {
  const [at = "", run = "", seq = "", ...rest] = text.split("~");
  const id = runIdSchema.safeParse(run);
  const time = Date.parse(at);
  if (!id.success || Number.isNaN(time) || !/^\d{1,9}$/.test(seq) || rest.length > 0) return undefined;
  return { at: new Date(time), run: id.data, seq: Number(seq) };
}
