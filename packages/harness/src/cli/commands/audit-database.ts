// `assent audit verify --db`: the evidence where it lies, read as the database's owner. No server has to run, and what
// one says is not asked for.

import { err, ok } from "../../base/result.ts";
import type { ReviewedEvidence, ReviewedLog, ReviewedState } from "../../assemble/audit-review.ts";
import type { Context, Outcome } from "../context.ts";
import { visibleLine } from "../output/visible.ts";
import { readTrust, type VerifyFlags } from "./audit-log.ts";

export async function verifyDatabase(context: Context, flags: VerifyFlags): Outcome {
  const trust = readTrust(context, flags);
  if (!trust.ok) return trust;
  // Loaded when it is wanted: no other command needs the database's client.
  const { findingsOf, reviewDatabase } = await import("../../assemble/audit-review.ts");
  const { processEnvironment } = await import("../../config.ts");
  const reviewed = await reviewDatabase({
    home: context.home,
    environment: processEnvironment(),
    keys: trust.value.keys,
    remembered: trust.value.remembered,
    withState: flags.state === true,
  });
  if (!reviewed.ok) return err({ exit: "usage", ...reviewed.error });
  const { tenants, missing, walls } = reviewed.value;
  const findings = [...walls.findings, ...missing, ...findingsOf(tenants)];
  const verified = findings.length === 0;
  context.show({ verified, findings, walls: { held: walls.held }, tenants }, () => [
    verified ? "Database verified." : `Database NOT verified: ${findings.length} findings.`,
    `Walls: ${walls.held} triggers, constraints, policies and functions held against what the migrations make, and who may do what.`,
    ...walls.findings.map(findingLine),
    ...missing.map(findingLine),
    ...tenants.flatMap(tenantLines),
  ]);
  return ok(verified ? "ok" : "failed");
}

const tenantLines = ({ tenant, logs, covered, waiting, findings, state }: ReviewedEvidence): string[] => [
  `Tenant ${tenant}: ${waiting.count} events wait for their place${waiting.count === 0 ? "" : `, the oldest for ${waiting.oldestSeconds.toFixed(1)} s`}.`,
  ...logs.flatMap(logLines),
  ...(covered === 0
    ? []
    : [`  ${covered} checkpoints of other logs that it took over were looked for in them`]),
  ...(state === null ? [] : stateLines(state)),
  ...findings.map(findingLine),
];

const logLines = (log: ReviewedLog): string[] => [
  `  log ${log.epoch}, ${log.origin}: ${log.size} entries, ${log.signedSize} signed; ${log.opened} payloads opened, ${log.erased} erased with a record${log.minimum === 0 ? "" : `, ${log.pruned} entries pruned up to ${log.minimum} by record`}`,
  `    held against ${[
    "every checkpoint in the database",
    log.anchorSize === null
      ? "no memory of a signer, since there is none here"
      : `the signer's memory of ${log.anchorSize}`,
    ...(log.rememberedSize === null ? [] : [`the kept checkpoint of ${log.rememberedSize}`]),
  ].join("; ")}`,
  ...(log.cutUnnoticed
    ? [
        "    Without the signer's memory, published files or a kept checkpoint (--remembered) a log that was cut short to an older signed state looks whole.",
      ]
    : []),
  ...(log.lost === 0
    ? []
    : [
        `    ${log.lost} entries from ${log.size} on stand in the published files only: the database was restored from a backup, and their events are lost`,
      ]),
  ...log.keys.map((key) => `    key: ${key}`),
  ...log.findings.map(findingLine),
];

const stateLines = (state: ReviewedState): string[] => [
  `  rebuilt from events: ${state.runs} runs, ${state.steps} steps, ${state.approvals} approvals; ${state.compared} rows held against their digests; ${state.erased} left out, since events of theirs were erased`,
  `  held against events: ${state.votes} votes on approvals, ${keysSaid(state.keys)}, ${signingKeysSaid(state.signingKeys)}, ${webhooksSaid(state.webhooks)}, ${precedentsSaid(state.precedents)}`,
  ...state.findings.map(findingLine),
];

const signingKeysSaid = ({ held, loose, erased }: ReviewedState["signingKeys"]): string =>
  `${held} keys that requests are signed with${loose === 0 ? "" : `, of ${loose} of which an older event does not say to the second when they end`}${erased === 0 ? "" : `, ${erased} not or not in all of it, since events of theirs were erased`}`;

// Not a finding: an operator's own key is one. Whoever knows how many of these there are sees one too many.
const keysSaid = ({ held, ofNobody, ids }: ReviewedState["keys"]): string =>
  `${held} keys to the API${ofNobody === 0 ? "" : `, of which ${ofNobody} nobody made by a request, as an operator's own: ${ids.join(" ")}${ids.length < ofNobody ? " …" : ""}`}`;

const webhooksSaid = ({ held, loose, erased }: ReviewedState["webhooks"]): string =>
  `${held} webhooks${loose === 0 ? "" : `, of ${loose} of which an older event tells less`}${erased === 0 ? "" : `, ${erased} not or not in all of it, since events of theirs were erased`}`;

const precedentsSaid = ({ held, erased }: ReviewedState["precedents"]): string =>
  `${held} precedents${erased === 0 ? "" : `, of ${erased} of which what the memory recorded was erased`}`;

const findingLine = ({ code, at, detail }: ReviewedLog["findings"][number]): string =>
  visibleLine(`    ${at}: ${detail} (${code})`);
