// The form that makes a key. Nobody gives what they may not do themselves: the server sees to it, and says so.

import type { CreatedKey, KeyRequest, Role } from "@assent/contract";
import { type ReactNode, useState } from "react";
import { useAttempt } from "./asking.tsx";
import { newIdempotencyKey } from "./client.ts";
import { OneOf } from "./one-of.tsx";
import { Failure } from "./parts.tsx";
import { useSession } from "./session.tsx";

const ROLES: readonly (readonly [Role, string])[] = [
  ["requester", "submits runs, drives them, calls them off"],
  ["approver", "decides, and takes remembered answers back"],
  ["auditor", "looks at everything but webhooks, changes nothing"],
  ["admin", "everything"],
];
const DAY_MS = 86_400_000;
const DAYS_USUAL = 90;
const DAYS_MAX = 3_650;

type Draft = {
  readonly name: string;
  readonly kind: "human" | "service";
  readonly roles: readonly Role[];
  /** Null: it has no end. */
  readonly days: number | null;
};
const EMPTY: Draft = { name: "", kind: "human", roles: ["approver"], days: DAYS_USUAL };

export function NewKey({ onMade }: { readonly onMade: (key: CreatedKey) => void }): ReactNode {
  const { client, isStale } = useSession();
  const { error, isSending, send } = useAttempt();
  const [draft, setDraft] = useState(EMPTY);
  const make = async (): Promise<void> => {
    const body: KeyRequest = {
      principal: { name: draft.name.trim(), kind: draft.kind },
      scopes: [],
      roles: [...draft.roles],
      ...(draft.days === null
        ? {}
        : { expires_at: new Date(Date.now() + draft.days * DAY_MS).toISOString() }),
    };
    onMade(await client.post<CreatedKey>("/api/harness/keys", body, newIdempotencyKey()));
    setDraft(EMPTY);
  };
  return (
    <section aria-label="Make a key">
      <h2>Make a key</h2>
      {error === null ? null : <Failure error={error} />}
      <form
        className="new-key"
        onSubmit={(event) => {
          event.preventDefault();
          void send(make);
        }}
      >
        <label>
          Whose{" "}
          <input
            value={draft.name}
            required
            maxLength={99}
            onChange={(event) => {
              setDraft({ ...draft, name: event.target.value });
            }}
          />
        </label>
        <Choice draft={draft} onChange={setDraft} />
        <button type="submit" disabled={isStale || isSending || draft.roles.length === 0}>
          Make it
        </button>
      </form>
    </section>
  );
}

type ChoiceProps = { readonly draft: Draft; readonly onChange: (draft: Draft) => void };

function Choice({ draft, onChange }: ChoiceProps): ReactNode {
  return (
    <>
      <OneOf
        legend="Who that is"
        name="kind"
        options={[
          ["human", "a person"],
          ["service", "a program"],
        ]}
        value={draft.kind}
        onChange={(kind) => {
          onChange({ ...draft, kind });
        }}
      />
      <fieldset>
        <legend>What it permits</legend>
        {ROLES.map(([role, what]) => (
          <label key={role}>
            <input
              type="checkbox"
              checked={draft.roles.includes(role)}
              onChange={(event) => {
                const others = draft.roles.filter((one) => one !== role);
                onChange({ ...draft, roles: event.target.checked ? [...others, role] : others });
              }}
            />{" "}
            {role} <small>{what}</small>
          </label>
        ))}
      </fieldset>
      <label>
        Good for{" "}
        <input
          type="number"
          min={1}
          max={DAYS_MAX}
          value={draft.days ?? ""}
          disabled={draft.days === null}
          onChange={(event) => {
            const days = Math.trunc(Number(event.target.value)) || 1;
            onChange({ ...draft, days: Math.min(DAYS_MAX, Math.max(1, days)) });
          }}
        />{" "}
        days
      </label>
      <label>
        <input
          type="checkbox"
          checked={draft.days === null}
          onChange={(event) => {
            onChange({ ...draft, days: event.target.checked ? null : DAYS_USUAL });
          }}
        />{" "}
        it has no end
      </label>
    </>
  );
}
