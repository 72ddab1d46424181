import type { AuditEvent } from "@assent/contract";
import { digestOfEvent, sha256Hex } from "../../digest.ts";
import { isProblem, type RunReading, TERMINAL_STATES } from "../../run-reading.ts";
import type { Scenario, ScenarioContext } from "../../scenario.ts";
import { lookUntil } from "../../wait.ts";
import {
  approveUntilEnd,
  awaitStatus,
  checkInvariants,
  downloadArtifacts,
  kindsOf,
  openApprovals,
  readEvents,
  readRunOf,
  submitGatedTask,
} from "../moves.ts";

export const fullRunHappyPathWithHumanApproval: Scenario = {
  id: "harness_e2e/full_run_happy_path_with_human_approval",
  title: "A run waits for a person, does exactly what was approved, and leaves its artifacts",
  tier: 1,
  phase: "e2e",
  why: "It is the core user journey: a run that stalls, acts before it may, or claims artifacts it does not have.",
  remedy:
    "Park the run at the gate without any effect; bind the approval to the digest that was shown; commit artifacts, final state and audit event in one transaction.",
  needs: ["submit", "approve"],
  invariants: [
    "journal-first",
    "assent-is-exact",
    "history-is-evidence",
    "complete-or-nothing",
    "secrets-stay-out",
  ],
  implies: {
    spans: ["POST /api/harness/run", "POST /api/harness/approve", "invoke_agent ", "execute_tool "],
    metrics: [["assent_approvals_wait_count"], ["gen_ai_execute_tool_duration_count"]],
    events: ["approval_opened", "approval_approved", "approval_spent", "artifact_committed", "run_succeeded"],
  },
  seed: "backend/tests/harness_e2e/test_full_run_happy_path_with_human_approval.py",
  timeLimitMs: 600_000,
  run: async (context) => {
    const requester = context.client("requester");
    const effectsBefore = effectsAtSink(context);
    const id = await submitGatedTask(context, requester);
    const waiting = await awaitStatus(context, requester, id, ["awaiting_approval", ...TERMINAL_STATES]);
    context.check("the run stops at the gate", waiting.status === "awaiting_approval", waiting.status);
    const etag = await readEtag(context, id);

    const recorded = context.capabilities.has("events") ? await readEvents(context, requester, id) : [];

    await watchNothingHappens(context, id, effectsBefore);
    await refuseStrangers(context, waiting);
    await refuseOtherDigest(context, waiting);
    context.check(
      "a refused approval has no effect",
      effectsAtSink(context) === effectsBefore,
      effectsAtSink(context) - effectsBefore,
    );

    const ended = await approveUntilEnd(context, requester, context.client("approver"), id);
    context.check("the approved run succeeds", ended.status === "succeeded", ended.status);
    await checkEtagChanged(context, id, etag);
    await context.part("the effect happened, once", ["tool_sink"], async () => {
      const effects = effectsAtSink(context) - effectsBefore;
      context.check("effects at the tool sink", effects === context.target.gatedTask.sinkEffects, effects);
    });
    await context.part("artifacts", ["artifacts"], async () => {
      await checkArtifacts(context, ended);
    });
    await context.part("another tenant and its artifacts", ["artifacts", "second_tenant"], async () => {
      await refuseOtherTenant(context, ended);
    });
    await context.part("audit events", ["events"], async () => {
      await checkEvents(context, ended, recorded);
    });
    await context.part("event stream", ["events", "event_stream"], async () => {
      await checkStream(context, id);
    });
    await context.part("invariants", ["contract", "events"], async () => {
      await checkInvariants(context, requester, id);
    });
  },
};

const effectsAtSink = (context: ScenarioContext): number =>
  [...(context.target.sink?.effects().values() ?? [])].reduce((sum, times) => sum + times, 0);

// Invariant: assent. A harness that approves by itself, or acts and then asks, shows here.
async function watchNothingHappens(
  context: ScenarioContext,
  id: string,
  effectsBefore: number,
): Promise<void> {
  const { seen } = await lookUntil(
    async () => ({
      run: await readRunOf(context, context.client("requester"), id),
      effects: effectsAtSink(context),
    }),
    ({ run, effects }) => run.status !== "awaiting_approval" || effects !== effectsBefore,
    { timeoutMs: context.pace.holdMs, signal: context.signal },
  );
  context.read(`after ${context.pace.holdMs} ms without an answer`, {
    status: seen.run.status,
    effects: seen.effects - effectsBefore,
    artifacts: seen.run.artifacts.length,
  });
  context.check("without an answer the run waits", seen.run.status === "awaiting_approval", seen.run.status);
  context.check("nothing happens before a person agrees", seen.effects === effectsBefore);
  context.check("there is no artifact before a person agrees", seen.run.artifacts.length === 0);
  context.check("no approval is decided by itself", openApprovals(seen.run).length > 0, seen.run.approvals);
}

/** Whoever knows everything but a key: no id and no digest is one. */
async function refuseStrangers(context: ScenarioContext, waiting: RunReading): Promise<void> {
  const [approval] = openApprovals(waiting);
  const path = `/api/harness/runs/${waiting.id}`;
  const yes = { approval_id: approval?.id, decision: "approve", action_digest: approval?.actionDigest };
  const ways = [
    ["POST", "/api/harness/run", context.target.gatedTask.body, "submit"],
    ["GET", path, null, "submit"],
    ["POST", "/api/harness/approve", yes, "approve"],
    ["GET", "/api/harness/runs", null, "list"],
    ["GET", `${path}/events`, null, "events"],
    ["POST", `${path}/cancel`, {}, "cancel"],
  ] as const;
  for (const [method, asked, body, needed] of ways) {
    if (!context.capabilities.has(needed)) continue;
    for (const authorization of ["", "Bearer nobodys", "Basic bm9ib2R5Om5vdGhpbmc="]) {
      const answer = await context.client("requester").request({
        method,
        path: asked,
        headers: {
          authorization,
          accept: "application/json",
          ...(body === null ? {} : { "content-type": "application/json" }),
          ...(needed === "submit" && body !== null ? { "idempotency-key": context.unique("stranger") } : {}),
        },
        body: body === null ? null : JSON.stringify(body),
      });
      context.check(
        "whoever shows no valid key gets a 401 problem",
        answer.status === 401 && isProblem(answer) && !answer.text.includes(waiting.id),
        { method, path: asked, authorization, status: answer.status },
      );
    }
  }
}

/** An artifact is looked up by its own id, too: that its run is hidden does not hide it. */
async function refuseOtherTenant(context: ScenarioContext, ended: RunReading): Promise<void> {
  for (const { id, sha256 } of ended.artifacts) {
    const answer = await context.client("other_tenant").getArtifact(ended.id, id);
    context.check(
      "no artifact of ours is another tenant's",
      answer.status === 404 && isProblem(answer) && sha256Hex(answer.bytes) !== sha256,
      answer.status,
    );
  }
}

async function refuseOtherDigest(context: ScenarioContext, waiting: RunReading): Promise<void> {
  const approval = openApprovals(waiting)[0];
  context.check(
    "the approval names the digest of its action",
    (approval?.actionDigest ?? "") !== "",
    waiting.approvals,
  );
  if (approval === undefined) return;
  const other = `sha256:${sha256Hex(approval.actionDigest)}`;
  const answer = await context.client("approver").approve({
    approval_id: approval.id,
    decision: "approve",
    action_digest: other,
  });
  context.check(
    "an approval of another digest is refused with a 409 problem",
    answer.status === 409 && isProblem(answer),
    answer.status,
  );
  const after = await readRunOf(context, context.client("requester"), waiting.id);
  context.check(
    "the gate is still open after it",
    after.status === "awaiting_approval" && openApprovals(after).some(({ id }) => id === approval.id),
    after.status,
  );
}

/** @returns null where the harness gives none: nobody has to */
async function readEtag(context: ScenarioContext, id: string): Promise<string | null> {
  const client = context.client("requester");
  const etag = (await client.getRun(id)).headers["etag"];
  if (etag === undefined) {
    context.missing("a run's answer names its state", "the header ETag");
    return null;
  }
  context.check("an ETag is one", /^(?:W\/)?"[^"]+"$/.test(etag), etag);
  const again = await client.getRun(id, etag);
  context.check(
    "an unchanged run is a 304 without body",
    again.status === 304 && again.text === "",
    again.status,
  );
  return etag;
}

async function checkEtagChanged(context: ScenarioContext, id: string, before: string | null): Promise<void> {
  if (before === null) return;
  const answer = await context.client("requester").getRun(id, before);
  context.check(
    "a changed run has another ETag",
    answer.status === 200 && answer.headers["etag"] !== before,
    answer.status,
  );
}

async function checkArtifacts(context: ScenarioContext, ended: RunReading): Promise<void> {
  const downloaded = await downloadArtifacts(context, context.client("requester"), ended);
  context.check("a finished run has artifacts", downloaded.length > 0);
  for (const { artifact, bytes } of downloaded) {
    const found = { name: artifact.name, sizeBytes: bytes.byteLength, sha256: sha256Hex(bytes) };
    context.check("an artifact's bytes match its digest", found.sha256 === artifact.sha256, found);
    context.check(
      "an artifact's bytes match its size",
      artifact.sizeBytes === null || found.sizeBytes === artifact.sizeBytes,
      found,
    );
  }
  const patches = downloaded.filter(({ bytes }) =>
    /^(?:diff --git |--- )/m.test(Buffer.from(bytes).toString("utf8")),
  );
  context.check(
    "one of them is a patch",
    patches.length > 0,
    downloaded.map(({ artifact }) => artifact.name),
  );
}

async function checkEvents(
  context: ScenarioContext,
  ended: RunReading,
  recorded: readonly AuditEvent[],
): Promise<void> {
  const events = await readEvents(context, context.client("requester"), ended.id);
  // Events can be made up when they are asked for, each with its right digest. Then they are others later.
  context.check(
    "what was recorded at the gate is recorded still, to the letter",
    recorded.length > 0 &&
      recorded.every((event, at) => JSON.stringify(event) === JSON.stringify(events[at])),
    { recorded: recorded.length, now: events.length },
  );
  const versions = events.map(({ version }) => version);
  context.check(
    "versions rise from 1 without gaps",
    versions.length > 0 && versions.every((version, index) => version === index + 1),
    versions,
  );
  if (ended.version !== null)
    context.check(
      "the newest event is the run's version",
      versions.at(-1) === ended.version,
      versions.at(-1),
    );
  const forged = events.filter((event) => digestOfEvent(event) !== event.digest);
  context.check("every event matches its digest", forged.length === 0, forged);
  context.check("it begins with the submission", events[0]?.kind === "run_queued", events[0]?.kind);
  context.check("it ends with the success", events.at(-1)?.kind === "run_succeeded", events.at(-1)?.kind);
  checkGates(context, ended, events);
  context.check(
    "every artifact's commit is recorded",
    kindsOf(events, "artifact_committed").length === ended.artifacts.length,
  );
}

function checkGates(context: ScenarioContext, ended: RunReading, events: readonly AuditEvent[]): void {
  const opened = kindsOf(events, "approval_opened");
  const approved = kindsOf(events, "approval_approved");
  context.check(
    "every gate was opened and approved once, in this order",
    opened.length === ended.approvals.length &&
      approved.length === ended.approvals.length &&
      opened.every(({ version }, index) => version < (approved[index]?.version ?? 0)),
    { opened: opened.length, approved: approved.length, approvals: ended.approvals.length },
  );
  context.check(
    "each approval names the person who gave it",
    approved.every(({ actor }) => actor !== null && actor.kind === "human"),
    approved.map(({ actor }) => actor?.kind),
  );
  const deciders = ended.approvals.map(({ decidedBy }) => decidedBy);
  context.check(
    "each approval names the person whom the run names",
    deciders.every((decider, at) => decider === "" || decider === approved[at]?.actor?.name),
    { deciders, recorded: approved.map(({ actor }) => actor?.name) },
  );
  const parked = kindsOf(events, "run_parked").length;
  context.check("the run was parked while a person thought", parked > 0 && parked <= opened.length, parked);
}

async function checkStream(context: ScenarioContext, id: string): Promise<void> {
  const client = context.client("requester");
  const listed = (await readEvents(context, client, id)).map(({ version, kind }) => `${version} ${kind}`);
  const whole = await client.streamEvents(id);
  if (!whole.isStream) return context.missing("events as a stream", "events as text/event-stream");
  const streamed = whole.events.map(({ id: version, event }) => `${version} ${event}`);
  context.check("the stream of an ended run ends", whole.status === 200 && whole.ended, whole.status);
  context.check(
    "the stream has the list's events in the list's order",
    streamed.join() === listed.join(),
    streamed,
  );

  const middle = Math.floor(listed.length / 2);
  const resumed = await client.streamEvents(id, String(middle));
  const tail = resumed.events.map(({ id: version, event }) => `${version} ${event}`);
  context.check(
    "a stream taken up again goes on after the event that was seen last",
    tail.join() === listed.slice(middle).join(),
    { lastEventId: middle, tail },
  );
}
