// Artifacts that are on their way to whoever asked for them. Each is whole in memory until the last byte has gone out, which
// is up to the reader: one who asks for many and reads none would have all the memory there is.

import type { TenantId } from "@assent/contract";
import type { FastifyReply } from "fastify";
import {
  ARTIFACT_BYTES_SENT_MAX,
  ARTIFACT_BYTES_SENT_TENANT_MAX,
  ARTIFACT_READ_BYTES_PER_SECOND,
  ARTIFACT_READ_MS,
} from "./limits.ts";

export type ArtifactLimits = {
  /** Bytes of all artifacts that are being sent, and of one tenant's. */
  readonly totalBytes: number;
  readonly tenantBytes: number;
  /** For each answer: so long, and a second more for so many bytes; then it is cut. */
  readonly patienceMs: number;
  readonly bytesPerSecond: number;
};

const LIMITS: ArtifactLimits = {
  totalBytes: ARTIFACT_BYTES_SENT_MAX,
  tenantBytes: ARTIFACT_BYTES_SENT_TENANT_MAX,
  patienceMs: ARTIFACT_READ_MS,
  bytesPerSecond: ARTIFACT_READ_BYTES_PER_SECOND,
};

export type ArtifactRoom = {
  /**
   * Takes room for so many bytes until the reply has ended, or was cut because its reader takes too long.
   * @returns false: there is none, nothing was taken
   */
  take(reply: FastifyReply, tenant: TenantId, bytes: number): boolean;
};

export function createArtifactRoom(given: Partial<ArtifactLimits> = {}): ArtifactRoom {
  const limits = { ...LIMITS, ...given };
  let total = 0;
  const held = new Map<TenantId, number>();
  return {
    take: ({ raw }, tenant, bytes) => {
      const own = held.get(tenant) ?? 0;
      // Whoever asked has gone: nobody would give the room back.
      if (raw.closed || total + bytes > limits.totalBytes || own + bytes > limits.tenantBytes) return false;
      total += bytes;
      held.set(tenant, own + bytes);
      const patienceMs = limits.patienceMs + (bytes / limits.bytesPerSecond) * 1_000;
      const late = setTimeout(() => {
        raw.destroy();
      }, patienceMs);
      raw.once("close", () => {
        clearTimeout(late);
        total -= bytes;
        const left = (held.get(tenant) ?? bytes) - bytes;
        if (left === 0) held.delete(tenant);
        else held.set(tenant, left);
      });
      return true;
    },
  };
}
