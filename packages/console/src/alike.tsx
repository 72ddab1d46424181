// Others that ask exactly what an approval asks: shown beside it, answered with it where that is wanted, and told of one by one.

import type { ReactNode } from "react";
import { Unreachable } from "./client.ts";
import type { Outcome } from "./deciding.ts";
import { Failure, State, Time, Visible } from "./parts.tsx";
import { hashOf } from "./places.ts";
import type { Standing } from "./same-question.ts";
import { useNow } from "./session.tsx";
import type { Alike } from "./use-alike.ts";
import { shortId } from "./words.ts";

export function AlikeList({ alike: { others, error } }: { readonly alike: Alike }): ReactNode {
  const now = useNow();
  if (error !== null)
    return (
      <p className="quiet">Whether others ask the same is not known just now; this one can be answered.</p>
    );
  if (others.length === 0) return null;
  return (
    <section aria-label="The same is asked elsewhere">
      <table className="list">
        <caption>
          {others.length === 1 ? "Another call asks" : `${others.length} other calls ask`} exactly the same,
          each of a run of its own
        </caption>
        <thead>
          <tr>
            <th scope="col">Approval</th>
            <th scope="col">Task</th>
            <th scope="col">Asked for by</th>
            <th scope="col">Asked</th>
          </tr>
        </thead>
        <tbody>
          {others.map(({ approval, run }) => (
            <tr key={approval.id}>
              <th scope="row">
                <a href={hashOf({ page: "approval", id: approval.id })}>{shortId(approval.id)}</a>
              </th>
              <td className="task">
                <Visible text={run.task} />
              </td>
              <td>
                <Visible text={run.requested_by.name} />
              </td>
              <td>
                <Time at={approval.requested_at} now={now} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

export type Together = {
  /** Those that can be answered with it; some may have come since it was wanted. */
  readonly others: readonly Standing[];
  /** Those that are. */
  readonly chosen: readonly Standing[];
  readonly onChange: (isWanted: boolean) => void;
};

export function AnswerTogether({
  together: { others, chosen, onChange },
  isDisabled,
}: {
  readonly together: Together;
  readonly isDisabled: boolean;
}): ReactNode {
  if (others.length === 0) return null;
  const count = chosen.length === 0 ? others.length : chosen.length;
  const since = chosen.length === 0 ? 0 : others.length - chosen.length;
  return (
    <fieldset>
      <legend>Who else is answered</legend>
      <label>
        <input
          type="checkbox"
          checked={chosen.length > 0}
          disabled={isDisabled}
          onChange={(event) => {
            onChange(event.target.checked);
          }}
        />
        {count === 1 ? "The other one that asks" : `The ${count} others that ask`} exactly this, as well
      </label>
      {since === 0 ? null : <small>{since} more came since, and wait as they did.</small>}
    </fieldset>
  );
}

/** What came of the same answer to the others, each by itself. */
export function AlikeOutcomes({ outcomes }: { readonly outcomes: readonly Outcome[] }): ReactNode {
  if (outcomes.length === 0) return null;
  return (
    <ul className="outcomes" aria-label="What came of the others">
      {outcomes.map(({ approval, answer }) => (
        <li key={approval.id}>
          <a href={hashOf({ page: "approval", id: approval.id })}>{shortId(approval.id)}</a>{" "}
          <WhatCame answer={answer} />
        </li>
      ))}
    </ul>
  );
}

function WhatCame({ answer }: Pick<Outcome, "answer">): ReactNode {
  if (answer === null)
    return (
      <span role="alert">was not sent, since the server did not answer before: it waits as it did.</span>
    );
  if (answer instanceof Unreachable)
    return <span role="alert">was sent, and the server did not answer: look whether it was taken.</span>;
  if (answer instanceof Error) return <Failure error={answer} />;
  return (
    <span role="status">
      {answer.status === "open" ? (
        `Counted: ${answer.votes} of ${answer.requirement.quorum}.`
      ) : (
        <State state={answer.status} />
      )}
    </span>
  );
}
