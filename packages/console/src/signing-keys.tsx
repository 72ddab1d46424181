// Keys that callers sign their requests with: whose they are, and how they are registered, replaced and revoked.

import { ChangingList } from "./changing-list.tsx";
import type { CreatedSigningKey, RotateSigningKey, SigningKey } from "@assent/contract";
import { type ReactNode, useState } from "react";
import { AskTwice, useAttempt } from "./asking.tsx";
import { newIdempotencyKey } from "./client.ts";
import { NewSigningKey, PublicKey } from "./new-signing-key.tsx";
import { Overlap, OVERLAP_HOURS_USUAL } from "./overlap.tsx";
import { Failure, Loading, State, Time, Visible } from "./parts.tsx";
import { publicKeyOf } from "./public-key.ts";
import { Secret } from "./secret.tsx";
import { useNow, useResource, useSession } from "./session.tsx";
import { keyState } from "./words.ts";

const LOOK_MS = 30_000;

export function SigningKeys(): ReactNode {
  const { data, error, reload } = useResource<{ readonly data: readonly SigningKey[] }>(
    "/api/harness/signing-keys",
    LOOK_MS,
  );
  const [made, setMade] = useState<CreatedSigningKey | null>(null);
  const onMade = (key: CreatedSigningKey): void => {
    setMade(key);
    reload();
  };
  return (
    <section aria-label="Signing keys">
      <h2>Signing keys</h2>
      <p className="quiet">
        A signed request is executed at most once. Who has to sign, and who may, is said of keys to the API.
      </p>
      {error === null ? null : <Failure error={error} />}
      {made === null ? null : (
        <Made
          key={made.id}
          made={made}
          onSeen={() => {
            setMade(null);
          }}
        />
      )}
      {data === null ? (
        error === null ? (
          <Loading />
        ) : null
      ) : (
        <>
          <List keys={data.data} onChange={reload} onMade={onMade} />
          <NewSigningKey onMade={onMade} />
        </>
      )}
    </section>
  );
}

/** Of a pair its owner has the private half: what they need from here is the key's id. */
function Made({
  made,
  onSeen,
}: {
  readonly made: CreatedSigningKey;
  readonly onSeen: () => void;
}): ReactNode {
  if (made.secret === null)
    return (
      <p role="status">
        Registered: <Visible text={made.principal.name} /> signs as <code>{made.id}</code>.
      </p>
    );
  return (
    <Secret name="The new signing secret" secret={made.secret} onSeen={onSeen}>
      What <Visible text={made.principal.name} /> signs with, as <code>{made.id}</code>. It is shown this
      once.
    </Secret>
  );
}

type ListProps = {
  readonly keys: readonly SigningKey[];
  readonly onChange: () => void;
  readonly onMade: (made: CreatedSigningKey) => void;
};

function List({ keys, onChange, onMade }: ListProps): ReactNode {
  const now = useNow();
  if (keys.length === 0)
    return (
      <div className="empty">
        <p>Nobody has a signing key.</p>
        <p className="quiet">
          Whoever has one can sign requests; whoever has to sign can do nothing without.
        </p>
      </div>
    );
  return (
    <ChangingList
      caption="Signing keys"
      columns={["Whose", "Named in signatures", "Signs by", "Registered", "Ends", "State"]}
    >
      {keys.map((key) => (
        <tr key={key.id} className={keyState(key, now) === "good" ? "" : "over"}>
          <th scope="row">
            <Visible text={key.principal.name} /> <small>{key.principal.kind}</small>
          </th>
          <td>
            <code>{key.id}</code>
          </td>
          <td>{key.algorithm}</td>
          <td>
            <Time at={key.created_at} now={now} />
          </td>
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

type ChangeProps = Omit<ListProps, "keys"> & { readonly of: SigningKey };

function Change({ of: key, onChange, onMade }: ChangeProps): ReactNode {
  const { client } = useSession();
  return (
    <>
      <Replace of={key} onMade={onMade} />
      <AskTwice
        names={{ open: "Revoke", yes: "Yes, at once and for good", no: "No, keep it" }}
        onYes={async () => {
          await client.remove(`/api/harness/signing-keys/${key.id}`, newIdempotencyKey());
          onChange();
        }}
      />
    </>
  );
}

type Successor = { readonly publicKey: string; readonly hours: number };

/** Asks for the new public half, where there is one, and how long the old key is to be good beside it. */
function Replace({ of: key, onMade }: Omit<ChangeProps, "onChange">): ReactNode {
  const { client, isStale } = useSession();
  const { error, isSending, send } = useAttempt();
  const [next, setNext] = useState<Successor | null>(null);
  if (next === null)
    return (
      <button
        type="button"
        disabled={isStale}
        onClick={() => {
          setNext({ publicKey: "", hours: OVERLAP_HOURS_USUAL });
        }}
      >
        Replace …
      </button>
    );
  const isPair = key.algorithm === "ed25519";
  const publicKey = isPair ? publicKeyOf(next.publicKey) : null;
  const replace = async (): Promise<void> => {
    const body: RotateSigningKey = {
      overlap_seconds: next.hours * 3_600,
      ...(publicKey === null ? {} : { public_key: publicKey }),
    };
    const path = `/api/harness/signing-keys/${key.id}/rotate`;
    onMade(await client.post<CreatedSigningKey>(path, body, newIdempotencyKey()));
    setNext(null);
  };
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        void send(replace);
      }}
    >
      {error === null ? null : <Failure error={error} />}
      {isPair ? (
        <PublicKey
          text={next.publicKey}
          onChange={(text) => {
            setNext({ ...next, publicKey: text });
          }}
        />
      ) : null}
      <Overlap
        hours={next.hours}
        onChange={(hours) => {
          setNext({ ...next, hours });
        }}
      />
      <button
        type="submit"
        className="deny"
        disabled={isStale || isSending || (isPair && publicKey === null)}
      >
        Replace it
      </button>
      <button
        type="button"
        onClick={() => {
          setNext(null);
        }}
      >
        No, keep it
      </button>
    </form>
  );
}
