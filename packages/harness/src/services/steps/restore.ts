// The copy of a run that another worker began, or that was lost. Where it cannot be made again as it was, a person says
// how the run is to go on; nothing of the journal is lost meanwhile, and no part of a copy is worked on.

import { type GateStep, isGateStep, type StepError } from "../../core/run/journal.ts";
import type { ApprovalRecord } from "../../ports.ts";
import { commitHeld, type Held } from "../held.ts";
import type { Write } from "../write.ts";
import { WORKSPACE_NOT_RESTORED } from "../workspace-of-run.ts";
import { readApproval } from "./dispatch.ts";
import { openLossGate } from "./gate.ts";

export type Restored =
  | { readonly to: "go_on" }
  /** A person is asked. */
  | { readonly to: "wait" }
  | { readonly to: "give_up"; readonly reason: StepError };

/** Opens the run's copy, and asks about what it cannot restore by itself. One yes serves for one restoring. */
export async function openCopy(held: Held): Promise<Restored> {
  const words = await wordsOf(held);
  const opened = await held.ports.openWorkspace(held.committed.run, held.committed.journal, held.lost, {
    answerOf: (seq) => words.get(seq)?.answer ?? null,
    onRestored: async () => {
      if (words.size > 0) await commitHeld(held, spends([...words.values()]));
    },
  });
  if (opened.ok) {
    held.workspace = opened.value;
    return { to: "go_on" };
  }
  const { step, ...reason } = opened.error;
  if (step === undefined) return { to: "give_up", reason };
  const last = lossGates(held).findLast(({ request }) => request.doubtfulSeq === step.seq);
  const answer = last?.outcome?.answer;
  if (answer === "denied" || answer === "expired")
    return { to: "give_up", reason: { ...reason, detail: `${reason.detail} ${REFUSED[answer]}` } };
  // A yes that did not help is used up: the next question is a new one.
  const word = words.get(step.seq);
  await openLossGate(held, step, reason, word === undefined ? [] : spends([word]));
  return { to: "wait" };
}

const REFUSED = {
  denied: "A person said that the run is not to go on.",
  expired: "Nobody said in time how the run is to go on.",
} as const;

type Word = { readonly answer: "repeat" | "skip"; readonly approval: ApprovalRecord };

/** What people said and what did not serve yet, by the step that it is about. */
async function wordsOf(held: Held): Promise<ReadonlyMap<number, Word>> {
  const words = new Map<number, Word>();
  for (const gate of lossGates(held)) {
    const answer = gate.outcome?.answer;
    if (answer !== "approved" && answer !== "confirmed") continue;
    const approval = await readApproval(held, gate);
    if (approval.state === "approved")
      words.set(gate.request.doubtfulSeq ?? 0, {
        answer: answer === "approved" ? "repeat" : "skip",
        approval,
      });
  }
  return words;
}

/** Questions about steps that did succeed; one about a step in doubt is another matter. */
const lossGates = ({ committed: { journal } }: Held): readonly GateStep[] =>
  journal.filter(
    (step): step is GateStep =>
      isGateStep(step) &&
      step.request.doubtfulSeq !== null &&
      step.decision?.reasons.some(({ code }) => code === WORKSPACE_NOT_RESTORED) === true,
  );

const spends = (words: readonly Word[]): readonly Write[] =>
  words.map(({ approval }) => ({ write: "approval_decided", approval, event: "spent", change: {} }));
