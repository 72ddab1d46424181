// The log is downloaded as an auditor would, and judged offline: what the harness says of its own log counts for
// nothing here. Then the copy is tampered with in every way that an owner of the database has.

import type { AuditEvent } from "@assent/contract";
import { canonicalJson } from "../../canonical-json.ts";
import type { Answer, HarnessClient } from "../../client.ts";
import {
  checkpointOf,
  type CopiedEntry,
  findingsOf,
  isOfSameLog,
  leafHashesOf,
  type LogCopy,
  type LogPin,
  opensItsCommitment,
  placeOfChange,
  placeProved,
  readLeaf,
  sizeOfCheckpoint,
} from "../../log-copy.ts";
import { fieldsOf, isProblem, type RunReading, TERMINAL_STATES, textOf } from "../../run-reading.ts";
import { LEFT_TO_THE_NIGHT, type Scenario, type ScenarioContext } from "../../scenario.ts";
import { lookUntil } from "../../wait.ts";
import { checkNeighbour, openNeighbour } from "./foreign-auditor.ts";
import { ask, copyLog, type Log, pinLog, readNote } from "./log-moves.ts";
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
    const first = await carryOutRun(context, "approve");
    const log = await pinLog(context, "auditor");
    const before = await copyCovering(context, log, first.events);
    checkWhole(context, before, log.pin, null);
    const notes = [...(await checkProofs(context, first, before, log.pin)), ...notesOf(first)];
    checkReceipts(context, first, before, log.pin);
    await refuseOthers(context, log.path);

    const second = await carryOutRun(context, "deny");
    const third = await callOff(context);
    await outliveStop(context, log);
    for (const endpoint of context.target.endpoints().keys())
      notes.push(await readNote(context, log, endpoint));
    const runs = [first, second, ...(third === null ? [] : [third])];
    const after = await copyCovering(context, log, runs.at(-1)?.events ?? []);
    context.check("the log grows with what happens", after.entries.length > before.entries.length);
    checkWhole(context, after, log.pin, before.note);
    for (const carried of runs) checkEvents(context, carried, after);
    checkReceipts(context, second, after, log.pin);
    checkOneLog(context, [...notes, ...notesOf(second)], after, log.pin);
    for (const carried of runs) await checkNothingMore(context, carried, after);
    checkTampering(context, before, after, log.pin);
    await checkNeighbour(context, neighbour, { log, copy: after, runs: runs.map(({ run }) => run.id) });
  },
};

type Carried = {
  readonly run: RunReading;
  readonly events: readonly AuditEvent[];
  /** Answers to the decisions of the run. */
  readonly decisions: readonly Answer[];
};

const isDone = ({ status, json }: Answer): boolean => status !== 200 || "receipt" in fieldsOf(json);

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
  const first = await approver.request(request);
  if (isDone(first)) return first;
  const { seen } = await lookUntil(async () => await approver.request(request), isDone, {
    timeoutMs: context.pace.waitMsMax,
    signal: context.signal,
  });
  // Whoever takes a repetition for a second decision has answered the first all the same.
  return seen.status === 200 ? seen : first;
}

/** @param word what is said to its first question; what follows it is agreed to */
async function carryOutRun(context: ScenarioContext, word: "approve" | "deny"): Promise<Carried> {
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
      const said =
        word === "deny" && decisions.length === 0
          ? { decision: "deny", comment: "Not this one." }
          : { decision: "approve", action_digest: approval.actionDigest };
      const answer = await decide(context, approver, { approval_id: approval.id, ...said });
      context.check("the shown action can be decided", answer.status === 200, answer.json);
      decisions.push(answer);
    }
  }
  const run = await awaitStatus(context, requester, id, word === "deny" ? TERMINAL_STATES : ["succeeded"]);
  context.precondition("the task asked at least once", decisions.length > 0);
  return { run, events: await readEvents(context, requester, id), decisions };
}

async function outliveStop(context: ScenarioContext, log: Log): Promise<void> {
  const name = "a log that outlives a stop";
  if (context.pace.thorough !== true) return context.missing(name, LEFT_TO_THE_NIGHT);
  await context.part(name, ["restart"], async () => {
    await context.target.restart?.();
    const size = sizeOfCheckpoint(await readNote(context, log), log.pin);
    context.check("the log is still there", size !== null);
  });
}

/** What came to nothing has happened all the same. */
async function callOff(context: ScenarioContext): Promise<Carried | null> {
  let carried: Carried | null = null;
  await context.part("a run that is called off", ["cancel"], async () => {
    const requester = context.client("requester");
    const id = await submitGatedTask(context, requester);
    await awaitStatus(context, requester, id, ["awaiting_approval", ...TERMINAL_STATES]);
    const { status } = await requester.cancel(id);
    context.check("a run that waits can be called off", status < 300, status);
    const run = await awaitStatus(context, requester, id, TERMINAL_STATES);
    carried = { run, events: await readEvents(context, requester, id), decisions: [] };
  });
  return carried;
}

const receiptOf = (decision: Answer): ReturnType<typeof fieldsOf> =>
  fieldsOf(fieldsOf(decision.json)["receipt"]);

/** The signed checkpoints that its receipts lead to. */
const notesOf = ({ decisions }: Carried): readonly string[] =>
  decisions.map((decision) => checkpointOf(textOf(receiptOf(decision)["proof"])));

/** Two histories can be signed with one key, and each verify: whoever shows others to others is found by putting them together. */
function checkOneLog(context: ScenarioContext, notes: readonly string[], copy: LogCopy, pin: LogPin): void {
  const others = notes.filter((note) => !isOfSameLog(note, copy, pin));
  context.check(
    "every proof, every receipt and every server's checkpoint is of the one log that the auditor reads",
    others.length === 0,
    others,
  );
}

async function checkNothingMore(context: ScenarioContext, { run }: Carried, copy: LogCopy): Promise<void> {
  const told = new Set(
    (await readEvents(context, context.client("requester"), run.id)).map(({ version }) => version),
  );
  const more = copy.entries
    .map(({ leaf }) => readLeaf(leaf))
    .filter((entry) => entry?.subject === run.id && !told.has(entry.version));
  context.check("the log tells of a run what the run's events tell, and no more", more.length === 0, more);
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
): Promise<readonly string[]> {
  const proofs = checkEvents(context, carried, copy).map(async (entry) => {
    const path = `/api/harness/runs/${carried.run.id}/events/${entry.event.version}/proof`;
    return { ...entry, answer: await ask(context, "requester", path) };
  });
  const notes: string[] = [];
  for (const { event, index, leaf, answer } of await Promise.all(proofs)) {
    const shown = fieldsOf(answer.json);
    const proved = placeProved(textOf(shown["proof"]), textOf(shown["leaf"]), pin);
    context.check(
      "every event's proof leads to a signed root",
      answer.status === 200 && proved === index && shown["leaf"] === leaf,
      { event: event.version, index, proved, answer: answer.json },
    );
    notes.push(checkpointOf(textOf(shown["proof"])));
  }
  return notes;
}

/** An entry may be written a moment after its event. */
const APART_MS_MAX = 5_000;

/** The leaf has the event's kind, actor and time, and its payload is the event's data. */
function saysSo({ leaf, payload }: CopiedEntry, { kind, actor, data, at }: AuditEvent): boolean {
  const said = fieldsOf(JSON.parse(leaf));
  const apartMs = Math.abs(Date.parse(textOf(said["at"])) - Date.parse(at));
  if (!(apartMs <= APART_MS_MAX)) return false;
  const isData = canonicalJson(JSON.parse(payload ?? "null")) === canonicalJson(data);
  return said["kind"] === kind && said["actor"] === (actor?.id ?? null) && isData;
}

const DECISIONS: readonly string[] = ["approval_approved", "approval_denied"];

function checkReceipts(
  context: ScenarioContext,
  { run, events, decisions }: Carried,
  copy: LogCopy,
  pin: LogPin,
): void {
  const places = new Set<number>();
  for (const decision of decisions) {
    const { leaf, proof } = receiptOf(decision);
    const place = placeProved(textOf(proof), textOf(leaf), pin);
    const isEntry = place !== null && copy.entries[place]?.leaf === leaf;
    context.check("every decision is answered with a receipt that verifies", isEntry, decision.json);
    const { subject, version } = readLeaf(textOf(leaf)) ?? {};
    context.check("the receipt is for this run's decision", subject === run.id, { subject, run: run.id });
    const kind = events.find((event) => event.version === version)?.kind;
    context.check("and for the decision itself, and no other event", DECISIONS.includes(kind ?? ""), {
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
