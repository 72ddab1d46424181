// A key of the API, or a token of the identity provider: what it may do here is what it may do anywhere.

import { type ReactNode, useState } from "react";
import { createClient, Refused } from "../client.ts";
import { Failure } from "../parts.tsx";

type SignInProps = { readonly onKey: (key: string) => void };

export function SignInPage({ onKey }: SignInProps): ReactNode {
  const [key, setKey] = useState("");
  const [isAsking, setAsking] = useState(false);
  const [error, setError] = useState<Error | null>(null);
  const signIn = async (): Promise<void> => {
    setAsking(true);
    setError(null);
    try {
      await createClient(key.trim(), () => undefined).get("/api/harness/runs?limit=1");
      onKey(key.trim());
    } catch (failure) {
      // Who may do other things than look at runs is let in all the same.
      if (failure instanceof Refused && failure.problem.status === 403) onKey(key.trim());
      else setError(failure instanceof Error ? failure : new Error(String(failure)));
    } finally {
      setAsking(false);
    }
  };
  return (
    <main className="sign-in">
      <h1>Assent</h1>
      <p>Agents act only with assent.</p>
      {error === null ? null : <Failure error={error} />}
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void signIn();
        }}
      >
        <label>
          Your key, or a token of your identity provider
          <input
            type="password"
            autoComplete="off"
            spellCheck={false}
            required
            value={key}
            onChange={(event) => {
              setKey(event.target.value);
            }}
          />
        </label>
        <button type="submit" className="approve" disabled={isAsking || !/^[\w.~+/=-]+$/.test(key.trim())}>
          Sign in
        </button>
      </form>
      <p className="quiet">
        It stays in this tab. The administrator&apos;s is in <code>.assent/credentials.json</code>; whoever
        signs in with it makes one for everybody on the page Access.
      </p>
    </main>
  );
}
