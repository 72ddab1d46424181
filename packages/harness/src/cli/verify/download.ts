import { createHash } from "node:crypto";
import type { Artifact } from "@assent/contract";
import { sha256Hex } from "../../base/digest.ts";
import type { Download } from "../../client/download.ts";
import type { Finding } from "./finding.ts";

/** Whether these are the bytes that the run committed to (invariant 12), by three independent statements. */
export function verifyDownload(artifact: Artifact, { bytes, contentDigest }: Download): Finding[] {
  const at = artifact.name;
  const findings: Finding[] = [];
  if (bytes.byteLength !== artifact.size_bytes)
    findings.push({
      code: "artifact_size_mismatch",
      at,
      detail: `${bytes.byteLength} bytes came, ${artifact.size_bytes} were committed`,
    });
  const sha256 = sha256Hex(bytes);
  if (sha256 !== artifact.sha256)
    findings.push({
      code: "artifact_digest_mismatch",
      at,
      detail: `the bytes give ${sha256}, committed was ${artifact.sha256}`,
    });
  // RFC 9530: a dictionary of algorithms; ours is the only one we need to find in it.
  const stated = /(?:^|,)\s*sha-256=:([A-Za-z0-9+/=]+):/.exec(contentDigest ?? "")?.[1];
  if (stated !== createHash("sha256").update(bytes).digest("base64"))
    findings.push({
      code: "content_digest_mismatch",
      at,
      detail: `the Content-Digest header ${stated === undefined ? "has no sha-256" : `says ${stated}`}`,
    });
  return findings;
}
