// Runs, newest first, by their state.

import type { RunSummary } from "@assent/contract";
import { type ReactNode, useRef, useState } from "react";
import { useKeys } from "../keys.ts";
import { Pager } from "../pager.tsx";
import { Failure, Loading, Page, State, Time, Visible } from "../parts.tsx";
import { hashOf } from "../places.ts";
import { useNow, useResource } from "../session.tsx";
import { useWalk } from "../walking.ts";
import { stateWords } from "../words.ts";

const LOOK_MS = 5_000;
const STATES = [
  "running",
  "queued",
  "awaiting_approval",
  "succeeded",
  "failed",
  "cancelled",
  "dead_lettered",
];

type RunPage = { readonly data: readonly RunSummary[]; readonly next_cursor: string | null };

export function RunsPage({ status }: { readonly status: string }): ReactNode {
  const [cursors, setCursors] = useState<readonly string[]>([]);
  const [sought, setSought] = useState("");
  const cursor = cursors.at(-1);
  const query = new URLSearchParams({
    limit: "50",
    ...(status === "" ? {} : { status }),
    ...soughtOf(sought),
    ...(cursor === undefined ? {} : { cursor }),
  });
  const { data, error } = useResource<RunPage>(`/api/harness/runs?${query.toString()}`, LOOK_MS);
  return (
    <Page title="Runs">
      <nav aria-label="Runs by state" className="filters">
        {["", ...STATES].map((state) => (
          <a
            key={state}
            href={hashOf({ page: "runs", status: state })}
            aria-current={state === status ? "page" : undefined}
          >
            {state === "" ? "all" : stateWords(state)}
          </a>
        ))}
      </nav>
      <Search
        onSearch={(text) => {
          setCursors([]);
          setSought(text);
        }}
      />
      {error === null ? null : <Failure error={error} />}
      {data === null ? error === null ? <Loading /> : null : <Runs runs={data.data} />}
      <Pager cursors={cursors} next={data?.next_cursor ?? null} onTurn={setCursors} />
    </Page>
  );
}

/** By what runs can be found: `name:value` is a label, anything else an agent. */
const soughtOf = (text: string): Readonly<Record<string, string>> =>
  text === "" ? {} : text.includes(":") ? { label: text } : { agent: text };

const RUN_ID = /^run_[0-9a-f]{32}$/;

function Search({ onSearch }: { readonly onSearch: (text: string) => void }): ReactNode {
  const field = useRef<HTMLInputElement>(null);
  const [text, setText] = useState("");
  useKeys({ "/": () => field.current?.focus() });
  return (
    <form
      role="search"
      onSubmit={(event) => {
        event.preventDefault();
        const what = text.trim();
        if (RUN_ID.test(what)) location.hash = hashOf({ page: "run", id: what, step: null });
        else onSearch(what);
      }}
    >
      <label>
        Agent, label (name:value) or run{" "}
        <input
          ref={field}
          type="search"
          maxLength={200}
          value={text}
          onChange={(event) => {
            setText(event.target.value);
            if (event.target.value === "") onSearch("");
          }}
        />
      </label>{" "}
      <button type="submit">Search</button>
    </form>
  );
}

function Runs({ runs }: { readonly runs: readonly RunSummary[] }): ReactNode {
  const now = useNow();
  const worn = useWalk(
    runs.map(({ id }) => id),
    (id) => {
      location.hash = hashOf({ page: "run", id, step: null });
    },
  );
  if (runs.length === 0)
    return (
      <div className="empty">
        <p>No such run.</p>
        <p className="quiet">
          Give an agent a task: <code>assent run &lt;agent&gt; &lt;task&gt;</code>
        </p>
      </div>
    );
  return (
    <table className="list">
      <caption className="unseen">Runs, newest first</caption>
      <thead>
        <tr>
          <th scope="col">Task</th>
          <th scope="col">Agent</th>
          <th scope="col">State</th>
          <th scope="col">Asked for by</th>
          <th scope="col">Made</th>
        </tr>
      </thead>
      <tbody>
        {runs.map((run) => (
          <tr key={run.id} {...worn(run.id)}>
            <th scope="row" className="task">
              <a href={hashOf({ page: "run", id: run.id, step: null })}>
                <Visible text={run.task} />
              </a>
            </th>
            <td>{run.agent}</td>
            <td>
              <State state={run.status} />
            </td>
            <td>
              <Visible text={run.requested_by.name} />
            </td>
            <td>
              <Time at={run.created_at} now={now} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
