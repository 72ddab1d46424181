// What waits for a person, what ends soonest first.

import type { RunSummary, WaitingPage } from "@assent/contract";
import type { ReactNode } from "react";
import { isGrave } from "../leaves.ts";
import { Failure, Loading, Page, Visible } from "../parts.tsx";
import { hashOf, type Place } from "../places.ts";
import { countsOfLike } from "../same-question.ts";
import { useNow, useResource } from "../session.tsx";
import { useWalk } from "../walking.ts";
import { duration, harmWords } from "../words.ts";

const LOOK_MS = 4_000;

type Row = {
  readonly key: string;
  readonly place: Place;
  readonly summary: string;
  readonly risk: string;
  readonly isGrave: boolean;
  readonly why: string;
  readonly expiresAt: string | null;
  /** So many ask exactly this, it included; 1 where nobody else does, or each is looked at by itself. */
  readonly alike: number;
};

export function InboxPage(): ReactNode {
  const waiting = useResource<WaitingPage>("/api/harness/waiting", LOOK_MS);
  const parked = useResource<{ data: readonly RunSummary[] }>(
    "/api/harness/runs?status=awaiting_approval&limit=100",
    LOOK_MS,
  );
  const now = useNow();
  const rows = waiting.data === null ? null : rowsOf(waiting.data, parked.data?.data ?? []);
  return (
    <Page title="Inbox" aside={rows === null ? null : <span className="count">{rows.length} waiting</span>}>
      {waiting.error === null ? null : <Failure error={waiting.error} />}
      {rows === null ? waiting.error === null ? <Loading /> : null : <Rows rows={rows} now={now} />}
      {waiting.data?.next_cursor == null ? null : (
        <p className="quiet">More wait than are shown; these are the oldest.</p>
      )}
    </Page>
  );
}

function rowsOf(page: WaitingPage, parked: readonly RunSummary[]): readonly Row[] {
  const open = page.data.filter(({ status }) => status === "open");
  const counts = countsOfLike(open);
  const known = new Set(page.data.map(({ run_id: run }) => run));
  const calls = open.map((call): Row => {
    const { action, decision } = call.record;
    return {
      key: call.approval_id,
      place: { page: "approval", id: call.approval_id },
      summary: call.summary,
      risk: harmWords(action.harm),
      isGrave: isGrave({ action }),
      why:
        call.outcome === "denied"
          ? "The rules of now would deny it all the same."
          : (decision.reasons[0]?.detail ?? ""),
      expiresAt: call.expires_at,
      alike: counts.get(call.approval_id) ?? 1,
    };
  });
  // A call whose outcome nobody knows waits as well, and is found by its run.
  const others = parked
    .filter(({ id }) => !known.has(id))
    .map(({ id, reason }): Row => ({
      key: id,
      place: { page: "run", id, step: null },
      summary: reason?.detail ?? "A run waits for a person.",
      risk: "outcome unknown",
      isGrave: true,
      why: "A call was made, and what came of it has to be said.",
      expiresAt: null,
      alike: 1,
    }));
  return [...others, ...calls.toSorted((a, b) => Number(b.isGrave) - Number(a.isGrave) || soonest(a, b))];
}

const soonest = (a: Row, b: Row): number => Date.parse(a.expiresAt ?? "") - Date.parse(b.expiresAt ?? "");

function Rows({ rows, now }: { readonly rows: readonly Row[]; readonly now: number }): ReactNode {
  const worn = useWalk(
    rows.map(({ key }) => key),
    (chosen) => {
      const row = rows.find(({ key }) => key === chosen);
      if (row !== undefined) location.hash = hashOf(row.place);
    },
  );
  if (rows.length === 0)
    return (
      <div className="empty">
        <p>Nothing waits for a person.</p>
        <p className="quiet">
          What agents may do by the rules, or by an answer that is remembered, does not come here. See{" "}
          <a href={hashOf({ page: "runs", status: "" })}>what they did</a>.
        </p>
      </div>
    );
  return (
    <table className="list">
      <caption className="unseen">What waits, the riskiest and what ends soonest first</caption>
      <thead>
        <tr>
          <th scope="col">What</th>
          <th scope="col">Risk</th>
          <th scope="col">Why it is asked</th>
          <th scope="col">Denied in</th>
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <tr key={row.key} {...worn(row.key)}>
            <th scope="row">
              <a href={hashOf(row.place)}>
                <Visible text={row.summary} />
              </a>
              {row.alike === 1 ? null : <small> asked {row.alike} times alike</small>}
            </th>
            <td className={row.isGrave ? "grave" : ""}>{row.risk}</td>
            <td>
              <Visible text={row.why} />
            </td>
            <td>{row.expiresAt === null ? "" : duration(Math.max(0, Date.parse(row.expiresAt) - now))}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
