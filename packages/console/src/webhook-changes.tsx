// What can be done with a webhook: tried, switched on again, given another secret, removed.

import type { CreatedWebhook, Delivery, RotateWebhook, Webhook } from "@assent/contract";
import { type ReactNode, useState } from "react";
import { Act, AskTwice, useAttempt } from "./asking.tsx";
import { newIdempotencyKey } from "./client.ts";
import { Overlap, OVERLAP_HOURS_USUAL } from "./overlap.tsx";
import { Failure } from "./parts.tsx";
import { useSession } from "./session.tsx";

type ChangesProps = {
  readonly of: Webhook;
  /** Told what was done, in words. */
  readonly onDone: (said: string) => void;
  readonly onSecret: (made: CreatedWebhook) => void;
};

export function Changes({ of: webhook, onDone, onSecret }: ChangesProps): ReactNode {
  const { client } = useSession();
  const path = `/api/harness/webhooks/${webhook.id}`;
  return (
    <>
      {webhook.status === "on" ? (
        <Act
          name="Send a ping"
          onAct={async () => {
            const { id } = await client.post<Delivery>(`${path}/ping`, {}, newIdempotencyKey());
            onDone(`Message ${id} waits to be sent.`);
          }}
        />
      ) : null}
      {webhook.status === "off" || webhook.failures > 0 ? (
        <Act
          name="Enable"
          onAct={async () => {
            await client.post(`${path}/enable`, {}, newIdempotencyKey());
            onDone("It is on: what waited for it is sent.");
          }}
        />
      ) : null}
      <Replace path={path} onSecret={onSecret} />
      <AskTwice
        names={{ open: "Remove", yes: "Yes, at once and for good", no: "No, keep it" }}
        onYes={async () => {
          await client.remove(path, newIdempotencyKey());
          onDone("It is removed: nothing is sent to it any more.");
        }}
      />
    </>
  );
}

type ReplaceProps = { readonly path: string; readonly onSecret: ChangesProps["onSecret"] };

/** Asks how long the secret before is to be good beside the new one. */
function Replace({ path, onSecret }: ReplaceProps): ReactNode {
  const { client, isStale } = useSession();
  const { error, isSending, send } = useAttempt();
  /** Null: it is not asked for. */
  const [hours, setHours] = useState<number | null>(null);
  if (hours === null)
    return (
      <button
        type="button"
        disabled={isStale}
        onClick={() => {
          setHours(OVERLAP_HOURS_USUAL);
        }}
      >
        Replace the secret …
      </button>
    );
  const replace = async (): Promise<void> => {
    const body: RotateWebhook = { overlap_seconds: hours * 3_600 };
    onSecret(await client.post<CreatedWebhook>(`${path}/rotate`, body, newIdempotencyKey()));
    setHours(null);
  };
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        void send(replace);
      }}
    >
      {error === null ? null : <Failure error={error} />}
      <Overlap hours={hours} onChange={setHours} />
      <button type="submit" className="deny" disabled={isStale || isSending}>
        A new secret
      </button>
      <button
        type="button"
        onClick={() => {
          setHours(null);
        }}
      >
        No, keep it
      </button>
    </form>
  );
}
