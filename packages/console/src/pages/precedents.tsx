// Answers that are given again without asking: whose they are, how often they answered, and how to take one back.

import type { Precedent } from "@assent/contract";
import type { ReactNode } from "react";
import { SayWhy } from "../asking.tsx";
import { newIdempotencyKey } from "../client.ts";
import { Failure, Loading, Page, Time, Visible } from "../parts.tsx";
import { useNow, useResource, useSession } from "../session.tsx";

const LOOK_MS = 15_000;

type PrecedentPage = { readonly data: readonly Precedent[]; readonly next_cursor?: string | null };

export function PrecedentsPage(): ReactNode {
  const { data, error, reload } = useResource<PrecedentPage>("/api/harness/precedents", LOOK_MS);
  return (
    <Page title="Precedents">
      {error === null ? null : <Failure error={error} />}
      {data === null ? (
        error === null ? (
          <Loading />
        ) : null
      ) : (
        <List precedents={data.data} onChange={reload} />
      )}
      {data?.next_cursor == null ? null : (
        <p className="quiet">
          There are more: <code>assent precedents list</code>
        </p>
      )}
    </Page>
  );
}

type ListProps = { readonly precedents: readonly Precedent[]; readonly onChange: () => void };

function List({ precedents, onChange }: ListProps): ReactNode {
  const now = useNow();
  if (precedents.length === 0)
    return (
      <div className="empty">
        <p>No answer is remembered.</p>
        <p className="quiet">
          Whoever decides can have the answer given again to exactly the same question. Until then nothing is
          answered by precedent.
        </p>
      </div>
    );
  return (
    <table className="list">
      <caption className="unseen">Remembered answers, newest questions first</caption>
      <thead>
        <tr>
          <th scope="col">Answer</th>
          <th scope="col">Tool</th>
          <th scope="col">Given by</th>
          <th scope="col">Why</th>
          <th scope="col">Used</th>
          <th scope="col">Good until</th>
          <th scope="col">
            <span className="unseen">Take back</span>
          </th>
        </tr>
      </thead>
      <tbody>
        {precedents.map((one) => (
          <tr key={one.id} className={one.revoked_at === null ? "" : "over"}>
            <th scope="row">{one.decision}</th>
            <td>{one.tool}</td>
            <td>
              <Visible text={one.decided_by ?? "somebody"} /> <Time at={one.decided_at} now={now} />
            </td>
            <td>
              <Visible text={one.rationale} />
            </td>
            <td>
              {one.uses} times
              {one.last_used_at === null ? null : (
                <>
                  , last <Time at={one.last_used_at} now={now} />
                </>
              )}
            </td>
            <td>
              {one.revoked_at === null ? one.expires_at.slice(0, 10) : `revoked: ${one.revoked_reason ?? ""}`}
            </td>
            <td>{one.revoked_at === null ? <Revoke precedent={one} onChange={onChange} /> : null}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Revoke({
  precedent,
  onChange,
}: {
  readonly precedent: Precedent;
  readonly onChange: () => void;
}): ReactNode {
  const { client } = useSession();
  return (
    <SayWhy
      names={{ open: "Revoke", field: "Why", send: "Revoke" }}
      isGrave
      onSend={async (reason) => {
        const path = `/api/harness/precedents/${encodeURIComponent(precedent.id)}/revoke`;
        await client.post(path, { reason }, newIdempotencyKey());
        onChange();
      }}
    />
  );
}
