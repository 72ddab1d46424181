// What one webhook was sent, and what became of it; what was given up is sent again from here.

import { ChangingList } from "../changing-list.tsx";
import type { Delivery, DeliveryPage, Redeliver, Redelivered, WebhookList } from "@assent/contract";
import { type ReactNode, useState } from "react";
import { Act } from "../asking.tsx";
import { newIdempotencyKey } from "../client.ts";
import { Pager } from "../pager.tsx";
import { Failure, Loading, Page, State, Time, Visible } from "../parts.tsx";
import { hashOf } from "../places.ts";
import { useNow, useResource, useSession } from "../session.tsx";
import { useWalk } from "../walking.ts";
import { outcomeWords, sentAgain, STATUSES } from "../webhook-words.ts";
import { shortId } from "../words.ts";

const LOOK_MS = 5_000;
const PAGE_ROWS = 25;

type WebhookPageProps = { readonly id: string; readonly status: string };

export function WebhookPage({ id, status }: WebhookPageProps): ReactNode {
  const { client } = useSession();
  const [cursors, setCursors] = useState<readonly string[]>([]);
  const [said, setSaid] = useState("");
  const cursor = cursors.at(-1);
  const query = new URLSearchParams({
    limit: String(PAGE_ROWS),
    ...(status === "" ? {} : { status }),
    ...(cursor === undefined ? {} : { cursor }),
  });
  const path = `/api/harness/webhooks/${id}`;
  const { data, error, reload } = useResource<DeliveryPage>(
    `${path}/deliveries?${query.toString()}`,
    LOOK_MS,
  );
  const sendAgain = async (body: Redeliver): Promise<void> => {
    const { redelivered } = await client.post<Redelivered>(`${path}/redeliver`, body, newIdempotencyKey());
    setSaid(sentAgain(redelivered));
    reload();
  };
  return (
    <Page title="Messages" aside={<Whose id={id} />}>
      <nav aria-label="Messages by state" className="filters">
        {STATUSES.map(([one, name]) => (
          <a
            key={one}
            href={hashOf({ page: "webhook", id, status: one })}
            aria-current={one === status ? "page" : undefined}
          >
            {name}
          </a>
        ))}
      </nav>
      {error === null ? null : <Failure error={error} />}
      <p role="status">{said}</p>
      {data === null ? (
        error === null ? (
          <Loading />
        ) : null
      ) : (
        <>
          <Act
            name="Send all that are dead again"
            onAct={async () => {
              await sendAgain({});
            }}
          />
          <Messages messages={data.data} onAgain={sendAgain} />
        </>
      )}
      <Pager cursors={cursors} next={data?.next_cursor ?? null} onTurn={setCursors} />
    </Page>
  );
}

/** Where they lead, and the way back. */
function Whose({ id }: { readonly id: string }): ReactNode {
  const { data } = useResource<WebhookList>("/api/harness/webhooks", LOOK_MS);
  const webhook = data?.data.find((one) => one.id === id);
  return (
    <span>
      to {webhook === undefined ? <code>{id}</code> : <Visible text={webhook.url} />}{" "}
      <a href={hashOf({ page: "webhooks" })}>All webhooks</a>
    </span>
  );
}

type MessagesProps = {
  readonly messages: readonly Delivery[];
  readonly onAgain: (body: Redeliver) => Promise<void>;
};

function Messages({ messages, onAgain }: MessagesProps): ReactNode {
  const now = useNow();
  const worn = useWalk(
    messages.map(({ id }) => id),
    (chosen) => {
      const run = messages.find(({ id }) => id === chosen)?.run_id ?? null;
      if (run !== null) location.hash = hashOf({ page: "run", id: run, step: null });
    },
  );
  if (messages.length === 0) return <p className="empty">No such message.</p>;
  return (
    <ChangingList
      caption="Messages, newest first"
      columns={["Message", "Tells of", "Run", "When", "State", "Attempts", "The last one"]}
    >
      {messages.map((one) => (
        <tr key={one.id} {...worn(one.id)}>
          <th scope="row">
            <code>{one.id}</code>
          </th>
          <td>{one.type}</td>
          <td>
            {one.run_id === null ? null : (
              <a href={hashOf({ page: "run", id: one.run_id, step: null })}>{shortId(one.run_id)}</a>
            )}
          </td>
          <td>
            <Time at={one.at} now={now} />
          </td>
          <td>
            <State state={one.status} />
          </td>
          <td>{one.attempts}</td>
          <td>{outcomeWords(one, now)}</td>
          <td>
            {one.status === "pending" ? null : (
              <Act
                name="Send again"
                onAct={async () => {
                  await onAgain({ deliveries: [one.id] });
                }}
              />
            )}
          </td>
        </tr>
      ))}
    </ChangingList>
  );
}
