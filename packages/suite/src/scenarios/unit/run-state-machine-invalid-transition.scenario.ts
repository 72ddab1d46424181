import { RUN_STATES } from "@assent/contract";
import { LEGAL_RUN_MOVES } from "../../run-moves.ts";
import type { Answer } from "../../client.ts";
import { isProblem, type RunReading, TERMINAL_STATES } from "../../run-reading.ts";
import type { Scenario, ScenarioContext } from "../../scenario.ts";
import type { StateMachineInspection } from "../../target.ts";
import { waitSeconds } from "../../wait.ts";
import {
  approveUntilEnd,
  awaitStatus,
  checkInvariants,
  kindsOf,
  openApprovals,
  readEvents,
  readRunOf,
  submitGatedTask,
} from "../moves.ts";

/** Approvals that race for one gate. More than two, so that a lost update shows even when most of them queue up. */
const RACING_APPROVALS = 8;

export const runStateMachineInvalidTransition: Scenario = {
  id: "harness_state/run_state_machine_invalid_transition",
  title: "No illegal transition is accepted, whoever asks and however often",
  tier: 0,
  phase: "unit",
  why: "Corrupt state and inconsistent downstream behaviour: a finished run that lives again repeats its effects.",
  remedy:
    "One table holds the legal transitions; code and database both refuse the rest. A decided approval and an ended run stay as they are: repeated requests change nothing and add no event.",
  needs: ["submit", "approve", "cancel"],
  invariants: ["legal-transitions", "assent-is-exact"],
  implies: { events: ["run_cancelled", "run_succeeded", "approval_cancelled"] },
  seed: "backend/tests/harness_state/test_run_state_machine_invalid_transition.py",
  timeLimitMs: 600_000,
  run: async (context) => {
    await cancelTwice(context);
    await approveTogether(context);
    await context.part("called off while its tool is at work", ["tool_sink"], async () => {
      await callOffMeanwhile(context);
    });
    const machine = context.target.inspect?.stateMachine;
    await context.part("every pair, put to the code", ["inspect.state_machine"], async () => {
      if (machine !== undefined) await attackCode(context, machine);
    });
    await context.part("every pair, put to the database", ["db"], async () => {
      if (machine !== undefined) await attackDatabase(context, machine);
    });
  },
};

async function attackCode(context: ScenarioContext, machine: StateMachineInspection): Promise<void> {
  const wrong: string[] = [];
  const reached = new Set<string>();
  let attempts = 0;
  for (const from of RUN_STATES) {
    for (const event of machine.events) {
      const { accepted, to, detail } = await machine.attemptTransition(from, event);
      attempts += 1;
      if (accepted && to !== null) reached.add(`${from} -> ${to}`);
      if (accepted && (to === null || !LEGAL_RUN_MOVES[from].includes(to)))
        wrong.push(`${from} --${event}--> ${to ?? "nothing"}: ${detail}`);
    }
  }
  context.read("transitions put to the code", { attempts, accepted: [...reached] });
  context.check("the code refuses every illegal pair", wrong.length === 0, wrong);
  const missing = RUN_STATES.flatMap((from) =>
    LEGAL_RUN_MOVES[from].map((to) => `${from} -> ${to}`).filter((move) => !reached.has(move)),
  );
  // A machine that refuses everything would pass the check before.
  context.check("every legal move can be made by some event", missing.length === 0, missing);
}

async function attackDatabase(context: ScenarioContext, machine: StateMachineInspection): Promise<void> {
  const wrong: string[] = [];
  for (const from of RUN_STATES) {
    for (const to of RUN_STATES) {
      if (from === to) continue;
      const attempt = await machine.attemptStoredTransition?.(from, to);
      context.precondition("the database can be asked", attempt !== undefined);
      if (attempt === undefined) return;
      const { accepted, detail } = attempt;
      if (accepted !== LEGAL_RUN_MOVES[from].includes(to))
        wrong.push(`${from} -> ${to} ${accepted ? "accepted" : "refused"}: ${detail}`);
    }
  }
  context.check("the database accepts the legal moves and refuses all others", wrong.length === 0, wrong);
}

const effectsAtSink = (context: ScenarioContext): number =>
  [...(context.target.sink?.effects().values() ?? [])].reduce((sum, times) => sum + times, 0);

async function cancelTwice(context: ScenarioContext): Promise<void> {
  const requester = context.client("requester");
  const approver = context.client("approver");
  const effectsBefore = effectsAtSink(context);
  const id = await submitGatedTask(context, requester);
  const waiting = await awaitStatus(context, requester, id, ["awaiting_approval", ...TERMINAL_STATES]);
  context.check("the gated task stops at its gate", waiting.status === "awaiting_approval", waiting.status);

  const first = await requester.cancel(id);
  context.check("a waiting run can be cancelled", first.status === 200 || first.status === 202, first.status);
  const cancelled = await awaitStatus(context, requester, id, TERMINAL_STATES);
  context.check("a cancelled run is cancelled", cancelled.status === "cancelled", cancelled.status);

  const again = await requester.cancel(id);
  context.check(
    "cancelling it again succeeds or is a 409",
    again.status === 200 || again.status === 409,
    again.status,
  );
  for (const approval of waiting.approvals) {
    const late = await approver.approve({
      approval_id: approval.id,
      decision: "approve",
      action_digest: approval.actionDigest,
    });
    context.check("an approval of a cancelled run is refused with a problem", isProblem(late), late.status);
  }
  await checkUnchanged(context, cancelled, "cancelled -> running");
  context.check("a cancelled run has no effect", effectsAtSink(context) === effectsBefore);
}

async function checkUnchanged(context: ScenarioContext, before: RunReading, claim: string): Promise<void> {
  const after = await readRunOf(context, context.client("requester"), before.id);
  context.check(`terminal is terminal: not ${claim}`, after.status === before.status, after.status);
  context.check("refused requests add no event", after.version === before.version, {
    before: before.version,
    after: after.version,
  });
}

async function approveTogether(context: ScenarioContext): Promise<void> {
  const requester = context.client("requester");
  const effectsBefore = effectsAtSink(context);
  const id = await submitGatedTask(context, requester);
  const waiting = await awaitStatus(context, requester, id, ["awaiting_approval", ...TERMINAL_STATES]);
  const approval = openApprovals(waiting)[0];
  context.check("a run that waits has an open approval", approval !== undefined, waiting);
  if (approval === undefined) return;
  const yes = { approval_id: approval.id, decision: "approve", action_digest: approval.actionDigest };
  const no = { approval_id: approval.id, decision: "deny", comment: "opposite vote" };

  const answers = await context.race(
    Array.from({ length: RACING_APPROVALS }, (_, index) => ({
      role: "approver" as const,
      endpoint: index,
      approve: yes,
    })),
  );
  const statuses = answers.map(({ status }) => status);
  context.check("one of the racing approvals is taken", statuses.includes(200), statuses);
  context.check(
    "each of the others gets the same result or a 409",
    answers.every((answer) => answer.status === 200 || (answer.status === 409 && isProblem(answer))),
    statuses,
  );
  const opposite = await context.client("approver").approve(no);
  context.check("the opposite vote comes too late and is told so", isProblem(opposite), opposite.status);

  const ended = await approveUntilEnd(context, requester, context.client("approver"), id);
  context.check("an approved run succeeds", ended.status === "succeeded", ended.status);
  await context.part("one decision, one event", ["events"], async () => {
    const events = await readEvents(context, requester, id);
    const decisions = kindsOf(events, "approval_approved").length;
    context.check("each gate was decided once", decisions === ended.approvals.length, {
      decisions,
      approvals: ended.approvals.length,
    });
    context.check("nobody's denial was recorded", kindsOf(events, "approval_denied").length === 0);
  });
  await context.part("one decision, one effect", ["tool_sink"], async () => {
    const effects = effectsAtSink(context) - effectsBefore;
    context.check(
      "the approved effect happened once",
      effects === context.target.gatedTask.sinkEffects,
      effects,
    );
  });
  await attackEnded(context, ended, [yes, no]);
  await context.part("invariants", ["contract", "events"], async () => {
    await checkInvariants(context, requester, id);
  });
}

/** Longer than a harness takes to say that a run is called off, if it does not wait for the tool. */
const CALLED_OFF_SECONDS = 1;

/** The run is called off while its effect is at the tool: it ends as cancelled, or the end is refused and it goes on. */
async function callOffMeanwhile(context: ScenarioContext): Promise<void> {
  const { sink, gatedTask } = context.target;
  const requester = context.client("requester");
  const effectsBefore = effectsAtSink(context);
  const id = await submitGatedTask(context, requester);
  let cancelling: Promise<Answer> | undefined;
  sink?.cue({
    do: "apply_then",
    hook: async () => {
      cancelling ??= requester.cancel(id);
      await Promise.race([cancelling, waitSeconds(CALLED_OFF_SECONDS, context.signal)]);
    },
  });
  const ended = await approveUntilEnd(context, requester, context.client("approver"), id);
  context.precondition("the effect was at the tool", cancelling !== undefined);
  const answer = await cancelling;
  context.read("the end of a run whose tool is at work", { status: answer?.status, run: ended.status });
  const isCalledOff = answer?.status === 200 || answer?.status === 202;
  context.check(
    "a run that is carried out can be called off, or the end is refused with a problem",
    isCalledOff || (answer !== undefined && isProblem(answer)),
    answer?.status,
  );
  context.check(
    "a run that was called off is cancelled",
    ended.status === (isCalledOff ? "cancelled" : "succeeded"),
    ended.status,
  );
  const effects = effectsAtSink(context) - effectsBefore;
  context.check("and its effect is no second one", effects === gatedTask.sinkEffects, effects);
  await context.part("and it has come there by legal moves", ["contract", "events"], async () => {
    await checkInvariants(context, requester, id);
  });
}

async function attackEnded(
  context: ScenarioContext,
  ended: RunReading,
  decisions: readonly unknown[],
): Promise<void> {
  for (const decision of decisions) {
    const answer = await context.client("approver").approve(decision);
    context.check(
      "deciding again after the end is a 200 without change or a 409",
      [200, 409].includes(answer.status),
      {
        status: answer.status,
      },
    );
  }
  const cancel = await context.client("requester").cancel(ended.id);
  context.check("a finished run cannot be cancelled", isProblem(cancel), cancel.status);
  await checkUnchanged(context, ended, "succeeded -> anything");
}
