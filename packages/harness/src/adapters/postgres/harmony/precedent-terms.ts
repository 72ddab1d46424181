import type { StoreTx } from "../../../ports.ts";
import { idBytes } from "./ids.ts";
import { patternOf } from "./patterns.ts";
import { type ResolutionRow, resolutionOf } from "./resolutions.ts";
import type { Scope } from "../rows.ts";

type AnswerRow = ResolutionRow & { pattern: unknown; recorded_at: Date; expires_at: Date | null };

type TermRow = {
  resolution_id: Buffer;
  expires_at: Date;
  rules: Readonly<Record<string, string>> | null;
};

const rulesOf = ({ rules }: TermRow): ReadonlyMap<string, Date> | null =>
  rules === null ? null : new Map(Object.entries(rules).map(([rule, until]) => [rule, new Date(until)]));

export function precedentTermRows({ query, tenant }: Scope): StoreTx["precedentTerms"] {
  return {
    async set(patternId, resolutionId, { expiresAt, rules }) {
      await query(
        `insert into assent.precedent_terms as t (tenant_id, pattern_id, resolution_id, expires_at, rules)
         values ($1, $2, $3, $4, $5)
         on conflict (tenant_id, pattern_id, resolution_id) do update
           set expires_at = excluded.expires_at, rules = coalesce(t.rules, '{}') || excluded.rules`,
        [
          tenant,
          idBytes(patternId, "pattern_id"),
          idBytes(resolutionId, "resolution_id"),
          expiresAt,
          JSON.stringify(Object.fromEntries(rules.map((rule) => [rule, expiresAt.toISOString()]))),
        ],
      );
    },
    async list(patternId) {
      const rows = await query<TermRow>(
        "select resolution_id, expires_at, rules from assent.precedent_terms where tenant_id = $1 and pattern_id = $2",
        [tenant, idBytes(patternId, "pattern_id")],
      );
      return new Map(
        rows.map((row) => {
          const term = { expiresAt: row.expires_at, rules: rulesOf(row) };
          return [`sha256:${row.resolution_id.toString("hex")}`, term] as const;
        }),
      );
    },
    async answers(domain, after, limit) {
      const rows = await query<AnswerRow>(
        `select p.record as pattern, p.recorded_at, r.id, r.pattern_id, r.revoked, r.record, t.expires_at
         from assent.harmony_resolutions r
         join assent.harmony_patterns p on p.tenant_id = r.tenant_id and p.id = r.pattern_id
         left join assent.precedent_terms t
           on t.tenant_id = r.tenant_id and t.pattern_id = r.pattern_id and t.resolution_id = r.id
         where r.tenant_id = $1 and p.domain = $2
           and ($3::boolean is null or r.revoked > $3 or r.revoked = $3 and (p.recorded_at < $4::timestamptz
             or p.recorded_at = $4::timestamptz and (p.id, r.id) > ($5::bytea, $6::bytea)))
         order by r.revoked, p.recorded_at desc, p.id, r.id limit $7`,
        [
          tenant,
          domain,
          after?.isRevoked ?? null,
          after?.recordedAt ?? null,
          after === null ? null : idBytes(after.patternId, "pattern_id"),
          after === null ? null : idBytes(after.resolutionId, "resolution_id"),
          limit,
        ],
      );
      return rows.map((row) => ({
        pattern: patternOf({ id: row.pattern_id, record: row.pattern }),
        resolution: resolutionOf(row),
        expiresAt: row.expires_at,
        place: {
          isRevoked: row.revoked,
          recordedAt: row.recorded_at,
          patternId: `sha256:${row.pattern_id.toString("hex")}`,
          resolutionId: `sha256:${row.id.toString("hex")}`,
        },
      }));
    },
  };
}
