// The form that registers a key which requests are signed with. Of a pair the public half alone comes here.

import type { CreatedSigningKey, SigningAlgorithm, SigningKeyRequest } from "@assent/contract";
import { type ReactNode, useState } from "react";
import { useAttempt } from "./asking.tsx";
import { newIdempotencyKey } from "./client.ts";
import { OneOf } from "./one-of.tsx";
import { Failure } from "./parts.tsx";
import { publicKeyOf } from "./public-key.ts";
import { useSession } from "./session.tsx";

const ALGORITHMS: readonly (readonly [SigningAlgorithm, string])[] = [
  ["ed25519", "its owner has a pair, and keeps the private half"],
  ["hmac-sha256", "a secret that is made here, and shown once"],
];
const DAY_MS = 86_400_000;
const DAYS_MAX = 3_650;

type Draft = {
  readonly name: string;
  readonly kind: "human" | "service";
  readonly algorithm: SigningAlgorithm;
  readonly publicKey: string;
  /** Empty: it has no end. */
  readonly days: string;
};
const EMPTY: Draft = { name: "", kind: "service", algorithm: "ed25519", publicKey: "", days: "" };

type NewSigningKeyProps = { readonly onMade: (made: CreatedSigningKey) => void };

export function NewSigningKey({ onMade }: NewSigningKeyProps): ReactNode {
  const { client, isStale } = useSession();
  const { error, isSending, send } = useAttempt();
  const [draft, setDraft] = useState(EMPTY);
  const publicKey = publicKeyOf(draft.publicKey);
  const lacks = draft.algorithm === "ed25519" && publicKey === null;
  const make = async (): Promise<void> => {
    const body: SigningKeyRequest = {
      principal: { name: draft.name.trim(), kind: draft.kind },
      algorithm: draft.algorithm,
      ...(draft.algorithm === "ed25519" && publicKey !== null ? { public_key: publicKey } : {}),
      ...(draft.days === ""
        ? {}
        : { expires_at: new Date(Date.now() + Number(draft.days) * DAY_MS).toISOString() }),
    };
    onMade(await client.post<CreatedSigningKey>("/api/harness/signing-keys", body, newIdempotencyKey()));
    setDraft(EMPTY);
  };
  return (
    <section aria-label="Register a signing key">
      <h3>Register one</h3>
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
        <Choices draft={draft} onChange={setDraft} />
        {draft.algorithm === "ed25519" ? (
          <PublicKey
            text={draft.publicKey}
            onChange={(text) => {
              setDraft({ ...draft, publicKey: text });
            }}
          />
        ) : null}
        <label>
          Good for so many days (empty: it has no end){" "}
          <input
            type="number"
            min={1}
            max={DAYS_MAX}
            value={draft.days}
            onChange={(event) => {
              setDraft({ ...draft, days: event.target.value });
            }}
          />
        </label>
        <button type="submit" disabled={isStale || isSending || lacks}>
          Register it
        </button>
      </form>
    </section>
  );
}

function Choices({
  draft,
  onChange,
}: {
  readonly draft: Draft;
  readonly onChange: (draft: Draft) => void;
}): ReactNode {
  return (
    <>
      <OneOf
        legend="Who that is"
        name="signer"
        options={[
          ["service", "a program"],
          ["human", "a person"],
        ]}
        value={draft.kind}
        onChange={(kind) => {
          onChange({ ...draft, kind });
        }}
      />
      <OneOf
        legend="How it signs"
        name="algorithm"
        options={ALGORITHMS.map(([algorithm, what]) => [
          algorithm,
          <>
            {algorithm} <small>{what}</small>
          </>,
        ])}
        value={draft.algorithm}
        onChange={(algorithm) => {
          onChange({ ...draft, algorithm });
        }}
      />
    </>
  );
}

type PublicKeyProps = { readonly text: string; readonly onChange: (text: string) => void };

/** Where a public half is written, and whether it is one. */
export function PublicKey({ text, onChange }: PublicKeyProps): ReactNode {
  return (
    <label>
      Its public half, as PEM or as x of a JWK{" "}
      <textarea
        rows={3}
        value={text}
        required
        maxLength={1_000}
        spellCheck={false}
        onChange={(event) => {
          onChange(event.target.value);
        }}
      />{" "}
      {text.trim() !== "" && publicKeyOf(text) === null ? (
        <small role="status">This is no public Ed25519 key.</small>
      ) : null}
    </label>
  );
}
