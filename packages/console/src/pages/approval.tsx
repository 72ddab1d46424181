// One question to a person: what will happen exactly, who chose each part of it, why it is asked, and what an answer does.

import type { Approval, Run } from "@assent/contract";
import { type ReactNode, useCallback, useMemo, useState } from "react";
import { AdviceList } from "../advice.tsx";
import { AlikeList, AlikeOutcomes, type Together } from "../alike.tsx";
import { Arguments } from "../arguments.tsx";
import { Because } from "../because.tsx";
import { closestOf } from "../comparing.ts";
import type { Outcome as AlikeOutcome, Told } from "../deciding.ts";
import { Decision } from "../decision.tsx";
import { EditArguments } from "../edit-arguments.tsx";
import { type Edit, mayEdit } from "../editing.ts";
import { isGrave, type Leaf } from "../leaves.ts";
import { Failure, Loading, Page, State, Time, Visible } from "../parts.tsx";
import { hashOf } from "../places.ts";
import { Preview } from "../preview.tsx";
import type { Standing } from "../same-question.ts";
import { useNow, useResource } from "../session.tsx";
import { useAlike } from "../use-alike.ts";
import { type Edited, useEdited } from "../use-edited.ts";
import { duration, harmWords, shortId, stateWords } from "../words.ts";

const LOOK_MS = 5_000;

export function ApprovalPage({ id }: { readonly id: string }): ReactNode {
  const { data, error, reload } = useResource<Approval>(`/api/harness/approvals/${id}`, LOOK_MS);
  // Outlives the question: a call that was changed has another digest from then on.
  const [decided, setDecided] = useState<Approval | null>(null);
  const [outcomes, setOutcomes] = useState<readonly AlikeOutcome[]>([]);
  const whenDecided = useCallback(
    (answer: Approval) => {
      setDecided(answer);
      reload();
    },
    [reload],
  );
  const run = useResource<Run>(data === null ? null : `/api/harness/runs/${data.run_id}`, LOOK_MS);
  return (
    <Page title="Approval" aside={data === null ? null : <State state={data.status} />}>
      {error === null ? null : <Failure error={error} />}
      {data === null ? (
        <Loading />
      ) : (
        <Question
          key={`${data.id} ${data.action_digest}`}
          approval={data}
          run={run.data}
          decided={data.status === "open" && decided?.action_digest !== data.action_digest ? null : decided}
          outcomes={outcomes}
          told={{ onDecided: whenDecided, onAlike: setOutcomes }}
        />
      )}
    </Page>
  );
}

/** Of what no second look can take back: every value that neither the requester nor the approver chose. */
const pointersToCheck = (approval: Approval, leaves: readonly Leaf[]): ReadonlySet<string> =>
  new Set(
    isGrave(approval) && approval.status === "open"
      ? leaves
          .filter(({ origin }) => origin !== "trusted" && origin !== "approver")
          .map(({ pointer }) => pointer)
      : [],
  );

type QuestionProps = {
  readonly approval: Approval;
  readonly run: Run | null;
  /** What the server answered to what was said here. */
  readonly decided: Approval | null;
  /** And to the same said of others. */
  readonly outcomes: readonly AlikeOutcome[];
  readonly told: Told;
};

function Question({ approval, run, decided, outcomes, told }: QuestionProps): ReactNode {
  const [confirmed, setConfirmed] = useState<ReadonlySet<string>>(new Set());
  const call = useEdited(approval);
  const { leaves } = call;
  const isOpen = approval.status === "open" && decided === null;
  const alike = useAlike(approval, run, isOpen);
  const together = useTogether(call.edit === null ? alike.others : NOBODY);
  const asked = useMemo(() => pointersToCheck(approval, leaves), [approval, leaves]);
  const left = [...asked].filter((pointer) => !confirmed.has(pointer)).length;
  const onConfirm = useCallback((pointer: string, isConfirmed: boolean) => {
    setConfirmed((before) => {
      const after = new Set(before);
      if (isConfirmed) after.add(pointer);
      else after.delete(pointer);
      return after;
    });
  }, []);
  return (
    <article className="question">
      <Risk approval={approval} />
      <h2>
        <Visible text={approval.summary} />
      </h2>
      <Asking approval={approval} run={run} />
      <Arguments
        run={approval.run_id}
        leaves={leaves}
        asked={asked}
        confirmed={confirmed}
        // What the approver writes is another call than the one that was compared.
        before={call.instead === null ? closestOf(approval.advice) : null}
        onConfirm={onConfirm}
      />
      <Changing approval={approval} call={call} isOpen={isOpen} />
      <Change approval={approval} isEdited={call.instead !== null} />
      {isOpen ? <AlikeList alike={alike} /> : null}
      <AdviceList advice={approval.advice} />
      {run === null ? null : <Context run={run} step={approval.step} />}
      <Exactly approval={approval} />
      {decided === null ? null : <Decided approval={decided} />}
      <AlikeOutcomes outcomes={outcomes} />
      {isOpen ? (
        <Decision
          approval={approval}
          offered={{
            held: heldBy(call.edit, left),
            edited: call.instead,
            edition: call.edition,
            alike: together.chosen.map((other) => other.approval),
          }}
          together={together}
          told={told}
        />
      ) : null}
      {approval.status === "open" ? null : <Outcome approval={approval} />}
    </article>
  );
}

const NOBODY: readonly Standing[] = [];

/** Whoever comes later was not meant when it was wanted. */
function useTogether(others: readonly Standing[]): Together {
  const [wanted, setWanted] = useState<ReadonlySet<string>>(new Set());
  return {
    others,
    chosen: others.filter(({ approval }) => wanted.has(approval.id)),
    onChange: (isWanted) => {
      setWanted(new Set(isWanted ? others.map(({ approval }) => approval.id) : []));
    },
  };
}

/** Why no yes can be given yet. */
function heldBy(edit: Edit | null, left: number): string | null {
  if (edit !== null && edit.arguments === null)
    return "The changed arguments are no JSON object: mend them, or leave the call as it was.";
  if (left === 0) return null;
  return `Check ${left === 1 ? "the marked value" : `the ${left} marked values`} first.`;
}

function LeftOut({ leaves }: { readonly leaves: readonly Leaf[] }): ReactNode {
  if (leaves.length === 0) return null;
  return (
    <p className="waits">
      Left out:{" "}
      {leaves.map(({ pointer, text }) => (
        <span key={pointer}>
          <code>
            <Visible text={pointer} />
          </code>{" "}
          (<Visible text={text} />){" "}
        </span>
      ))}
    </p>
  );
}

type ChangingProps = { readonly approval: Approval; readonly call: Edited; readonly isOpen: boolean };

/** What the approver makes of the call, and what one made of it. */
function Changing({ approval, call, isOpen }: ChangingProps): ReactNode {
  return (
    <>
      <LeftOut leaves={call.leftOut} />
      {isOpen && mayEdit(approval) ? (
        <EditArguments asked={approval.action.arguments} edit={call.edit} onEdit={call.onEdit} />
      ) : null}
      {approval.edited_arguments === null ? null : (
        <details open>
          <summary>Arguments as edited, which are carried out instead</summary>
          <pre className="preview">
            <Visible text={JSON.stringify(approval.edited_arguments, null, 2)} />
          </pre>
        </details>
      )}
    </>
  );
}

/** What the tool shows beforehand, unless it is the arguments once more. */
function Change({
  approval: { action, preview },
  isEdited,
}: {
  readonly approval: Approval;
  readonly isEdited: boolean;
}): ReactNode {
  if (isEdited) return <p className="quiet">What the changed call would do is not known beforehand.</p>;
  if (preview === null) return <p className="quiet">The tool cannot show beforehand what would change.</p>;
  if (preview === JSON.stringify(action.arguments, null, 2)) return null;
  return <Preview text={preview === "" ? "(nothing)" : preview} />;
}

function Risk({ approval }: { readonly approval: Approval }): ReactNode {
  const now = useNow();
  const left = Date.parse(approval.expires_at) - now;
  const { action } = approval;
  return (
    <p className={`risk ${isGrave(approval) ? "grave" : ""}`}>
      <strong>
        {isGrave(approval) ? "High risk: " : ""}
        {harmWords(action.harm)}
        {action.effect === "once" ? ", once" : ""}
      </strong>
      {approval.status === "open" ? (
        <span>
          Unanswered it is <strong>denied</strong> in {left <= 0 ? "a moment" : duration(left)}.
        </span>
      ) : null}
    </p>
  );
}

function Asking({ approval, run }: { readonly approval: Approval; readonly run: Run | null }): ReactNode {
  const { quorum, approvers, separate_duties: isSeparate } = approval.requirement;
  return (
    <ul className="because">
      {approval.decision.reasons.map((reason) => (
        <li key={`${reason.code} ${reason.policy ?? ""} ${reason.detail}`}>
          <Because reason={reason} />
        </li>
      ))}
      {quorum > 1 ? (
        <li>
          {quorum} different people have to approve; {approval.votes} so far.
        </li>
      ) : null}
      {approvers === null ? null : <li>Only {approvers.join(", ")} may.</li>}
      {isSeparate ? (
        <li>Whoever asked for the run may not{run === null ? "" : `: ${run.requested_by.name}`}.</li>
      ) : null}
    </ul>
  );
}

function Context({ run, step }: { readonly run: Run; readonly step: number }): ReactNode {
  const said = run.steps.findLast(
    ({ kind, seq, result }) => kind === "model" && seq < step && result !== null,
  );
  return (
    <section aria-label="The run">
      <h3>
        <a href={hashOf({ page: "run", id: run.id, step })}>The run</a> of {run.agent}, asked for by{" "}
        <Visible text={run.requested_by.name} />
      </h3>
      <blockquote>
        <span className="who">the task</span>
        <Visible text={run.task} />
      </blockquote>
      {said?.result === null || said === undefined ? null : (
        <blockquote className="model">
          <span className="who">the agent says; nobody has checked it</span>
          <Visible text={said.result} />
        </blockquote>
      )}
    </section>
  );
}

function Exactly({ approval }: { readonly approval: Approval }): ReactNode {
  const { action } = approval;
  return (
    <details>
      <summary>
        Tool {action.tool} {action.tool_version}, and what a decision binds to
      </summary>
      <dl>
        <dt>digest</dt>
        <dd>
          <code>{approval.action_digest}</code>
        </dd>
        <dt>manifest</dt>
        <dd>
          <code>{action.manifest_digest}</code>
        </dd>
        <dt>approval</dt>
        <dd>
          <code>{approval.id}</code>
        </dd>
        <dt>effect</dt>
        <dd>{action.effect}</dd>
      </dl>
    </details>
  );
}

function Decided({ approval }: { readonly approval: Approval }): ReactNode {
  return (
    <p className="decided" role="status">
      {approval.status === "open"
        ? `Counted: ${approval.votes} of ${approval.requirement.quorum}. Others have to agree as well.`
        : `${stateWords(approval.status)}.`}{" "}
      <a href={hashOf({ page: "run", id: approval.run_id, step: null })}>Follow the run</a>{" "}
      <a href={hashOf({ page: "inbox" })}>Back to the inbox</a>
    </p>
  );
}

function Outcome({ approval }: { readonly approval: Approval }): ReactNode {
  const now = useNow();
  return (
    <p>
      <State state={approval.status} />{" "}
      {approval.decided_by === null ? "" : `by ${approval.decided_by.name} `}
      {approval.decided_at === null ? null : <Time at={approval.decided_at} now={now} />}
      {approval.comment === null ? null : (
        <>
          : <Visible text={approval.comment} />
        </>
      )}{" "}
      <small>{shortId(approval.id)}</small>
    </p>
  );
}
