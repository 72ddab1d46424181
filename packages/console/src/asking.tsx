// What needs a second step: a button that opens it, and what is said with it before anything is sent.

import { type ReactNode, useState } from "react";
import { Failure } from "./parts.tsx";
import { useSession } from "./session.tsx";

export type Attempt = {
  /** Why the last one failed; null where none did. */
  readonly error: Error | null;
  readonly isSending: boolean;
  /** True where it succeeded. */
  readonly send: (work: () => Promise<void>) => Promise<boolean>;
};

/** Sends one thing at a time, and keeps why it failed. */
export function useAttempt(): Attempt {
  const [error, setError] = useState<Error | null>(null);
  const [isSending, setSending] = useState(false);
  const send = async (work: () => Promise<void>): Promise<boolean> => {
    setSending(true);
    setError(null);
    try {
      await work();
      return true;
    } catch (failure) {
      setError(failure instanceof Error ? failure : new Error(String(failure)));
      return false;
    } finally {
      setSending(false);
    }
  };
  return { error, isSending, send };
}

type ActProps = { readonly name: string; readonly onAct: () => Promise<void> };

/** A change that is made at once, since nothing is lost by it. */
export function Act({ name, onAct }: ActProps): ReactNode {
  const { isStale } = useSession();
  const { error, isSending, send } = useAttempt();
  return (
    <div>
      {error === null ? null : <Failure error={error} />}
      <button type="button" disabled={isStale || isSending} onClick={() => void send(onAct)}>
        {name}
      </button>
    </div>
  );
}

type SayWhyProps = {
  /** Of the button that opens it, the field, and the button that sends. */
  readonly names: { readonly open: string; readonly field: string; readonly send: string };
  readonly isGrave?: boolean;
  readonly onSend: (text: string) => Promise<void>;
};

/** A change that needs its reason. */
export function SayWhy({ names, isGrave = false, onSend }: SayWhyProps): ReactNode {
  const { isStale } = useSession();
  const { error, isSending, send } = useAttempt();
  const [text, setText] = useState<string | null>(null);
  if (text === null)
    return (
      <button
        type="button"
        disabled={isStale}
        onClick={() => {
          setText("");
        }}
      >
        {names.open} …
      </button>
    );
  const submit = async (): Promise<void> => {
    if (
      await send(async () => {
        await onSend(text.trim());
      })
    )
      setText(null);
  };
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        void submit();
      }}
    >
      {error === null ? null : <Failure error={error} />}
      <label>
        {names.field}{" "}
        <input
          value={text}
          required
          maxLength={2_000}
          onChange={(event) => {
            setText(event.target.value);
          }}
        />
      </label>
      <button
        type="submit"
        className={isGrave ? "deny" : ""}
        disabled={isStale || isSending || text.trim() === ""}
      >
        {names.send}
      </button>
    </form>
  );
}

type AskTwiceProps = {
  readonly names: { readonly open: string; readonly yes: string; readonly no: string };
  readonly onYes: () => Promise<void>;
};

/** A change that is asked for twice. */
export function AskTwice({ names, onYes }: AskTwiceProps): ReactNode {
  const { isStale } = useSession();
  const { error, isSending, send } = useAttempt();
  const [isAsked, setAsked] = useState(false);
  return (
    <div className="cancel">
      {error === null ? null : <Failure error={error} />}
      {isAsked ? (
        <>
          <button
            type="button"
            className="deny"
            disabled={isStale || isSending}
            onClick={() => {
              setAsked(false);
              void send(onYes);
            }}
          >
            {names.yes}
          </button>
          <button
            type="button"
            onClick={() => {
              setAsked(false);
            }}
          >
            {names.no}
          </button>
        </>
      ) : (
        <button
          type="button"
          disabled={isStale}
          onClick={() => {
            setAsked(true);
          }}
        >
          {names.open} …
        </button>
      )}
    </div>
  );
}
