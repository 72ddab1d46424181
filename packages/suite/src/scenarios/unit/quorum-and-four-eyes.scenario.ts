import { isProblem } from "../../run-reading.ts";
import type { Scenario, ScenarioContext } from "../../scenario.ts";
import {
  arrived,
  awaitEnd,
  awaitGate,
  deputyOf,
  type Gate,
  sayNo,
  sayYes,
  sinkCall,
  speakFor,
  type Spoken,
  submitCall,
} from "../deputy-moves.ts";
import { readRunOf } from "../moves.ts";

/** Times that one person says yes, in the same moment. */
const VOTES_OF_ONE = 4;

export const quorumAndFourEyes: Scenario = {
  id: "harness_policy/quorum_and_four_eyes",
  title: "Two different people agree, none of them asked for it, and only those whom the rule names",
  tier: 1,
  phase: "unit",
  why: "A second pair of eyes that can be the first one's, or anybody's, is none: one stolen key pays by itself.",
  remedy:
    "Count people and not votes, each by the verified key; refuse the requester's yes where duties are separate, and that of whoever the rule does not name; let one no end it; remember no answer that needs more than one person.",
  needs: ["submit", "approve", "deputy", "second_approver", "self_approver"],
  invariants: ["assent-is-exact"],
  implies: { events: ["approval_voted", "approval_approved", "approval_denied"] },
  seed: "spec/peers.md section 2, numbers 9 and 29",
  timeLimitMs: 600_000,
  run: async (context) => {
    const spoken = speakFor(context);
    await twoPeople(context, spoken);
    await oneNo(context, spoken);
    await onlyTheNamed(context, spoken);
  },
};

async function ask(
  context: ScenarioContext,
  spoken: Spoken,
  role: "requester" | "self_approver",
  tool: string,
): Promise<{ readonly id: string; readonly text: string; readonly gate: Gate }> {
  const text = context.unique("quorum");
  const { id } = await submitCall(context, spoken, role, sinkCall(tool, text));
  return { id, text, gate: await awaitGate(context, context.client(role), id) };
}

async function checkWaits(
  context: ScenarioContext,
  role: "requester" | "self_approver",
  { id, text }: { readonly id: string; readonly text: string },
  why: string,
): Promise<void> {
  const { status } = await readRunOf(context, context.client(role), id);
  const effects = arrived(context, text);
  context.check(`${why}: the call still waits`, status === "awaiting_approval" && effects === 0, {
    status,
    effects,
  });
}

/** Whoever asked is not among them, and one person is one person however often. */
async function twoPeople(context: ScenarioContext, spoken: Spoken): Promise<void> {
  const asked = await ask(context, spoken, "self_approver", deputyOf(context).tools.quorum);
  const { gate } = asked;
  const own = await sayYes(context, "self_approver", gate);
  context.check("the yes of whoever asked for the run is refused", isProblem(own), own.status);
  await checkWaits(context, "self_approver", asked, "after the requester's own yes");
  const yes = { approval_id: gate.id, decision: "approve", action_digest: gate.actionDigest };
  await context.race(
    Array.from({ length: VOTES_OF_ONE }, (_, endpoint) => ({
      role: "approver" as const,
      endpoint,
      approve: yes,
    })),
  );
  await checkWaits(context, "self_approver", asked, "one person has said yes several times");
  const edited = await sayYes(context, "second_approver", gate, {
    arguments: { text: `${asked.text} edited` },
  });
  context.check("an edit, which the others would not see, is refused", isProblem(edited), edited.status);
  const forGood = await sayYes(context, "second_approver", gate, { remember: true });
  context.check("no one person's answer is kept for good", isProblem(forGood), forGood.status);
  const second = await sayYes(context, "second_approver", gate);
  context.check("a second person can agree", second.status === 200, second.json);
  const run = await awaitEnd(context, context.client("self_approver"), asked.id);
  const effects = arrived(context, asked.text);
  context.check("what two people agreed to is made once", effects === 1, { effects, run: run.status });
}

async function oneNo(context: ScenarioContext, spoken: Spoken): Promise<void> {
  const asked = await ask(context, spoken, "requester", deputyOf(context).tools.quorum);
  await sayYes(context, "approver", asked.gate);
  const no = await sayNo(context, "second_approver", asked.gate);
  context.check("one of them can say no", no.status === 200, no.json);
  const late = await sayYes(context, "self_approver", asked.gate);
  context.check("and then a second yes comes too late", isProblem(late), late.status);
  await awaitEnd(context, context.client("requester"), asked.id);
  context.check("one no ends it", arrived(context, asked.text) === 0);
}

/** A key with the right to decide is not yet the person whom the rule means (dapr-agents 671). */
async function onlyTheNamed(context: ScenarioContext, spoken: Spoken): Promise<void> {
  const asked = await ask(context, spoken, "requester", deputyOf(context).tools.named);
  for (const role of ["second_approver", "self_approver"] as const) {
    const answer = await sayYes(context, role, asked.gate);
    context.check("whoever the rule does not name cannot agree", isProblem(answer), answer.status);
  }
  await checkWaits(context, "requester", asked, "after others' yes");
  const named = await sayYes(context, "approver", asked.gate);
  context.check("the one whom the rule names can", named.status === 200, named.json);
  await awaitEnd(context, context.client("requester"), asked.id);
  context.check("and then it is made", arrived(context, asked.text) === 1);
}
