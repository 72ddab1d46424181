import type { StoreTx } from "../../ports.ts";
import { idBytes } from "./harmony/ids.ts";
import type { Scope } from "./rows.ts";

type TermRow = { resolution_id: Buffer; expires_at: Date };

export function precedentTermRows({ query, tenant }: Scope): StoreTx["precedentTerms"] {
  return {
    async set(patternId, resolutionId, expiresAt) {
      await query(
        `insert into assent.precedent_terms (tenant_id, pattern_id, resolution_id, expires_at) values ($1, $2, $3, $4)
         on conflict (tenant_id, pattern_id, resolution_id) do update set expires_at = excluded.expires_at`,
        [tenant, idBytes(patternId, "pattern_id"), idBytes(resolutionId, "resolution_id"), expiresAt],
      );
    },
    async list(patternId) {
      const rows = await query<TermRow>(
        "select resolution_id, expires_at from assent.precedent_terms where tenant_id = $1 and pattern_id = $2",
        [tenant, idBytes(patternId, "pattern_id")],
      );
      return new Map(
        rows.map((row) => [`sha256:${row.resolution_id.toString("hex")}`, row.expires_at] as const),
      );
    },
  };
}
