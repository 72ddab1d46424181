// Where news of the tenant goes: which webhooks there are and how they fare. Their messages have a page of their own.

import { ChangingList } from "../changing-list.tsx";
import type { CreatedWebhook, Webhook, WebhookList } from "@assent/contract";
import { type ReactNode, useState } from "react";
import { NewWebhook } from "../new-webhook.tsx";
import { Failure, Loading, Page, State, Time, Visible } from "../parts.tsx";
import { hashOf } from "../places.ts";
import { Secret } from "../secret.tsx";
import { useNow, useResource } from "../session.tsx";
import { useWalk } from "../walking.ts";
import { Changes } from "../webhook-changes.tsx";
import { pauseWords, webhookState } from "../webhook-words.ts";
import { ahead } from "../words.ts";

const LOOK_MS = 5_000;

export function WebhooksPage(): ReactNode {
  const { data, error, reload } = useResource<WebhookList>("/api/harness/webhooks", LOOK_MS);
  const [made, setMade] = useState<CreatedWebhook | null>(null);
  const [said, setSaid] = useState("");
  const onSecret = (webhook: CreatedWebhook): void => {
    setMade(webhook);
    setSaid("");
    reload();
  };
  const onDone = (words: string): void => {
    setSaid(words);
    reload();
  };
  return (
    <Page title="Webhooks">
      {error === null ? null : <Failure error={error} />}
      <p role="status">{said}</p>
      {made === null ? null : (
        <Secret
          key={made.secret}
          name="The new secret"
          secret={made.secret}
          onSeen={() => {
            setMade(null);
          }}
        >
          What messages to <Visible text={made.url} /> are signed with. It is shown this once; whoever
          receives them verifies them with it.
        </Secret>
      )}
      {data === null ? (
        error === null ? (
          <Loading />
        ) : null
      ) : (
        <>
          <Webhooks webhooks={data.data} onDone={onDone} onSecret={onSecret} />
          <NewWebhook onMade={onSecret} />
        </>
      )}
    </Page>
  );
}

type WebhooksProps = {
  readonly webhooks: readonly Webhook[];
  readonly onDone: (said: string) => void;
  readonly onSecret: (made: CreatedWebhook) => void;
};

function Webhooks({ webhooks, ...told }: WebhooksProps): ReactNode {
  const now = useNow();
  const worn = useWalk(
    webhooks.map(({ id }) => id),
    (id) => {
      location.hash = hashOf({ page: "webhook", id, status: "" });
    },
  );
  if (webhooks.length === 0)
    return (
      <div className="empty">
        <p>Nobody is told of anything.</p>
        <p className="quiet">
          A webhook is told when somebody is asked, when they answered, and how runs end.
        </p>
      </div>
    );
  return (
    <ChangingList
      caption="Webhooks"
      columns={["Leads to", "Told of", "State", "Failed in a row", "Paused until", "Made"]}
    >
      {webhooks.map((webhook) => (
        <tr key={webhook.id} {...worn(webhook.id)}>
          <Leads webhook={webhook} now={now} />
          <td>{webhook.events.join(", ")}</td>
          <td>
            <State state={webhookState(webhook)} />
            {webhook.status === "off" ? <small> it answered 410</small> : null}
          </td>
          <td>{webhook.failures}</td>
          <td>
            <Paused until={webhook.paused_until} now={now} />
          </td>
          <td>
            <Time at={webhook.created_at} now={now} /> by <Visible text={webhook.created_by.name} />
          </td>
          <td>
            <Changes of={webhook} {...told} />
          </td>
        </tr>
      ))}
    </ChangingList>
  );
}

function Leads({ webhook, now }: { readonly webhook: Webhook; readonly now: number }): ReactNode {
  const { id, url, description, previous_secret_until: until } = webhook;
  return (
    <th scope="row">
      <a href={hashOf({ page: "webhook", id, status: "" })}>
        <Visible text={url} />
      </a>
      {description === "" ? null : (
        <div>
          <Visible text={description} />
        </div>
      )}
      {until === null ? null : (
        <div>
          <small>
            The secret before ends <time dateTime={until}>{ahead(until, now)}</time>
          </small>
        </div>
      )}
    </th>
  );
}

function Paused({ until, now }: { readonly until: string | null; readonly now: number }): ReactNode {
  const words = pauseWords(until, now);
  if (until === null || words === "") return null;
  return (
    <time dateTime={until} title={until}>
      {words}
    </time>
  );
}
