// Keys to the API: whose they are, what they permit, and how they are made, replaced and ended.

import { ChangingList } from "../changing-list.tsx";
import type { AccessEventPage, CreatedKey, Key, KeyList } from "@assent/contract";
import { type ReactNode, useState } from "react";
import { AskTwice } from "../asking.tsx";
import { newIdempotencyKey } from "../client.ts";
import { NewKey } from "../new-key.tsx";
import { Failure, Loading, Page, State, Time, Visible } from "../parts.tsx";
import { Secret } from "../secret.tsx";
import { useNow, useResource, useSession } from "../session.tsx";
import { keyState, stateWords } from "../words.ts";

const LOOK_MS = 30_000;
/** The old key's end when it is replaced: long enough to carry the new one where the old one is. */
const OVERLAP_SECONDS = 86_400;

export function AccessPage(): ReactNode {
  const { data, error, reload } = useResource<KeyList>("/api/harness/keys", LOOK_MS);
  const [made, setMade] = useState<CreatedKey | null>(null);
  const onMade = (key: CreatedKey): void => {
    setMade(key);
    reload();
  };
  return (
    <Page title="Access">
      {error === null ? null : <Failure error={error} />}
      {made === null ? null : (
        <Secret
          name="The new key"
          secret={made.secret}
          onSeen={() => {
            setMade(null);
          }}
        >
          The key of <Visible text={made.principal.name} />. It is shown this once; whoever has it may what it
          permits.
        </Secret>
      )}
      {data === null ? (
        error === null ? (
          <Loading />
        ) : null
      ) : (
        <>
          <Keys keys={data.data} onChange={reload} onMade={onMade} />
          <NewKey onMade={onMade} />
        </>
      )}
      <Log />
    </Page>
  );
}

type KeysProps = {
  readonly keys: readonly Key[];
  readonly onChange: () => void;
  readonly onMade: (key: CreatedKey) => void;
};

function Keys({ keys, onChange, onMade }: KeysProps): ReactNode {
  const now = useNow();
  return (
    <ChangingList caption="Keys" columns={["Whose", "Key", "May", "Used", "Ends", "State"]}>
      {keys.map((key) => (
        <tr key={key.id} className={keyState(key, now) === "good" ? "" : "over"}>
          <th scope="row">
            <Visible text={key.principal.name} /> <small>{key.principal.kind}</small>
          </th>
          <td>
            <code>{key.prefix}…</code>
          </td>
          <td>
            {[...key.roles, ...key.scopes].join(", ")}
            {key.must_sign ? <small> signed requests only</small> : null}
          </td>
          <td>{key.last_used_at === null ? "never" : <Time at={key.last_used_at} now={now} />}</td>
          <td>{key.expires_at === null ? "" : key.expires_at.slice(0, 10)}</td>
          <td>
            <State state={keyState(key, now)} />
          </td>
          <td>
            {keyState(key, now) === "good" ? <Change of={key} onChange={onChange} onMade={onMade} /> : null}
          </td>
        </tr>
      ))}
    </ChangingList>
  );
}

type ChangeProps = {
  readonly of: Key;
  readonly onChange: () => void;
  readonly onMade: (key: CreatedKey) => void;
};

function Change({ of: key, onChange, onMade }: ChangeProps): ReactNode {
  const { client } = useSession();
  const path = `/api/harness/keys/${key.id}`;
  return (
    <>
      <AskTwice
        names={{ open: "Replace", yes: "A new key; this one ends in a day", no: "No, keep it" }}
        onYes={async () => {
          const body = { overlap_seconds: OVERLAP_SECONDS };
          onMade(await client.post<CreatedKey>(`${path}/rotate`, body, newIdempotencyKey()));
        }}
      />
      <AskTwice
        names={{ open: "Revoke", yes: "Yes, at once and for good", no: "No, keep it" }}
        onYes={async () => {
          await client.remove(path, newIdempotencyKey());
          onChange();
        }}
      />
    </>
  );
}

/** What was done about credentials; for whoever may read the audit. */
function Log(): ReactNode {
  const { data, error } = useResource<AccessEventPage>("/api/harness/access-events", LOOK_MS);
  const now = useNow();
  if (data === null) return error === null ? null : <Failure error={error} />;
  return (
    <section aria-label="What was done">
      <h2>What was done</h2>
      <table className="list">
        <caption className="unseen">What was done about credentials, newest first</caption>
        <thead>
          <tr>
            <th scope="col">What</th>
            <th scope="col">By</th>
            <th scope="col">When</th>
          </tr>
        </thead>
        <tbody>
          {data.data.map((event) => (
            <tr key={event.id}>
              <th scope="row">{stateWords(event.kind)}</th>
              <td>
                <Visible text={event.actor?.name ?? "nobody who is known"} />
              </td>
              <td>
                <Time at={event.at} now={now} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {data.next === null ? null : (
        <p className="quiet">
          There are more: <code>assent keys log</code>
        </p>
      )}
    </section>
  );
}
