// The form that makes a webhook. Where it may lead, the server's configuration says, and so does its answer.

import type { CreatedWebhook, WebhookEvent, WebhookRequest } from "@assent/contract";
import { type ReactNode, useState } from "react";
import { useAttempt } from "./asking.tsx";
import { newIdempotencyKey } from "./client.ts";
import { Failure } from "./parts.tsx";
import { useSession } from "./session.tsx";
import { EVENTS } from "./webhook-words.ts";

type Draft = {
  readonly url: string;
  readonly events: readonly WebhookEvent[];
  readonly description: string;
};
const EMPTY: Draft = { url: "", events: EVENTS.map(([event]) => event), description: "" };

export function NewWebhook({ onMade }: { readonly onMade: (made: CreatedWebhook) => void }): ReactNode {
  const { client, isStale } = useSession();
  const { error, isSending, send } = useAttempt();
  const [draft, setDraft] = useState(EMPTY);
  const make = async (): Promise<void> => {
    const body: WebhookRequest = {
      url: draft.url.trim(),
      events: [...draft.events],
      description: draft.description.trim(),
    };
    onMade(await client.post<CreatedWebhook>("/api/harness/webhooks", body, newIdempotencyKey()));
    setDraft(EMPTY);
  };
  return (
    <section aria-label="Make a webhook">
      <h2>Make a webhook</h2>
      {error === null ? null : <Failure error={error} />}
      <form
        className="new-key"
        onSubmit={(event) => {
          event.preventDefault();
          void send(make);
        }}
      >
        <label>
          Where messages are posted to{" "}
          <input
            type="url"
            value={draft.url}
            required
            maxLength={2_048}
            placeholder="https://hooks.example.org/assent"
            onChange={(event) => {
              setDraft({ ...draft, url: event.target.value });
            }}
          />
        </label>
        <Told draft={draft} onChange={setDraft} />
        <label>
          What it is for{" "}
          <input
            value={draft.description}
            maxLength={200}
            onChange={(event) => {
              setDraft({ ...draft, description: event.target.value });
            }}
          />
        </label>
        <button type="submit" disabled={isStale || isSending || draft.events.length === 0}>
          Make it
        </button>
      </form>
    </section>
  );
}

type ToldProps = { readonly draft: Draft; readonly onChange: (draft: Draft) => void };

function Told({ draft, onChange }: ToldProps): ReactNode {
  return (
    <fieldset>
      <legend>What it is told of</legend>
      {EVENTS.map(([event, when]) => (
        <label key={event}>
          <input
            type="checkbox"
            checked={draft.events.includes(event)}
            onChange={({ target }) => {
              const others = draft.events.filter((one) => one !== event);
              onChange({ ...draft, events: target.checked ? [...others, event] : others });
            }}
          />{" "}
          {event} <small>{when}</small>
        </label>
      ))}
    </fieldset>
  );
}
