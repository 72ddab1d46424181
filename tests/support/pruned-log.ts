// Logs that are pruned, and what is found of them: in published files and copies, and in the database.

import { type TenantId, uuidOf } from "@assent/contract";
import { parseVerifierKey, type VerifierKey } from "@assent/tlog";
import { reviewTransaction } from "../../packages/harness/src/adapters/postgres/audit-review.ts";
import { systemClock } from "../../packages/harness/src/adapters/system/clock.ts";
import { openLogFolder } from "../../packages/harness/src/cli/verify/log-folder.ts";
import { type VerifyReport, verifyLog } from "../../packages/harness/src/core/audit/verify-log.ts";
import type { OutsideKnowledge, ReviewTx } from "../../packages/harness/src/ports.ts";
import type { Evidence } from "../../packages/harness/src/services/audit/evidence.ts";
import { findingsOf, reviewEvidence } from "../../packages/harness/src/services/audit/review.ts";
import type { ThrowAwayDatabase } from "./database.ts";
import { keptEvidence, type LogPorts, originOf } from "./tenant-log.ts";

export const DAYS = 365;
/** More than a year from now: all that there is is old. */
const later = { ...systemClock, now: () => new Date(Date.now() + (DAYS + 1) * 86_400_000) };

export const oldEvidence = (ports: LogPorts): Evidence =>
  keptEvidence(ports, { clock: later, retentionDays: DAYS });

export const keysOf = (ports: LogPorts, origin: string): readonly VerifierKey[] =>
  ports.signer.vkeys(origin).map((text) => {
    const key = parseVerifierKey(text);
    if (!key.ok) throw new Error(key.error);
    return key.value;
  });

export const verifyFolder = (
  ports: LogPorts,
  folder: string,
  origin: string,
  remembered: string | null,
): VerifyReport =>
  verifyLog({
    source: openLogFolder(folder),
    origin,
    keys: keysOf(ports, origin),
    remembered,
    policy: null,
    now: later.now(),
    isPublished: folder.includes("/logs/"),
    cosignedSince: null,
  });

/** What a review of the database finds of this tenant. */
export async function review(on: ThrowAwayDatabase, ports: LogPorts, tenant: TenantId): Promise<string[]> {
  return await reviewTransaction(on.ownerPool(), async (tx) => await reviewWith(tx, ports, tenant));
}

export async function reviewWith(tx: ReviewTx, ports: LogPorts, tenant: TenantId): Promise<string[]> {
  const published = new Map<string, string | null>();
  for (const epoch of [1, 2])
    published.set(originOf(tenant, epoch), await ports.files.readCheckpoint(originOf(tenant, epoch)));
  const outsideOf = (origin: string): OutsideKnowledge => ({
    anchor: null,
    remembered: null,
    published: published.get(origin) ?? null,
    readFile: async (path) => await ports.files.read(origin, path),
  });
  const reviewed = await reviewEvidence(
    { ...tx, tenants: async () => (await tx.tenants()).filter(({ id }) => id === uuidOf(tenant)) },
    { keysOf: (origin) => keysOf(ports, origin), outsideOf },
    true,
  );
  return findingsOf(reviewed).map(({ code, at }) => `${code} at ${at}`);
}

export type Left = {
  readonly leaves: number;
  readonly salts: number;
  readonly payloads: number;
  readonly hashes: number;
};

export async function leftIn(on: ThrowAwayDatabase, tenant: TenantId): Promise<Left> {
  const { rows } = await on.ownerPool().query<Left>(
    `select count(l.leaf)::int as leaves, count(l.salt)::int as salts, count(l.leaf_hash)::int as hashes,
       (count(*) filter (where coalesce(e.data, f.data)::text <> '{"pruned":true}'))::int as payloads
     from assent.audit_leaves l
     left join assent.audit_events e on e.tenant_id = l.tenant_id and e.event_id = l.event_id
     left join assent.audit_facts f on f.tenant_id = l.tenant_id and f.event_id = l.event_id
     where l.tenant_id = $1`,
    [uuidOf(tenant)],
  );
  return rows[0] ?? { leaves: -1, salts: -1, payloads: -1, hashes: -1 };
}
