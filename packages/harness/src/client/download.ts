import type { Artifact, RunId } from "@assent/contract";
import { ARTIFACT_BYTES_MAX } from "../base/limits.ts";
import type { Result } from "../base/result.ts";
import type { ClientFailure } from "./failure.ts";
import { DOWNLOAD_TIMEOUT_MS } from "./limits.ts";
import { type Connection, exchange, readBytes } from "./request.ts";

export type Download = { readonly bytes: Uint8Array; readonly contentDigest: string | null };

/** An artifact's bytes, at most as many as one may have, with the digest that the server names. */
export async function download(
  connection: Connection,
  run: RunId,
  artifact: Artifact,
): Promise<Result<Download, ClientFailure>> {
  const response = await exchange(connection, {
    method: "GET",
    path: `/api/harness/runs/${run}/artifacts/${artifact.id}`,
    headers: { accept: "*/*" },
    timeoutMs: DOWNLOAD_TIMEOUT_MS,
  });
  if (!response.ok) return response;
  const bytes = await readBytes(response.value, ARTIFACT_BYTES_MAX, connection);
  if (!bytes.ok) return bytes;
  return {
    ok: true,
    value: { bytes: bytes.value, contentDigest: response.value.headers.get("content-digest") },
  };
}
