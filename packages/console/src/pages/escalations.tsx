// What neither rules nor memory could answer. Calls are decided in the inbox; what a run left behind is settled here.

import type { Escalation, EscalationPage } from "@assent/contract";
import type { ReactNode } from "react";
import { SayWhy } from "../asking.tsx";
import { newIdempotencyKey } from "../client.ts";
import { Failure, Loading, Page, State, Time, Visible } from "../parts.tsx";
import { hashOf } from "../places.ts";
import { useNow, useResource, useSession } from "../session.tsx";
import { stateWords } from "../words.ts";

const LOOK_MS = 10_000;

export function EscalationsPage({ status }: { readonly status: string }): ReactNode {
  const path = `/api/harness/escalations?limit=100&status=${status}`;
  const { data, error, reload } = useResource<EscalationPage>(path, LOOK_MS);
  return (
    <Page title="Escalations">
      <nav aria-label="Escalations by state" className="filters">
        {["open", "resolved"].map((state) => (
          <a
            key={state}
            href={hashOf({ page: "escalations", status: state })}
            aria-current={state === status ? "page" : undefined}
          >
            {state}
          </a>
        ))}
      </nav>
      {error === null ? null : <Failure error={error} />}
      {data === null ? (
        error === null ? (
          <Loading />
        ) : null
      ) : (
        <List escalations={data.data} status={status} onChange={reload} />
      )}
      {data?.next_cursor == null ? null : (
        <p className="quiet">
          There are more: <code>assent escalations list --status {status}</code>
        </p>
      )}
    </Page>
  );
}

type ListProps = {
  readonly escalations: readonly Escalation[];
  readonly status: string;
  readonly onChange: () => void;
};

function List({ escalations, status, onChange }: ListProps): ReactNode {
  const now = useNow();
  if (escalations.length === 0)
    return (
      <div className="empty">
        <p>{status === "open" ? "No question is open." : "No question was answered yet."}</p>
        <p className="quiet">
          A question comes here when no rule and no remembered answer says what is to be done, and what a run
          did when nobody could take it back.
        </p>
      </div>
    );
  return (
    <table className="list">
      <caption className="unseen">Escalations, newest first</caption>
      <thead>
        <tr>
          <th scope="col">Tool</th>
          <th scope="col">About</th>
          <th scope="col">Why people are asked</th>
          <th scope="col">Asked</th>
          <th scope="col">Answer</th>
        </tr>
      </thead>
      <tbody>
        {escalations.map((one) => (
          <tr key={one.id}>
            <th scope="row">
              <Visible text={one.tool ?? "unreadable"} />
            </th>
            <td>{one.kind === "rollback" ? "what a run left" : "a call"}</td>
            <td>
              <WithRuns text={one.reason} />
            </td>
            <td>
              <Time at={one.escalated_at} now={now} />
              {one.seen_count > 1 ? `, ${one.seen_count} times` : ""}
              {one.occurrence > 1 ? `, again after ${one.occurrence - 1} answered` : ""}
            </td>
            <td>
              <Answer escalation={one} now={now} onChange={onChange} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

const RUN_IDS = /(run_[0-9a-f]{32})/;

/** The harness's own words; the runs that they name are links. */
function WithRuns({ text }: { readonly text: string }): ReactNode {
  return text.split(RUN_IDS).map((piece, index) => {
    // Every other piece is what the expression caught, and none of them moves.
    const key = `${index}`;
    if (index % 2 === 0) return <Visible key={key} text={piece} />;
    return (
      <a key={key} href={hashOf({ page: "run", id: piece, step: null })}>
        {piece}
      </a>
    );
  });
}

type AnswerProps = {
  readonly escalation: Escalation;
  readonly now: number;
  readonly onChange: () => void;
};

function Answer({ escalation, now, onChange }: AnswerProps): ReactNode {
  const { client } = useSession();
  const { answer } = escalation;
  if (escalation.status === "resolved")
    return (
      <>
        <State state={answer === null || answer.decision === "manual" ? "settled" : answer.decision} /> by{" "}
        <Visible text={escalation.resolved_by ?? "somebody"} />{" "}
        {escalation.resolved_at === null ? null : <Time at={escalation.resolved_at} now={now} />}
        {answer === null || answer.comment === "" ? null : (
          <>
            : <Visible text={answer.comment} />
          </>
        )}
        {escalation.answer_revoked_at === null ? null : <small> {stateWords("taken_back")} since</small>}
      </>
    );
  if (escalation.kind !== "rollback") return <a href={hashOf({ page: "inbox" })}>Decided in the inbox</a>;
  return (
    <SayWhy
      names={{ open: "Settle", field: "What was done about it", send: "Settle it" }}
      onSend={async (comment) => {
        const path = `/api/harness/escalations/${encodeURIComponent(escalation.id)}/resolve`;
        await client.post(path, { comment }, newIdempotencyKey());
        onChange();
      }}
    />
  );
}
