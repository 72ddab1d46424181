// The log is downloaded as an auditor would, and judged offline: what the harness says of its own log counts for
// nothing here. Then the copy is tampered with in every way that an owner of the database has.

import type { AuditEvent } from "@assent/contract";
import { canonicalJson } from "../../canonical-json.ts";
import type { Answer, HarnessClient } from "../../client.ts";
import {
  type CopiedEntry,
  findingsOf,
  leafHashesOf,
  type LogCopy,
  type LogPin,
  opensItsCommitment,
  placeOfChange,
  placeProved,
  readLeaf,
} from "../../log-copy.ts";
import { fieldsOf, isProblem, type RunReading, TERMINAL_STATES, textOf } from "../../run-reading.ts";
import type { Scenario, ScenarioContext } from "../../scenario.ts";
import { lookUntil } from "../../wait.ts";
import { checkNeighbour, openNeighbour } from "./foreign-auditor.ts";
import { ask, copyLog, type Log, pinLog } from "./log-moves.ts";
import { judgeTamperings, tamperings } from "./tampering.ts";
import { awaitStatus, openApprovals, readEvents, readRunOf, submitGatedTask } from "../moves.ts";

export const auditLogTamperEvidence: Scenario = {
  id: "harness_integration/audit_log_tamper_evidence",
  title: "Whoever keeps a signed checkpoint finds every change of history, offline",
  tier: 1,
  phase: "integration",
  why: "Whoever owns the database can rewrite what agents did and who agreed; a log that only its writer can check proves nothing.",
  remedy:
    "Write each event in the transaction of what it records; put each into a Merkle tree per tenant; sign its head with a key and a memory outside of the database; answer decisions with a proof; never sign what does not continue what was signed.",
  needs: ["submit", "approve", "events", "audit_log"],
  invariants: ["history-is-evidence"],
  implies: { spans: ["POST /api/harness/approve"], events: ["approval_approved"] },
  seed: "spec/acceptance.md (I7)",
  timeLimitMs: 600_000,
  run: async (context) => {
    const neighbour = await openNeighbour(context);
    const first = await carryOutRun(context);
    const log = await pinLog(context, "auditor");
    const before = await copyCovering(context, log, first.events);
    checkWhole(context, before, log.pin, null);
    await checkProofs(context, first, before, log.pin);
    checkReceipts(context, first, before, log.pin);
    await refuseOthers(context, log.path);

    const second = await carryOutRun(context);
    const after = await copyCovering(context, log, second.events);
    context.check("the log grows with what happens", after.entries.length > before.entries.length);
    checkWhole(context, after, log.pin, before.note);
    checkEvents(context, second, after);
    checkTampering(context, before, after, log.pin);
    const runs = [first.run.id, second.run.id];
    await checkNeighbour(context, neighbour, { log, copy: after, runs });
  },
};

type Carried = {
  readonly run: RunReading;
  readonly events: readonly AuditEvent[];
  /** Answers to the decisions of the run. */
  readonly decisions: readonly Answer[];
};

/** Answers do not wait for their receipt for ever; repeated under its key a decision is answered with what it lacked. */
async function decide(context: ScenarioContext, approver: HarnessClient, decision: unknown): Promise<Answer> {
  const request = {
    method: "POST" as const,
    path: "/api/harness/approve",
    headers: {
      accept: "application/json",
      "content-type": "application/json",
      "idempotency-key": context.unique("decision"),
    },
    body: JSON.stringify(decision),
  };
  const { seen } = await lookUntil(
    async () => await approver.request(request),
    ({ status, json }) => status !== 200 || "receipt" in fieldsOf(json),
    { timeoutMs: context.pace.waitMsMax, signal: context.signal },
  );
  return seen;
}

async function carryOutRun(context: ScenarioContext): Promise<Carried> {
  const [requester, approver] = [context.client("requester"), context.client("approver")];
  const id = await submitGatedTask(context, requester);
  const decisions: Answer[] = [];
  const answered = new Set<string>();
  for (;;) {
    const { seen, satisfied } = await lookUntil(
      async () => await readRunOf(context, requester, id),
      (run) =>
        TERMINAL_STATES.includes(run.status) || openApprovals(run).some((open) => !answered.has(open.id)),
      { timeoutMs: context.pace.waitMsMax, signal: context.signal },
    );
    context.check("the run goes on after each answer", satisfied, seen.status);
    if (TERMINAL_STATES.includes(seen.status)) break;
    for (const approval of openApprovals(seen)) {
      if (answered.has(approval.id)) continue;
      answered.add(approval.id);
      const answer = await decide(context, approver, {
        approval_id: approval.id,
        decision: "approve",
        action_digest: approval.actionDigest,
      });
      context.check("the shown action can be approved", answer.status === 200, answer.json);
      decisions.push(answer);
    }
  }
  const run = await awaitStatus(context, requester, id, ["succeeded"]);
  context.precondition("the task asked at least once", decisions.length > 0);
  return { run, events: await readEvents(context, requester, id), decisions };
}

const placeOf = ({ entries }: LogCopy, { run_id, version }: AuditEvent): number =>
  entries.findIndex(({ leaf }) => {
    const reading = readLeaf(leaf);
    return reading?.subject === run_id && reading.version === version;
  });

/** Signing follows what happens a moment later; what never gets there is what this looks for. */
async function copyCovering(
  context: ScenarioContext,
  log: Log,
  events: readonly AuditEvent[],
): Promise<LogCopy> {
  const [last] = events.slice(-1);
  const proof = `/api/harness/runs/${last?.run_id}/events/${last?.version}/proof`;
  const { seen, satisfied } = await lookUntil(
    async () => await ask(context, "requester", proof),
    ({ status }) => status === 200,
    { timeoutMs: context.pace.waitMsMax, signal: context.signal },
  );
  context.check("a checkpoint covers the run's last event in time", satisfied, seen.status);
  return await copyLog(context, log);
}

function checkWhole(context: ScenarioContext, copy: LogCopy, pin: LogPin, remembered: string | null): void {
  const findings = findingsOf(copy, pin, remembered);
  context.read("the log", { entries: copy.entries.length, note: copy.note });
  context.check(
    remembered === null
      ? "the downloaded log is what its checkpoint has signed"
      : "the later log continues the remembered checkpoint",
    findings.length === 0,
    findings.slice(0, 5),
  );
}

/** @returns the entries of the run's events, in the events' order */
function checkEvents(
  context: ScenarioContext,
  { events }: Carried,
  copy: LogCopy,
): readonly { readonly event: AuditEvent; readonly index: number; readonly leaf: string }[] {
  context.check("a finished run has events", events.length > 0);
  return events.map((event) => {
    const index = placeOf(copy, event);
    const entry = copy.entries[index];
    context.check("every event of the run is an entry", entry !== undefined, event);
    if (entry === undefined) throw new Error("unreachable: the check before has ended the trial");
    context.check("every entry opens to its event", opensItsCommitment(entry) && saysSo(entry, event), {
      event,
      entry,
    });
    return { event, index, leaf: entry.leaf };
  });
}

async function checkProofs(
  context: ScenarioContext,
  carried: Carried,
  copy: LogCopy,
  pin: LogPin,
): Promise<void> {
  const proofs = checkEvents(context, carried, copy).map(async (entry) => {
    const path = `/api/harness/runs/${carried.run.id}/events/${entry.event.version}/proof`;
    return { ...entry, answer: await ask(context, "requester", path) };
  });
  for (const { event, index, leaf, answer } of await Promise.all(proofs)) {
    const shown = fieldsOf(answer.json);
    const proved = placeProved(textOf(shown["proof"]), textOf(shown["leaf"]), pin);
    context.check(
      "every event's proof leads to a signed root",
      answer.status === 200 && proved === index && shown["leaf"] === leaf,
      { event: event.version, index, proved, answer: answer.json },
    );
  }
}

/** The leaf has the event's kind and actor, and its payload is the event's data. */
function saysSo({ leaf, payload }: CopiedEntry, { kind, actor, data }: AuditEvent): boolean {
  const said = fieldsOf(JSON.parse(leaf));
  const isData = canonicalJson(JSON.parse(payload ?? "null")) === canonicalJson(data);
  return said["kind"] === kind && said["actor"] === (actor?.id ?? null) && isData;
}

function checkReceipts(
  context: ScenarioContext,
  { run, events, decisions }: Carried,
  copy: LogCopy,
  pin: LogPin,
): void {
  const places = new Set<number>();
  for (const decision of decisions) {
    const { leaf, proof } = fieldsOf(fieldsOf(decision.json)["receipt"]);
    const place = placeProved(textOf(proof), textOf(leaf), pin);
    const isEntry = place !== null && copy.entries[place]?.leaf === leaf;
    context.check("every decision is answered with a receipt that verifies", isEntry, decision.json);
    const { subject, version } = readLeaf(textOf(leaf)) ?? {};
    context.check("the receipt is for this run's decision", subject === run.id, { subject, run: run.id });
    const kind = events.find((event) => event.version === version)?.kind;
    context.check("and for the decision itself, and no other event", kind === "approval_approved", {
      version,
      kind,
    });
    places.add(place ?? -1);
  }
  context.check("each decision has a receipt of its own", places.size === decisions.length, [...places]);
}

async function refuseOthers(context: ScenarioContext, path: string): Promise<void> {
  for (const role of ["requester", "approver"] as const) {
    const answer = await ask(context, role, `${path}/entries`);
    context.check("nobody but an auditor reads the log", isProblem(answer), { role, status: answer.status });
  }
  await context.part("another tenant's key", ["second_tenant"], async () => {
    const answer = await ask(context, "other_tenant", `${path}/entries`);
    context.check("another tenant's key does not read the log", isProblem(answer), answer.status);
  });
}

function checkTampering(context: ScenarioContext, before: LogCopy, after: LogCopy, pin: LogPin): void {
  const attempts = tamperings(before, after, pin);
  context.precondition("the log has entries enough to be tampered with", attempts.length > 0);
  context.check("an earlier state verifies by itself", findingsOf(before, pin, null).length === 0);
  const kept = { note: after.note, hashes: leafHashesOf(after) };
  context.check("what was kept is what was signed", placeOfChange(after, kept, pin) === null);
  const judged = judgeTamperings(attempts, kept, pin);
  context.read("tampered copies", judged);
  for (const { what, findings, place, named } of judged) {
    context.check(`${what} is found offline`, findings.length > 0);
    context.check(`the place of ${what} is named`, named === place, { named, place });
  }
}
