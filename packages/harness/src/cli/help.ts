// The two topics of `assent help` that are no commands.

import { exitCodeTable } from "./exit-codes.ts";

export const EXIT_CODES_TOPIC: string = `Exit codes of every command:\n\n${exitCodeTable()}\n`;

/** What --json prints, command by command; names in capitals are schemas of the API's OpenAPI document. */
export const JSON_OUTPUTS: readonly (readonly [command: string, shape: string])[] = [
  ["run", "RunSummary; with --wait the Run as it ended or parked"],
  ["runs", "{data: RunSummary[], next_cursor}"],
  ["show", "Run"],
  ["cancel", "RunSummary"],
  [
    "watch",
    '{event: "audit_event", audit_event: AuditEvent} a line; {event: "reconnecting", detail}; last {event: "end", run: Run}',
  ],
  [
    "approve, deny, confirm",
    "Approval as decided; as it still waits where the question was not answered yes",
  ],
  ["artifacts", "{run_id, data: Artifact[], saved: [{id, name, path}], findings: [{code, at, detail}]}"],
  ["precedents list", "{data: Precedent[], next_cursor}"],
  ["precedents revoke", "Precedent"],
  ["escalations list", "{data: Escalation[], next_cursor}"],
  ["escalations resolve", "Escalation"],
  ["providers", "{data: Provider[]}"],
  ["budget show", "BudgetReport"],
  ["dlq list", "{data: RunSummary[], next_cursor}"],
  ["dlq show", "Run"],
  [
    "dlq redrive",
    "{redriven: [{dead_letter, run: RunSummary}], left: [{dead_letter, code, detail}]}; it fails where any is left",
  ],
  ["documents add", "Document"],
  ["documents list", "{data: Document[], next_cursor}"],
  ["documents search", "{data: Passage[]}"],
  ["documents remove", "Document"],
  ["keys must-sign", "Principal"],
  ["keys signers", "{data: Principal[]}"],
  ["signing-keys create, signing-keys rotate", "CreatedSigningKey"],
  ["signing-keys list", "{data: SigningKey[]}"],
  ["signing-keys revoke", "SigningKey"],
  ["webhooks create, webhooks rotate", "CreatedWebhook"],
  ["webhooks list", "{data: Webhook[]}"],
  ["webhooks enable, webhooks remove", "Webhook"],
  ["webhooks ping", "Delivery"],
  ["webhooks deliveries", "{data: Delivery[], next_cursor}"],
  ["webhooks redeliver", "{redelivered}"],
  ["keys create", "CreatedKey"],
  ["keys rotate", "CreatedKey: the new secret is in it, once"],
  ["keys log", "{data: AccessEvent[], next}"],
  ["keys list", "{data: Key[]}"],
  ["keys revoke", "Key"],
  [
    "audit verify",
    "of a run {run_id, status, events, verified, findings: [{code, at, detail}]}; of an export {origin, size, verified, findings, cutUnnoticed, rememberedSize, cosigners, opened, erased, unopened, approvals: {told, untold}, erasedElsewhere: [{epoch, index}], minimum, pruned, prunedElsewhere: [{epoch, minimum}]}; with --db {verified, findings, walls: {held}, tenants: [{tenant, logs, waiting, findings, state}]}",
  ],
  ["audit receipt", "{verified, index, leaf, detail?}"],
  ["audit log", "{data: AuditLog[], stopped}"],
  ["audit show", "AuditEntry"],
  ["audit prove", "Receipt"],
  ["audit export, audit mirror", "{folder, origin, size, keys}"],
  ["audit erase", "{epoch, index, reason}"],
  ["audit prune", "{data: AuditLog[], stopped, unfinished}"],
  ["audit rekey", "Sealing"],
  ["audit epoch, audit rotate add, audit rotate retire", "{data: AuditLog[], stopped}"],
  ["audit cosign", "{data: [{witness, cosigned, detail}]}"],
  ["audit witness", "{url, vkey} once it listens"],
  [
    "policy check",
    "{loads: true, version, rules: [{id, effect, description, assent}]} or {loads: false, refusal}",
  ],
  ["policy loaded", "PolicySet"],
  ["policy test", "{version, cases, failures: [{file, name, fault}]}"],
  ["policy explain", "{run_id, step, tool, arguments, decision: Decision}"],
  [
    "policy diff",
    "{version, since, judged, unchanged, otherReasons, changes: [{at, run, step, tool, before, after}]}",
  ],
  ["policy trial", "PolicyTrial"],
  ["quality", "Quality"],
  ["retention", "Retention"],
  ["plan", "{waiting, altered, data: [{approval_id, run_id, step, status, tool, outcome, reasons: []}]}"],
  ["policy authorize", "{decision: allow | deny, reasons: [], errors: [], failures: []}"],
  [
    "mcp list, mcp check",
    "{data: [{server, tool, state: same | new | changed | missing | unknown | undeclared, fault, manifest, pinned, live, difference: []}], unasked: [{server, why}]}",
  ],
  ["mcp pin", "{file, pinned: [], left: []}, of the same records; without file where nothing was agreed to"],
  [
    "up",
    "lines {event: progress | listening | approval_waiting | demo_ended | demo_failed | stopping | stopped, …}",
  ],
  ["server", "lines {event: progress | listening | stopping | stopped, …}"],
  ["worker", "lines {event: progress | working | stopping | stopped, …}"],
  [
    "demo",
    "lines {event: progress | listening | run_submitted | audit_event | approval_waiting | approval_decided | demo_succeeded | stopping, …}",
  ],
];

export const JSON_TOPIC: string = `With --json, standard output holds JSON only, one value a line, and what people read goes to standard error.
A command that could not do its work prints {error: {code, detail, remedy, exit_code}} and one line on standard error.
Characters that cannot be seen are written as \\uXXXX. Fields are only ever added.

${JSON_OUTPUTS.map(([command, shape]) => `  assent ${command}\n      ${shape}`).join("\n")}
`;

export const EXAMPLES: string = `
Examples:
  $ assent up                                         serve at http://127.0.0.1:4200
  $ assent run maintainer "Write a changelog entry" --workspace assent --wait
  $ assent approve apr_0199f2a4…                      look at the action, then decide
  $ assent audit verify run_0199f2a4…                 check a run's history
  $ assent audit verify copy/ --key <vkey>            check an exported log, offline
More: assent help exit-codes, assent help json
`;
