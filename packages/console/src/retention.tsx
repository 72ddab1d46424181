// How long what is kept. It is read only: the one time that can be set stands in the server's configuration.

import type { Retention } from "@assent/contract";
import type { ReactNode } from "react";
import { Failure, Loading } from "./parts.tsx";
import { useResource } from "./session.tsx";
import { duration } from "./words.ts";

const LOOK_MS = 300_000;

type Kept = Retention["data"][number];

const WHAT: Readonly<Record<Kept["what"], string>> = {
  audit_entries: "Entries of the evidence",
  runs: "Runs, with their steps, approvals and artifacts",
  documents: "Documents",
  webhook_messages: "Messages to webhooks, from when they were sent or given up",
  idempotency_answers: "Answers that are given again to the same request",
  workspace_copies: "Private copies that runs worked on, from their end",
  unnamed_content: "Stored content that no run names",
};

const THEN: Readonly<Record<Kept["removed"], string>> = {
  by_itself: "removed by itself",
  when_asked: "removed when somebody asks",
  never: "stays",
};

export function RetentionSection(): ReactNode {
  const { data, error } = useResource<Retention>("/api/harness/retention", LOOK_MS);
  return (
    <section aria-label="What is kept how long">
      <h2>What is kept how long</h2>
      {error === null ? null : <Failure error={error} />}
      {data === null ? error === null ? <Loading /> : null : <List kept={data.data} />}
    </section>
  );
}

function List({ kept }: { readonly kept: readonly Kept[] }): ReactNode {
  return (
    <table className="list">
      <caption className="unseen">What is kept how long</caption>
      <thead>
        <tr>
          <th scope="col">What</th>
          <th scope="col">Kept for</th>
          <th scope="col">Then</th>
          <th scope="col">Set by</th>
        </tr>
      </thead>
      <tbody>
        {kept.map(({ what, seconds, removed, setting }) => (
          <tr key={what}>
            <th scope="row">{WHAT[what]}</th>
            <td>{seconds === null ? "no end" : duration(seconds * 1_000)}</td>
            <td>{THEN[removed]}</td>
            <td>{setting === null ? "the program" : <code>{setting}</code>}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
