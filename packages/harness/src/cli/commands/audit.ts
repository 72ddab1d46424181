import type { RunId } from "@assent/contract";
import { ok } from "../../base/result.ts";
import type { Context, Outcome } from "../context.ts";
import { visibleLine } from "../output/visible.ts";
import { inWords } from "../output/words.ts";
import { type TrailReport, verifyRun } from "../read-trail.ts";

export async function verifyAudit(context: Context, id: RunId): Outcome {
  const client = await context.openClient();
  if (!client.ok) return client;
  const report = await verifyRun(client.value, id);
  if (!report.ok) return report;
  context.show(report.value, () => trailLines(report.value));
  return ok(report.value.verified ? "ok" : "failed");
}

export function trailLines(report: TrailReport): string[] {
  if (report.verified)
    return [
      `Audit trail verified: ${report.events} events without a gap, every digest recomputed, a legal path that ends in "${inWords(report.status)}".`,
    ];
  return [
    `Audit trail NOT verified: ${report.findings.length} findings in ${report.events} events.`,
    ...report.findings.map((finding) => visibleLine(`  ${finding.at}: ${finding.detail} (${finding.code})`)),
  ];
}
