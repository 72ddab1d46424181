// How people decide: too many questions, or a yes to each of them within seconds, is no assent.

import type { Quality } from "@assent/contract";
import { type ReactNode, useState } from "react";
import { Failure, Loading, Page, Visible } from "../parts.tsx";
import { useResource } from "../session.tsx";
import { duration } from "../words.ts";

const LOOK_MS = 300_000;
const DAYS = [1, 7, 30, 90] as const;
const DAYS_USUAL = 30;

export function QualityPage(): ReactNode {
  const [days, setDays] = useState<number>(DAYS_USUAL);
  const { data, error } = useResource<Quality>(`/api/harness/quality?days=${days}`, LOOK_MS);
  return (
    <Page title="Quality">
      <p className="quiet">
        How people decide. Whoever says yes to nearly everything, within seconds, is asked too much, or does
        not look. Counted are answers about calls, each person&rsquo;s own where several have to agree.
      </p>
      <label>
        The last{" "}
        <select
          value={days}
          onChange={(event) => {
            setDays(Number(event.target.value));
          }}
        >
          {DAYS.map((one) => (
            <option key={one} value={one}>
              {one === 1 ? "day" : `${one} days`}
            </option>
          ))}
        </select>
      </label>
      {error === null ? null : <Failure error={error} />}
      {data === null ? error === null ? <Loading /> : null : <Approvers quality={data} />}
    </Page>
  );
}

function Approvers({ quality }: { readonly quality: Quality }): ReactNode {
  const { data, unanswered, complete } = quality;
  return (
    <>
      {data.length === 0 ? (
        <p className="empty">Nobody answered a question in these days.</p>
      ) : (
        <table className="list">
          <caption>Who answered, since {quality.since.slice(0, 10)}; who answered most comes first</caption>
          <thead>
            <tr>
              <th scope="col">Who</th>
              <th scope="col">Answered</th>
              <th scope="col">Share of yeses</th>
              <th scope="col">Half of them within</th>
              <th scope="col">Taken back or answered otherwise since</th>
            </tr>
          </thead>
          <tbody>
            {data.map((one) => (
              <tr key={one.id}>
                <th scope="row">
                  <Visible text={one.name} /> {one.kind === "human" ? null : <small>a {one.kind}</small>}
                </th>
                <td>{one.answered}</td>
                <td>
                  {Math.round(100 * one.approved_share)} % <small>({one.approved})</small>
                </td>
                <td>{duration(one.median_seconds * 1_000)}</td>
                <td>{one.reversed}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      <p>
        {unanswered} {unanswered === 1 ? "question" : "questions"} ended without an answer, which counts as a
        no.
        {complete ? "" : " There is more than one look takes: this is of the newest runs."}
      </p>
    </>
  );
}
