// Moves that several scenarios make.

import { type AuditEvent, runSchema } from "@assent/contract";
import type { Answer, HarnessClient } from "../client.ts";
import { violationsOf } from "../invariants.ts";
import { readEventLoosely, readLoosely } from "../loose-reading.ts";
import type { Observation } from "../observation.ts";
import { type ArtifactReading, fieldsOf, readRun, type RunReading } from "../run-reading.ts";
import type { ScenarioContext } from "../scenario.ts";
import { ROLES } from "../target.ts";
import { lookUntil } from "../wait.ts";

/** More gates than any gated task has: a harness that asks for ever must not keep a trial for ever. */
const GATES_MAX = 20;

export async function submitGatedTask(context: ScenarioContext, client: HarnessClient): Promise<string> {
  const answer = await client.submit(context.target.gatedTask.body, context.unique("run"));
  context.check("a run is accepted with 202", answer.status === 202, answer.status);
  const run = readRun(answer.json);
  context.check("the answer names the run", run !== null, answer.json);
  return run?.id ?? "";
}

export async function readRunOf(
  context: ScenarioContext,
  client: HarnessClient,
  id: string,
): Promise<RunReading> {
  const answer = await client.getRun(id);
  const run = readRun(answer.json);
  context.check("the run can be read", answer.status === 200 && run?.id === id, answer.status);
  if (run === null) throw new Error("unreachable: the check before has ended the trial");
  return run;
}

/** Waits until the run is in one of the states; FAIL when it is not there in time. */
export async function awaitStatus(
  context: ScenarioContext,
  client: HarnessClient,
  id: string,
  statuses: readonly string[],
): Promise<RunReading> {
  const { seen, satisfied } = await lookUntil(
    async () => await readRunOf(context, client, id),
    (run) => statuses.includes(run.status),
    { timeoutMs: context.pace.waitMsMax, signal: context.signal },
  );
  context.check(`the run gets to be ${statuses.join(" or ")} in time`, satisfied, seen.status);
  return seen;
}

export const openApprovals = (run: RunReading): RunReading["approvals"] =>
  run.approvals.filter(({ status }) => status === "open");

/** Answers every gate with yes until the run has ended. */
export async function approveUntilEnd(
  context: ScenarioContext,
  requester: HarnessClient,
  approver: HarnessClient,
  id: string,
  comment?: string,
): Promise<RunReading> {
  const answered = new Set<string>();
  const isNews = (run: RunReading): boolean =>
    run.status !== "queued" &&
    run.status !== "running" &&
    (run.status !== "awaiting_approval" || openApprovals(run).some((approval) => !answered.has(approval.id)));
  for (let gate = 0; gate <= GATES_MAX; gate += 1) {
    const { seen, satisfied } = await lookUntil(async () => await readRunOf(context, requester, id), isNews, {
      timeoutMs: context.pace.waitMsMax,
      signal: context.signal,
    });
    context.check("the run goes on after each answer", satisfied, seen.status);
    if (seen.status !== "awaiting_approval") return seen;
    for (const approval of openApprovals(seen)) answered.add(approval.id);
    await approveOpen(context, requester, approver, id, comment);
  }
  context.check(`the run asks at most ${GATES_MAX} times`, false);
  throw new Error("unreachable: the check before has ended the trial");
}

/** Agrees to everything that a run asks just now. */
export async function approveOpen(
  context: ScenarioContext,
  requester: HarnessClient,
  approver: HarnessClient,
  id: string,
  comment?: string,
): Promise<void> {
  for (const approval of openApprovals(await readRunOf(context, requester, id))) {
    const yes = { approval_id: approval.id, decision: "approve", action_digest: approval.actionDigest };
    const said = comment === undefined ? null : await approver.approve({ ...yes, comment });
    // What is said with a yes may be refused for what it says.
    const answer = said?.status === 200 ? said : await approver.approve(yes);
    context.check("the shown action can be approved", answer.status === 200, answer.json);
  }
}

function noteOdd(context: ScenarioContext, odd: readonly string[]): void {
  if (odd.length > 0)
    context.missing("answers in the contract's form to the letter", odd.slice(0, 3).join("; "));
}

/** All events of a run, page by page, oldest first. */
export async function readEvents(
  context: ScenarioContext,
  client: HarnessClient,
  id: string,
): Promise<AuditEvent[]> {
  const events: AuditEvent[] = [];
  for (;;) {
    const after = events.at(-1)?.version ?? 0;
    const answer = await client.listEvents(id, after);
    const rows = fieldsOf(answer.json)["data"];
    context.check("events can be read as JSON", answer.status === 200 && Array.isArray(rows), answer.status);
    if (!Array.isArray(rows) || rows.length === 0) return events;
    for (const row of rows as unknown[]) {
      const event = readEventLoosely(row);
      context.check("every event fits the contract", event.data !== null, { row, issues: event.issues });
      if (event.data === null) return events;
      noteOdd(context, event.odd);
      context.check(
        "a page holds only events after the asked version, in order",
        event.data.version > (events.at(-1)?.version ?? 0),
        { after, version: event.data.version },
      );
      events.push(event.data);
    }
  }
}

export const kindsOf = (events: readonly AuditEvent[], kind: AuditEvent["kind"]): AuditEvent[] =>
  events.filter((event) => event.kind === kind);

export type DownloadedArtifact = { readonly artifact: ArtifactReading; readonly bytes: Uint8Array };

export async function downloadArtifacts(
  context: ScenarioContext,
  client: HarnessClient,
  run: RunReading,
): Promise<DownloadedArtifact[]> {
  const downloaded: DownloadedArtifact[] = [];
  for (const artifact of run.artifacts) {
    const answer: Answer = await client.getArtifact(run.id, artifact.id);
    context.check(`artifact ${artifact.name} can be fetched`, answer.status === 200, answer.status);
    downloaded.push({ artifact, bytes: answer.bytes });
  }
  return downloaded;
}

/** Everything seen of one run, held against every invariant that can be checked from outside. */
export async function checkInvariants(
  context: ScenarioContext,
  client: HarnessClient,
  id: string,
): Promise<void> {
  const answer = await client.getRun(id);
  const run = readLoosely(runSchema, answer.json);
  context.check("the run fits the contract", run.data !== null, run.issues);
  if (run.data === null) return;
  noteOdd(context, run.odd);
  const { artifacts: committed } = run.data;
  const reading = readRun(answer.json);
  const artifacts =
    reading !== null && context.capabilities.has("artifacts")
      ? await downloadArtifacts(context, client, reading)
      : null;
  const observation: Observation = {
    run: run.data,
    events: await readEvents(context, client, id),
    artifacts: artifacts?.map(({ bytes }, at) => ({ id: committed[at]?.id ?? "", bytes })) ?? null,
    sinkEffects: context.target.sink?.effects() ?? null,
    texts: [answer.text],
    secrets: ROLES.flatMap((role) => context.target.key(role) ?? []),
  };
  const violations = violationsOf(observation);
  context.check("every invariant that can be seen from outside holds", violations.length === 0, violations);
}
