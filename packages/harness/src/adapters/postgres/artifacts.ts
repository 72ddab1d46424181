import { type Artifact, type ArtifactId, idFromUuid, type RunId, uuidOf } from "@assent/contract";
import type { StoreTx } from "../../ports.ts";
import type { Scope } from "./rows.ts";

type ArtifactRow = {
  id: string;
  name: string;
  media_type: string;
  size_bytes: string;
  sha256: Buffer;
  created_at: Date;
};

const SELECT = `select id, name, media_type, size_bytes, sha256, created_at from assent.artifacts
  where tenant_id = $1 and run_id = $2`;

const toArtifact = (row: ArtifactRow): Artifact => ({
  id: idFromUuid("art", row.id),
  name: row.name,
  media_type: row.media_type,
  size_bytes: Number(row.size_bytes),
  sha256: row.sha256.toString("hex"),
  created_at: row.created_at.toISOString(),
});

export function artifactRows({ query, tenant }: Scope): StoreTx["artifacts"] {
  return {
    async insert(run, artifact): Promise<void> {
      await query(
        // The lock keeps the content from being swept until this commits.
        `with locked as materialized (select pg_advisory_xact_lock_shared(assent.content_lock($7)))
         insert into assent.artifacts (tenant_id, run_id, id, name, media_type, size_bytes, sha256, created_at)
         select $1::uuid, $2::uuid, $3::uuid, $4::text, $5::text, $6::bigint, $7::bytea, $8::timestamptz from locked
         -- Sent again where nobody knows whether the commit before was kept.
         on conflict (tenant_id, run_id, id) do nothing`,
        [
          tenant,
          uuidOf(run),
          uuidOf(artifact.id),
          artifact.name,
          artifact.media_type,
          artifact.size_bytes,
          Buffer.from(artifact.sha256, "hex"),
          artifact.createdAt,
        ],
      );
    },
    async list(run: RunId): Promise<readonly Artifact[]> {
      const rows = await query<ArtifactRow>(`${SELECT} order by name`, [tenant, uuidOf(run)]);
      return rows.map(toArtifact);
    },
    async find(run: RunId, id: ArtifactId): Promise<Artifact | null> {
      const [row] = await query<ArtifactRow>(`${SELECT} and id = $3`, [tenant, uuidOf(run), uuidOf(id)]);
      return row === undefined ? null : toArtifact(row);
    },
  };
}
