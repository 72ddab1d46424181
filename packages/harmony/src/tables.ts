// Records as lines for a person.

import type { AuditEntry } from "./audit.ts";
import type { EscalationRecord } from "./escalations.ts";
import type { ConflictPattern } from "./patterns.ts";
import type { Policy } from "./policies.ts";
import type { AgentProvenance } from "./provenance.ts";
import { confidenceOf, type Resolution } from "./resolutions.ts";
import { visible } from "./visible.ts";

const CELL_LENGTH_MAX = 60;
/** Hex digits of an id that a table shows; commands take them back as long as they are unambiguous. */
const SHORT_ID_LENGTH = 12;

function clipped(text: string): string {
  const shown = Array.from(visible(text));
  return shown.length <= CELL_LENGTH_MAX
    ? shown.join("")
    : `${shown.slice(0, CELL_LENGTH_MAX - 1).join("")}…`;
}

export const shortId = (id: string): string => id.slice("sha256:".length, "sha256:".length + SHORT_ID_LENGTH);
export const shortTime = (at: string): string => at.slice(0, 16).replace("T", " ");

export function who(actor: AgentProvenance): string {
  if (actor.type === "human") return actor.principalId ?? "human";
  return actor.modelId === null
    ? (actor.agentId ?? "agent")
    : `${actor.agentId ?? "agent"} (${actor.modelId})`;
}

/** Lines of a table with a head; columns as wide as their widest cell, the last as it is. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const cells = [head, ...rows.map((row) => row.map(clipped))];
  const widths = head.map((_, column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)));
  return cells.map((row) =>
    row
      .map((cell, column) => (column === row.length - 1 ? cell : cell.padEnd(widths[column] ?? 0)))
      .join("  ")
      .trimEnd(),
  );
}

export const patternTable = (patterns: readonly ConflictPattern[]): string[] =>
  table(
    ["PATTERN", "SEEN", "LAST", "DOMAIN", "TYPE", "PATH"],
    patterns.map((p) => [
      shortId(p.patternId),
      String(p.occurrences),
      shortTime(p.lastSeenAt),
      p.domain,
      p.conflictType,
      p.path,
    ]),
  );

export const resolutionTable = (resolutions: readonly Resolution[]): string[] =>
  table(
    ["RESOLUTION", "STRATEGY", "CONFIDENCE", "VERIFIED", "USED", "STATE", "BY", "RATIONALE"],
    resolutions.map((r) => [
      shortId(r.resolutionId),
      r.strategy,
      confidenceOf(r).toFixed(2),
      r.humanVerified ? "yes" : "no",
      String(r.appliedCount),
      r.revokedAt === null ? "in force" : "revoked",
      who(r.resolvedBy),
      r.rationale,
    ]),
  );

export const escalationTable = (escalations: readonly EscalationRecord[]): string[] =>
  table(
    ["ESCALATION", "STATUS", "SINCE", "SEEN", "PATTERN", "BY", "REASON"],
    escalations.map((e) => [
      shortId(e.escalationId),
      e.resolutionRevokedAt === null ? e.status : `${e.status}, answer revoked`,
      shortTime(e.escalatedAt),
      String(e.seenCount),
      shortId(e.patternId),
      who(e.escalatedBy),
      e.reason,
    ]),
  );

export const policyTable = (policies: readonly Policy[]): string[] =>
  table(
    ["POLICY", "SCOPE", "PRIORITY", "ACTION", "WHEN", "COMMENT"],
    policies.map((p) => {
      const { domain, conflictType, pathGlob, confidenceMin } = p.condition;
      const when = [
        ...(domain === null ? [] : [`domain ${domain}`]),
        ...(conflictType === null ? [] : [`type ${conflictType}`]),
        ...(pathGlob === null ? [] : [`path ${pathGlob}`]),
        ...(confidenceMin === null ? [] : [`confidence >= ${confidenceMin}`]),
      ];
      const condition = when.length === 0 ? "always" : when.join(", ");
      return [shortId(p.policyId), p.scope, String(p.priority), p.action, condition, p.comment];
    }),
  );

export const auditTable = (entries: readonly AuditEntry[]): string[] =>
  table(
    ["WHEN", "EVENT", "BY", "PATTERN", "DETAILS"],
    entries.map((e) => [
      shortTime(e.at),
      e.eventType,
      who(e.actor),
      e.patternId === null ? "" : shortId(e.patternId),
      Object.entries(e.metadata)
        .map(([key, value]) => `${key}=${typeof value === "string" ? shorten(value) : JSON.stringify(value)}`)
        .join(" "),
    ]),
  );

const shorten = (text: string): string => (/^sha256:[0-9a-f]{64}$/.test(text) ? shortId(text) : text);
