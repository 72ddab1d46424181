// What the steps, approvals and effects of runs do, as their events say it: each in a legal order, each call that needed a
// person's word directly behind that word being spent, and none of them another than what was agreed to or begun. A signer
// that was fed wrong signs a call that nobody approved as readily as any other. It is read as the events come; nothing is kept
// of a run that has ended.

import { type ApprovalState, EVENT_KINDS, type EventKind, type StepState } from "@assent/contract";
import { hear, isAllTold, type Voices, voicesOf, type Yes } from "./approvers.ts";
import { createKeyRights, type KeyRights } from "./key-rights.ts";
import { followApproval, followRun, followStep, stepStateAfter } from "../run/replay.ts";
import { isTerminal } from "../run/run.ts";

export type RunObjects = {
  follow(run: string, event: RunEvent, wrong: Wrong): void;
  /** What yeses are held against. */
  readonly keys: KeyRights;
  /** Of how many approvals that were given it is known who had to agree, and who did; and of how many it is not. */
  given(): Given;
  /** There are entries that nothing is known of. */
  forget(): void;
};

export type RunEvent = {
  readonly kind: EventKind;
  /** What it says; null where that was erased. */
  readonly data: unknown;
  /** The principal that caused it; null where the harness itself did, undefined where nobody tells. */
  readonly actor: string | null | undefined;
};

export type Given = { readonly told: number; readonly untold: number };

/** Names what is wrong with the event. */
export type Wrong = (code: string, detail: string) => void;

/** What an event says, where it says it in the form that ours have. */
type Said = Readonly<Record<string, unknown>>;

type Step = {
  state: StepState;
  /** What it began as; another one is another call. Events of before may say less, and a later one is held to what was said. */
  readonly what: Said;
};

type Approval = {
  state: ApprovalState;
  /** The digest that was asked about, or, once somebody changed the call and agreed to that, agreed to. */
  digest: unknown;
  readonly step: unknown;
  readonly subject: unknown;
  /** What the person said was that it had happened. */
  isConfirmed: boolean;
  readonly voices: Voices;
};

type Trail = {
  /** All of its events were seen: what is not there has not happened. */
  isWhole: boolean;
  readonly steps: Map<number, Step>;
  readonly approvals: Map<string, Approval>;
  /** Steps by the key of their effect. */
  readonly effects: Map<string, number>;
  /** Who asked for the run; undefined where that was not seen. */
  requester: string | null | undefined;
  /** The approval that the event before spent; null: that was another event; "any": nobody can tell. */
  spent: Approval | null | "any";
};

/** What an event is about, as far as its kind says it: looked up for each event, and worked out once. */
const ABOUT: ReadonlyMap<EventKind, "end" | "step" | "approval" | "other"> = new Map(
  EVENT_KINDS.map((kind) => {
    const to = followRun("running", kind);
    if (to !== null && isTerminal(to)) return [kind, "end"];
    if (kind.startsWith("step_")) return [kind, "step"];
    return [kind, kind.startsWith("approval_") ? "approval" : "other"];
  }),
);

/** @param beginsAnywhere the log goes on where another one stopped: of a run that is not queued in it nothing is known */
export function createRunObjects(beginsAnywhere: boolean): RunObjects {
  const trails = new Map<string, Trail>();
  let isAnywhere = beginsAnywhere;
  const given = { told: 0, untold: 0 };
  const keys = createKeyRights();
  const trailOf = (run: string, kind: EventKind): Trail | null => {
    const known = trails.get(run);
    // A run that was not queued, or has ended, is a finding of its own.
    if (known !== undefined || (kind !== "run_queued" && !isAnywhere)) return known ?? null;
    const begun = newTrail(kind === "run_queued");
    trails.set(run, begun);
    return begun;
  };
  const countGiven = (approval: Approval | null): void => {
    if (approval !== null) given[isAllTold(approval.voices) ? "told" : "untold"] += 1;
  };
  return {
    follow(run, event, wrong): void {
      const { kind, data, actor } = event;
      const trail = trailOf(run, kind);
      if (trail === null) return;
      const { spent } = trail;
      trail.spent = null;
      if (kind === "run_queued") trail.requester = actor;
      const about = ABOUT.get(kind);
      if (about === "step") followStepEvent(trail, spent, run, kind, data, wrong);
      else if (about === "end") trails.delete(run);
      else if (about === "approval") countGiven(followApprovalEvent(trail, run, event, keys, wrong));
    },
    keys,
    given: () => given,
    forget(): void {
      trails.clear();
      isAnywhere = true;
    },
  };
}

const newTrail = (isWhole: boolean): Trail => ({
  isWhole,
  steps: new Map(),
  approvals: new Map(),
  effects: new Map(),
  requester: undefined,
  spent: isWhole ? null : "any",
});

/** What any of them may have become is not known any more. */
function loosen(trail: Trail, kind: EventKind): void {
  trail.isWhole = false;
  if (kind.startsWith("step_")) trail.steps.clear();
  else trail.approvals.clear();
  if (kind === "approval_spent") trail.spent = "any";
}

const isSaid = (data: unknown): data is Said =>
  typeof data === "object" && data !== null && !Array.isArray(data);

function followStepEvent(
  trail: Trail,
  spent: Trail["spent"],
  run: string,
  kind: EventKind,
  data: unknown,
  wrong: Wrong,
): void {
  if (data === null) {
    loosen(trail, kind);
    return;
  }
  const seq = isSaid(data) ? data["step"] : null;
  if (!isSaid(data) || typeof seq !== "number" || !Number.isSafeInteger(seq) || seq < 1) {
    wrong("event_unclear", `its ${kind} does not say of which step of ${run} it is`);
    loosen(trail, kind);
    return;
  }
  const step = trail.steps.get(seq);
  const from = step?.state ?? null;
  const to = step === undefined && !trail.isWhole ? stepStateAfter(kind) : followStep(from, kind);
  if (to === null) {
    wrong(
      "illegal_transition",
      `no ${kind} can follow when ${nameOf(seq, run)} is ${from ?? "not begun yet"}`,
    );
    return;
  }
  const event = { from, kind, said: data, seq, run };
  if (step === undefined) beginStep(trail, { state: to, what: data }, event, wrong);
  else {
    checkSame(step, event, wrong);
    step.state = to;
  }
  checkWord(trail, spent, event, wrong);
}

/** Made where something is wrong: of millions of steps most are as they should be. */
const nameOf = (seq: number, run: string): string => `step ${seq} of ${run}`;

function beginStep(trail: Trail, step: Step, { seq, run }: StepEvent, wrong: Wrong): void {
  if (trail.isWhole && seq !== trail.steps.size + 1)
    wrong(
      "illegal_transition",
      `${nameOf(seq, run)} begins, and the newest of the run is step ${trail.steps.size}`,
    );
  trail.steps.set(seq, step);
  const effect = step.what["effect_id"];
  if (typeof effect !== "string") return;
  const other = trail.effects.get(effect);
  if (other !== undefined && other !== seq)
    wrong(
      "effect_repeated",
      `${nameOf(seq, run)} has the effect of step ${other}: what is done once is one step`,
    );
  trail.effects.set(effect, seq);
}

/** These never change: a step that ends is the one that began. */
const OF_A_STEP = ["step_kind", "name", "effect", "action_digest", "effect_id"] as const;

function checkSame({ what }: Step, { said, seq, run }: StepEvent, wrong: Wrong): void {
  // By their names, which is looked up faster than a name that is one or another.
  const isSame =
    what["step_kind"] === said["step_kind"] &&
    what["name"] === said["name"] &&
    what["effect"] === said["effect"] &&
    what["action_digest"] === said["action_digest"] &&
    what["effect_id"] === said["effect_id"];
  if (isSame) return;
  for (const field of OF_A_STEP)
    if (what[field] !== said[field])
      wrong("call_differs", `the ${field} of ${nameOf(seq, run)} is another than when it began`);
}

type StepEvent = {
  readonly from: StepState | null;
  readonly kind: EventKind;
  readonly said: Said;
  readonly seq: number;
  readonly run: string;
};

/** Whose word it is directly behind, where it is what nobody but a person may begin, try again or take as done. */
function checkWord(trail: Trail, spent: Trail["spent"], event: StepEvent, wrong: Wrong): void {
  const { from, kind, said, seq, run } = event;
  if (said["step_kind"] === "gate") {
    if (kind === "step_succeeded") checkAnswer(trail, seq, said["answer"], nameOf(seq, run), wrong);
    return;
  }
  const isSecond = kind === "step_retried" || (from === "in_doubt" && kind === "step_succeeded");
  const isCall = kind === "step_intended" && said["step_kind"] === "tool";
  if (isCall && said["verdict"] === "deny")
    wrong("call_unapproved", `${nameOf(seq, run)} is a call that was denied, and it was begun`);
  const isAsked = isCall && (said["verdict"] === "needs_approval" || said["approval_id"] !== undefined);
  if ((!isSecond && !isAsked) || spent === "any") return;
  if (spent === null)
    wrong(
      "call_unapproved",
      isSecond
        ? `${nameOf(seq, run)} was in doubt, and ${kind} follows no person's word on it`
        : `${nameOf(seq, run)} is a call that needs a person's word, and none was spent for it`,
    );
  else checkApproved(trail, spent, event, isSecond, wrong);
}

function checkApproved(
  trail: Trail,
  spent: Approval,
  event: StepEvent,
  isSecond: boolean,
  wrong: Wrong,
): void {
  const { said, kind, seq, run } = event;
  if (spent.subject !== undefined && (spent.subject === "in_doubt") !== isSecond)
    wrong("call_unapproved", `${nameOf(seq, run)} follows a word that was given on another question`);
  if (isSecond && spent.subject !== undefined && spent.isConfirmed !== (kind === "step_succeeded"))
    wrong("call_unapproved", `${nameOf(seq, run)} follows a word that said another thing of it`);
  const named = said["approval_id"];
  // Events of before name no approval.
  if (named === undefined || isSecond !== (kind === "step_retried")) return;
  if (typeof named !== "string" || trail.approvals.get(named) !== spent)
    wrong("call_unapproved", `${nameOf(seq, run)} names an approval that was not spent for it`);
  else if (said["approved_digest"] !== spent.digest)
    wrong("call_differs", `${nameOf(seq, run)} is not the call that was approved`);
}

/** What the gate says that a person said is what the approval says. */
const ANSWERS: Readonly<Record<string, ApprovalState>> = {
  approved: "approved",
  confirmed: "approved",
  denied: "denied",
  expired: "expired",
};

function checkAnswer(trail: Trail, seq: number, answer: unknown, name: string, wrong: Wrong): void {
  if (typeof answer !== "string" || !Object.hasOwn(ANSWERS, answer)) return;
  const approval = [...trail.approvals.values()].findLast(({ step }) => step === seq);
  if (approval === undefined && !trail.isWhole) return;
  if (approval?.state === ANSWERS[answer] && (approval?.isConfirmed ?? false) === (answer === "confirmed"))
    return;
  wrong(
    "illegal_transition",
    `${name} was answered with ${answer}, and its approval is ${approval?.state ?? "not there"}`,
  );
}

/** @returns the approval that is given by this event; null where none is */
function followApprovalEvent(
  trail: Trail,
  run: string,
  event: RunEvent,
  keys: KeyRights,
  wrong: Wrong,
): Approval | null {
  const { kind, data } = event;
  if (data === null) {
    loosen(trail, kind);
    return null;
  }
  const id = isSaid(data) ? data["approval_id"] : null;
  if (!isSaid(data) || typeof id !== "string") {
    wrong("event_unclear", `its ${kind} does not say of which approval of ${run} it is`);
    loosen(trail, kind);
    return null;
  }
  const known = trail.approvals.get(id);
  const isUnknown = known === undefined && !trail.isWhole && kind !== "approval_opened";
  const from = known?.state ?? null;
  const to = isUnknown ? approvalStateAfter(kind) : followApproval(from, kind);
  const name = `approval ${id} of ${run}`;
  if (to === null) {
    wrong("illegal_transition", `no ${kind} can follow when ${name} is ${from ?? "not opened yet"}`);
    return null;
  }
  const approval = known ?? begunBy(data, to, kind === "approval_opened");
  trail.approvals.set(id, approval);
  if (kind === "approval_opened") checkQuestion(trail, approval, name, wrong);
  else checkDecision(approval, kind, data, name, wrong);
  const isGiven = kind === "approval_approved";
  if (isGiven || kind === "approval_voted") checkYes(approval, { ...event, keys }, data, name, wrong);
  approval.state = to;
  if (kind === "approval_spent") trail.spent = approval;
  return isGiven ? approval : null;
}

const begunBy = (said: Said, state: ApprovalState, isOpened: boolean): Approval => ({
  state,
  // What was asked about, where somebody agreed to something else.
  digest: said["asked_digest"] ?? said["action_digest"],
  step: said["step"],
  subject: said["subject"],
  isConfirmed: false,
  voices: voicesOf(isOpened ? said : null),
});

function checkYes(
  approval: Approval,
  { kind, actor, keys }: RunEvent & Pick<Yes, "keys">,
  said: Said,
  name: string,
  wrong: Wrong,
): void {
  const isEdited = said["asked_digest"] !== undefined;
  const isLast = kind === "approval_approved";
  for (const { code, detail } of hear(approval.voices, { said, actor, keys, isEdited, isLast }))
    wrong(code, `${name} ${detail}`);
}

/** What an approval of which nothing is known is after the event. */
function approvalStateAfter(kind: EventKind): ApprovalState | null {
  return followApproval("open", kind) ?? followApproval("approved", kind);
}

function checkQuestion(trail: Trail, { step, voices }: Approval, name: string, wrong: Wrong): void {
  const { needed } = voices;
  if (needed === "unclear") wrong("event_unclear", `${name} does not say who has to agree`);
  const { requester } = trail;
  if (typeof needed !== "string" && requester !== undefined && requester !== needed.requester)
    wrong("approver_unentitled", `${name} names another requester than the run was queued by`);
  const gate = typeof step === "number" ? trail.steps.get(step) : undefined;
  if (gate === undefined && !trail.isWhole) return;
  if (gate?.state === "intended" && gate.what["step_kind"] === "gate") return;
  wrong("illegal_transition", `${name} is asked for by no gate that is open`);
}

function checkDecision(approval: Approval, kind: EventKind, said: Said, name: string, wrong: Wrong): void {
  if (said["step"] !== approval.step) wrong("call_differs", `${name} was asked for by another step`);
  const isEdited = kind === "approval_approved" && said["asked_digest"] !== undefined;
  if ((isEdited ? said["asked_digest"] : said["action_digest"]) !== approval.digest)
    wrong("call_differs", `${name} is decided for another call than it was asked for`);
  if (isEdited) approval.digest = said["action_digest"];
  if (kind !== "approval_confirmed") return;
  approval.isConfirmed = true;
  if (approval.subject !== undefined && approval.subject !== "in_doubt")
    wrong("illegal_transition", `${name} is confirmed, and its call was not made before it`);
}
